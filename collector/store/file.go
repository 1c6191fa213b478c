package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"whereby_exporter/collector/durable"
)

// lockTimeout is how long opening waits for another process to let go of the
// file: long enough for one that is shutting down.
const lockTimeout = 2 * time.Second

// file is a bbolt file that is read whole when it is opened.
type file struct {
	db   *bbolt.DB
	path string
	// name is what errors call the file if they have its path anyway, and prefix comes
	// before the path in the others.
	name, prefix string
	// remedy is what can be done about damage without a backup.
	remedy string
}

// open opens the file, and makes it with fill if there is none. A damaged one gives a
// [*durable.DamagedError], and is left as it is.
func (f *file) open(fill, verify func(*bbolt.Tx) error) error {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := create(f.path, fill); err != nil {
			return fmt.Errorf("make %s: %w", f.name, err)
		}
	case err != nil:
		return fmt.Errorf("look for %s: %w", f.name, err)
	case info.Size() == 0:
		// bbolt would take an empty file for a new one. This program never leaves
		// one behind, so something else has emptied it.
		return f.damaged(errors.New("the file is empty"))
	}

	err = guard(func() (err error) {
		if f.db, err = openDB(f.path); err != nil {
			return err
		}
		return f.db.View(verify)
	})
	if err == nil {
		return nil
	}
	if f.db != nil {
		// A file that was refused is closed as well as it can be.
		_ = guard(f.db.Close)
	}
	var newer *newerError
	switch {
	case errors.As(err, &newer):
		return fmt.Errorf("%s%s: %w", f.prefix, f.path, err)
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%s%s is in use by another process; stop that process, or use a different --storage.path here", f.prefix, f.path)
	case unopened(err):
		return fmt.Errorf("open %s: %w", f.name, err)
	}
	return f.damaged(err)
}

func (f *file) damaged(err error) error {
	return fmt.Errorf("%s%w and was left untouched; restore it from a backup, or %s", f.prefix, durable.Damaged(f.path, err), f.remedy)
}

type newerError struct{ version uint64 }

func (e *newerError) Error() string {
	return fmt.Sprintf("its format is %d and this program knows formats up to %d; "+
		"run the newer version, or give this one another --storage.path", e.version, formatVersion)
}

func openDB(path string) (*bbolt.DB, error) {
	return bbolt.Open(path, 0o640, &bbolt.Options{
		Timeout:      lockTimeout,
		FreelistType: bbolt.FreelistMapType,
		NoStatistics: true,
	})
}

// unopened reports whether a file could not be opened, for lack of permission or on a
// read-only file system: that says nothing of what is in it.
func unopened(err error) bool {
	var failed *fs.PathError
	return errors.As(err, &failed) && failed.Op == "open"
}

// create makes a store as a whole, so that a process that is killed meanwhile leaves no
// half-made one.
func create(path string, fill func(*bbolt.Tx) error) error {
	return durable.Replace(path, func(file *os.File) error {
		// To bbolt an empty file is a new one.
		db, err := openDB(file.Name())
		if err != nil {
			return err
		}
		return errors.Join(db.Update(fill), db.Close())
	})
}

// guard turns what a damaged file does to bbolt, panics and faults of the memory
// map, into errors.
func guard(f func() error) (err error) {
	before := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(before)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reading it failed: %v", r)
		}
	}()
	return f()
}

// soughtEach is how many entries of a bucket are looked up by their keys: one in so many,
// and so some of every page, which reads all of the pages that lead there. A damaged one
// of those would do no harm to who reads on from entry to entry, and crash who looks one up.
const soughtEach = 8

// inOrder calls f for each entry of a bucket, and holds that their keys ascend, and lead
// to them: a damaged page may show one entry, whole as it is, in the place of another.
func inOrder(bucket *bbolt.Bucket, f func(key, value []byte) error) error {
	var last []byte
	cursor := bucket.Cursor()
	n := 0
	return bucket.ForEach(func(key, value []byte) error {
		if last != nil && bytes.Compare(last, key) >= 0 {
			return errors.New("its entries are out of order")
		}
		last = key
		if n++; n%soughtEach == 1 {
			if found, _ := cursor.Seek(key); !bytes.Equal(found, key) {
				return errors.New("one of its entries is not where it is looked for")
			}
		}
		return f(key, value)
	})
}

// Copy calls do with a snapshot of the file and its size. Writes continue meanwhile, but the
// file cannot grow, so do must not block.
func (f *file) Copy(do func(size int64, file io.WriterTo) error) error {
	return f.db.View(func(tx *bbolt.Tx) error { return do(tx.Size(), tx) })
}

// Close closes the file.
func (f *file) Close() error { return f.db.Close() }
