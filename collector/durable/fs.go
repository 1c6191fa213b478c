package durable

import (
	"io"
	"io/fs"
	"os"
)

// FS is what the exporter asks of a file system. [OS] is the real one; tests have one that
// fails.
type FS interface {
	MkdirAll(path string, perm fs.FileMode) error
	// ReadDir lists the names in a directory, in any order.
	ReadDir(path string) ([]string, error)
	// OpenFile takes the flags of [os.OpenFile].
	OpenFile(path string, flag int, perm fs.FileMode) (File, error)
	Remove(path string) error
	Rename(from, to string) error
	// SyncDir makes what was created, renamed and removed in a directory survive a failure
	// of the machine.
	SyncDir(path string) error
}

// File is an open file of an [FS].
type File interface {
	io.ReadWriteCloser
	// Sync makes what was written survive a failure of the machine.
	Sync() error
}

// OS is the file system of the operating system.
type OS struct{}

var _ FS = OS{}

// MkdirAll implements [FS].
func (OS) MkdirAll(path string, perm fs.FileMode) error { return os.MkdirAll(path, perm) }

// ReadDir implements [FS].
func (OS) ReadDir(path string) ([]string, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	return dir.Readdirnames(-1)
}

// OpenFile implements [FS].
func (OS) OpenFile(path string, flag int, perm fs.FileMode) (File, error) {
	file, err := os.OpenFile(path, flag, perm)
	if err != nil {
		return nil, err // and no File that is a nil *os.File
	}
	return file, nil
}

// Remove implements [FS].
func (OS) Remove(path string) error { return os.Remove(path) }

// Rename implements [FS].
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// SyncDir implements [FS].
func (OS) SyncDir(path string) error { return SyncDir(path) }

// ReadFile reads a whole file.
func ReadFile(fsys FS, path string) (content []byte, err error) {
	file, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(file)
}
