package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace makes path a file with what fill writes, as a whole: if the process or the
// machine dies, or an error is returned, path is either the file from before or the new
// one. fill writes to the file that it gets, or opens it by its name.
//
// The temporary file is path with the suffix ".new", so that one left behind by a process
// that was killed is overwritten by the next. No other process may replace the same file
// at the same time; see [ReplaceShared].
func Replace(path string, fill func(*os.File) error) error {
	return replace(system(), path, newTemporary, fill)
}

// ReplaceShared is Replace for a file that other processes may replace at the same time.
// The name of the temporary file begins with a dot and ends with ".new"; if the process is
// killed, that file is left behind.
func ReplaceShared(path string, fill func(*os.File) error) error {
	return replace(system(), path, sharedTemporary, fill)
}

// Content returns a function for [Replace] that writes b.
func Content(b []byte) func(*os.File) error {
	return func(file *os.File) error {
		_, err := file.Write(b)
		return err
	}
}

// calls are the system calls that a test can't make fail otherwise.
type calls struct {
	sync    func(*os.File) error
	rename  func(from, to string) error
	syncDir func(dir string) error
}

func system() calls { return calls{sync: (*os.File).Sync, rename: os.Rename, syncDir: SyncDir} }

func replace(c calls, path string, open func(path string) (*os.File, error), fill func(*os.File) error) error {
	temporary, err := open(path)
	if err != nil {
		return err
	}
	renamed := false
	defer func() {
		if !renamed {
			_ = temporary.Close() // fill may have panicked
			_ = os.Remove(temporary.Name())
		}
	}()
	err = fill(temporary)
	if err == nil {
		err = c.sync(temporary)
	}
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	if err := c.rename(temporary.Name(), path); err != nil {
		return err
	}
	renamed = true
	return c.syncDir(filepath.Dir(path))
}

func newTemporary(path string) (*os.File, error) {
	temporary := path + ".new"
	open := func() (*os.File, error) {
		return os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	}
	file, err := open()
	if errors.Is(err, fs.ErrExist) {
		if err := os.Remove(temporary); err != nil {
			return nil, err
		}
		return open()
	}
	return file, err
}

func sharedTemporary(path string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.new")
}
