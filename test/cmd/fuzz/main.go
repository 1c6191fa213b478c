// Command fuzz runs every fuzz test of the product for a while, one after another.
//
//	go -C test run ./cmd/fuzz [-fuzztime 20s]
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
	"regexp"
	"strings"

	"whereby_exporter/test/programs"
)

func main() {
	fuzztime := flag.String("fuzztime", "20s", "how long to run each fuzz test")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *fuzztime); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

var fuzzTest = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

func run(ctx context.Context, fuzztime string) error {
	root, err := programs.Root()
	if err != nil {
		return err
	}
	found := 0
	err = filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(entry.Name(), "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range fuzzTest.FindAllSubmatch(source, -1) {
			found++
			cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+string(match[1])+"$", "-fuzztime", fuzztime, ".")
			cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Dir(path), os.Stdout, os.Stderr
			fmt.Printf("fuzzing %s\n", match[1])
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("%s in %s: %w", match[1], path, err)
			}
		}
		return nil
	})
	if err == nil && found == 0 {
		err = errors.New("no fuzz tests found")
	}
	return err
}
