//go:build !windows

package durable

import (
	"errors"
	"os"
)

// SyncDir makes what was created and renamed in a directory survive a failure of the
// machine.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
