// Command alltests runs all tests of the repository, the ones against a real
// Prometheus included. It builds what they need by itself.
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
	"strings"
	"sync"
	"time"

	"whereby_exporter/test/exhaustive"
	"whereby_exporter/test/programs"
)

func main() {
	race := flag.Bool("race", false, "run the tests of the product with the race detector; needs a C compiler")
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
// the packages that take longest start first.
func lanes() [][]module {
	return [][]module{
		// These run programs, which the detector does not see; what they share with the
		// product's tests, such as the simulated account, it watches there.
		{{dir: "test", first: []string{"./e2e", "./packaging", "./image", "./dashboards", "./alerts"}, noRace: true}},
		{
			{dir: ".", first: []string{"./collector", "./collector/app"}},
			// Rendering a chart has no races, and Kubernetes' types take minutes to build twice.
			{dir: "test/helm", noRace: true},
		},
	}
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
	built, err := build(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("programs are up to date after %v\n", time.Since(began).Round(time.Second))

	environment := append(os.Environ(), programs.BuiltVariable+"="+built, exhaustive.Variable+"="+tier)
	report := newReport(os.Stdout)
	errs := make([]error, len(lanes()))
	var wg sync.WaitGroup
	for i, lane := range lanes() {
		wg.Go(func() {
			for _, m := range lane {
				errs[i] = errors.Join(errs[i], m.test(ctx, root, environment, race, report))
			}
		})
	}
	wg.Wait()
	report.summarize()
	fmt.Printf("all of it took %v\n", time.Since(began).Round(time.Second))
	return errors.Join(errs...)
}

// build brings the programs that the tests run up to date, and returns their names,
// separated by commas.
func build(ctx context.Context) (string, error) {
	needed := []programs.Program{
		programs.Exporter, programs.Prometheus, programs.Promtool, programs.Alertmanager, programs.Amtool, programs.Nfpm,
	}
	var names []string
	for _, program := range needed {
		if _, err := program.Build(ctx, os.Stdout); err != nil {
			return "", err
		}
		names = append(names, program.Name)
	}
	return strings.Join(names, ","), nil
}
