package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is one of the repository's modules with tests, or some of its packages.
type module struct {
	// dir is its folder, below the root.
	dir string
	// first are the packages to start with.
	first []string
	// only are the packages to test, if it is not all of them but those in but.
	only, but []string
	// race is set for the race detector, and short to leave out what takes long with it.
	race, short bool
	// parallel is how many tests of a package run at once: more than there are processors
	// if they wait; 0 is as many.
	parallel int
}

// test runs the module's tests.
func (m module) test(ctx context.Context, root string, environment []string, r *report) error {
	dir := filepath.Join(root, m.dir)
	packages, err := m.packages(ctx, dir)
	if err != nil {
		return fmt.Errorf("test module %s: %w", m.dir, err)
	}
	cmd := exec.CommandContext(ctx, "go", append(m.flags(), packages...)...)
	cmd.Dir = dir
	cmd.Env = environment
	if m.dir == "." && os.Getenv("GOGC") == "" {
		// The heaps of these tests are small: collected less often, they take a tenth less
		// time, and a fifth without the race detector.
		cmd.Env = append(slices.Clone(environment), "GOGC=400")
	}
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

// packages returns what to test, in this order.
func (m module) packages(ctx context.Context, dir string) ([]string, error) {
	switch {
	case len(m.only) > 0:
		return m.only, nil
	case len(m.but) == 0:
		return append(slices.Clone(m.first), "./..."), nil
	}
	all, err := list(ctx, dir, "./...")
	if err != nil {
		return nil, err
	}
	but, err := list(ctx, dir, m.but...)
	if err != nil {
		return nil, err
	}
	return append(slices.Clone(m.first), slices.DeleteFunc(all, func(p string) bool { return slices.Contains(but, p) })...), nil
}

// list returns the import paths of packages.
func list(ctx context.Context, dir string, patterns ...string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list"}, patterns...)...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	return strings.Fields(string(out)), nil
}

func (m module) flags() []string {
	// The timeout is for a test that hangs, and not for a busy machine. The linter vets. Without
	// the checkout's path in it, what one checkout has compiled is there for the next.
	flags := []string{"test", "-json", "-vet", "off", "-timeout", "40m", "-trimpath"}
	if m.race {
		flags = append(flags, "-race")
	}
	if m.short {
		flags = append(flags, "-short")
	}
	if m.parallel > 0 {
		flags = append(flags, "-parallel", strconv.Itoa(m.parallel))
	}
	if m.dir != "." {
		// These tests read files of other modules, and run programs: changes that the
		// cache of results does not see.
		flags = append(flags, "-count", "1")
	}
	return flags
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
