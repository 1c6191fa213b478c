// Command alltests runs all tests of the repository, the ones against a real
// Prometheus included. It builds what they need by itself.
//
//	go -C test run ./cmd/alltests [-race]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"whereby_exporter/test/programs"
)

func main() {
	race := flag.Bool("race", false, "run the tests with the race detector; needs a C compiler")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *race); err != nil {
		fmt.Fprintln(os.Stderr, "alltests:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, race bool) error {
	root, err := programs.Root()
	if err != nil {
		return err
	}
	for _, program := range []programs.Program{programs.Exporter, programs.Prometheus, programs.Promtool, programs.Alertmanager, programs.Amtool} {
		if _, err := program.Build(ctx, os.Stdout); err != nil {
			return err
		}
	}
	var failed error
	for _, module := range []string{".", "test", "test/helm"} {
		args := []string{"test", "-timeout", "15m"}
		// Rendering a chart has no races, and Kubernetes' types take minutes to build twice.
		if race && module != "test/helm" {
			args = append(args, "-race")
		}
		fmt.Printf("testing module %s\n", module)
		cmd := exec.CommandContext(ctx, "go", append(args, "./...")...)
		cmd.Dir = filepath.Join(root, module)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			failed = errors.Join(failed, fmt.Errorf("tests of module %s: %w", module, err))
		}
	}
	return failed
}
