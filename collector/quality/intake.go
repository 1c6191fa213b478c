package quality

import (
	"math"
	"time"

	"whereby_exporter/whereby"
)

// Offer takes rooms as Insights lists them. It queues the sessions of rooms used within a
// day, and counts the ratings of their last sessions.
func (s *Sampler) Offer(rooms []whereby.Room) {
	s.changing.Lock()
	defer s.changing.Unlock()
	now := s.config.Now()
	c := s.state.change()
	for _, room := range rooms {
		s.consider(c, room, now)
	}
	added := c.added
	if s.commit(c) != nil {
		return // the next poll offers them again
	}
	for _, t := range added {
		s.enqueue(t, now)
	}
	if len(added) > 0 {
		select {
		case s.kick <- struct{}{}:
		default:
		}
	}
}

// consider takes one room of an offer.
func (s *Sampler) consider(c *change, room whereby.Room, now time.Time) {
	if room.LastSessionStartedAt.IsZero() {
		return
	}
	start := room.LastSessionStartedAt.Unix()
	known := s.state.find(room.Name, start)
	if known == nil {
		known = s.admit(c, room, now)
	}
	if known == nil {
		return
	}
	if room.Sessions > known.Sessions {
		c.session(known).Sessions = room.Sessions
	}
	if known.minutes > 0 && room.ParticipantMinutes > known.minutes {
		known.touched = now
	}
	known.minutes, known.roomUnique = room.ParticipantMinutes, max(known.roomUnique, room.UniqueParticipants)
	s.rate(c, known, room.Rating)
}

// admit adds the last session of a room; it returns nil if the session is too old, or was
// known when a newer one was.
func (s *Sampler) admit(c *change, room whereby.Room, now time.Time) *session {
	start := room.LastSessionStartedAt
	if now.Sub(start) > admission {
		return nil
	}
	t := &session{record: record{Room: room.Name, Start: start.Unix(), Sessions: room.Sessions}}
	if list := s.state.rooms[room.Name]; len(list) > 0 {
		latest := list[len(list)-1]
		if latest.Start >= t.Start {
			return nil
		}
		// The polls have watched the room, so they have seen this session begin.
		t.touched = now
		t.UniqueBefore = latest.roomUnique
		if latest.Sessions > 0 {
			t.Unseen = max(0, room.Sessions-latest.Sessions-1)
		}
	}
	if t.UniqueBefore == 0 && room.Sessions > 1 {
		t.UniqueBefore = room.UniqueParticipants // how many of them took part in this session is unknown
	}
	for _, added := range c.added {
		if added.Room == t.Room {
			return nil // a page with the room twice
		}
	}
	c.add(t)
	return t
}

// take processes the sessions of a room as listed, and returns those that it knows. A
// session newer than the last one shown by a poll is left to the next poll, which shows how
// much the room has grown since.
func (s *Sampler) take(c *change, room string, list []whereby.RoomSession, now time.Time) map[*session]bool {
	found := map[*session]bool{}
	latest := int64(math.MinInt64)
	if all := s.state.rooms[room]; len(all) > 0 {
		latest = all[len(all)-1].Start
	}
	for _, listed := range list {
		start := listed.StartedAt.Unix()
		known := s.state.find(room, start)
		if known == nil {
			if start > latest || now.Sub(listed.StartedAt) > admission {
				continue
			}
			known = &session{record: record{Room: room, Start: start}}
			c.add(known)
			s.seen(c, known, listed.UniqueParticipants)
		}
		found[known] = true
		known.unique = max(known.unique, listed.UniqueParticipants)
		if ended := endOf(listed, list); known.ID != listed.ID || known.Ended != ended {
			r := c.session(known)
			r.ID, r.Ended = listed.ID, ended
		}
		s.rate(c, known, listed.Rating)
	}
	return found
}

// seen notes that one of the unseen sessions of a room was found after all, and its number
// of participants.
func (s *Sampler) seen(c *change, found *session, participants int64) {
	for _, later := range s.state.rooms[found.Room] {
		if later.Start > found.Start {
			if r := c.session(later); r.Unseen > 0 {
				r.Unseen--
				r.UniqueBefore += participants
			}
			return
		}
	}
}

// endOf returns when a session ended, in seconds since 1970; 0 while it runs. A room has
// one session at a time, so each is over when the next one begins, whether or not Insights
// shows its end.
func endOf(s whereby.RoomSession, list []whereby.RoomSession) int64 {
	end := s.EndedAt
	for _, other := range list {
		if other.StartedAt.After(s.StartedAt) && (end.IsZero() || other.StartedAt.Before(end)) {
			end = other.StartedAt
		}
	}
	if end.IsZero() {
		return 0
	}
	return end.Unix()
}

// rate counts the ratings of a session that were not counted yet. Insights shows a mean
// and a count: the sum of whole stars is the product, rounded.
func (s *Sampler) rate(c *change, t *session, rating whereby.Rating) {
	r := &t.record
	if changed, ok := c.sessions[t]; ok {
		r = changed
	}
	more := rating.Count - r.Ratings
	if more <= 0 {
		return
	}
	// A counter must not fall, even if somebody changes a rating meanwhile.
	stars := min(max(int64(math.Round(rating.Mean*float64(rating.Count)))-r.Stars, more), 5*more)
	r = c.session(t)
	r.Ratings += more
	r.Stars += stars
	figures := c.figures(s.config.Label(t.Room))
	figures.rate(more, stars, time.Unix(t.Start, 0))
	figures.forget(s.config.Now())
}

// due returns when a session may be read, as far as is known.
func (s *Sampler) due(t *session) time.Time {
	last := time.Unix(t.newest(), 0)
	if t.Ended == 0 && t.touched.After(last) {
		last = t.touched
	}
	return last.Add(settle)
}

// enqueue puts a session into the queue, or moves it to its new place there.
func (s *Sampler) enqueue(t *session, now time.Time) {
	if t.Done {
		return
	}
	due := s.due(t)
	if t.ID != "" && t.Ended == 0 {
		due = now.Add(settle) // it is still running
	}
	if t.queue == nil {
		s.queue.add(t, s.config.Label(t.Room), due)
		return
	}
	s.queue.postpone(t, due)
}
