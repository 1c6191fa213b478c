package state

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"whereby_exporter/collector/cost"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/quality"
	"whereby_exporter/collector/recordings"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/transcriptions"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

// eventsDir is the directory of the event log, within the storage directory.
const eventsDir = "events"

// Directory keeps state in a directory. It is safe for concurrent use.
type Directory struct {
	path    string
	log     *slog.Logger
	ledger  *store.Bolt
	quality *store.Records
	costs   *store.Costs
	copying sync.Mutex // one copy at a time: each takes as much disk as the state

	mu     sync.Mutex
	points *store.Points     // nil until the budget is resumed
	events *webhook.EventLog // nil until the event log is opened
	// damaged is true if it could not be: then a backup has no part of it.
	damaged bool
}

// Open opens the state in a directory, and makes it if there is none. It reads and checks
// the whole of the stores; nothing is changed if one is damaged.
func Open(path string, log *slog.Logger) (*Directory, error) {
	removeSpooled(path)
	rooms, err := store.OpenBolt(path)
	if err != nil {
		return nil, err
	}
	records, err := store.OpenRecords(path)
	if err != nil {
		return nil, errors.Join(err, rooms.Close())
	}
	return &Directory{path: path, log: log, ledger: rooms, quality: records, costs: store.NewCosts(path)}, nil
}

// removeSpooled removes the temporary files of backups that an earlier process left.
func removeSpooled(path string) {
	left, _ := filepath.Glob(filepath.Join(path, spooled))
	for _, file := range left {
		_ = os.Remove(file)
	}
}

// Ledger returns the store of usage.
func (d *Directory) Ledger() ledger.Store { return d.ledger }

// Quality returns the store of call quality.
func (d *Directory) Quality() quality.Store { return d.quality }

// Costs returns the store of what was charged.
func (d *Directory) Costs() cost.Store { return d.costs }

// Transcriptions returns the store of transcriptions.
func (d *Directory) Transcriptions() transcriptions.Store { return d.ledger.Transcriptions() }

// Recordings returns the store of what was read of stored recordings.
func (d *Directory) Recordings() recordings.Store { return d.ledger }

// ResumeBudget makes points that an earlier process spent count too, and notes those that
// are spent from now on for the next one.
func (d *Directory) ResumeBudget(budget *whereby.Budget) error {
	points, left, err := store.OpenPoints(d.path)
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.points = points
	d.mu.Unlock()
	budget.Resume(left)
	budget.OnSpend, budget.OnBlock = points.Spend, points.Block
	return nil
}

// OpenEvents restores what events led to, and returns the log of further ones.
func (d *Directory) OpenEvents(s webhook.State) (webhook.Log, error) {
	events, err := webhook.OpenEventLog(filepath.Join(d.path, eventsDir), s, d.log)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.damaged = true
		return nil, err
	}
	d.events = events
	return events, nil
}

// Close closes everything that was opened.
func (d *Directory) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := errors.Join(d.ledger.Close(), d.quality.Close())
	if d.points != nil {
		err = errors.Join(err, d.points.Close())
	}
	if d.events != nil {
		err = errors.Join(err, d.events.Close())
	}
	if err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}
