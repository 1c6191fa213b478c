package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/ledger"
)

// FileName is the store's file within the storage directory.
const FileName = "whereby.db"

// formatVersion counts the incompatible changes of the file.
const formatVersion = 1

// lockTimeout is how long opening waits for another process to let go of the
// file: long enough for one that is shutting down.
const lockTimeout = 2 * time.Second

var (
	bucketMeta     = []byte("meta")
	bucketRows     = []byte("rooms")
	bucketPrefixes = []byte("prefixes")

	keyFormat  = []byte("format")
	keyState   = []byte("state")
	keyPresent = []byte("present")
)

// Bolt is a store in one file.
type Bolt struct {
	db   *bbolt.DB
	path string
}

var _ ledger.Store = (*Bolt)(nil)

// OpenBolt opens the store in a directory, and makes both where they do not
// exist. It reads the whole file; a damaged one gives a [*durable.DamagedError].
func OpenBolt(dir string) (*Bolt, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the storage directory: %w", err)
	}
	path := filepath.Join(dir, FileName)
	b := &Bolt{path: path}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := create(path, empty); err != nil {
			return nil, fmt.Errorf("make the store: %w", err)
		}
	case err != nil:
		return nil, fmt.Errorf("look for the store: %w", err)
	case info.Size() == 0:
		// bbolt would take an empty file for a new one. This program never leaves
		// one behind, so something else has emptied it.
		return nil, b.damaged(errors.New("the file is empty"))
	}

	err = guard(func() error {
		db, err := openDB(path)
		if err != nil {
			return err
		}
		b.db = db
		return b.verify()
	})
	if err == nil {
		return b, nil
	}
	if b.db != nil {
		// A store that was refused is closed as well as it can be.
		_ = guard(b.db.Close)
	}
	var newer *newerError
	switch {
	case errors.As(err, &newer):
		return nil, fmt.Errorf("store %s: %w", path, err)
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("store %s is in use by another process; stop that one, or give this one another --storage.path", path)
	case unopened(err):
		return nil, fmt.Errorf("open the store: %w", err)
	}
	return nil, b.damaged(err)
}

func (b *Bolt) damaged(err error) error {
	return fmt.Errorf("store %w and was left untouched; restore it from a backup, or move it away to start anew, "+
		"in which case rooms that Whereby has deleted no longer count", durable.Damaged(b.path, err))
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

// unopened tells whether a file could not be opened, for want of rights or on a
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

// empty fills in a store without rooms.
func empty(tx *bbolt.Tx) error {
	for _, name := range [][]byte{bucketMeta, bucketRows, bucketPrefixes} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(bucketMeta)
	state, err := encodeState(keyState, stateRecord{})
	if err != nil {
		return err
	}
	return errors.Join(
		meta.Put(keyFormat, binary.BigEndian.AppendUint64(nil, formatVersion)),
		meta.Put(keyState, state),
		meta.Put(keyPresent, seal(keyPresent, nil)),
	)
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

// verify reads everything once.
func (b *Bolt) verify() error {
	return b.db.View(func(tx *bbolt.Tx) error {
		meta, rows, prefixes := tx.Bucket(bucketMeta), tx.Bucket(bucketRows), tx.Bucket(bucketPrefixes)
		if meta == nil {
			return errors.New("it is not a store of this program")
		}
		format := meta.Get(keyFormat)
		if len(format) != 8 {
			return errors.New("it has no format version")
		}
		if version := binary.BigEndian.Uint64(format); version > formatVersion {
			return &newerError{version: version}
		}
		if rows == nil || prefixes == nil {
			return errors.New("a part is missing")
		}
		state, err := decodeState(keyState, meta.Get(keyState))
		if err != nil {
			return fmt.Errorf("its state: %w", err)
		}
		if _, err := open(keyPresent, meta.Get(keyPresent)); err != nil {
			return fmt.Errorf("its rooms of the last full poll: %w", err)
		}
		err = inOrder(prefixes, func(key, sealed []byte) error {
			_, err := open(key, sealed)
			return err
		})
		if err != nil {
			return fmt.Errorf("its prefixes: %w", err)
		}
		var count uint64
		err = inOrder(rows, func(name, sealed []byte) error {
			count++
			_, err := open(name, sealed)
			return err
		})
		if err != nil {
			return fmt.Errorf("its rooms: %w", err)
		}
		if count != state.Rows {
			return fmt.Errorf("it holds %d rooms where %d were written", count, state.Rows)
		}
		return nil
	})
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

// State implements [ledger.Store].
func (b *Bolt) State() (ledger.State, error) {
	var state ledger.State
	err := b.db.View(func(tx *bbolt.Tx) error {
		record, err := decodeState(keyState, tx.Bucket(bucketMeta).Get(keyState))
		if err != nil {
			return err
		}
		state = ledger.State{
			Complete:    record.Complete,
			PollStarted: record.PollStarted,
			FullPoll:    record.FullPoll,
			Drift:       record.Drift,
			Sorted:      record.Sorted,
		}
		return tx.Bucket(bucketPrefixes).ForEach(func(key, sealed []byte) error {
			prefix, err := open(key, sealed)
			state.Prefixes = append(state.Prefixes, string(prefix))
			return err
		})
	})
	return state, err
}

// Present implements [ledger.Store].
func (b *Bolt) Present() (ledger.IDSet, error) {
	var set ledger.IDSet
	err := b.db.View(func(tx *bbolt.Tx) error {
		value, err := open(keyPresent, tx.Bucket(bucketMeta).Get(keyPresent))
		if err != nil {
			return err
		}
		return set.UnmarshalBinary(value)
	})
	return set, err
}

// rowsPerView bounds how long one read of Rows keeps old pages from being reused.
const rowsPerView = 10_000

// Rows implements [ledger.Store].
func (b *Bolt) Rows(from string) iter.Seq2[ledger.Row, error] {
	return func(yield func(ledger.Row, error) bool) {
		batch := make([]ledger.Row, 0, 256)
		next := []byte(from)
		for next != nil {
			batch = batch[:0]
			err := b.db.View(func(tx *bbolt.Tx) error {
				cursor := tx.Bucket(bucketRows).Cursor()
				name, sealed := cursor.Seek(next)
				for ; name != nil && len(batch) < rowsPerView; name, sealed = cursor.Next() {
					row, err := decodeRow(name, sealed)
					if err != nil {
						return err
					}
					batch = append(batch, row)
				}
				next = bytes.Clone(name)
				return nil
			})
			if err != nil {
				yield(ledger.Row{}, b.damaged(err))
				return
			}
			for _, row := range batch {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// Get implements [ledger.Store].
func (b *Bolt) Get(names []string, found func(int, ledger.Row)) error {
	return b.db.View(func(tx *bbolt.Tx) error {
		rows := tx.Bucket(bucketRows)
		for i, name := range names {
			sealed := rows.Get([]byte(name))
			if sealed == nil {
				continue
			}
			row, err := decodeRow([]byte(name), sealed)
			if err != nil {
				return b.damaged(err)
			}
			found(i, row)
		}
		return nil
	})
}

// Commit implements [ledger.Store].
func (b *Bolt) Commit(c ledger.Change) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		meta, rows, prefixes := tx.Bucket(bucketMeta), tx.Bucket(bucketRows), tx.Bucket(bucketPrefixes)
		record, err := decodeState(keyState, meta.Get(keyState))
		if err != nil {
			return err
		}
		for _, row := range c.Rows {
			name := []byte(row.Name)
			if rows.Get(name) == nil {
				record.Rows++
			}
			if err := rows.Put(name, encodeRow(row)); err != nil {
				return err
			}
		}
		for _, prefix := range c.Prefixes {
			n, err := prefixes.NextSequence()
			if err != nil {
				return err
			}
			key := binary.BigEndian.AppendUint64(nil, n)
			if err := prefixes.Put(key, seal(key, []byte(prefix))); err != nil {
				return err
			}
		}
		if c.State != nil {
			record.Complete = c.State.Complete
			record.PollStarted = c.State.PollStarted
			record.FullPoll = c.State.FullPoll
			record.Drift = c.State.Drift
			record.Sorted = c.State.Sorted
		}
		state, err := encodeState(keyState, record)
		if err != nil {
			return err
		}
		if err := meta.Put(keyState, state); err != nil {
			return err
		}
		if c.Present == nil {
			return nil
		}
		present, err := c.Present.AppendBinary(nil)
		if err != nil {
			return err
		}
		return meta.Put(keyPresent, seal(keyPresent, present))
	})
}

// Copy calls f with the file as it is now, and its size. Writes go on meanwhile, but the
// file cannot grow, so f must not wait for anybody.
func (b *Bolt) Copy(f func(size int64, file io.WriterTo) error) error {
	return b.db.View(func(tx *bbolt.Tx) error { return f(tx.Size(), tx) })
}

// Close implements [ledger.Store].
func (b *Bolt) Close() error { return b.db.Close() }
