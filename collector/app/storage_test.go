package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

func TestAnErrorOfTheStoreSaysWhatToDo(t *testing.T) {
	if os.Getuid() < 0 {
		t.Skip("users have no numbers here")
	}
	opening := func(err error) error {
		return fmt.Errorf("make the store: %w", &fs.PathError{Op: "open", Path: "/data/whereby.db.new", Err: err})
	}
	const where = "--storage.path=/data: make the store: open /data/whereby.db.new: "
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"of another owner", opening(syscall.EACCES), where + "permission denied: " + me() + " needs write permission there"},
		{"not allowed", opening(syscall.EPERM), where + "operation not permitted: " + me() + " needs write permission there"},
		{"read-only", opening(syscall.EROFS), where + "read-only file system: mount it writable, or use a different --storage.path"},
		{"anything else", opening(syscall.ENOSPC), where + "no space left on device"},
		{"a path below a file", &fs.PathError{Op: "mkdir", Path: "/data", Err: syscall.ENOTDIR}, "--storage.path=/data: mkdir /data: not a directory: choose a directory that can be created"},
		{"no error of files", errors.New("it is damaged"), "--storage.path=/data: it is damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := storageError("/data", c.err)
			if err.Error() != c.want {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
			if !errors.Is(err, c.err) {
				t.Error("what it was is lost")
			}
		})
	}
}

// me is this process as the errors name it.
func me() string { return fmt.Sprintf("user %d", os.Getuid()) }
