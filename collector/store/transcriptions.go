package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"whereby_exporter/collector/transcriptions"
)

// Transcriptions have a bucket of their own in the store's file, and a state among its meta
// data. Both are absent until there is something to keep, and a program that does not know
// them leaves them alone.
var (
	bucketTranscriptions = []byte("transcriptions")
	keyTranscriptions    = []byte("transcriptions")
)

// transcriptionRow is the stored form of a [transcriptions.Row]; the key is its id.
type transcriptionRow struct {
	Room      string `json:"room,omitempty"`
	Label     string `json:"label"`
	Started   int64  `json:"started,omitempty"`
	Listed    bool   `json:"listed,omitempty"`
	Billable  int64  `json:"billable_ms,omitempty"`
	Status    uint8  `json:"status,omitempty"`
	Uncounted bool   `json:"uncounted,omitempty"`
}

// transcriptionState is the stored form of a [transcriptions.State]. Rows is how many rows
// the file must hold.
type transcriptionState struct {
	transcriptions.State
	Rows uint64 `json:"rows"`
}

// Transcriptions stores transcriptions in the file of a [Bolt].
type Transcriptions struct{ bolt *Bolt }

var _ transcriptions.Store = Transcriptions{}

// Transcriptions returns the part of the store for transcriptions.
func (b *Bolt) Transcriptions() Transcriptions { return Transcriptions{b} }

func readTranscriptionState(tx *bbolt.Tx) (state transcriptionState, err error) {
	sealed := tx.Bucket(bucketMeta).Get(keyTranscriptions)
	if sealed == nil {
		return state, nil
	}
	value, err := open(keyTranscriptions, sealed)
	if err != nil {
		return state, err
	}
	return state, json.Unmarshal(value, &state)
}

func decodeTranscription(id, sealed []byte) (transcriptions.Row, error) {
	value, err := open(id, sealed)
	if err != nil {
		return transcriptions.Row{}, err
	}
	var row transcriptionRow
	if err := json.Unmarshal(value, &row); err != nil {
		return transcriptions.Row{}, err
	}
	return transcriptions.Row{
		ID: string(id), Room: row.Room, Label: row.Label, Started: row.Started, Listed: row.Listed,
		Billable: row.Billable, Status: transcriptions.Status(row.Status), Uncounted: row.Uncounted,
	}, nil
}

// verifyTranscriptions reads them all once.
func verifyTranscriptions(tx *bbolt.Tx) error {
	state, err := readTranscriptionState(tx)
	if err != nil {
		return fmt.Errorf("its state of transcriptions: %w", err)
	}
	var count uint64
	if bucket := tx.Bucket(bucketTranscriptions); bucket != nil {
		err = inOrder(bucket, func(id, sealed []byte) error {
			count++
			row, err := decodeTranscription(id, sealed)
			if err == nil && !row.Status.Known() {
				err = errors.New("the status of one is unknown")
			}
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("its transcriptions: %w", err)
	}
	if count != state.Rows {
		return fmt.Errorf("it holds %d transcriptions where %d were written", count, state.Rows)
	}
	return nil
}

// State implements [transcriptions.Store].
func (t Transcriptions) State() (transcriptions.State, error) {
	var state transcriptionState
	err := t.bolt.db.View(func(tx *bbolt.Tx) (err error) {
		state, err = readTranscriptionState(tx)
		return err
	})
	return state.State, err
}

// Rows implements [transcriptions.Store].
func (t Transcriptions) Rows() iter.Seq2[transcriptions.Row, error] {
	return func(yield func(transcriptions.Row, error) bool) {
		err := t.bolt.db.View(func(tx *bbolt.Tx) error {
			bucket := tx.Bucket(bucketTranscriptions)
			if bucket == nil {
				return nil
			}
			cursor := bucket.Cursor()
			for id, sealed := cursor.First(); id != nil; id, sealed = cursor.Next() {
				row, err := decodeTranscription(id, sealed)
				if err != nil {
					return err
				}
				if !yield(row, nil) {
					return nil
				}
			}
			return nil
		})
		if err != nil {
			yield(transcriptions.Row{}, t.bolt.damaged(err))
		}
	}
}

// Get implements [transcriptions.Store].
func (t Transcriptions) Get(ids []string, found func(transcriptions.Row)) error {
	return t.bolt.db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(bucketTranscriptions)
		if bucket == nil {
			return nil
		}
		for _, id := range ids {
			sealed := bucket.Get([]byte(id))
			if sealed == nil {
				continue
			}
			row, err := decodeTranscription([]byte(id), sealed)
			if err != nil {
				return t.bolt.damaged(err)
			}
			found(row)
		}
		return nil
	})
}

// Commit implements [transcriptions.Store].
func (t Transcriptions) Commit(rows []transcriptions.Row, state *transcriptions.State) error {
	return t.bolt.db.Update(func(tx *bbolt.Tx) error {
		record, err := readTranscriptionState(tx)
		if err != nil {
			return err
		}
		bucket, err := tx.CreateBucketIfNotExists(bucketTranscriptions)
		if err != nil {
			return err
		}
		for _, row := range rows {
			id := []byte(row.ID)
			if bucket.Get(id) == nil {
				record.Rows++
			}
			value, err := json.Marshal(transcriptionRow{
				Room: row.Room, Label: row.Label, Started: row.Started, Listed: row.Listed,
				Billable: row.Billable, Status: uint8(row.Status), Uncounted: row.Uncounted,
			})
			if err != nil {
				return err
			}
			if err := bucket.Put(id, seal(id, value)); err != nil {
				return err
			}
		}
		if state != nil {
			record.State = *state
		}
		value, err := json.Marshal(record)
		if err != nil {
			return err
		}
		return tx.Bucket(bucketMeta).Put(keyTranscriptions, seal(keyTranscriptions, value))
	})
}

// TranscriptionsInMemory is like Transcriptions, but forgets everything when the process ends.
type TranscriptionsInMemory struct {
	mu    sync.RWMutex
	rows  map[string]transcriptions.Row
	state transcriptions.State
}

var _ transcriptions.Store = (*TranscriptionsInMemory)(nil)

// NewTranscriptionsInMemory returns an empty store.
func NewTranscriptionsInMemory() *TranscriptionsInMemory {
	return &TranscriptionsInMemory{rows: map[string]transcriptions.Row{}}
}

// State implements [transcriptions.Store].
func (m *TranscriptionsInMemory) State() (transcriptions.State, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state, nil
}

// Rows implements [transcriptions.Store].
func (m *TranscriptionsInMemory) Rows() iter.Seq2[transcriptions.Row, error] {
	return func(yield func(transcriptions.Row, error) bool) {
		m.mu.RLock()
		rows := slices.Collect(maps.Values(m.rows))
		m.mu.RUnlock()
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Get implements [transcriptions.Store].
func (m *TranscriptionsInMemory) Get(ids []string, found func(transcriptions.Row)) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, id := range ids {
		if row, ok := m.rows[id]; ok {
			found(row)
		}
	}
	return nil
}

// Commit implements [transcriptions.Store].
func (m *TranscriptionsInMemory) Commit(rows []transcriptions.Row, state *transcriptions.State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, row := range rows {
		m.rows[row.ID] = row
	}
	if state != nil {
		m.state = *state
	}
	return nil
}
