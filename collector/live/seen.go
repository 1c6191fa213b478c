package live

import "time"

// rememberIDs is for how long an event is recognized when it comes again. Whereby
// repeats itself within minutes; the rest is for replays by hand.
const rememberIDs = 24 * time.Hour

// seen is the events that came, in two generations: the old one is forgotten when
// the young one has lasted for long enough, or is half of what may be kept.
type seen struct {
	young, old map[hash]struct{}
	since      int64 // when the young generation began
	limit      int   // of one generation
}

func newSeen(limit int) seen {
	return seen{young: map[hash]struct{}{}, limit: max(1, limit/2)}
}

// add reports whether id is new, and remembers it.
func (s *seen) add(id hash, now int64) bool {
	if _, ok := s.young[id]; ok {
		return false
	}
	if _, ok := s.old[id]; ok {
		return false
	}
	if now-s.since >= rememberIDs.Microseconds() || len(s.young) >= s.limit {
		s.old, s.young, s.since = s.young, map[hash]struct{}{}, now
	}
	s.young[id] = struct{}{}
	return true
}
