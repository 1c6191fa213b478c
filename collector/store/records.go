package store

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/quality"
)

// QualityFileName is the file within the storage directory that remembers who was
// sampled. It stands beside the ledger's: it is written more often, and is worth less.
const QualityFileName = "quality.db"

var bucketRecords = []byte("records")

// Records keeps the records of call quality in one file.
type Records struct {
	db   *bbolt.DB
	path string
}

var _ quality.Store = (*Records)(nil)

// OpenRecords opens the file in a directory that exists, and makes it where there is
// none. It reads the whole file; a damaged one gives an error and is left as it is.
func OpenRecords(dir string) (*Records, error) {
	r := &Records{path: filepath.Join(dir, QualityFileName)}
	info, err := os.Stat(r.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err := create(r.path, func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket(bucketRecords)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("make %s: %w", r.path, err)
		}
	case err != nil:
		return nil, fmt.Errorf("look for %s: %w", r.path, err)
	case info.Size() == 0:
		return nil, r.damaged(errors.New("the file is empty"))
	}
	err = guard(func() (err error) {
		if r.db, err = openDB(r.path); err != nil {
			return err
		}
		return r.verify()
	})
	if err == nil {
		return r, nil
	}
	if r.db != nil {
		_ = guard(r.db.Close)
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%s is in use by another process; stop that one, or give this one another --storage.path", r.path)
	case unopened(err):
		return nil, fmt.Errorf("open %s: %w", r.path, err)
	}
	return nil, r.damaged(err)
}

func (r *Records) damaged(err error) error {
	return fmt.Errorf("%w and was left untouched; restore it from a backup, or move it away: "+
		"then the counters of call quality start anew, and the last day's participants may be sampled again", durable.Damaged(r.path, err))
}

// verify reads everything once.
func (r *Records) verify() error {
	return r.db.View(func(tx *bbolt.Tx) error {
		records := tx.Bucket(bucketRecords)
		if records == nil {
			return errors.New("it holds no records")
		}
		return inOrder(records, func(key, sealed []byte) error {
			_, err := open(key, sealed)
			return err
		})
	})
}

// Records implements [quality.Store].
func (r *Records) Records() iter.Seq2[quality.Record, error] {
	return func(yield func(quality.Record, error) bool) {
		err := r.db.View(func(tx *bbolt.Tx) error {
			cursor := tx.Bucket(bucketRecords).Cursor()
			for key, sealed := cursor.First(); key != nil; key, sealed = cursor.Next() {
				value, err := open(key, sealed)
				if err != nil {
					return err
				}
				if !yield(quality.Record{Key: string(key), Value: value}, nil) {
					return nil
				}
			}
			return nil
		})
		if err != nil {
			yield(quality.Record{}, r.damaged(err))
		}
	}
}

// Keep implements [quality.Store].
func (r *Records) Keep(records []quality.Record, gone []string) error {
	return r.db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(bucketRecords)
		for _, key := range gone {
			if err := bucket.Delete([]byte(key)); err != nil {
				return err
			}
		}
		for _, record := range records {
			key := []byte(record.Key)
			if err := bucket.Put(key, seal(key, record.Value)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Copy calls f with the file as it is now, and its size. Writes go on meanwhile, but the
// file cannot grow, so f must not wait for anybody.
func (r *Records) Copy(f func(size int64, file io.WriterTo) error) error {
	return r.db.View(func(tx *bbolt.Tx) error { return f(tx.Size(), tx) })
}

// Close closes the file.
func (r *Records) Close() error { return r.db.Close() }

// NoRecords keeps nothing.
type NoRecords struct{}

// Records implements [quality.Store].
func (NoRecords) Records() iter.Seq2[quality.Record, error] {
	return func(func(quality.Record, error) bool) {}
}

// Keep implements [quality.Store].
func (NoRecords) Keep([]quality.Record, []string) error { return nil }

// Close implements [io.Closer].
func (NoRecords) Close() error { return nil }
