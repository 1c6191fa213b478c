package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"whereby_exporter/collector/ledger"
)

// FileName is the store's file within the storage directory.
const FileName = "whereby.db"

// formatVersion counts the incompatible changes of the file. Format 1 is read too, and
// becomes the present one with the first commit.
const formatVersion = 2

var (
	bucketMeta     = []byte("meta")
	bucketRows     = []byte("rooms")
	bucketPrefixes = []byte("prefixes")

	keyFormat   = []byte("format")
	keyState    = []byte("state")
	keyPresent  = []byte("present")
	keyUnlisted = []byte("unlisted")
	keyCounting = []byte("counting")
)

// Bolt is a store in a bbolt file.
type Bolt struct{ file }

var _ ledger.Store = (*Bolt)(nil)

// OpenBolt opens the store in a directory, and creates both if they do not exist. It reads the
// whole file. For a damaged file, it returns a [*durable.DamagedError].
func OpenBolt(dir string) (*Bolt, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the storage directory: %w", err)
	}
	path := filepath.Join(dir, FileName)
	b := &Bolt{file{
		path: path, name: "the store", prefix: "store ",
		remedy: "move it away to start without it, in which case rooms that Whereby has deleted no longer count",
	}}
	if err := b.open(empty, verify); err != nil {
		return nil, err
	}
	return b, nil
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

// verify reads everything once.
func verify(tx *bbolt.Tx) error {
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
	if unlisted := meta.Get(keyUnlisted); unlisted != nil {
		if _, err := open(keyUnlisted, unlisted); err != nil {
			return fmt.Errorf("its rooms that full polls have missed: %w", err)
		}
	}
	if counting := meta.Get(keyCounting); counting != nil {
		if _, err := open(keyCounting, counting); err != nil {
			return fmt.Errorf("how its rooms were counted: %w", err)
		}
	}
	if _, err := recordingsOf(meta); err != nil {
		return fmt.Errorf("its recordings: %w", err)
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
	return verifyTranscriptions(tx)
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
			Complete:        record.Complete,
			PollStarted:     record.PollStarted,
			FullPoll:        record.FullPoll,
			FullPollStarted: record.FullPollStarted,
			Drift:           record.Drift,
			Sorted:          record.Sorted,
			Aside:           record.Aside,
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
func (b *Bolt) Present() (ledger.IDSet, error) { return b.set(keyPresent) }

// Unlisted implements [ledger.Store].
func (b *Bolt) Unlisted() (ledger.IDSet, error) { return b.set(keyUnlisted) }

// set reads a set, which is empty if it was never written.
func (b *Bolt) set(key []byte) (ledger.IDSet, error) {
	var set ledger.IDSet
	err := b.db.View(func(tx *bbolt.Tx) error {
		sealed := tx.Bucket(bucketMeta).Get(key)
		if sealed == nil {
			return nil
		}
		value, err := open(key, sealed)
		if err != nil {
			return b.damaged(err)
		}
		return set.UnmarshalBinary(value)
	})
	return set, err
}

// Counting implements [ledger.Store].
func (b *Bolt) Counting() (ledger.Counting, error) {
	var counting ledger.Counting
	err := b.db.View(func(tx *bbolt.Tx) error {
		sealed := tx.Bucket(bucketMeta).Get(keyCounting)
		if sealed == nil {
			return nil
		}
		value, err := open(keyCounting, sealed)
		if err != nil {
			return b.damaged(err)
		}
		return json.Unmarshal(value, &counting)
	})
	return counting, err
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
			record.FullPollStarted = c.State.FullPollStarted
			record.Drift = c.State.Drift
			record.Sorted = c.State.Sorted
			record.Aside = c.State.Aside
		}
		state, err := encodeState(keyState, record)
		if err != nil {
			return err
		}
		// From the first row of this format on, older versions of this program cannot read all.
		version := binary.BigEndian.AppendUint64(nil, formatVersion)
		if err := errors.Join(meta.Put(keyState, state), meta.Put(keyFormat, version)); err != nil {
			return err
		}
		if c.Counting != nil {
			counting, err := json.Marshal(c.Counting)
			if err != nil {
				return err
			}
			if err := meta.Put(keyCounting, seal(keyCounting, counting)); err != nil {
				return err
			}
		}
		return errors.Join(putSet(meta, keyPresent, c.Present), putSet(meta, keyUnlisted, c.Unlisted))
	})
}

// putSet replaces a set, if there is another one.
func putSet(meta *bbolt.Bucket, key []byte, set *ledger.IDSet) error {
	if set == nil {
		return nil
	}
	value, err := set.AppendBinary(nil)
	if err != nil {
		return err
	}
	return meta.Put(key, seal(key, value))
}
