package webhook

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/journal"
)

const (
	// StateFile is the file within the directory of events that holds the saved state.
	StateFile = "live.state"
	// saveInterval and saveSize decide when the state is saved: they limit how much has to be
	// replayed at a start.
	saveInterval = time.Minute
	saveSize     = 16 << 20
	// A saved state is the number of the journal's file that continues from it, the state
	// and a checksum.
	numberLength, sumLength = 8, 4
)

// EventLog is a [Log] in a directory: a journal of records, and the state that resulted from
// the records before the journal.
type EventLog struct {
	fsys     durable.FS
	dir      string
	state    State
	journal  *journal.Journal
	log      *slog.Logger
	repaired atomic.Int64
}

var _ Log = (*EventLog)(nil)

// OpenEventLog restores the state from a directory, which it makes if there is none. If what
// is there is damaged, the error is or wraps a [*durable.DamagedError] and nothing was
// changed.
func OpenEventLog(dir string, state State, log *slog.Logger) (*EventLog, error) {
	return openEventLog(durable.OS{}, dir, state, log)
}

func openEventLog(fsys durable.FS, dir string, state State, log *slog.Logger) (*EventLog, error) {
	l := &EventLog{fsys: fsys, dir: dir, state: state, log: log}
	err := fsys.MkdirAll(dir, 0o750)
	if err == nil {
		// Even if the directory existed: the process that made it may have been killed before.
		err = fsys.SyncDir(filepath.Dir(dir))
	}
	if err != nil {
		return nil, fmt.Errorf("make the directory of events: %w", err)
	}
	from, err := l.restore()
	if err != nil {
		return nil, err
	}
	replayed := 0
	l.journal, err = journal.Open(journal.Options{
		FS: fsys, Dir: dir, From: from,
		Replay: func(record []byte) error {
			event, segment, arrived, err := decodeRecord(record)
			if err != nil {
				return err
			}
			state.Apply(event, segment, arrived)
			replayed++
			return nil
		},
		OnRepair: l.onRepair,
	})
	if err != nil {
		return nil, fmt.Errorf("restore the live state: %w", err)
	}
	// A save that was killed may have left a file that takes the space that events need.
	if err := fsys.Remove(durable.Temporary(l.statePath())); err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("removing the leftovers of an unfinished save failed", "err", err)
	}
	log.Debug("live state restored", "replayed_events", replayed)
	return l, nil
}

func (l *EventLog) onRepair(r journal.Repair) {
	l.repaired.Add(1)
	l.log.Warn("dropped the unfinished end of a journal; none of it had been acknowledged",
		"file", r.Path, "offset", r.Offset, "bytes", r.Bytes, "err", r.Err)
}

// Repairs implements [Log].
func (l *EventLog) Repairs() int64 { return l.repaired.Load() }

func (l *EventLog) statePath() string { return filepath.Join(l.dir, StateFile) }

// Append implements [Log].
func (l *EventLog) Append(ctx context.Context, record []byte, apply func()) error {
	return l.journal.Append(ctx, record, apply)
}

// Run implements [Log].
func (l *EventLog) Run(ctx context.Context, saveFailed func()) error {
	const look = time.Second // how often to see whether the journal has grown
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	saved, failing := time.Now(), false
	for {
		select {
		case <-ctx.Done():
			err := l.Save()
			if err != nil {
				saveFailed()
			}
			return err
		case now := <-ticker.C:
			if now.Sub(saved) < saveInterval && l.journal.Size() < saveSize {
				continue
			}
			saved = now
			switch err := l.Save(); {
			case err != nil:
				saveFailed()
				// Nothing is lost: the journal still has everything.
				if !failing {
					l.log.Warn("saving the live state failed; the journal grows until it succeeds", "err", err)
				}
				failing = true
			case failing:
				l.log.Info("saving the live state succeeded again")
				failing = false
			}
		}
	}
}

// Save writes the state, and forgets the journal up to it.
func (l *EventLog) Save() error {
	content := make([]byte, numberLength)
	number, err := l.journal.Rotate(func() (err error) {
		content, err = l.state.AppendBinary(content)
		return err
	})
	if err != nil {
		return fmt.Errorf("save the live state: %w", err)
	}
	if err := durable.ReplaceContent(l.fsys, l.statePath(), seal(content, number)); err != nil {
		return fmt.Errorf("save the live state: %w", err)
	}
	return l.journal.Forget(number)
}

// restore reads the saved state, and returns the number of the first journal file that goes
// beyond it.
func (l *EventLog) restore() (from uint64, err error) {
	number, state, err := readState(l.fsys, l.dir)
	if err != nil || state == nil {
		return 0, err
	}
	if err := l.state.UnmarshalBinary(state); err != nil {
		return 0, fmt.Errorf("live state %s: %w; %s", l.statePath(), err, startOver(l.dir))
	}
	return number, nil
}

// readState reads the saved state of a directory and the number of the journal's file
// that continues from it. The state is nil if there is none.
func readState(fsys durable.FS, dir string) (number uint64, state []byte, err error) {
	path := filepath.Join(dir, StateFile)
	content, err := durable.ReadFile(fsys, path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, fmt.Errorf("read the live state: %w", err)
	}
	body := content[:max(0, len(content)-sumLength)]
	if len(body) < numberLength || !bytes.Equal(binary.BigEndian.AppendUint32(nil, durable.Checksum(body)), content[len(body):]) {
		return 0, nil, fmt.Errorf("live state %w and was left untouched; %s", durable.Damaged(path, nil), startOver(dir))
	}
	return binary.BigEndian.Uint64(body), body[numberLength:], nil
}

// startOver returns the way out if the saved state cannot be used.
func startOver(dir string) string {
	return fmt.Sprintf("move the directory %s away to start with no one in a room, or put that of a backup in its place", dir)
}

// CheckState returns an error if the saved state of a directory is damaged.
func CheckState(dir string) error {
	_, _, err := readState(durable.OS{}, dir)
	return err
}

// Copy returns the content of a [StateFile] for another directory: the state as it is
// now, with every event that was acknowledged, and no journal that continues from it.
func (l *EventLog) Copy() ([]byte, error) {
	content, err := l.state.AppendBinary(make([]byte, numberLength))
	if err != nil {
		return nil, fmt.Errorf("copy the live state: %w", err)
	}
	return seal(content, 0), nil
}

// seal completes a state that has room for the number in front.
func seal(content []byte, number uint64) []byte {
	binary.BigEndian.PutUint64(content, number)
	return binary.BigEndian.AppendUint32(content, durable.Checksum(content))
}

// Close closes the journal.
func (l *EventLog) Close() error { return l.journal.Close() }

// Unlogged is a [Log] that keeps nothing.
type Unlogged struct{}

var _ Log = Unlogged{}

// Append implements [Log].
func (Unlogged) Append(_ context.Context, _ []byte, apply func()) error {
	apply()
	return nil
}

// Run implements [Log].
func (Unlogged) Run(ctx context.Context, _ func()) error {
	<-ctx.Done()
	return nil
}

// Repairs implements [Log].
func (Unlogged) Repairs() int64 { return 0 }

// Refusing is a [Log] that accepts no record because what is on disk is damaged.
type Refusing struct{ Err error }

var _ Log = Refusing{}

// Append implements [Log].
func (r Refusing) Append(context.Context, []byte, func()) error { return r.Err }

// Run implements [Log].
func (r Refusing) Run(ctx context.Context, saveFailed func()) error {
	return Unlogged{}.Run(ctx, saveFailed)
}

// Repairs implements [Log].
func (Refusing) Repairs() int64 { return 0 }
