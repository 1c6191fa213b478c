package state

import (
	"whereby_exporter/collector/cost"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/quality"
	"whereby_exporter/collector/recordings"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/transcriptions"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

// Memory keeps state until the process ends.
type Memory struct {
	ledger         *store.Memory
	transcriptions *store.TranscriptionsInMemory
	costs          store.MemoryCosts
}

// NewMemory returns an empty one.
func NewMemory() *Memory {
	return &Memory{ledger: store.NewMemory(), transcriptions: store.NewTranscriptionsInMemory()}
}

// Ledger returns the store of usage.
func (m *Memory) Ledger() ledger.Store { return m.ledger }

// Quality returns the store of call quality.
func (*Memory) Quality() quality.Store { return store.NoRecords{} }

// Costs returns the store of what was charged.
func (m *Memory) Costs() cost.Store { return &m.costs }

// Transcriptions returns the store of transcriptions.
func (m *Memory) Transcriptions() transcriptions.Store { return m.transcriptions }

// Recordings returns the store of what was read of stored recordings.
func (m *Memory) Recordings() recordings.Store { return m.ledger }

// ResumeBudget has nothing to resume.
func (*Memory) ResumeBudget(*whereby.Budget) error { return nil }

// OpenEvents has nothing to restore.
func (*Memory) OpenEvents(webhook.State) (webhook.Log, error) { return webhook.Unlogged{}, nil }

// Backup returns [ErrInMemory].
func (*Memory) Backup() (*Backup, error) { return nil, ErrInMemory }

// Close does nothing.
func (*Memory) Close() error { return nil }
