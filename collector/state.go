package collector

import (
	"log/slog"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/quality"
	"whereby_exporter/collector/state"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

// keeper keeps what survives a restart.
type keeper interface {
	Ledger() ledger.Store
	Quality() quality.Store
	// ResumeBudget makes points that an earlier process spent count too.
	ResumeBudget(*whereby.Budget) error
	// OpenEvents restores what events led to, and returns the log of further ones.
	OpenEvents(webhook.State) (webhook.Log, error)
	Close() error
}

var _ = []keeper{(*state.Directory)(nil), (*state.Memory)(nil)}

// openKeeper opens the state in a directory; "" keeps it in memory.
func openKeeper(path string, log *slog.Logger) (keeper, error) {
	if path == "" {
		return state.NewMemory(), nil
	}
	return state.Open(path, log)
}
