package webhook

import (
	"context"
	"time"

	"whereby_exporter/whereby"
)

// State is what results from events. Applying an event again changes nothing.
type State interface {
	// Apply takes an event that arrived at the given time; segment is that of its
	// participant, "" is none.
	Apply(event whereby.Event, segment string, arrived time.Time)
	// Segment returns the segment of an event's participant.
	Segment(event whereby.Event) string
	// AppendBinary appends the state in a form that UnmarshalBinary reads.
	AppendBinary([]byte) ([]byte, error)
	UnmarshalBinary([]byte) error
}

// Log makes records of events durable, and keeps the state that resulted from them.
type Log interface {
	// Append returns once the record is durable and apply has returned, or once the
	// context is done.
	Append(ctx context.Context, record []byte, apply func()) error
	// Run saves the state from time to time until the context is done, and then once more. It
	// calls saveFailed for each save that failed.
	Run(ctx context.Context, saveFailed func()) error
	// Repairs returns how often the unfinished end of a journal was left out.
	Repairs() int64
}

// Receiver takes events. One is durable before it is applied, and applied before it is
// acknowledged.
type Receiver struct {
	state State
	log   Log
	now   func() time.Time
}

// NewReceiver returns a receiver that logs events, and applies them to the log's state with
// the time that now returns.
func NewReceiver(state State, log Log, now func() time.Time) *Receiver {
	return &Receiver{state, log, now}
}

// Accept returns once the event is durable and applied, or the context is done.
func (r *Receiver) Accept(ctx context.Context, event whereby.Event) error {
	arrived := r.now()
	segment := r.state.Segment(event)
	// The texts that contain the segment may name a person, and go no further.
	event.ExternalID, event.Metadata = "", ""
	record, err := encodeRecord(event, segment, arrived)
	if err != nil {
		return err
	}
	return r.log.Append(ctx, record, func() { r.state.Apply(event, segment, arrived) })
}
