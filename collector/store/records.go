package store

import (
	"errors"
	"iter"
	"path/filepath"

	"go.etcd.io/bbolt"

	"whereby_exporter/collector/quality"
)

// QualityFileName is the name of the file that records who was sampled, within the storage
// directory. It is separate from the ledger's file, because it is written more often and is
// less valuable.
const QualityFileName = "quality.db"

var bucketRecords = []byte("records")

// Records stores the call quality records in one file.
type Records struct{ file }

var _ quality.Store = (*Records)(nil)

// OpenRecords opens the file in an existing directory, and creates it if it does not exist. It
// reads the whole file. For a damaged file, it returns an error and leaves it unchanged.
func OpenRecords(dir string) (*Records, error) {
	path := filepath.Join(dir, QualityFileName)
	r := &Records{file{
		path: path, name: path,
		remedy: "move it away: then the counters of call quality restart at 0, and the last day's participants may be sampled again",
	}}
	if err := r.open(noRecords, verifyRecords); err != nil {
		return nil, err
	}
	return r, nil
}

// noRecords fills in a file without records.
func noRecords(tx *bbolt.Tx) error {
	_, err := tx.CreateBucket(bucketRecords)
	return err
}

// verifyRecords reads everything once.
func verifyRecords(tx *bbolt.Tx) error {
	records := tx.Bucket(bucketRecords)
	if records == nil {
		return errors.New("it holds no records")
	}
	return inOrder(records, func(key, sealed []byte) error {
		_, err := open(key, sealed)
		return err
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
