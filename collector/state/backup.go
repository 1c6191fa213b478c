package state

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"whereby_exporter/collector/store"
	"whereby_exporter/collector/webhook"
)

// A backup is a tar archive of the storage directory, of which the store of usage comes
// last: an archive that was cut off lacks it. The points that were spent are not in it,
// because another exporter has others.

// Errors of Backup that are no fault of the state.
var (
	ErrBackupRunning = errors.New("another backup is being taken")
	ErrInMemory      = errors.New("state is kept in memory only, so there is nothing to back up; set --storage.path")
)

// spooled matches the temporary files of backups.
const spooled = "backup-*.tmp"

// Backup is a copy of the state, to be read once and closed.
type Backup struct {
	*os.File
	// Size is its length in bytes.
	Size int64
	done func()
}

// Close removes the temporary file.
func (b *Backup) Close() error {
	defer b.done()
	err := b.File.Close()
	if removed := os.Remove(b.Name()); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}

// Backup copies the state as it is now. Every event that was acknowledged before the call
// is in the copy. The copy is made in a temporary file within the storage directory,
// because a reader that is slow or stalls would otherwise keep the store from growing.
func (d *Directory) Backup() (*Backup, error) {
	if !d.copying.TryLock() {
		return nil, ErrBackupRunning
	}
	b, err := d.spool()
	if err != nil {
		d.copying.Unlock()
		return nil, fmt.Errorf("back the state up: %w", err)
	}
	return b, nil
}

func (d *Directory) spool() (*Backup, error) {
	file, err := os.CreateTemp(d.path, spooled)
	if err != nil {
		return nil, err
	}
	// Nothing is left of it if the process is killed, if the system allows that.
	_ = os.Remove(file.Name())
	b := &Backup{File: file, done: func() {}}
	archive := tar.NewWriter(file)
	for _, part := range []func(*tar.Writer) error{d.copyEvents, d.copyQuality, d.copyCosts, d.copyLedger} {
		if err == nil {
			err = part(archive)
		}
	}
	if err == nil {
		err = archive.Close()
	}
	if err == nil {
		b.Size, err = file.Seek(0, io.SeekCurrent)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.done = d.copying.Unlock
	return b, nil
}

// copyEvents adds the live state.
func (d *Directory) copyEvents(archive *tar.Writer) error {
	d.mu.Lock()
	events, damaged := d.events, d.damaged
	d.mu.Unlock()
	if damaged {
		return nil
	}
	if events != nil {
		content, err := events.Copy()
		if err != nil {
			return err
		}
		return addBytes(archive, path.Join(eventsDir, webhook.StateFile), content)
	}
	// Webhooks are off, so what an earlier process left does not change.
	files, err := filepath.Glob(filepath.Join(d.path, eventsDir, "*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		name := path.Join(eventsDir, filepath.Base(file))
		if !inBackup(name) {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := addBytes(archive, name, content); err != nil {
			return err
		}
	}
	return nil
}

// copyQuality adds what is known of call quality.
func (d *Directory) copyQuality(archive *tar.Writer) error {
	return d.quality.Copy(func(size int64, content io.WriterTo) error {
		return add(archive, store.QualityFileName, size, content)
	})
}

// copyCosts adds what was charged, if anything was.
func (d *Directory) copyCosts(archive *tar.Writer) error {
	content, err := d.costs.Copy()
	if err != nil || content == nil {
		return err
	}
	return addBytes(archive, store.CostsFileName, content)
}

// copyLedger adds the store of usage.
func (d *Directory) copyLedger(archive *tar.Writer) error {
	return d.ledger.Copy(func(size int64, content io.WriterTo) error {
		return add(archive, store.FileName, size, content)
	})
}

func addBytes(archive *tar.Writer, name string, content []byte) error {
	return add(archive, name, int64(len(content)), contentOf(content))
}

// contentOf is an [io.WriterTo].
type contentOf []byte

func (c contentOf) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(c)
	return int64(n), err
}

func add(archive *tar.Writer, name string, size int64, content io.WriterTo) error {
	header := &tar.Header{Name: name, Size: size, Mode: 0o640, ModTime: time.Now(), Typeflag: tar.TypeReg}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	if _, err := content.WriteTo(archive); err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	return nil
}
