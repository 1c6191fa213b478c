package store

import (
	"iter"
	"maps"
	"slices"
	"sync"

	"whereby_exporter/collector/ledger"
)

// Memory is a store that forgets everything when the process ends.
type Memory struct {
	mu         sync.RWMutex
	state      ledger.State
	counting   ledger.Counting
	present    []byte
	unlisted   []byte
	rows       map[string]ledger.Row
	recordings []byte
}

var _ ledger.Store = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{rows: map[string]ledger.Row{}}
}

// State implements [ledger.Store].
func (m *Memory) State() (ledger.State, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	state := m.state
	state.Prefixes = slices.Clone(state.Prefixes)
	return state, nil
}

// Present implements [ledger.Store].
func (m *Memory) Present() (ledger.IDSet, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var set ledger.IDSet
	err := set.UnmarshalBinary(m.present)
	return set, err
}

// Unlisted implements [ledger.Store].
func (m *Memory) Unlisted() (ledger.IDSet, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var set ledger.IDSet
	err := set.UnmarshalBinary(m.unlisted)
	return set, err
}

// Counting implements [ledger.Store].
func (m *Memory) Counting() (ledger.Counting, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.counting, nil
}

// Rows implements [ledger.Store].
func (m *Memory) Rows(from string) iter.Seq2[ledger.Row, error] {
	return func(yield func(ledger.Row, error) bool) {
		m.mu.RLock()
		names := slices.Sorted(maps.Keys(m.rows))
		m.mu.RUnlock()
		start, _ := slices.BinarySearch(names, from)
		for _, name := range names[start:] {
			m.mu.RLock()
			row := m.rows[name]
			m.mu.RUnlock()
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Get implements [ledger.Store].
func (m *Memory) Get(names []string, found func(int, ledger.Row)) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for i, name := range names {
		if row, ok := m.rows[name]; ok {
			found(i, row)
		}
	}
	return nil
}

// Commit implements [ledger.Store].
func (m *Memory) Commit(c ledger.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, row := range c.Rows {
		m.rows[row.Name] = row
	}
	if c.State != nil {
		prefixes := m.state.Prefixes
		m.state = *c.State
		m.state.Prefixes = prefixes
	}
	m.state.Prefixes = append(m.state.Prefixes, c.Prefixes...)
	if c.Counting != nil {
		m.counting = *c.Counting
	}
	if c.Present != nil {
		m.present, _ = c.Present.AppendBinary(nil)
	}
	if c.Unlisted != nil {
		m.unlisted, _ = c.Unlisted.AppendBinary(nil)
	}
	return nil
}

// Close implements [ledger.Store].
func (m *Memory) Close() error { return nil }
