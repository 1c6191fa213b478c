package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"whereby_exporter/collector"
)

// storageError adds to an error of the store where that was to be, and, where it
// can't be written, what to do: what a volume belongs to is seldom seen from inside a
// container.
func storageError(path string, err error) error {
	var restore *collector.RestoreError
	if errors.As(err, &restore) {
		return fmt.Errorf("--storage.restore-from=%s: %w", restore.Backup, err)
	}
	advice := ""
	switch {
	case errors.Is(err, fs.ErrPermission):
		who := "this user"
		if uid := os.Getuid(); uid >= 0 { // Windows has none
			who = fmt.Sprintf("user %d", uid)
		}
		advice = ": " + who + " needs write permission there"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		advice = ": choose a directory that can be created"
	case errors.Is(err, syscall.EROFS):
		advice = ": mount it writable, or use a different --storage.path"
	}
	return fmt.Errorf("--storage.path=%s: %w%s", path, err, advice)
}
