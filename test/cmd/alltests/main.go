// Command alltests runs all tests of the repository, including those against a real
// Prometheus. It builds everything that they need.
//
//	go -C test run ./cmd/alltests [-race] [-exhaustive all|changed]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"time"

	"whereby_exporter/test/exhaustive"
	"whereby_exporter/test/programs"
)

func main() {
	race := flag.Bool("race", false, "run the tests of the product with the race detector too; needs a C compiler")
	tier := flag.String("exhaustive", "", "run the second tier too: `all` of it, or what has not passed on this machine with the files as they are")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *race, *tier); err != nil {
		fmt.Fprintln(os.Stderr, "alltests:", err)
		os.Exit(1)
	}
}

// lanes returns modules whose tests run next to those of the other lanes: the tests of the
// product compute, and those in test mostly wait for other programs. In each module
// the packages that take longest start first: at the end, they would leave a processor idle.
func lanes(race bool) [][]module {
	// Tests of programs mostly wait. Next to the race detector, there is less room for them.
	atOnce := 6
	if race {
		atOnce = 4
	}
	lanes := [][]module{
		// These run programs, which the detector does not see; what they share with the
		// product's tests, such as the simulated account, it watches there.
		{{dir: "test", first: []string{"./packaging", "./e2e", "./alerts", "./browser", "./dashboards", "./image"}, parallel: atOnce}},
		// Rendering a chart has no races, and Kubernetes' types take minutes to build twice.
		{{dir: "test/helm"}},
	}
	first := []string{"./collector", "./collector/app", "./collector/opening", "./whereby/wherebytest", "./collector/poller"}
	if !race {
		return append(lanes, []module{{dir: ".", first: first}})
	}
	return append(lanes,
		[]module{{dir: ".", first: first, but: sequential, race: true, short: true}},
		[]module{{dir: ".", only: append(slices.Clone(shortened), sequential...)}},
	)
}

// sequential are packages of the product in which nothing runs at the same time as
// anything else, and which no test calls from several goroutines: the race detector has
// nothing to find in them.
var sequential = []string{
	".", "./alerts", "./collector/billing", "./collector/config", "./collector/cost",
	"./collector/live", "./collector/metrics", "./dashboards", "./docs",
}

// shortened are packages in which the race detector runs fewer or shorter tests: some simulate
// days, and meet the same goroutines in one, and some do one thing after the other. All of
// them run without it, at a fifth of the time.
var shortened = []string{
	"./collector", "./collector/backfill", "./collector/exposition", "./collector/opening", "./collector/poller", "./whereby", "./whereby/wherebytest",
}

func run(ctx context.Context, race bool, tier string) error {
	if tier != "" && tier != exhaustive.All && tier != exhaustive.Changed {
		return fmt.Errorf("-exhaustive is %q, want %s or %s", tier, exhaustive.All, exhaustive.Changed)
	}
	root, err := programs.Root()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := build(ctx); err != nil {
		return err
	}
	fmt.Printf("programs are up to date after %v\n", time.Since(began).Round(time.Second))

	environment := append(os.Environ(), programs.BuiltVariable+"=true", exhaustive.Variable+"="+tier)
	report := newReport(os.Stdout)
	lanes := lanes(race)
	errs := make([]error, len(lanes))
	var wg sync.WaitGroup
	for i, lane := range lanes {
		wg.Go(func() {
			for _, m := range lane {
				errs[i] = errors.Join(errs[i], m.test(ctx, root, environment, report))
			}
		})
	}
	wg.Wait()
	report.summarize()
	fmt.Printf("all of it took %v\n", time.Since(began).Round(time.Second))
	return errors.Join(errs...)
}

// build brings the programs that the tests run up to date.
func build(ctx context.Context) error {
	for _, program := range []programs.Program{
		programs.Exporter, programs.Prometheus, programs.Promtool, programs.Alertmanager, programs.Amtool, programs.Nfpm,
	} {
		if _, err := program.Build(ctx, os.Stdout); err != nil {
			return err
		}
	}
	return nil
}
