package store

import (
	"bytes"

	"go.etcd.io/bbolt"
)

var keyRecordings = []byte("recordings")

// Recordings returns what [Bolt.KeepRecordings] last stored, or nil.
func (b *Bolt) Recordings() ([]byte, error) {
	var content []byte
	err := b.db.View(func(tx *bbolt.Tx) error {
		value, err := recordingsOf(tx.Bucket(bucketMeta))
		content = bytes.Clone(value)
		return err
	})
	if err != nil {
		return nil, b.damaged(err)
	}
	return content, nil
}

// KeepRecordings keeps the last reading of the stored recordings.
func (b *Bolt) KeepRecordings(content []byte) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(keyRecordings, seal(keyRecordings, content))
	})
}

func recordingsOf(meta *bbolt.Bucket) ([]byte, error) {
	sealed := meta.Get(keyRecordings)
	if sealed == nil {
		return nil, nil
	}
	return open(keyRecordings, sealed)
}

// Recordings returns what [Memory.KeepRecordings] last stored, or nil.
func (m *Memory) Recordings() ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.recordings, nil
}

// KeepRecordings keeps the last reading of the stored recordings.
func (m *Memory) KeepRecordings(content []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.recordings = content
	return nil
}
