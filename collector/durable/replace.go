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
// The temporary file is that of [Temporary], so that one left behind by a process that was
// killed is overwritten by the next. No other process may replace the same file at the same
// time; see [ReplaceShared].
func Replace(path string, fill func(*os.File) error) error {
	return replace(OS{}, path, newTemporary, onDisk(fill))
}

// ReplaceShared is Replace for a file that other processes may replace at the same time.
// The name of the temporary file begins with a dot and ends with ".new"; if the process is
// killed, that file is left behind.
func ReplaceShared(path string, fill func(*os.File) error) error {
	return replace(OS{}, path, sharedTemporary, onDisk(fill))
}

// ReplaceContent is Replace in any file system.
func ReplaceContent(fsys FS, path string, content []byte) error {
	return replace(fsys, path, newTemporary, func(file File) error {
		_, err := file.Write(content)
		return err
	})
}

// Temporary returns the temporary file that [Replace] makes for a path.
func Temporary(path string) string { return path + ".new" }

// Content returns a function for [Replace] that writes b.
func Content(b []byte) func(*os.File) error {
	return func(file *os.File) error {
		_, err := file.Write(b)
		return err
	}
}

// onDisk has fill get the file that [OS] opened.
func onDisk(fill func(*os.File) error) func(File) error {
	return func(file File) error { return fill(file.(*os.File)) }
}

// opener makes a temporary file for a path, and returns its name too.
type opener func(fsys FS, path string) (file File, name string, err error)

func replace(fsys FS, path string, open opener, fill func(File) error) error {
	temporary, name, err := open(fsys, path)
	if err != nil {
		return err
	}
	renamed := false
	defer func() {
		if !renamed {
			_ = temporary.Close() // fill may have panicked
			_ = fsys.Remove(name)
		}
	}()
	err = fill(temporary)
	if err == nil {
		err = temporary.Sync()
	}
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	if err := fsys.Rename(name, path); err != nil {
		return err
	}
	renamed = true
	return fsys.SyncDir(filepath.Dir(path))
}

func newTemporary(fsys FS, path string) (File, string, error) {
	name := Temporary(path)
	open := func() (File, error) {
		return fsys.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	}
	file, err := open()
	if errors.Is(err, fs.ErrExist) {
		if err := fsys.Remove(name); err != nil {
			return nil, "", err
		}
		file, err = open()
	}
	return file, name, err
}

// sharedTemporary is for the operating system's files only.
func sharedTemporary(_ FS, path string) (File, string, error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.new")
	if err != nil {
		return nil, "", err
	}
	return file, file.Name(), nil
}
