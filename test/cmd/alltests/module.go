package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// module is one of the repository's modules with tests.
type module struct {
	// dir is its folder, below the root.
	dir string
	// first are the packages to start with.
	first []string
	// noRace is set if the race detector has nothing to find.
	noRace bool
}

// test runs the module's tests.
func (m module) test(ctx context.Context, root string, environment []string, race bool, r *report) error {
	cmd := exec.CommandContext(ctx, "go", m.args(race)...)
	cmd.Dir = filepath.Join(root, m.dir)
	cmd.Env = environment
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("test module %s: %w", m.dir, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("test module %s: %w", m.dir, err)
	}
	read := readEvents(events, r)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("tests of module %s: %w", m.dir, err)
	}
	return read
}

func (m module) args(race bool) []string {
	// The timeout is for a test that hangs, and not for a busy machine.
	args := []string{"test", "-json", "-timeout", "40m"}
	if race && !m.noRace {
		args = append(args, "-race")
	}
	if m.dir != "." {
		// These tests read files of other modules, and run programs: changes that the
		// cache of results does not see.
		args = append(args, "-count", "1")
	}
	return append(append(args, m.first...), "./...")
}

// readEvents hands each line to the report, to the end, even after an error: go test
// would wait for its reader.
func readEvents(events io.Reader, r *report) error {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			r.add(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the results: %w", err)
		}
	}
}
