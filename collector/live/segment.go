package live

import (
	"cmp"
	"slices"
)

// otherSegment stands for the segments beyond the limit. Its name is reserved, as that
// of room prefixes is.
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

// segmentTable numbers the segments from 1 as they come, up to a limit.
type segmentTable struct {
	limit   int
	names   []string
	numbers map[string]int64
	// sums are what segments used in meetings that are not followed any more, and the
	// highest that was shown of each: a counter never falls, though late events may
	// tell that somebody left earlier.
	sums map[segmentKey]*segmentTotal
}

type segmentKey struct {
	prefix  string
	segment int64
}

type segmentTotal struct{ minutes, highest int64 }

func newSegmentTable(limit int) segmentTable {
	return segmentTable{limit: limit, numbers: map[string]int64{}, sums: map[segmentKey]*segmentTotal{}}
}

// number gives a segment's number; 0 where there is none.
func (t *segmentTable) number(name string) int64 {
	if name == "" || t.limit == 0 {
		return 0
	}
	if n, ok := t.numbers[name]; ok {
		return n
	}
	if len(t.names) >= t.limit {
		name = otherSegment
		if n, ok := t.numbers[name]; ok {
			return n
		}
	}
	t.names = append(t.names, name)
	t.numbers[name] = int64(len(t.names))
	return t.numbers[name]
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

// SegmentView is what the people of one segment come to in the rooms of one prefix.
type SegmentView struct {
	Prefix, Segment string
	// Participants are the people in rooms now.
	Participants int64
	// Minutes are participant minutes since the segment was first seen, as Whereby
	// bills them. They never fall.
	Minutes int64
}

// segmentViews gives the figures of all segments, sorted.
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
