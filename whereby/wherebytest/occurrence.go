package wherebytest

import (
	"cmp"
	"slices"

	"whereby_exporter/whereby"
)

// occurrence is something that Whereby sends an event of.
type occurrence struct {
	at   int64
	kind occurrenceKind
	cast *cast
	i    int // of the connection, or of the knock in vain
	// vain says that i is of a knock in vain, or kindGone of somebody at the door.
	vain bool
}

// occurrenceKind is what happened, in the order in which things of one moment
// happen in a room. Joins go before leaves, unless they say that they replace one.
type occurrenceKind int8

const (
	kindKnocked occurrenceKind = iota
	kindJoined
	kindSessionStarted
	kindLeft
	kindKnockCancelled
	kindSessionEnded
	kindRecordingFinished
	kindTranscriptionStarted
	kindTranscriptionFinished
	kindTranscriptionFailed
	kindGone // from a room that has closed; no event tells of it
)

// rank returns the place of an occurrence among those of a moment.
func (o occurrence) rank() int {
	if o.kind == kindJoined && o.leg().replaces {
		return 2*int(kindLeft) + 1
	}
	return 2 * int(o.kind)
}

var eventTypes = [...]whereby.EventType{
	kindKnocked:               whereby.ClientKnocked,
	kindJoined:                whereby.ClientJoined,
	kindSessionStarted:        whereby.SessionStarted,
	kindLeft:                  whereby.ClientLeft,
	kindKnockCancelled:        whereby.ClientKnockCancelled,
	kindSessionEnded:          whereby.SessionEnded,
	kindRecordingFinished:     whereby.RecordingFinished,
	kindTranscriptionStarted:  whereby.TranscriptionStarted,
	kindTranscriptionFinished: whereby.TranscriptionFinished,
	kindTranscriptionFailed:   whereby.TranscriptionFailed,
}

// compare puts occurrences in an order that nothing but themselves decides on.
func (o occurrence) compare(p occurrence) int {
	return cmp.Or(
		cmp.Compare(o.at, p.at),
		cmp.Compare(o.cast.room.no, p.cast.room.no),
		cmp.Compare(o.rank(), p.rank()),
		cmp.Compare(o.cast.session.seq, p.cast.session.seq),
		cmp.Compare(o.i, p.i),
	)
}

// leg returns the connection that an occurrence is of.
func (o occurrence) leg() *leg { return &o.cast.legs[o.i] }

// occurrences gives, in order, everything that happens in the sessions that
// something happens in from a time until before another: what is outside of that
// time too, as far as it is of those sessions.
func (a *Account) occurrences(from, to int64) []occurrence {
	var all []occurrence
	for l := range a.meetings.between(from, to) {
		c := a.cast(l)
		all = c.occurrences(all)
	}
	slices.SortFunc(all, occurrence.compare)
	return all
}

// occurrences appends everything that happens in a session, in no order.
func (c *cast) occurrences(all []occurrence) []occurrence {
	add := func(at int64, kind occurrenceKind, i int, vain bool) {
		if at != 0 && !c.room.closed(at) {
			all = append(all, occurrence{at, kind, c, i, vain})
		}
	}
	closes := c.room.closes()
	gone := func(from, to int64, i int, vain bool) {
		if from != 0 && closes != 0 && from < closes && (to == 0 || to >= closes) {
			all = append(all, occurrence{closes, kindGone, c, i, vain})
		}
	}
	for i := range c.legs {
		l := &c.legs[i]
		add(l.knocked, kindKnocked, i, false)
		add(l.joined, kindJoined, i, false)
		add(l.leaves(), kindLeft, i, false)
		gone(l.knocked, l.joined, i, true)
		gone(l.joined, l.leaves(), i, false)
		if l.role == RoleRecorder && l.left != 0 {
			r := c.recording(i)
			add(r.finished, kindRecordingFinished, i, false)
			add(r.transcribing, kindTranscriptionStarted, i, false)
			add(r.transcribed, kindTranscriptionFinished, i, false)
			add(r.notTranscribed, kindTranscriptionFailed, i, false)
		}
	}
	for i, k := range c.knocks {
		add(k.at, kindKnocked, i, true)
		add(k.until, kindKnockCancelled, i, true)
		gone(k.at, k.until, i, true)
	}
	if began := c.began(); began != 0 {
		add(began, kindSessionStarted, 0, false)
		if end := c.session.end; end != 0 {
			add(max(began, end), kindSessionEnded, 0, false)
		}
	}
	return all
}
