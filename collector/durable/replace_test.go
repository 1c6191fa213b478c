package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// names lists a directory.
func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func wantContent(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v; want %q", filepath.Base(path), got, err, want)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// calls is the file system of the operating system, but for what a test sets.
type calls struct {
	OS
	sync    func(*os.File) error
	rename  func(from, to string) error
	syncDir func(dir string) error
}

func system() calls { return calls{sync: (*os.File).Sync, rename: os.Rename, syncDir: SyncDir} }

func (c calls) Rename(from, to string) error { return c.rename(from, to) }
func (c calls) SyncDir(path string) error    { return c.syncDir(path) }

// syncing is a file that is synced in a way of its own.
type syncing struct {
	*os.File
	sync func(*os.File) error
}

func (f syncing) Sync() error { return f.sync(f.File) }

// with replaces a file as [Replace] does, in other calls.
func (c calls) with(path string, open opener, fill func(*os.File) error) error {
	var opened *os.File
	return replace(c, path, func(fsys FS, path string) (File, string, error) {
		file, name, err := open(fsys, path)
		if err != nil {
			return nil, "", err
		}
		opened = file.(*os.File)
		return syncing{opened, c.sync}, name, nil
	}, func(File) error { return fill(opened) })
}

// both runs a test of either way to name the temporary file.
func both(t *testing.T, test func(t *testing.T, replace func(string, func(*os.File) error) error, open opener)) {
	t.Run("Replace", func(t *testing.T) { test(t, Replace, newTemporary) })
	t.Run("ReplaceShared", func(t *testing.T) { test(t, ReplaceShared, sharedTemporary) })
}

func TestReplace(t *testing.T) {
	both(t, func(t *testing.T, replace func(string, func(*os.File) error) error, _ opener) {
		path := filepath.Join(t.TempDir(), "file")
		for _, content := range []string{"first", "", "second"} {
			if err := replace(path, Content([]byte(content))); err != nil {
				t.Fatal(err)
			}
			wantContent(t, path, content)
			if got := names(t, filepath.Dir(path)); len(got) != 1 {
				t.Errorf("%q are there", got)
			}
		}
	})
}

// TestAFailureLeavesTheOldFile has each step fail, and one process die in it.
func TestAFailureLeavesTheOldFile(t *testing.T) {
	failure := errors.New("no space left")
	both(t, func(t *testing.T, _ func(string, func(*os.File) error) error, open opener) {
		for name, set := range map[string]func(c *calls, fill *func(*os.File) error){
			"write": func(_ *calls, fill *func(*os.File) error) {
				*fill = func(file *os.File) error {
					_, err := file.WriteString("half of the n")
					return errors.Join(err, failure)
				}
			},
			"close": func(_ *calls, fill *func(*os.File) error) {
				*fill = func(file *os.File) error { return errors.Join(file.Close(), failure) }
			},
			"panic": func(_ *calls, fill *func(*os.File) error) { *fill = func(*os.File) error { panic(failure) } },
			"sync":  func(c *calls, _ *func(*os.File) error) { c.sync = func(*os.File) error { return failure } },
			"rename": func(c *calls, _ *func(*os.File) error) {
				c.rename = func(string, string) error { return failure }
			},
		} {
			t.Run(name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "file")
				write(t, path, "old")
				c, fill := system(), Content([]byte("new"))
				set(&c, &fill)
				err := func() (err error) {
					defer func() {
						if r := recover(); r != nil {
							err = r.(error)
						}
					}()
					return c.with(path, open, fill)
				}()
				if !errors.Is(err, failure) {
					t.Errorf("the error is %v", err)
				}
				wantContent(t, path, "old")
				if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"file"}) {
					t.Errorf("%q are left", got)
				}
			})
		}
	})
}

// TestTheSystemRefuses has what the operating system itself refuses.
func TestTheSystemRefuses(t *testing.T) {
	both(t, func(t *testing.T, replace func(string, func(*os.File) error) error, _ opener) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "directory", "not-empty"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := replace(filepath.Join(dir, "directory"), Content([]byte("new"))); err == nil {
			t.Error("a directory was replaced")
		}
		if got := names(t, dir); !slices.Equal(got, []string{"directory"}) {
			t.Errorf("%q are left", got)
		}
		if err := replace(filepath.Join(dir, "missing", "file"), Content(nil)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file in a directory that is missing: %v", err)
		}
	})
}

func TestWhatIsSyncedAndWhen(t *testing.T) {
	failure := errors.New("the directory is gone")
	both(t, func(t *testing.T, _ func(string, func(*os.File) error) error, open opener) {
		path := filepath.Join(t.TempDir(), "file")
		var steps []string
		c := calls{
			sync: func(file *os.File) error {
				wantContent(t, file.Name(), "new") // all is written by then
				steps = append(steps, "sync")
				return file.Sync()
			},
			rename: func(from, to string) error {
				steps = append(steps, "rename")
				return os.Rename(from, to)
			},
			syncDir: func(dir string) error {
				if dir != filepath.Dir(path) {
					t.Errorf("%s was synced", dir)
				}
				wantContent(t, path, "new") // it is in its place by then
				steps = append(steps, "sync the directory")
				return errors.Join(SyncDir(dir), failure)
			},
		}
		if err := c.with(path, open, Content([]byte("new"))); !errors.Is(err, failure) {
			t.Errorf("the error is %v", err)
		}
		if want := []string{"sync", "rename", "sync the directory"}; !slices.Equal(steps, want) {
			t.Errorf("the steps are %q, want %q", steps, want)
		}
		if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"file"}) {
			t.Errorf("%q are there", got)
		}
	})
}

func TestSyncDirOfNoDirectory(t *testing.T) {
	if err := SyncDir(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error is %v", err)
	}
}

// TestALeftoverIsOverwritten has what a process left that was killed, and what it was not.
func TestALeftoverIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	path, elsewhere := filepath.Join(dir, "file"), filepath.Join(t.TempDir(), "elsewhere")
	write(t, path, "old")
	write(t, path+".new", "a longer text that a killed process left")
	if err := Replace(path, Content([]byte("new"))); err != nil {
		t.Fatal(err)
	}
	wantContent(t, path, "new")

	write(t, elsewhere, "precious")
	if err := os.Symlink(elsewhere, path+".new"); err != nil {
		t.Skip(err)
	}
	if err := Replace(path, Content([]byte("newer"))); err != nil {
		t.Fatal(err)
	}
	wantContent(t, path, "newer")
	wantContent(t, elsewhere, "precious")

	if err := os.MkdirAll(filepath.Join(path+".new", "not-empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(path, Content([]byte("newest"))); err == nil {
		t.Error("a directory in the place of the temporary file was no error")
	}
	wantContent(t, path, "newer")
	// It is not in the way of files that others may replace too.
	if err := ReplaceShared(path, Content([]byte("newest"))); err != nil {
		t.Fatal(err)
	}
	wantContent(t, path, "newest")
}

func TestManyReplaceASharedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	done := make(chan error)
	for range 8 {
		go func() {
			var err error
			for range 20 {
				err = errors.Join(err, ReplaceShared(path, Content([]byte("new"))))
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	wantContent(t, path, "new")
	if got := names(t, filepath.Dir(path)); len(got) != 1 {
		t.Errorf("%q are there", got)
	}
}

// TestModes has the files of Replace be nobody else's business, and those of fill as it
// makes them.
func TestModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := Replace(path, Content(nil)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
	readable := func(file *os.File) error { return file.Chmod(0o644) }
	if err := ReplaceShared(path, readable); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o444 != 0o444 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}
