// Package exhaustive is the second tier of the tests: those that take minutes, or
// need a system of their own, and guard files that seldom change. They run only if
// asked for.
package exhaustive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	// Changed leaves out a test if nothing that it guards has changed since it last
	// passed in this checkout.
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
	record, sum, err := state(t.Name(), guarded)
	if err != nil {
		t.Fatal(err)
	}
	if mode == Changed && record.holds(sum) {
		t.Skipf("passed before, and nothing that it guards has changed: %s=%s runs it", Variable, All)
	}
	if err := record.remove(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() || t.Skipped() {
			return
		}
		if err := record.write(sum); err != nil {
			t.Error(err)
		}
	})
}

// state returns where the sum of a test's guarded files is recorded, and what it is now.
func state(test string, guarded []string) (record, string, error) {
	root, err := programs.Root()
	if err != nil {
		return "", "", err
	}
	here, err := os.Getwd()
	if err != nil {
		return "", "", err
	}
	own, err := filepath.Rel(root, here)
	if err != nil {
		return "", "", fmt.Errorf("find the test's folder in the repository: %w", err)
	}
	sum, err := Sum(root, append([]string{own}, guarded...))
	return record(filepath.Join(root, ".cache", "exhaustive", own, filepath.FromSlash(test))), sum, err
}

// record is a file that holds the sum for which a test last passed.
type record string

func (r record) holds(sum string) bool {
	content, err := os.ReadFile(string(r))
	return err == nil && string(content) == sum
}

func (r record) remove() error {
	if err := os.Remove(string(r)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (r record) write(sum string) error {
	if err := os.MkdirAll(filepath.Dir(string(r)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(string(r), []byte(sum), 0o644)
}
