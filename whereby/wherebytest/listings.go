package wherebytest

import (
	"cmp"
	"slices"
)

// body returns the answer to a query that has no error.
func (a *Account) body(q *query, now int64) []byte {
	switch q.endpoint {
	case EndpointRooms:
		return a.roomsBody(q)
	case EndpointRoomSessions:
		return a.sessionsBody(q, now)
	case EndpointParticipants:
		return a.participantsBody(q, now)
	case EndpointTranscriptions:
		return a.transcriptionsBody(q, now)
	case EndpointRecordings:
		return a.recordingsBody(q, now)
	}
	return a.participantBody(q, now)
}

// listingBody writes a page of rows.
func (a *Account) listingBody(q *query, l listing, write func(e *encoder, i int)) []byte {
	p := a.page(q, l)
	q.rows, q.last = p.to-p.from, p.last
	e := encoder{b: make([]byte, 0, 256+512*(p.to-p.from)), nulls: a.cfg.Nulls}
	e.b = append(e.b, `{"cursor":`...)
	if p.last {
		e.b = append(e.b, "null"...)
	} else {
		e.b = appendString(e.b, p.next.text(q.fingerprint()))
	}
	e.b = append(e.b, `,"results":[`...)
	for i := p.from; i < p.to; i++ {
		if i > p.from {
			e.b = append(e.b, ',')
		}
		e.open()
		write(&e, q.row(i, l.n))
		e.close()
	}
	e.b = append(e.b, "]}"...)
	return e.b
}

func (a *Account) roomsBody(q *query) []byte {
	var entries []entry
	filter := q.filter()
	if exact := q.values.Get("roomName[exact]"); exact != "" {
		if r := a.byName[exact]; r != nil && r.shown && (filter == nil || filter(r)) {
			entries = []entry{{0, r}}
		}
	} else {
		entries = a.index(q.field)
		if filter != nil {
			var some []entry
			for _, e := range entries {
				if filter(e.room) {
					some = append(some, e)
				}
			}
			entries = some
		}
	}
	l := listing{len(entries), func(i int) (int64, string) { return entries[i].key, entries[i].room.name }}
	q.served = nil
	return a.listingBody(q, l, func(e *encoder, i int) {
		r := entries[i].room
		if a.cfg.Insights.MovingPages {
			q.served = append(q.served, r)
		}
		e.string("roomName", r.name)
		e.time("createdAt", r.created)
		e.time("endAt", r.ends)
		e.time("firstSessionStartedAt", r.first)
		e.time("lastSessionStartedAt", r.last)
		e.totals(&r.totals)
		e.int("totalSessions", r.totals.Sessions)
		e.rating(r.ratingSum, r.ratings)
	})
}

// sorted is a row of a listing that is sorted for the occasion.
type sorted[T any] struct {
	key int64
	tie string
	row T
}

func inOrder[T any](rows []sorted[T]) listing {
	slices.SortStableFunc(rows, func(x, y sorted[T]) int {
		if c := cmp.Compare(x.key, y.key); c != 0 {
			return c
		}
		return cmp.Compare(x.tie, y.tie)
	})
	return listing{len(rows), func(i int) (int64, string) { return rows[i].key, rows[i].tie }}
}

func (a *Account) sessionsBody(q *query, now int64) []byte {
	r := a.byName[q.values.Get("roomName")]
	var rows []sorted[*session]
	var h int64
	if r != nil && r.shown && !a.hidesSessions(r) {
		h = a.horizonOf(EndpointRoomSessions, r, now)
		value := sessionValue(q.field)
		for _, s := range a.sessionsAt(r, h) {
			s := a.listed(r, s, h)
			key, ok := value(s, h)
			if !ok {
				key = a.nullKey()
			}
			rows = append(rows, sorted[*session]{key, a.sessionID(r, s), s})
		}
	}
	if id := q.values.Get("roomSessionId"); id != "" {
		rows = slices.DeleteFunc(rows, func(s sorted[*session]) bool { return s.tie != id })
	}
	return a.listingBody(q, inOrder(rows), func(e *encoder, i int) {
		s := rows[i].row
		e.string("roomSessionId", rows[i].tie)
		e.string("roomName", r.name)
		if a.cfg.SessionTimes != CreatedEnd {
			e.time("startedAt", s.start)
			e.time("endedAt", s.endAt(h))
		}
		if a.cfg.SessionTimes != StartedEnded {
			e.time("createdAt", s.start)
			e.time("endAt", s.endAt(h))
		}
		e.totals(&s.totals)
		e.rating(s.ratingSum, s.ratings)
	})
}

// endAt returns a session's end as known at horizon h; 0 if it runs.
func (s *session) endAt(h int64) int64 {
	if s.end > h {
		return 0
	}
	return s.end
}

// sessionValue returns what sessions are sorted by for a field, or nil for a field
// that they can't be sorted by.
func sessionValue(field string) func(s *session, h int64) (int64, bool) {
	switch field {
	case "startedAt", "createdAt":
		return func(s *session, _ int64) (int64, bool) { return s.start, true }
	case "endedAt", "endAt":
		return func(s *session, h int64) (int64, bool) { end := s.endAt(h); return end, end != 0 }
	case "rating":
		return func(s *session, _ int64) (int64, bool) {
			mean, ok := meanRating(s.ratingSum, s.ratings)
			return int64(mean * 1e6), ok
		}
	case "totalRatings":
		return func(s *session, _ int64) (int64, bool) { return int64(s.ratings), s.ratings != 0 }
	}
	if get := totalOf(field); get != nil {
		return func(s *session, _ int64) (int64, bool) { return get(&s.totals), true }
	}
	return nil
}
