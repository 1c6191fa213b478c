package wherebytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"whereby_exporter/whereby"
)

// Transcriptions is what Whereby leaves open about how it lists transcriptions. The functions
// must always return the same for the same arguments, and must not call the account's methods.
type Transcriptions struct {
	// Status is the status of responses, such as 403; 0 means the usual response.
	Status func(at time.Time) int
	// OddRows corrupts the row of a transcription in one of the ways of OddTranscriptionKinds;
	// "" means not at all.
	OddRows func(id string, at time.Time) string
	// MovingPages deletes, with each page except the last, a transcription of that page that
	// has long been final and was never malformed. With [OffsetCursors], the next page then
	// misses one.
	MovingPages bool
}

// movable is for how long a transcription has been final that MovingPages deletes.
const movable = 13 * time.Hour

// Transcription is one of a meeting, or of its recording.
type Transcription struct {
	ID string // "" is made up
	// Start is when it starts, and End when it is ready or has failed. In between, its
	// billable time grows evenly.
	Start, End time.Time
	// Billable is the billable time at its end, in whole seconds.
	Billable time.Duration
	Failed   bool
	// Late is how much later than others it is listed.
	Late time.Duration
	// Deleted is when it is no longer listed; zero is never.
	Deleted time.Time
	// Unannounced is true if no webhooks are sent for it.
	Unannounced bool
	// Unlisted is true if it is never listed.
	Unlisted bool
}

// transcription is what an account keeps of one.
type transcription struct {
	Transcription
	room    *room
	session string
	kind    string
}

// Transcribe adds a transcription to a room. It replaces an earlier one with the same ID.
func (a *Account) Transcribe(roomName string, t Transcription) (id string) {
	a.lock()
	defer a.mu.Unlock()
	r := a.room("Transcribe", roomName)
	if t.ID == "" {
		t.ID = uuid(hash(fmt.Sprintf("%s/transcription/%d/%d", roomName, len(a.transcriptions), t.Start.UnixNano())), 4)
	}
	a.transcriptions = slices.DeleteFunc(a.transcriptions, func(o transcription) bool { return o.ID == t.ID })
	session := uuid(hash(t.ID), 6)
	a.transcriptions = append(a.transcriptions, transcription{t, r, session, "LIVE_TRANSCRIPTION"})
	if a.changed != nil {
		close(a.changed)
		a.changed = nil
	}
	return t.ID
}

// allTranscriptions are those that were added, and those of recordings.
func (a *Account) allTranscriptions() []transcription {
	if a.recorded == nil || a.recordedOf != a.meetings.version {
		a.recorded, a.recordedOf = []transcription{}, a.meetings.version
		for l := range a.meetings.between(minMillis, maxMillis) {
			c := a.cast(l)
			for i := range c.legs {
				if t, ok := c.transcription(i); ok {
					a.recorded = append(a.recorded, t)
				}
			}
		}
	}
	return slices.Concat(a.transcriptions, a.recorded)
}

// minMillis and maxMillis are before and after everything.
const minMillis, maxMillis = -1 << 62, 1 << 62

// transcription is that of the recording of a connection, if there is one.
func (c *cast) transcription(i int) (t transcription, ok bool) {
	l := &c.legs[i]
	if l.role != RoleRecorder || l.left == 0 {
		return t, false
	}
	r := c.recording(i)
	if r.transcribing == 0 || c.room.closed(r.transcribing) {
		return t, false
	}
	t = transcription{
		Transcription: Transcription{
			ID: uuid(r.id, 4), Start: moment(r.transcribing), End: moment(max(r.transcribed, r.notTranscribed)),
			Billable: l.transcribed(), Failed: r.notTranscribed != 0,
		},
		room: c.room, session: c.id, kind: "RECORDING_TRANSCRIPTION",
	}
	return t, true
}

// transcribed is how long the transcription of a recorder's connection is.
func (l *leg) transcribed() time.Duration {
	return time.Duration(max(1, (l.leaves()-l.joined)/1000)) * time.Second
}

// listedAt reports whether the transcription is listed when h has been reached.
func (t *transcription) listedAt(h, now int64) bool {
	return !t.Unlisted && h-t.Late.Milliseconds() >= millis(t.Start) && (t.Deleted.IsZero() || now < millis(t.Deleted))
}

// billable returns the billable time when h has been reached, in whole seconds.
func (t *transcription) billable(h int64) time.Duration {
	start, end := millis(t.Start), millis(t.End)
	if h >= end {
		return t.Billable
	}
	if h <= start {
		return 0
	}
	return (t.Billable * time.Duration(h-start) / time.Duration(end-start)).Truncate(time.Second)
}

func (t *transcription) state(h int64) string {
	switch {
	case h < millis(t.End):
		return whereby.TranscriptionInProgress
	case t.Failed:
		return whereby.TranscriptionFailure
	}
	return whereby.TranscriptionReady
}

func (a *Account) transcriptionsBody(q *query, now int64) []byte {
	name := q.values.Get("roomName")
	var rows []sorted[*transcription]
	for _, t := range a.allTranscriptions() {
		h := a.horizonOf(EndpointTranscriptions, t.room, now)
		if !t.listedAt(h, now) || name != "" && t.room.name != name {
			continue
		}
		row := sorted[*transcription]{millis(t.Start), t.ID, &t}
		switch q.field {
		case "roomName":
			row.key, row.tie = 0, t.room.name+" "+t.ID
		case "durationInSeconds":
			row.key = int64(t.billable(h))
		}
		rows = append(rows, row)
	}
	q.transcribed = nil
	return a.listingBody(q, inOrder(rows), func(e *encoder, i int) {
		t := rows[i].row
		h := a.horizonOf(EndpointTranscriptions, t.room, now)
		q.transcribed = append(q.transcribed, t.ID)
		e.string("transcriptionId", t.ID)
		e.string("roomSessionId", t.session)
		e.string("roomName", t.room.name)
		e.time("startDate", millis(t.Start))
		e.time("endDate", max(millis(t.Start), min(millis(t.End), h)))
		e.time("createdAt", millis(t.Start))
		e.string("state", t.state(h))
		e.string("type", t.kind)
		e.string("storageType", "WHEREBY_HOSTED")
		if billable := t.billable(h); billable == 0 {
			e.absent("durationInSeconds")
		} else {
			e.int("durationInSeconds", int64(billable/time.Second))
		}
		e.text("filename", map[bool]string{true: strings.TrimPrefix(t.room.name, "/") + ".md"}[t.state(h) == whereby.TranscriptionReady])
	})
}

// transcriptionsRefused returns the status that a request is refused with; 0 is none.
func (a *Account) transcriptionsRefused() int {
	if a.cfg.Transcriptions.Status == nil {
		return 0
	}
	return a.cfg.Transcriptions.Status(a.points.at)
}

// moveTranscriptions deletes a transcription of the page that has just been answered with.
func (a *Account) moveTranscriptions(q *query, now int64) {
	if !a.cfg.Transcriptions.MovingPages || q.last {
		return
	}
	odd := func(id string) bool {
		return a.cfg.Transcriptions.OddRows != nil && a.cfg.Transcriptions.OddRows(id, time.Time{}) != ""
	}
	for i := range a.transcriptions {
		t := &a.transcriptions[i]
		if t.Deleted.IsZero() && millis(t.End)+t.Late.Milliseconds()+movable.Milliseconds() < now && slices.Contains(q.transcribed, t.ID) && !odd(t.ID) {
			t.Deleted = moment(now)
			return
		}
	}
}

// oddTranscriptions are what may be wrong with one row, by name.
var oddTranscriptions = map[string]func(row map[string]any){
	"null id":           func(row map[string]any) { row["transcriptionId"] = nil },
	"null room":         func(row map[string]any) { row["roomName"] = nil },
	"text for a number": func(row map[string]any) { row["durationInSeconds"] = "n/a" },
	"negative figure":   func(row map[string]any) { row["durationInSeconds"] = json.Number("-1") },
	"null times":        func(row map[string]any) { row["startDate"], row["createdAt"] = nil, nil },
	"malformed times":   func(row map[string]any) { row["startDate"] = "yesterday" },
}

// OddTranscriptionKinds returns the names that [Transcriptions].OddRows may return.
func OddTranscriptionKinds() []string { return slices.Sorted(maps.Keys(oddTranscriptions)) }

// spoilTranscriptions spoils the rows of transcriptions that are odd at the time of a request.
func (a *Account) spoilTranscriptions(q *query, x *answer) {
	if a.cfg.Transcriptions.OddRows == nil || q.endpoint != EndpointTranscriptions {
		return
	}
	editRows(func(row map[string]any) {
		id, _ := row["transcriptionId"].(string)
		if kind := a.cfg.Transcriptions.OddRows(id, a.points.at); kind != "" {
			oddTranscriptions[kind](row)
		}
	}).spoil(q, x)
}

// transcriptionEvents returns the webhooks of the transcriptions that were added, from a time
// until before another.
func (a *Account) transcriptionEvents(first, end int64) []Event {
	var events []Event
	for _, t := range a.transcriptions {
		add := func(at int64, eventType whereby.EventType, e Event) {
			if t.Unannounced || at < first || at >= end || t.room.closed(at) {
				return
			}
			e.ID = uuid(hash(t.ID+string(eventType)), 7)
			e.Type, e.CreatedAt = eventType, moment(at)
			e.MeetingID, e.RoomName, e.TranscriptionID, e.nulls = meetingID(t.room), t.room.name, t.ID, a.cfg.Nulls
			events = append(events, e)
		}
		add(millis(t.Start), whereby.TranscriptionStarted, Event{Status: whereby.TranscriptionInProgress})
		if t.Failed {
			add(millis(t.End), whereby.TranscriptionFailed, Event{Status: whereby.TranscriptionFailure, Error: "no speech was found"})
		} else {
			add(millis(t.End), whereby.TranscriptionFinished, Event{Status: whereby.TranscriptionReady, Duration: t.Billable})
		}
	}
	return events
}

// withTranscriptions puts the events of transcriptions among others, by time.
func withTranscriptions(events, transcriptions []Event) []Event {
	if len(transcriptions) == 0 {
		return events
	}
	events = append(events, transcriptions...)
	slices.SortStableFunc(events, func(x, y Event) int { return x.CreatedAt.Compare(y.CreatedAt) })
	return events
}

// TranscriptionTruth is what a reader of the account must arrive at for transcriptions.
type TranscriptionTruth struct {
	// Billable is the sum of the highest billable time that was listed or announced for each.
	Billable time.Duration
	// Finished and Failed count those that have ended, if that was listed or announced.
	Finished, Failed int64
}

// TranscriptionTruth returns the truth by prefix for the transcriptions that started from one
// time until before another; zero times are no bounds. Deleted ones count. "Listed" has the
// meaning of "shown" in [Account.Truth].
func (a *Account) TranscriptionTruth(prefixOf func(roomName string) string, from, to time.Time) map[string]TranscriptionTruth {
	now := a.lock()
	defer a.mu.Unlock()
	all := make(map[string]TranscriptionTruth)
	for _, t := range a.allTranscriptions() {
		if t.Start.Before(from) || !to.IsZero() && !t.Start.Before(to) {
			continue
		}
		billable, state := a.known(&t, now)
		if state == "" {
			continue
		}
		truth := all[prefixOf(t.room.name)]
		truth.Billable += billable
		switch state {
		case whereby.TranscriptionReady:
			truth.Finished++
		case whereby.TranscriptionFailure:
			truth.Failed++
		}
		all[prefixOf(t.room.name)] = truth
	}
	return all
}

// Transcriptions returns a room's transcriptions that were listed or announced, including
// deleted ones, with their highest billable time. "Listed" has the meaning of "shown" in
// [Account.Truth].
func (a *Account) Transcriptions(roomName string) []Transcription {
	now := a.lock()
	defer a.mu.Unlock()
	var all []Transcription
	for _, t := range a.allTranscriptions() {
		if t.room.name != roomName {
			continue
		}
		if billable, state := a.known(&t, now); state != "" {
			t.Billable = billable
			all = append(all, t.Transcription)
		}
	}
	return all
}

// known is what was listed or announced of a transcription by now; the state is "" if it is
// not known at all.
func (a *Account) known(t *transcription, now int64) (billable time.Duration, state string) {
	lag := a.lagOf(EndpointTranscriptions, t.room)
	seen := now
	if !t.Deleted.IsZero() {
		seen = min(seen, millis(t.Deleted)-1)
	}
	if h := seen - lag; t.listedAt(h, seen) {
		billable, state = t.billable(h), t.state(h)
	}
	announced := func(at int64) bool { return !t.Unannounced && at <= now && !t.room.closed(at) }
	if announced(millis(t.End)) {
		state = t.state(millis(t.End))
		if !t.Failed {
			billable = t.Billable
		}
	}
	if state == "" && announced(millis(t.Start)) {
		state = whereby.TranscriptionInProgress
	}
	return billable, state
}
