package exhaustive

import (
	"os"
	"path/filepath"
	"testing"
)

// run is whether the body of a test that begins with Only or Once is run.
func run(t *testing.T, begins func(t testing.TB, guarded ...string), mode string, fails bool) bool {
	t.Helper()
	t.Setenv(Variable, mode)
	ran := false
	test := &fake{TB: t}
	func() {
		defer func() {
			if stop := recover(); stop != nil && stop != errSkipped {
				panic(stop)
			}
		}()
		begins(test, "alerts")
		ran, test.failed = true, fails
	}()
	if test.cleanup != nil {
		test.cleanup()
	}
	return ran
}

// fake is a test that can fail without failing this one.
type fake struct {
	testing.TB
	failed, skipped bool
	cleanup         func()
}

type skipped struct{}

var errSkipped = skipped{}

func (f *fake) Skipf(string, ...any) { f.skipped = true; panic(errSkipped) }
func (f *fake) Cleanup(c func())     { f.cleanup = c }
func (f *fake) Failed() bool         { return f.failed }
func (f *fake) Skipped() bool        { return f.skipped }

// ownCache gives a test a cache of its own.
func ownCache(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", home)
}

func TestATestRunsUntilItHasPassed(t *testing.T) {
	ownCache(t)
	for i, step := range []struct {
		mode        string
		fails, want bool
	}{
		{"", false, false},
		{Changed, true, true},   // never run before
		{Changed, false, true},  // it failed
		{Changed, false, false}, // it passed
		{All, true, true},
		{Changed, false, true}, // it failed when it was last run
		{"", false, false},
	} {
		if got := run(t, Only, step.mode, step.fails); got != step.want {
			t.Errorf("step %d: with %s=%q it runs: %v", i, Variable, step.mode, got)
		}
	}
}

func TestATestOfTheFirstTierRunsUntilItHasPassed(t *testing.T) {
	ownCache(t)
	for i, step := range []struct {
		mode        string
		fails, want bool
	}{
		{"", true, true},   // never run before
		{"", false, true},  // it failed
		{"", false, false}, // it passed
		{Changed, false, false},
		{All, true, true},
		{Changed, false, true}, // it failed when it was last run
	} {
		if got := run(t, Once, step.mode, step.fails); got != step.want {
			t.Errorf("step %d: with %s=%q it runs: %v", i, Variable, step.mode, got)
		}
	}
}

func TestEveryChangeChangesTheSum(t *testing.T) {
	root := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sum := func(paths ...string) string {
		t.Helper()
		s, err := Sum(root, paths)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	write("rules/a.yml", "1")
	write("rules/deep/b.yml", "2")
	write("other/c.yml", "3")
	write("Dockerfile", "4")
	paths := []string{"rules", "Dockerfile"}
	before := sum(paths...)
	write("other/c.yml", "5")
	write(".cache/d", "6")
	if sum(paths...) != before {
		t.Error("it changes with a file that is not guarded")
	}
	if sum("Dockerfile", "rules", "rules") != before {
		t.Error("it depends on the order of the paths")
	}
	seen := map[string]bool{before: true}
	for what, change := range map[string]func(){
		"a changed file":           func() { write("Dockerfile", "7") },
		"a changed file in depth":  func() { write("rules/deep/b.yml", "8") },
		"a new file":               func() { write("rules/new.yml", "") },
		"a file that has moved":    func() { write("rules/deep/new.yml", ""); os.Remove(filepath.Join(root, "rules/new.yml")) },
		"a file that is not there": func() { os.Remove(filepath.Join(root, "rules/a.yml")) },
	} {
		change()
		s := sum(paths...)
		if seen[s] {
			t.Errorf("it is the same after %s", what)
		}
		seen[s] = true
	}
	if _, err := Sum(root, []string{"missing"}); err == nil {
		t.Error("a guarded file that is not there is no error")
	}
}
