package app

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
)

// TestRunSaysWhyItCannotWriteItsStore takes the right to write from one part of the
// store after the other.
func TestRunSaysWhyItCannotWriteItsStore(t *testing.T) {
	for _, c := range []struct {
		name  string
		part  string // what can't be written; "" is the directory
		doing string // what the line says was tried, before the path
	}{
		{"the directory", "", "make the store: open "},
		{"the figures", store.FileName, "open the store: open "},
		{"the records of quality", store.QualityFileName, "open "},
		{"the journal of points", store.PointsFileName, "open the journal of points: open "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(openTempDir(t), "data")
			if err := os.Mkdir(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			if c.part != "" {
				makeStore(t, dir)
			}
			forbid(t, filepath.Join(dir, c.part))

			f := flags(whereby.DefaultBaseURL)
			f.Storage.Path = dir
			e := newEnvironment(t, apiKey)
			err := asAnotherUser(func() error { return (&Run{Flags: f}).Run(&e.Env) })
			assertError(t, err, "--storage.path="+dir+": "+c.doing)
			assertError(t, err, filepath.Join(dir, c.part))
			assertError(t, err, "permission denied: "+me()+" needs write permission there")
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than a line", err)
			}
		})
	}
}

// openTempDir returns a temporary directory that every user can enter.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// makeStore leaves all files of a store that everybody may write.
func makeStore(t *testing.T, dir string) {
	t.Helper()
	rooms, err := store.OpenBolt(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer rooms.Close()
	records, err := store.OpenRecords(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer records.Close()
	points, _, err := store.OpenPoints(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer points.Close()
	for _, name := range []string{".", store.FileName, store.QualityFileName, store.PointsFileName} {
		if err := os.Chmod(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
}

// forbid lets a file or directory be read alone.
func forbid(t *testing.T, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(path, 0o777) }) // or it can't be deleted
}

// asAnotherUser does something on files without the rights of root, where this is root.
// The thread that has lost them ends with it.
func asAnotherUser(do func() error) error {
	result := make(chan error)
	go func() {
		if os.Getuid() == 0 {
			runtime.LockOSThread()
			if err := syscall.Setfsgid(65534); err != nil {
				result <- err
				return
			}
			if err := syscall.Setfsuid(65534); err != nil {
				result <- err
				return
			}
		}
		result <- do()
	}()
	return <-result
}
