package live

import "time"

// rememberIDs is how long an event is recognized if it is delivered again. Whereby does so
// within minutes, and people may replay events by hand.
const rememberIDs = 24 * time.Hour

// seen holds the IDs of events in two generations. The old one is forgotten when the young one
// is old enough, or has half of the IDs that may be kept.
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
