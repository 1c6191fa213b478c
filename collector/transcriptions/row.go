package transcriptions

import (
	"time"

	"whereby_exporter/whereby"
)

// Status is how far a transcription is.
type Status uint8

// The statuses. All but Running are how it ended; Other is for an end that is not documented.
const (
	Running Status = iota
	Finished
	Failed
	Other
	statuses // their number
)

var statusNames = [statuses]string{"running", "finished", "failed", "other"}

func (s Status) String() string { return statusNames[s] }

// Known reports whether the status is one of the constants.
func (s Status) Known() bool { return s < statuses }

// ByStatus holds a figure for each status.
type ByStatus [statuses]int64

// Ended returns the sum of those that have ended.
func (b ByStatus) Ended() int64 { return b[Finished] + b[Failed] + b[Other] }

// Row is what is known of a transcription.
type Row struct {
	ID   string
	Room string
	// Label is the value of room_prefix that it counts under for good, so that the counters
	// stay as they are if the configuration moves its room to another prefix.
	Label string
	// Started is in milliseconds since 1970, 0 if it is not known. Listed is true if it is
	// from the listing; events only tell when they were made.
	Started int64
	Listed  bool
	// Billable is the highest billable time that was seen, in milliseconds.
	Billable int64
	Status   Status
	// Uncounted is true if it may be one of those that webhooks counted by status before
	// rows were kept.
	Uncounted bool
}

// merge returns the row with another reading of the same transcription.
func (r Row) merge(o Row) Row {
	if r.Room == "" {
		r.Room = o.Room
	}
	switch {
	case o.Started == 0:
	case o.Listed:
		r.Started, r.Listed = o.Started, true
	case !r.Listed && (r.Started == 0 || o.Started < r.Started):
		r.Started = o.Started
	}
	r.Billable = max(r.Billable, o.Billable)
	if r.Status == Running {
		r.Status = o.Status
	}
	return r
}

// listed is what a row of the listing tells.
func listed(t whereby.Transcription) Row {
	row := Row{ID: t.ID, Room: t.RoomName, Started: t.StartedAt.UnixMilli(), Listed: true, Billable: t.Billable.Milliseconds()}
	switch t.State {
	case whereby.TranscriptionReady:
		row.Status = Finished
	case whereby.TranscriptionFailure:
		row.Status = Failed
	}
	return row
}

// announced is what an event tells; ok is false if it is of no transcription that has an id.
func announced(e whereby.Event) (row Row, ok bool) {
	if e.TranscriptionID == "" {
		return Row{}, false
	}
	row = Row{ID: e.TranscriptionID, Room: e.RoomName, Billable: e.Billable.Milliseconds()}
	switch e.Type {
	case whereby.TranscriptionStarted:
	case whereby.TranscriptionFailed:
		row.Status = Failed
	case whereby.TranscriptionFinished:
		switch e.Status {
		case "", "completed", "finished", whereby.TranscriptionReady:
			row.Status = Finished
		case whereby.TranscriptionFailure:
			row.Status = Failed
		default:
			row.Status = Other
		}
	default:
		return Row{}, false
	}
	if !e.CreatedAt.IsZero() {
		// The listing knows better, and is asked within a poll.
		row.Started = e.CreatedAt.Add(-time.Duration(row.Billable) * time.Millisecond).UnixMilli()
	}
	return row, true
}
