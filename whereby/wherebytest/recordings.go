package wherebytest

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Recording is a recording that Whereby stores.
type Recording struct {
	ID        string
	RoomName  string // in the row with [Recordings].RoomNames alone
	SessionID string
	Filename  string
	Start     time.Time
	End       time.Time
	Megabytes float64
	// Deleted is when it is deleted; zero is never.
	Deleted time.Time
}

// Recordings is what Whereby leaves open about how it lists stored recordings. The functions
// must always return the same for the same arguments, and must not call the account's methods.
type Recordings struct {
	// RoomNames includes roomName in rows. According to the documentation, recordings can be
	// filtered and sorted by it, but no row contains it.
	RoomNames bool
	// Lateness is how long after its end a recording appears.
	Lateness func(id string) time.Duration
	// NullSizes lists a recording without its size.
	NullSizes func(id string) bool
	// OddRows lists a recording in a form that cannot be used.
	OddRows func(id string, at time.Time) bool
	// Status is the status of responses, such as 403 or 404; 0 means the usual response.
	Status func(at time.Time) int
	// MovingPages deletes, with each page except the last, a recording of that page for which
	// it returns true; nil deletes none. With [OffsetCursors], the next page then misses one.
	MovingPages func(id string, at time.Time) bool
}

// AddRecordings stores recordings. A recording replaces one with the same ID.
func (a *Account) AddRecordings(recordings ...Recording) {
	a.lock()
	defer a.mu.Unlock()
	for _, r := range recordings {
		i, found := a.storedAt(r.ID)
		if found {
			a.stored[i] = &r
		} else {
			a.stored = slices.Insert(a.stored, i, &r)
		}
	}
}

// DeleteRecording deletes a recording, and reports whether it was stored.
func (a *Account) DeleteRecording(id string) bool {
	a.lock()
	defer a.mu.Unlock()
	return a.deleteRecording(id)
}

func (a *Account) deleteRecording(id string) bool {
	i, found := a.storedAt(id)
	if found {
		a.stored = slices.Delete(a.stored, i, i+1)
	}
	return found
}

func (a *Account) storedAt(id string) (int, bool) {
	return slices.BinarySearchFunc(a.stored, id, func(r *Recording, id string) int { return strings.Compare(r.ID, id) })
}

// StoredRecordings returns the recordings that are listed now, by ID. Those whose rows cannot
// be used are left out, and one whose size is not listed has none.
func (a *Account) StoredRecordings() []Recording {
	now := a.lock()
	defer a.mu.Unlock()
	var all []Recording
	for _, r := range a.listedRecordings(now) {
		if a.oddRecording(r) {
			continue
		}
		row := *r
		if a.sizeless(r) {
			row.Megabytes = 0
		}
		all = append(all, row)
	}
	return all
}

func (a *Account) listedRecordings(now int64) []*Recording {
	var all []*Recording
	for _, r := range a.stored {
		appears := millis(r.End)
		if late := a.cfg.Recordings.Lateness; late != nil {
			appears += late(r.ID).Milliseconds()
		}
		if appears <= now && (r.Deleted.IsZero() || now < millis(r.Deleted)) {
			all = append(all, r)
		}
	}
	return all
}

func (a *Account) sizeless(r *Recording) bool {
	return a.cfg.Recordings.NullSizes != nil && a.cfg.Recordings.NullSizes(r.ID)
}

func (a *Account) oddRecording(r *Recording) bool {
	return a.cfg.Recordings.OddRows != nil && a.cfg.Recordings.OddRows(r.ID, time.Now())
}

// recordingsRefused returns the status that a request for recordings is refused with; 0 is
// none.
func (a *Account) recordingsRefused(q *query) int {
	if q.endpoint != EndpointRecordings || a.cfg.Recordings.Status == nil {
		return 0
	}
	return a.cfg.Recordings.Status(a.points.at)
}

// recordingValue returns what recordings are sorted by for a field, or nil for a field that
// they can't be sorted by.
func recordingValue(field string) func(r *Recording) (key int64, tie string) {
	switch field {
	case "startDate":
		return func(r *Recording) (int64, string) { return millis(r.Start), r.ID }
	case "duration":
		return func(r *Recording) (int64, string) { return r.End.Sub(r.Start).Milliseconds(), r.ID }
	case "sizeInMegaBytes":
		return func(r *Recording) (int64, string) { return int64(r.Megabytes * 1e6), r.ID }
	case "roomName":
		return func(r *Recording) (int64, string) { return 0, r.RoomName + " " + r.ID }
	}
	return nil
}

func (a *Account) recordingsBody(q *query, now int64) []byte {
	var rows []sorted[*Recording]
	value, of := recordingValue(q.field), q.values.Get("roomName")
	for _, r := range a.listedRecordings(now) {
		if of == "" || r.RoomName == of {
			key, tie := value(r)
			rows = append(rows, sorted[*Recording]{key, tie, r})
		}
	}
	q.recordings = nil
	return a.listingBody(q, inOrder(rows), func(e *encoder, i int) {
		r := rows[i].row
		q.recordings = append(q.recordings, r.ID)
		if a.oddRecording(r) {
			e.name("recordingId")
			e.b = append(e.b, `{"odd":true}`...)
			return
		}
		e.string("recordingId", r.ID)
		e.string("roomSessionId", r.SessionID)
		e.string("filename", cmp.Or(r.Filename, "recording.mp4"))
		if a.cfg.Recordings.RoomNames {
			e.string("roomName", r.RoomName)
		}
		e.time("startDate", millis(r.Start))
		e.time("endDate", millis(r.End))
		if a.sizeless(r) {
			e.absent("sizeInMegaBytes")
			return
		}
		e.name("sizeInMegaBytes")
		e.b = append(e.b, json.Number(strconv.FormatFloat(r.Megabytes, 'f', -1, 64))...)
	})
}

// moveRecordings deletes a recording of a page that has just been served.
func (a *Account) moveRecordings(q *query, now int64) {
	may := a.cfg.Recordings.MovingPages
	if may == nil || q.endpoint != EndpointRecordings || q.last {
		return
	}
	for _, id := range q.recordings {
		if may(id, moment(now)) {
			a.deleteRecording(id)
			return
		}
	}
}
