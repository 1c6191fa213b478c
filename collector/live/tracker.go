package live

import (
	"crypto/sha256"
	"time"

	"whereby_exporter/whereby"
)

// The defaults of Options. All three together take some 200 MB, and each event of a
// meeting whose minutes are pending some 100 bytes more.
const (
	DefaultMaxRooms  = 100_000
	DefaultMaxVisits = 200_000
	DefaultMaxIDs    = 1_000_000
)

const (
	// silence is the time without an event after which a room is in doubt, and a knock is
	// forgotten.
	silence = 6 * time.Hour
	// remember is how long an empty room, and participants who came or left, are kept for
	// late events; rememberFull if memory is short.
	remember     = time.Hour
	rememberFull = 5 * time.Minute
	// sweepEvery is the time between sweeps. They are done at full minutes, so that the same
	// events have the same effect after a restart.
	sweepEvery = time.Minute
	// ahead is how far an event's time may be ahead of its arrival. An event from the far
	// future would win over all others until then.
	ahead = time.Hour
	// skew is how far the clock of events may be ahead of this machine's: signatures from
	// further ahead are refused.
	skew = time.Minute
	// behind is how old an event may be when it arrives. Deliveries take minutes; one
	// from years ago would be billed for all of them.
	behind = 24 * time.Hour
)

// Options determine how rooms are summed and how much is remembered.
type Options struct {
	// Label returns the prefix that a room counts under. It must bound the number of prefixes:
	// the tracker keeps the counters of every prefix that it returned.
	Label func(roomName string) string
	// Capacity returns how many people a room of a label can hold, or 0 if that is unknown.
	// Nil means that it always is.
	Capacity func(label string) int64
	// Shown returns the participant minutes that Insights shows for a room over its whole
	// life, if they are known. Nil means that they never are.
	Shown func(roomName string) (minutes int64, known bool)
	// SegmentLimit is the number of segments beyond which further ones count as "_other"; 0
	// means no segments.
	SegmentLimit int
	// AdmitsSegment reports whether a segment of that name is allowed. Nil allows all.
	AdmitsSegment func(name string) bool
	// SegmentsLast keeps segments that nobody is in. It is for names that visitors cannot
	// choose, and that number at most SegmentLimit.
	SegmentsLast bool
	// MaxRooms is the maximum number of tracked rooms; 0 means DefaultMaxRooms.
	MaxRooms int
	// MaxVisits is the maximum number of participants whose knocks, arrivals and departures
	// are remembered; 0 means DefaultMaxVisits.
	MaxVisits int
	// MaxIDs is the maximum number of events that are recognized if they are delivered again;
	// 0 means DefaultMaxIDs.
	MaxIDs int
}

// CapacityOf returns how many people a room of a label can hold, or 0 if that is unknown.
func (o Options) CapacityOf(label string) int64 {
	if o.Capacity == nil {
		return 0
	}
	return o.Capacity(label)
}

// Tracker tracks rooms by their events. It must be used by one goroutine at a time.
type Tracker struct {
	options Options

	// now is the latest time that the tracker was given; it never goes back. swept is the
	// time of the last sweep. All times are in microseconds since 1970.
	now, swept int64
	// nextEnd is when the next room may expire, or earlier.
	nextEnd int64

	seen     seen
	rooms    map[string]*room
	prefixes map[string]*prefix
	sorted   []*prefix // for views; see byLabel
	visits   int       // in all rooms
	segments segmentTable

	events      map[whereby.EventType]int64
	corrections map[Correction]int64
	duplicates  int64
	refused     int64
	lastEvent   int64

	scratch []byte
}

// New returns a tracker without rooms.
func New(o Options) *Tracker {
	if o.MaxRooms == 0 {
		o.MaxRooms = DefaultMaxRooms
	}
	if o.MaxVisits == 0 {
		o.MaxVisits = DefaultMaxVisits
	}
	if o.MaxIDs == 0 {
		o.MaxIDs = DefaultMaxIDs
	}
	t := &Tracker{
		options:     o,
		seen:        newSeen(o.MaxIDs),
		rooms:       map[string]*room{},
		prefixes:    map[string]*prefix{},
		segments:    newSegmentTable(o),
		events:      map[whereby.EventType]int64{},
		corrections: map[Correction]int64{},
	}
	for _, eventType := range eventTypes() {
		t.events[eventType] = 0
	}
	return t
}

// otherType stands for types that are not documented.
const otherType whereby.EventType = "other"

func eventTypes() []whereby.EventType { return append(whereby.EventTypes(), otherType) }

// advance sets the time. Once a minute, it sweeps.
func (t *Tracker) advance(now time.Time) {
	t.now = max(t.now, now.UnixMicro())
	if minute := t.now - t.now%sweepEvery.Microseconds(); minute > t.swept {
		t.swept = minute
		t.sweep()
	}
	if t.now >= t.nextEnd {
		t.expire()
	}
}

// sweep drops what is no longer needed. It visits everything, which is simpler than queues and
// takes 80 ms a minute at the bounds of [Options].
func (t *Tracker) sweep() {
	keepRooms, keepVisits := remember, remember
	short := len(t.rooms) > t.options.MaxRooms/2
	if short {
		keepRooms = rememberFull
	}
	if t.visits > t.options.MaxVisits/2 {
		keepVisits = rememberFull
	}
	for name, r := range t.rooms {
		t.settleDue(r)
		t.forgetVisits(r, t.now-keepVisits.Microseconds())
		keep := keepRooms
		if r.meter != nil {
			// Pending minutes are kept until Insights shows them, which may be never. If
			// memory is short, the live counts of other rooms matter more.
			if !short {
				continue
			}
			keep = remember
		}
		if r.empty() && len(r.unsettled) == 0 && r.heard <= t.now-keep.Microseconds() {
			t.endMeter(r)
			t.visits -= len(r.visits)
			delete(t.rooms, name)
		}
	}
	t.expireSegments()
}

// room returns a room, which is tracked from now on. It returns nil if there are too many.
func (t *Tracker) room(name string) *room {
	r := t.rooms[name]
	if r == nil {
		if len(t.rooms) >= t.options.MaxRooms {
			t.refused++
			return nil
		}
		r = &room{name: name, prefix: t.prefix(t.options.Label(name))}
		t.rooms[name] = r
	}
	return r
}

// prefix returns the sums of a label.
func (t *Tracker) prefix(label string) *prefix {
	p := t.prefixes[label]
	if p == nil {
		p = &prefix{label: label}
		t.prefixes[label] = p
	}
	return p
}

// prefixOf returns the sums under which a room counts, tracked or not.
func (t *Tracker) prefixOf(roomName string) *prefix {
	if r := t.rooms[roomName]; r != nil {
		return r.prefix
	}
	return t.prefix(t.options.Label(roomName))
}

// hash identifies an ID without revealing it.
type hash [16]byte

func (t *Tracker) hash(id string) hash {
	t.scratch = append(t.scratch[:0], id...)
	sum := sha256.Sum256(t.scratch)
	return hash(sum[:16])
}
