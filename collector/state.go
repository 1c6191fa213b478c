package collector

import (
	"log/slog"

	"whereby_exporter/collector/cost"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/quality"
	"whereby_exporter/collector/recordings"
	"whereby_exporter/collector/state"
	"whereby_exporter/collector/transcriptions"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

// keeper keeps what survives a restart.
type keeper interface {
	Ledger() ledger.Store
	Quality() quality.Store
	Transcriptions() transcriptions.Store
	Recordings() recordings.Store
	Costs() cost.Store
	// ResumeBudget makes points that an earlier process spent count too.
	ResumeBudget(*whereby.Budget) error
	// OpenEvents restores what events led to, and returns the log of further ones.
	OpenEvents(webhook.State) (webhook.Log, error)
	// Backup copies the state as it is now.
	Backup() (*state.Backup, error)
	Close() error
}

var _ = []keeper{(*state.Directory)(nil), (*state.Memory)(nil)}

// openKeeper opens the state in a directory, or restores it from a backup if there is none;
// "" keeps it in memory.
func openKeeper(path, backup string, log *slog.Logger) (keeper, error) {
	if path == "" {
		return state.NewMemory(), nil
	}
	if backup != "" {
		if err := state.Restore(backup, path, log); err != nil {
			return nil, &RestoreError{Backup: backup, Err: err}
		}
	}
	return state.Open(path, log)
}

// RestoreError means that a backup could not be restored.
type RestoreError struct {
	Backup string
	Err    error
}

func (e *RestoreError) Error() string { return e.Err.Error() }

func (e *RestoreError) Unwrap() error { return e.Err }
