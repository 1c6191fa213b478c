// Command lint builds the pinned linter and runs it on the product and the tests.
//
//	go -C test run ./cmd/lint
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"whereby_exporter/test/programs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "lint:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	root, err := programs.Root()
	if err != nil {
		return err
	}
	linter, err := programs.Linter.Build(ctx, os.Stdout)
	if err != nil {
		return err
	}
	for _, module := range []string{".", "test", "test/helm"} {
		fmt.Printf("linting module %s\n", module)
		cmd := exec.CommandContext(ctx, linter, "run", "--config", filepath.Join(root, ".golangci.yml"), "./...")
		cmd.Dir = filepath.Join(root, module)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("module %s: %w", module, err)
		}
	}
	return nil
}
