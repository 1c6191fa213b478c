package live

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// otherSegment stands for the segments beyond the limit. Its name is reserved, as for room
// prefixes.
const otherSegment = "_other"

// segmentMinutes are participant minutes by segment; there are few in a room.
type segmentMinutes []segmentSum

type segmentSum struct{ segment, minutes int64 }

func (s *segmentMinutes) add(segment, minutes int64) {
	if segment == 0 {
		return
	}
	for i := range *s {
		if (*s)[i].segment == segment {
			(*s)[i].minutes += minutes
			return
		}
	}
	*s = append(*s, segmentSum{segment, minutes})
}

func (s *segmentMinutes) addAll(o segmentMinutes) {
	for _, sum := range o {
		s.add(sum.segment, sum.minutes)
	}
}

// segmentIdle is how long a segment without anybody in it keeps its name and its minutes.
// Visitors may have chosen the name, and others need the space.
const segmentIdle = 24 * time.Hour

// segmentTable numbers segments from 1, up to a limit. The numbers of forgotten segments are
// used again.
type segmentTable struct {
	limit int
	// admits reports whether there may be a segment of that name; nil admits all.
	admits func(name string) bool
	// last is true if no segment is forgotten.
	last bool

	names   []string // "" for an unused number
	used    []int64  // when each was last seen in use
	numbers map[string]int64
	// sums are the minutes in meetings that are no longer tracked, and the highest value
	// that was exposed: a counter never falls, although late events can show that somebody
	// left earlier.
	sums map[segmentKey]*segmentTotal
}

type segmentKey struct {
	prefix  string
	segment int64
}

type segmentTotal struct{ minutes, highest int64 }

func newSegmentTable(o Options) segmentTable {
	return segmentTable{
		limit: o.SegmentLimit, admits: o.AdmitsSegment, last: o.SegmentsLast,
		numbers: map[string]int64{}, sums: map[segmentKey]*segmentTotal{},
	}
}

// number returns a segment's number; 0 if there is none.
func (t *segmentTable) number(name string, now int64) int64 {
	if name == "" || t.limit == 0 {
		return 0
	}
	n, ok := t.numbers[name]
	if !ok {
		if t.admits != nil && !t.admits(name) {
			return 0 // the event is from before a reload
		}
		if t.named() >= t.limit {
			name = otherSegment
		}
		if n, ok = t.numbers[name]; !ok {
			n = t.free()
			t.names[n-1], t.numbers[name] = name, n
		}
	}
	t.used[n-1] = now
	return n
}

// named returns the number of segments, without the other one.
func (t *segmentTable) named() int {
	if _, ok := t.numbers[otherSegment]; ok {
		return len(t.numbers) - 1
	}
	return len(t.numbers)
}

// free returns an unused number.
func (t *segmentTable) free() int64 {
	if len(t.numbers) < len(t.names) {
		return int64(slices.Index(t.names, "")) + 1
	}
	t.names, t.used = append(t.names, ""), append(t.used, 0)
	return int64(len(t.names))
}

// forget frees numbers. Nothing may refer to them any more.
func (t *segmentTable) forget(numbers map[int64]bool) {
	for n := range numbers {
		delete(t.numbers, t.names[n-1])
		t.names[n-1] = ""
	}
	maps.DeleteFunc(t.sums, func(key segmentKey, _ *segmentTotal) bool { return numbers[key.segment] })
}

// expireSegments forgets the segments that nobody has been in for [segmentIdle].
func (t *Tracker) expireSegments() {
	table := &t.segments
	if table.last || len(table.numbers) == 0 {
		return
	}
	for _, r := range t.rooms {
		if r.meter != nil {
			r.meter.eachSegment(func(segment int64) { table.used[segment-1] = t.now })
		}
	}
	idle := map[int64]bool{}
	for _, n := range table.numbers {
		if table.used[n-1] <= t.now-segmentIdle.Microseconds() {
			idle[n] = true
		}
	}
	table.forget(idle)
}

// dropSegments forgets the segments that the options do not admit. Their participants are in
// none from then on.
func (t *Tracker) dropSegments() {
	table := &t.segments
	dropped := map[int64]bool{}
	for name, n := range table.numbers {
		admitted := table.admits == nil || table.admits(name)
		if name == otherSegment {
			admitted = !table.last
		}
		if !admitted || table.limit == 0 {
			dropped[n] = true
		}
	}
	if len(dropped) == 0 {
		return
	}
	for _, r := range t.rooms {
		if r.meter != nil {
			r.meter.dropSegments(dropped)
		}
	}
	table.forget(dropped)
}

// eachSegment calls f with the segment of each mark and sum that has one.
func (m *meter) eachSegment(f func(segment int64)) {
	for _, mark := range m.marks {
		if mark.segment != 0 {
			f(mark.segment)
		}
	}
	for _, sum := range m.carriedSegments {
		f(sum.segment)
	}
}

func (m *meter) dropSegments(dropped map[int64]bool) {
	for i := range m.marks {
		if dropped[m.marks[i].segment] {
			m.marks[i].segment = 0
		}
	}
	m.carriedSegments = slices.DeleteFunc(m.carriedSegments, func(sum segmentSum) bool { return dropped[sum.segment] })
}

func (t *segmentTable) total(prefix string, segment int64) *segmentTotal {
	key := segmentKey{prefix, segment}
	total := t.sums[key]
	if total == nil {
		total = &segmentTotal{}
		t.sums[key] = total
	}
	return total
}

// SegmentView has the figures of one segment in the rooms of one prefix.
type SegmentView struct {
	Prefix, Segment string
	// Participants are the people in rooms now.
	Participants int64
	// Minutes are participant minutes since the segment was first seen, as Whereby bills them.
	// They never fall, but start over after the segment was forgotten.
	Minutes int64
}

// segmentViews returns the figures of all segments, sorted.
func (t *Tracker) segmentViews() []SegmentView {
	if t.options.SegmentLimit == 0 {
		return nil
	}
	people := map[segmentKey]int64{}
	running := map[segmentKey]int64{}
	for _, r := range t.rooms {
		if r.meter == nil {
			continue
		}
		now := r.present(t.now)
		tally := r.meter.tally(now)
		for _, c := range tally.open {
			if c.segment != 0 && !c.assistant {
				people[segmentKey{r.prefix.label, c.segment}]++
			}
		}
		for _, sum := range tally.segmentsAt(now) {
			running[segmentKey{r.prefix.label, sum.segment}] += sum.minutes
		}
	}
	for key := range people {
		t.segments.total(key.prefix, key.segment)
	}
	for key := range running {
		t.segments.total(key.prefix, key.segment)
	}
	views := make([]SegmentView, 0, len(t.segments.sums))
	for key, total := range t.segments.sums {
		total.highest = max(total.highest, total.minutes+running[key])
		views = append(views, SegmentView{
			Prefix: key.prefix, Segment: t.segments.names[key.segment-1],
			Participants: people[key], Minutes: total.highest,
		})
	}
	slices.SortFunc(views, func(a, b SegmentView) int {
		return cmp.Or(cmp.Compare(a.Prefix, b.Prefix), cmp.Compare(a.Segment, b.Segment))
	})
	return views
}
