package live

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"whereby_exporter/whereby"
)

// View is a snapshot of the tracker's figures. It is immutable.
type View struct {
	// Prefixes are the figures of every prefix that ever had an event, sorted by prefix.
	Prefixes []PrefixView
	// Segments are the figures by segment, or nil if there is no limit for them.
	Segments []SegmentView
	// Events counts accepted events by type, each event once: the documented types in their
	// order, then "other".
	Events []EventCount
	// Corrections are in the order of [Corrections].
	Corrections []CorrectionCount
	// Duplicates counts repeated events.
	Duplicates int64
	// LastEvent is when the last event arrived, including duplicates; zero before the first.
	LastEvent time.Time
	// Tracked counts the rooms in memory, including empty ones. Refused counts the events of
	// further rooms, and the knocks, for which there was no space.
	Tracked, Refused int64
}

// EventCount is the number of events of a type.
type EventCount struct {
	Type whereby.EventType
	N    int64
}

// CorrectionCount is the number of corrections for a reason.
type CorrectionCount struct {
	Reason Correction
	N      int64
}

// PrefixView has the figures of the rooms of one prefix.
type PrefixView struct {
	Prefix string
	// Participants are the people in rooms. ParticipantsMax is their highest number in the
	// last 5 minutes.
	Participants, ParticipantsMax int64
	Clients                       ByRole
	// Rooms counts the rooms with someone in them.
	Rooms int64
	// Capacity is how many people a room can hold, or 0 if that is unknown. FullRooms counts
	// rooms filled to 90% or more.
	Capacity, FullRooms int64
	// Fullest is the number of people in the fullest room. FullestMax is the highest number of
	// people in one room in the last 5 minutes.
	Fullest, FullestMax int64
	// Waiting counts visitors who knocked and are still waiting.
	Waiting int64
	// Pending are participant minutes that Insights does not show yet.
	Pending int64

	Joins, Leaves ByRole
	// DialIns counts joins by phone.
	DialIns    int64
	Recordings ByStatus
	// Transcriptions counts transcriptions whose events had no ID.
	Transcriptions ByStatus
	// LastEvent is when the last event of the prefix arrived.
	LastEvent time.Time
}

// View returns the figures as of now.
func (t *Tracker) View(now time.Time) *View {
	t.advance(now)
	v := &View{
		Prefixes:   make([]PrefixView, 0, len(t.prefixes)),
		Duplicates: t.duplicates,
		LastEvent:  fromMicro(t.lastEvent),
		Tracked:    int64(len(t.rooms)),
		Refused:    t.refused,
		Segments:   t.segmentViews(),
	}
	pending := t.pending()
	for _, p := range t.byLabel() {
		capacity, full := t.options.CapacityOf(p.label), int64(0)
		if capacity > 0 {
			full = p.sizes.from(fullFrom(capacity))
		}
		v.Prefixes = append(v.Prefixes, PrefixView{
			Prefix:          p.label,
			Participants:    p.people,
			ParticipantsMax: p.peak.highest(t.now),
			Clients:         p.clients,
			Rooms:           p.rooms,
			Capacity:        capacity,
			FullRooms:       full,
			Fullest:         p.sizes.largest(),
			FullestMax:      p.fullest.highest(t.now),
			Waiting:         p.waiting,
			Pending:         pending[p],
			Joins:           p.joins,
			Leaves:          p.leaves,
			DialIns:         p.dialIns,
			Recordings:      p.recordings,
			Transcriptions:  p.transcriptions,
			LastEvent:       fromMicro(p.lastEvent),
		})
	}
	for _, eventType := range eventTypes() {
		v.Events = append(v.Events, EventCount{eventType, t.events[eventType]})
	}
	for _, reason := range Corrections() {
		v.Corrections = append(v.Corrections, CorrectionCount{reason, t.corrections[reason]})
	}
	return v
}

// byLabel returns the prefixes sorted by label. Prefixes are never dropped, so the slice is
// valid as long as their number is the same.
func (t *Tracker) byLabel() []*prefix {
	if len(t.sorted) != len(t.prefixes) {
		t.sorted = slices.SortedFunc(maps.Values(t.prefixes), func(a, b *prefix) int { return cmp.Compare(a.label, b.label) })
	}
	return t.sorted
}
