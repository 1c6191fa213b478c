package webhook

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/journal"
	"whereby_exporter/whereby"
)

// State is what events lead to. An event may be applied again, and changes nothing
// then.
type State interface {
	// Apply takes an event that arrived at the given time; segment is that of its
	// participant, "" is none.
	Apply(event whereby.Event, segment string, arrived time.Time)
	// Segment tells to which segment an event's participant belongs.
	Segment(event whereby.Event) string
	// AppendBinary appends the state in a form that UnmarshalBinary reads.
	AppendBinary([]byte) ([]byte, error)
	UnmarshalBinary([]byte) error
}

const (
	// eventsDir is the directory of the journal, within the storage directory.
	eventsDir = "events"
	// stateFile is the file in it that holds the saved state.
	stateFile = "live.state"
	// saveInterval and saveSize are when the state is saved: they bound what has to
	// be replayed at a start.
	saveInterval = time.Minute
	saveSize     = 16 << 20
)

// Receiver makes events durable and applies them. An event is durable before it is
// applied, and applied before it is acknowledged.
type Receiver struct {
	state State
	dir   string
	// journal is nil where nothing is kept.
	journal *journal.Journal
	log     *slog.Logger
}

// OpenReceiver restores the state from a storage directory; "" keeps none.
func OpenReceiver(storage string, state State, log *slog.Logger) (*Receiver, error) {
	r := &Receiver{state: state, log: log}
	if storage == "" {
		return r, nil
	}
	r.dir = filepath.Join(storage, eventsDir)
	if err := os.MkdirAll(r.dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the directory of events: %w", err)
	}
	from, err := r.restore()
	if err != nil {
		return nil, err
	}
	replayed := 0
	r.journal, err = journal.Open(r.dir, from, func(record []byte) error {
		event, segment, arrived, err := DecodeRecord(record)
		if err != nil {
			return err
		}
		state.Apply(event, segment, arrived)
		replayed++
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("restore the live state: %w", err)
	}
	log.Debug("live state restored", "replayed_events", replayed)
	return r, nil
}

// Accept returns once the event is durable and applied, or the context is done.
func (r *Receiver) Accept(ctx context.Context, event whereby.Event) error {
	arrived := time.Now()
	segment := r.state.Segment(event)
	// The texts that the segment is found in may name a person, and go no further.
	event.ExternalID, event.Metadata = "", ""
	apply := func() { r.state.Apply(event, segment, arrived) }
	if r.journal == nil {
		apply()
		return nil
	}
	record, err := EncodeRecord(event, segment, arrived)
	if err != nil {
		return err
	}
	return r.journal.Append(ctx, record, apply)
}

// Run saves the state from time to time until the context is done, and once more
// then.
func (r *Receiver) Run(ctx context.Context) error {
	if r.journal == nil {
		<-ctx.Done()
		return nil
	}
	const look = time.Second // how often to see whether the journal has grown
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	saved := time.Now()
	for {
		select {
		case <-ctx.Done():
			return r.Save()
		case now := <-ticker.C:
			if now.Sub(saved) < saveInterval && r.journal.Size() < saveSize {
				continue
			}
			saved = now
			if err := r.Save(); err != nil {
				// Nothing is lost: the journal still has it all.
				r.log.Warn("the live state could not be saved; the journal grows until it can", "err", err)
			}
		}
	}
}

// Save writes the state, and forgets the journal up to it.
func (r *Receiver) Save() error {
	if r.journal == nil {
		return nil
	}
	content := make([]byte, 8) // room for the number
	number, err := r.journal.Rotate(func() (err error) {
		content, err = r.state.AppendBinary(content)
		return err
	})
	if err != nil {
		return fmt.Errorf("save the live state: %w", err)
	}
	binary.BigEndian.PutUint64(content, number)
	content = binary.BigEndian.AppendUint32(content, durable.Checksum(content))
	if err := durable.Replace(filepath.Join(r.dir, stateFile), durable.Content(content)); err != nil {
		return fmt.Errorf("save the live state: %w", err)
	}
	return r.journal.Forget(number)
}

// restore reads the saved state, and returns from which file on the journal goes
// beyond it.
func (r *Receiver) restore() (from uint64, err error) {
	path := filepath.Join(r.dir, stateFile)
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the live state: %w", err)
	}
	const head, sum = 8, 4
	damaged := fmt.Errorf("live state %s is damaged and was left untouched; restore it from a backup, or move the directory %s away to start with no one in a room", path, r.dir)
	if len(content) < head+sum {
		return 0, damaged
	}
	body, end := content[:len(content)-sum], content[len(content)-sum:]
	if !bytes.Equal(binary.BigEndian.AppendUint32(nil, durable.Checksum(body)), end) {
		return 0, damaged
	}
	if err := r.state.UnmarshalBinary(body[head:]); err != nil {
		return 0, fmt.Errorf("live state %s: %w", path, err)
	}
	return binary.BigEndian.Uint64(body), nil
}

// Close closes the journal.
func (r *Receiver) Close() error {
	if r.journal == nil {
		return nil
	}
	return r.journal.Close()
}

// record is what is kept of an event: no external id and no metadata, as they may
// name a person.
type record struct {
	ID          string            `json:"id"`
	Type        whereby.EventType `json:"type"`
	Created     time.Time         `json:"created"`
	Arrived     time.Time         `json:"arrived"`
	Room        string            `json:"room,omitempty"`
	Session     string            `json:"session,omitempty"`
	Participant string            `json:"participant,omitempty"`
	Role        string            `json:"role,omitempty"`
	Clients     map[string]int    `json:"clients"`
	Status      string            `json:"status,omitempty"`
	// Segment is the captured group of what an operator asked for, and nothing else.
	Segment string `json:"segment,omitempty"`
}

// EncodeRecord gives what is kept of an event that arrived at a time: no external id and
// no metadata.
func EncodeRecord(e whereby.Event, segment string, arrived time.Time) ([]byte, error) {
	return json.Marshal(record{
		ID: e.ID, Type: e.Type, Created: e.CreatedAt, Arrived: arrived,
		Room: e.RoomName, Session: e.RoomSessionID, Participant: e.ParticipantID,
		Role: e.RoleName, Clients: e.Clients, Status: e.Status,
		Segment: segment,
	})
}

// DecodeRecord reads what [EncodeRecord] gave.
func DecodeRecord(b []byte) (event whereby.Event, segment string, arrived time.Time, err error) {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return whereby.Event{}, "", time.Time{}, fmt.Errorf("decode an event: %w", err)
	}
	return whereby.Event{
		ID: r.ID, Type: r.Type, CreatedAt: r.Created, RoomName: r.Room, RoomSessionID: r.Session,
		ParticipantID: r.Participant, RoleName: r.Role, Clients: r.Clients, Status: r.Status,
	}, r.Segment, r.Arrived, nil
}
