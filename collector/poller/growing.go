package poller

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"whereby_exporter/collector/ledger"
)

const (
	// settled is how long after its last change a room is taken to change no more, and how
	// long after its start a session is shown, as a rule. Insights' delay is 10 to 15
	// minutes, but that is no bound.
	settled = 2 * time.Hour
	// maxGrowing bounds the rooms that are remembered. If more change, polls look further
	// back for a while instead.
	maxGrowing = 20_000
	// maxDoubtful bounds the rooms that one poll asks for by name because they rose once.
	maxDoubtful = 10
)

// growth is a room whose totals rose recently and may still rise.
type growth struct {
	// last is the start of its last session.
	last int64
	// raised is when it rose last. again is true if it had risen before.
	raised time.Time
	again  bool
	// asked is when it was last requested by name, at first the same as raised.
	asked time.Time
	// depth is the page on which it was listed last, from the first one with a session
	// on; 0 if none of this process listed it.
	depth int
}

// due reports whether the room must be read now. Rooms that rose only once, as when Whereby
// corrects figures, are requested less and less often.
func (g growth) due(now time.Time) bool {
	return g.again || now.Sub(g.asked) >= g.asked.Sub(g.raised)
}

// growing are the rooms that may be rising still, by name.
type growing struct {
	rooms map[string]growth
	// crowded is the last time at which there were more of them than are remembered.
	crowded time.Time
}

// sightings record the rooms that may be rising in a poll.
type sightings struct {
	// left are the rooms known before the poll that it has not read yet.
	left map[string]growth
	// rose are those that rose, depths where rooms were listed.
	rose   map[string]growth
	depths map[string]int
	// asked are the rooms that were requested by name, with false for those that are gone.
	asked map[string]bool
}

func newSightings(known map[string]growth) sightings {
	return sightings{left: known, rose: map[string]growth{}, depths: map[string]int{}, asked: map[string]bool{}}
}

// see records a row of a page. The depth is 0 if it was requested by name.
func (s *sightings) see(row ledger.Row, raised bool, depth int) {
	if _, known := s.left[row.Name]; known {
		delete(s.left, row.Name)
		if depth > 0 {
			s.depths[row.Name] = depth
		}
	}
	if raised && row.Totals != (ledger.Totals{}) && len(s.rose) <= maxGrowing {
		s.rose[row.Name] = growth{last: row.LastSession, raised: time.Now(), depth: depth}
	}
}

// behind returns the names of the rooms before a time that have to be read now.
func (s *sightings) behind(cutoff int64, now time.Time) []string {
	var sure, doubtful []string
	for name, g := range s.left {
		switch {
		case g.last >= cutoff || !g.due(now):
		case g.again:
			sure = append(sure, name)
		default:
			doubtful = append(doubtful, name)
		}
	}
	slices.SortFunc(doubtful, func(a, b string) int {
		return cmp.Or(s.left[a].asked.Compare(s.left[b].asked), cmp.Compare(a, b))
	})
	return append(sure, doubtful[:min(len(doubtful), maxDoubtful)]...)
}

// further reports whether reading on from the page at a depth takes fewer requests than
// requesting all rooms by name.
func (s *sightings) further(names []string, depth int) bool {
	pages := make([]int, 0, len(names))
	for _, name := range names {
		if known := s.left[name].depth; known > 0 {
			pages = append(pages, max(1, known-depth))
		}
	}
	slices.Sort(pages)
	for i, more := range pages {
		if found := i + 1; more < found {
			return true
		}
	}
	return false
}

// note records the sightings of a poll that began at a time.
func (g *growing) note(s sightings, began, now time.Time) {
	for name, there := range s.asked {
		known, ok := g.rooms[name]
		switch {
		case !ok:
		case there:
			known.asked = now
			g.rooms[name] = known
		default:
			delete(g.rooms, name)
		}
	}
	for name, depth := range s.depths {
		if known, ok := g.rooms[name]; ok {
			known.depth = depth
			g.rooms[name] = known
		}
	}
	for name, rose := range s.rose {
		known, again := g.rooms[name]
		if again && known.raised.After(rose.raised) {
			continue
		}
		rose.asked, rose.again = rose.raised, again
		rose.depth = cmp.Or(rose.depth, known.depth)
		g.rooms[name] = rose
	}
	maps.DeleteFunc(g.rooms, func(_ string, known growth) bool { return began.Sub(known.raised) > settled })
	if len(g.rooms) > maxGrowing {
		clear(g.rooms)
		g.crowded = now
	}
}
