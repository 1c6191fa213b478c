// Package exhaustive keeps people from waiting for tests that prove nothing new. It marks the
// second tier of tests, which run only on request: those that take minutes or need a system of
// their own, and guard files that seldom change. And it remembers which tests have passed.
package exhaustive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"whereby_exporter/test/programs"
)

// Variable is the environment variable that asks for the second tier. Without it,
// the tests of the second tier are skipped.
const Variable = "EXHAUSTIVE"

// Values of [Variable].
const (
	// All runs every test.
	All = "all"
	// Changed leaves out a test if it has passed on this machine with the files as they
	// are, in this checkout or another.
	Changed = "changed"
)

// Only skips the test unless the second tier is asked for. Guarded are the files and
// folders, below the root of the repository, that can make the test fail; its own
// folder is always among them.
func Only(t testing.TB, guarded ...string) {
	t.Helper()
	mode := os.Getenv(Variable)
	switch mode {
	case "":
		t.Skipf("of the second tier: %s=%s runs it", Variable, All)
	case All, Changed:
	default:
		t.Fatalf("%s is %q, want %s or %s", Variable, mode, All, Changed)
	}
	unlessPassed(t, mode, guarded)
}

// Once skips the test if it has passed on this machine with the guarded files as they are,
// unless all tests are asked for. It is for tests in whose outcome nothing but these files has a
// part: with the same files, running one again proves nothing new.
func Once(t testing.TB, guarded ...string) {
	t.Helper()
	mode := os.Getenv(Variable)
	if mode == "" {
		mode = Changed
	}
	unlessPassed(t, mode, guarded)
}

func unlessPassed(t testing.TB, mode string, guarded []string) {
	t.Helper()
	record, err := recordOf(t.Name(), guarded)
	if err != nil {
		t.Fatal(err)
	}
	if mode == Changed && record.exists() {
		t.Skipf("it has passed with the files that it guards as they are: %s=%s runs it", Variable, All)
	}
	if err := record.remove(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() || t.Skipped() {
			return
		}
		if err := record.write(); err != nil {
			t.Error(err)
		}
	})
}

// Long skips the test unless all tests are asked for: it takes many minutes, and a shorter
// one holds the same promise in every run.
func Long(t testing.TB) {
	t.Helper()
	if os.Getenv(Variable) != All {
		t.Skipf("it takes many minutes: %s=%s runs it", Variable, All)
	}
}

// record is a file that is there if a test has passed with the files that it guards as
// they are. It lies next to Go's build cache, so that a fresh clone finds it: the sum in
// its name, and not the checkout, says what was tested.
type record string

func recordOf(test string, guarded []string) (record, error) {
	root, err := programs.Root()
	if err != nil {
		return "", err
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	own, err := filepath.Rel(root, here)
	if err != nil {
		return "", fmt.Errorf("find the test's folder in the repository: %w", err)
	}
	sum, err := Sum(root, append([]string{own}, guarded...))
	if err != nil {
		return "", err
	}
	cache, err := programs.Cache()
	if err != nil {
		return "", err
	}
	return record(filepath.Join(cache, "passed", own, filepath.FromSlash(test), runtime.Version()+"-"+sum)), nil
}

func (r record) exists() bool {
	_, err := os.Stat(string(r))
	return err == nil
}

func (r record) remove() error {
	if err := os.Remove(string(r)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (r record) write() error {
	if err := os.MkdirAll(filepath.Dir(string(r)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(string(r), nil, 0o644)
}
