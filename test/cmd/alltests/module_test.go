package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"whereby_exporter/test/programs"
)

func TestOnlyResultsThatCanBeTrustedAreCached(t *testing.T) {
	for _, c := range []struct {
		m    module
		want string
	}{
		{module{dir: ".", race: true, short: true}, "test -json -vet off -timeout 40m -trimpath -race -short"},
		{module{dir: "."}, "test -json -vet off -timeout 40m -trimpath"},
		{module{dir: "test", parallel: 6}, "test -json -vet off -timeout 40m -trimpath -parallel 6 -count 1"},
	} {
		if got := c.m.flags(); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%+v: %q, want %q", c.m, got, c.want)
		}
	}
}

// TestNoPackageIsLeftOut: the lanes test every package of the product in full, and all
// that do anything at once with the race detector.
func TestNoPackageIsLeftOut(t *testing.T) {
	root, err := programs.Root()
	if err != nil {
		t.Fatal(err)
	}
	of := func(m module) []string {
		t.Helper()
		packages, err := m.packages(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		if packages, err = list(t.Context(), root, packages...); err != nil {
			t.Fatal(err)
		}
		return packages
	}
	all := of(module{dir: "."})
	for _, race := range []bool{false, true} {
		var full, raced []string
		for _, lane := range lanes(race) {
			for _, m := range lane {
				if m.dir != "." {
					continue
				}
				packages := of(m)
				if m.race {
					raced = append(raced, packages...)
				}
				for _, p := range packages {
					dir := filepath.Join(root, strings.TrimPrefix(p, "whereby_exporter"))
					if !m.short || !says(t, dir, "testing", "Short") {
						full = append(full, p)
					}
				}
			}
		}
		for _, p := range all {
			if !slices.Contains(full, p) {
				t.Errorf("with race %v, %s is not tested in full", race, p)
			}
			if dir := filepath.Join(root, strings.TrimPrefix(p, "whereby_exporter")); race && !slices.Contains(raced, p) && concurrent(t, dir) {
				t.Errorf("%s has goroutines or locks, and is not tested with the race detector", p)
			}
		}
	}
}

// says reports whether a package uses an identifier of another, outside of its benchmarks.
func says(t *testing.T, dir, pkg, name string) bool {
	t.Helper()
	tests := func(file string) bool { return !strings.HasSuffix(file, "bench_test.go") }
	return contains(t, dir, tests, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		x, ok := s.X.(*ast.Ident)
		return ok && x.Name == pkg && s.Sel.Name == name
	})
}

// concurrent reports whether a package, or its tests, do several things at once.
func concurrent(t *testing.T, dir string) bool {
	t.Helper()
	all := func(string) bool { return true }
	return contains(t, dir, all, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt, *ast.ChanType:
			return true
		case *ast.ImportSpec:
			path := strings.Trim(n.Path.Value, `"`)
			return slices.Contains([]string{"sync", "sync/atomic", "testing/synctest", "golang.org/x/sync/errgroup", "net/http/httptest"}, path)
		}
		return false
	})
}

// contains reports whether a node in some of the files of a folder has a property.
func contains(t *testing.T, dir string, some func(file string) bool, property func(ast.Node) bool) bool {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		if filepath.Ext(e.Name()) != ".go" || !some(e.Name()) {
			return false
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		ast.Inspect(file, func(n ast.Node) bool {
			found = found || n != nil && property(n)
			return !found
		})
		return found
	})
}
