package exhaustive

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"whereby_exporter/test/programs"
)

// system are the packages through which the exporter touches the operating system.
var system = []string{"go.etcd.io/bbolt", "net", "os", "os/exec", "os/signal", "syscall"}

// Exporter returns what [Only] guards for a test of the installed exporter: the sources that
// touch the operating system, and the modules. Other packages compute alike wherever the
// exporter is installed, and tests of the first tier cover them.
func Exporter(t testing.TB) []string {
	t.Helper()
	root, err := programs.Root()
	if err != nil {
		t.Fatal(err)
	}
	files, err := touching(root)
	if err != nil {
		t.Fatal(err)
	}
	return append(files, "go.mod")
}

// touching are the sources, below the root, of the packages that touch the system.
func touching(root string) ([]string, error) {
	sources, touches := map[string][]string{}, map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == "test" || name != "." && strings.HasPrefix(name, ".")):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := filepath.Dir(name)
		sources[dir] = append(sources[dir], name)
		for _, spec := range file.Imports {
			touches[dir] = touches[dir] || slices.Contains(system, strings.Trim(spec.Path.Value, `"`))
		}
		return nil
	})
	var files []string
	for dir := range touches {
		if touches[dir] {
			files = append(files, sources[dir]...)
		}
	}
	return files, err
}
