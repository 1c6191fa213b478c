package live

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"whereby_exporter/whereby"
)

// View is the tracker's figures at one time. It is immutable.
type View struct {
	// Prefixes are the figures by room prefix, sorted by prefix: every prefix that
	// ever had an event.
	Prefixes []PrefixView
	// Segments are the figures by segment; nil if there is no limit for them.
	Segments []SegmentView
	// Events are those accepted, each once, by type: the documented ones in their
	// order, then "other".
	Events []EventCount
	// Corrections are in the order of [Corrections].
	Corrections []CorrectionCount
	// Duplicates are the events that came again.
	Duplicates int64
	// LastEvent is when the last event arrived, a duplicate too; zero before the
	// first.
	LastEvent time.Time
	// Tracked are the rooms in memory, empty ones too; Refused counts the events of
	// further rooms, and the knocks, that there was no space for.
	Tracked, Refused int64
}

// EventCount is how many events of a type there were.
type EventCount struct {
	Type whereby.EventType
	N    int64
}

// CorrectionCount is how often counts were corrected.
type CorrectionCount struct {
	Reason Correction
	N      int64
}

// PrefixView is what the rooms of one prefix come to.
type PrefixView struct {
	Prefix string
	// Participants are the people in rooms, ParticipantsMax the most of them at any
	// moment of the last 5 minutes.
	Participants, ParticipantsMax int64
	Clients                       ByRole
	// Rooms are those with someone in them.
	Rooms int64
	// Capacity is how many people a room holds; 0 if that is not known. FullRooms are those
	// with 90% of it in them, or more.
	Capacity, FullRooms int64
	// Fullest are the people in the room with the most of them, FullestMax the most people
	// in one room at any moment of the last 5 minutes.
	Fullest, FullestMax int64
	// Waiting are visitors who knocked and are neither in nor gone.
	Waiting int64
	// Pending are the participant minutes used that Insights does not show yet.
	Pending int64

	Joins, Leaves ByRole
	// DialIns are the joins by telephone.
	DialIns    int64
	Recordings ByStatus
	// Transcriptions are those whose events did not say their id.
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

// byLabel returns the prefixes sorted by label. They are never dropped, so they are the
// same ones for as long as there are as many.
func (t *Tracker) byLabel() []*prefix {
	if len(t.sorted) != len(t.prefixes) {
		t.sorted = slices.SortedFunc(maps.Values(t.prefixes), func(a, b *prefix) int { return cmp.Compare(a.label, b.label) })
	}
	return t.sorted
}
