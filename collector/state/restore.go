package state

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/journal"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/webhook"
)

// restoring is the directory within the storage directory that a backup is unpacked in.
const restoring = "restore.new"

var errNoBackup = errors.New("it is not a complete backup of whereby_exporter")

// Restore puts a backup into a storage directory that holds no store, and makes the
// directory if there is none. A directory with a store is left as it is: then the backup
// is not read. The backup is checked before any of it is put into place, and what the
// directory has besides a store is kept.
func Restore(backup, dir string, log *slog.Logger) error {
	_, err := os.Lstat(filepath.Join(dir, store.FileName))
	if err == nil {
		log.Info("backup ignored: the storage directory already holds a store", "backup", backup, "path", dir)
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for the store: %w", err)
	}
	if err := restore(backup, dir, log); err != nil {
		return err
	}
	log.Info("state restored from a backup", "backup", backup, "path", dir)
	return nil
}

func restore(backup, dir string, log *slog.Logger) (err error) {
	file, err := os.Open(backup)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	unpacked := filepath.Join(dir, restoring)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make the storage directory: %w", err)
	}
	// A process that was killed may have left some of it.
	if err := os.RemoveAll(unpacked); err != nil {
		return fmt.Errorf("unpack the backup: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(unpacked)) }()
	if err := os.MkdirAll(filepath.Join(unpacked, eventsDir), 0o750); err != nil {
		return fmt.Errorf("unpack the backup: %w", err)
	}
	if err := unpack(tar.NewReader(file), unpacked); err != nil {
		return fmt.Errorf("unpack the backup: %w", err)
	}
	if err := check(unpacked); err != nil {
		return err
	}
	return putInPlace(unpacked, dir, log)
}

// unpack writes the files of an archive.
func unpack(archive *tar.Reader, dir string) error {
	whole := false
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || header.Typeflag != tar.TypeReg || !inBackup(header.Name) {
			return errNoBackup
		}
		err = durable.Replace(filepath.Join(dir, filepath.FromSlash(header.Name)), func(file *os.File) error {
			_, err := io.Copy(file, archive)
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return errNoBackup
			}
			return err
		})
		if err != nil {
			return err
		}
		whole = header.Name == store.FileName
	}
	if !whole {
		return errNoBackup
	}
	return nil
}

// inBackup reports whether a file with this name may be part of a backup.
func inBackup(name string) bool {
	dir, base := path.Split(name)
	if dir == "" {
		return base == store.FileName || base == store.QualityFileName || base == store.CostsFileName
	}
	return dir == eventsDir+"/" && (base == webhook.StateFile || strings.HasSuffix(strings.TrimSuffix(base, journal.SkipSuffix), journal.Suffix))
}

// check opens what was unpacked, as the exporter does.
func check(dir string) error {
	state, err := Open(dir, slog.New(slog.DiscardHandler))
	if err == nil {
		_, damage := state.costs.Load()
		err = errors.Join(damage, webhook.CheckState(filepath.Join(dir, eventsDir)), state.Close())
	}
	var damaged *durable.DamagedError
	if errors.As(err, &damaged) {
		// The way out is another one than for a store that is in use.
		name, _ := filepath.Rel(dir, damaged.Path)
		return fmt.Errorf("%s in it is damaged (%w); take another backup", name, damaged.Err)
	}
	return err
}

// putInPlace moves what was unpacked, the store last: a process that is killed before has
// another try.
func putInPlace(unpacked, dir string, log *slog.Logger) error {
	for _, name := range []string{eventsDir, store.QualityFileName, store.CostsFileName} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			log.Warn("kept the existing file instead of the one in the backup", "path", filepath.Join(dir, name))
			continue
		}
		err := os.Rename(filepath.Join(unpacked, name), filepath.Join(dir, name))
		if name == store.CostsFileName && errors.Is(err, fs.ErrNotExist) {
			continue // nothing was ever charged
		}
		if err != nil {
			return fmt.Errorf("put the backup in place: %w", err)
		}
	}
	err := durable.SyncDir(dir)
	if err == nil {
		err = os.Rename(filepath.Join(unpacked, store.FileName), filepath.Join(dir, store.FileName))
	}
	if err == nil {
		err = durable.SyncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("put the backup in place: %w", err)
	}
	return nil
}
