package wherebytest

import (
	"slices"
	"time"
)

// Insights is what Whereby leaves open, or what was observed, about how it shows rooms and
// their sessions. A reader must be right in every case. The zero value is the simplest:
// everything that happens at a moment is shown together, [Config].Lag later.
//
// The functions must always return the same for the same arguments, and must not call the
// account's methods. The first totals of a room (see [Room]) belong to no session: only
// SessionStatus, EmptySessions and OddRows affect them.
type Insights struct {
	// LagOf is [Config].Lag by endpoint and room, if not nil. Whether two endpoints show the
	// same moment is unknown: either may show a session first.
	LagOf func(endpoint, roomName string) time.Duration
	// Lateness is how much later than others a session appears, at every endpoint. So sessions
	// do not appear in the order of their starts, and an old one may appear while
	// lastSessionStartedAt does not change.
	Lateness func(roomName, sessionID string) time.Duration
	// Growth is how long after its end a session is shown with half of its minutes. How long
	// Insights restates a session is unknown.
	Growth func(roomName, sessionID string) time.Duration
	// EndedSessions makes a room's totalSessions count only ended sessions, while its minutes
	// include all of them. Which of them Insights counts is unknown.
	EndedSessions bool
	// AloneTime is how long somebody was alone in a room before a session. From the session's
	// start on, its minutes are in the room's totals, but in no session's. Whether a room's
	// totals are the sums of its sessions' is unknown.
	AloneTime func(roomName, sessionID string) time.Duration
	// SilentEnd makes nothing in a room count from an hour after its EndAt on, as Whereby
	// documents: sessions seem to continue, and nobody is seen to leave.
	SilentEnd bool
	// PageRows is the maximum number of rows of a page; 0 means as many as requested. It is
	// not documented that pages are full.
	PageRows int
	// MovingPages deletes, with each page of rooms except the last, a room of that page that
	// is past its EndAt and whose figures are final: Whereby deletes such rooms within a day.
	// With [OffsetCursors], the next page then misses a room.
	MovingPages bool
	// SeparateLives makes [Account.Truth] count a room that was deleted and added again under
	// its name, with another CreatedAt, as two rooms. Otherwise, the higher figures of the two
	// count.
	SeparateLives bool
	// FormerSessions also lists the sessions of the deleted room, because they are requested
	// by name. Whether Insights does is unknown.
	FormerSessions bool
	// SessionStatus is the status of responses to requests for a room's sessions, such as 403
	// or 500; 0 means the usual response. How long Insights refuses a room is unknown: it may
	// be forever.
	SessionStatus func(roomName string, at time.Time) int
	// EmptySessions makes requests for a room's sessions return none.
	EmptySessions func(roomName string, at time.Time) bool
	// OddRows corrupts the rows of a room, at the endpoints rooms and room-sessions, in one of
	// the ways of OddRowKinds; "" means not at all. According to the OpenAPI document, figures
	// may be null.
	OddRows func(roomName string, at time.Time) string
}

// plain reports whether every session is shown alike, in the room and by itself.
func (i *Insights) plain() bool {
	return i.LagOf == nil && i.Lateness == nil && i.Growth == nil && !i.SilentEnd
}

// horizonOf returns the moment that an endpoint has reached for a room by now.
func (a *Account) horizonOf(endpoint string, r *room, now int64) int64 {
	return now - a.lagOf(endpoint, r)
}

func (a *Account) lagOf(endpoint string, r *room) int64 {
	if a.cfg.Insights.LagOf == nil {
		return a.cfg.Lag.Milliseconds()
	}
	return a.cfg.Insights.LagOf(endpoint, r.name).Milliseconds()
}

// lateness is how much later than others a session appears.
func (a *Account) lateness(r *room, s *session) int64 {
	if a.cfg.Insights.Lateness == nil {
		return 0
	}
	return a.cfg.Insights.Lateness(r.name, a.sessionID(r, s)).Milliseconds()
}

func (a *Account) growth(r *room, s *session) int64 {
	if a.cfg.Insights.Growth == nil {
		return 0
	}
	return a.cfg.Insights.Growth(r.name, a.sessionID(r, s)).Milliseconds()
}

// lasts returns the last moment that counts of a room that closes silently; 0: all do. It is
// the one before the room closes, so that the end of what runs then is not seen.
func (a *Account) lasts(r *room) int64 {
	if !a.cfg.Insights.SilentEnd || r.ends == 0 {
		return 0
	}
	return r.closes() - 1
}

// reach returns the moment that has been reached for a session when h has been reached for
// its room.
func (a *Account) reach(r *room, s *session, h int64) int64 {
	h -= a.lateness(r, s)
	if lasts := a.lasts(r); lasts != 0 {
		h = min(h, lasts)
	}
	return h
}

// begun returns the sessions that are shown when h has been reached for their room, by
// start, those of its first totals left out.
func (a *Account) begun(r *room, h int64) []*session {
	if r.past == nil {
		return nil
	}
	rows := r.past.visible(h)
	if a.cfg.Insights.Lateness == nil && !a.cfg.Insights.SilentEnd {
		return rows
	}
	var some []*session
	for _, s := range rows {
		if a.reach(r, s, h) >= s.start {
			some = append(some, s)
		}
	}
	return some
}

// progress is how far Insights is with a session.
type progress struct {
	at     int64 // the moment that has been reached of what happens in it
	read   int64 // the same, where its room's end does not stop it
	growth int64
	lasts  int64 // the moment from which on nothing in it counts; 0: never
}

// progress returns how far Insights is with a session when h has been reached for its
// room.
func (a *Account) progress(r *room, s *session, h int64) progress {
	return progress{a.reach(r, s, h), h - a.lateness(r, s), a.growth(r, s), a.lasts(r)}
}

// grows returns when a session is shown with all of its minutes; 0 if it is not known.
func (p progress) grows(end int64) int64 {
	if p.lasts != 0 {
		end = earliest(end, p.lasts)
	}
	if end == 0 {
		return 0
	}
	return end + p.growth
}

// show computes what is shown of a session, when that changes next (0: never), and
// whether it is final.
func (s *session) show(p progress, legs []leg) (shown Totals, changes int64, final bool) {
	switch {
	case p.at < s.start:
		changes = s.start
	case s.whole:
		shown, final = s.totals, true
	default:
		changes, final = s.count(p.at, legs)
		shown = s.totals
	}
	if p.lasts != 0 && changes > p.lasts {
		changes = 0
	}
	if p.at < s.start || p.growth == 0 {
		return shown, changes, final
	}
	if grows := p.grows(s.end); grows == 0 || p.read < grows {
		shown = shown.half()
		changes, final = earliest(changes, grows), false
	}
	if !s.whole {
		s.totals = shown
	}
	return shown, changes, final
}

// half halves minutes, rounded up.
func (t Totals) half() Totals {
	t.ParticipantMinutes = (t.ParticipantMinutes + 1) / 2
	t.RecorderMinutes = (t.RecorderMinutes + 1) / 2
	t.StreamerMinutes = (t.StreamerMinutes + 1) / 2
	return t
}

// listed returns a session as the endpoint room-sessions lists it when h has been
// reached for its room.
func (a *Account) listed(r *room, s *session, h int64) *session {
	if s.seq >= madeUp || a.cfg.Insights.plain() || slices.Contains(r.past.formerRows, s) {
		return s
	}
	p := a.progress(r, s, h)
	row := *s
	final := s.end != 0 && s.end <= p.at && p.grows(s.end) <= p.read
	if !final || !r.past.settles(s) { // otherwise it may have been restated since
		row.totals, _, _ = row.show(p, a.cast(located{r, s}).legs)
	}
	row.end = s.endAt(p.at)
	return &row
}

// extras returns what a room's totals differ by from the sums of its sessions', and when
// that changes next.
func (a *Account) extras(r *room, h int64) (extra Totals, next int64) {
	cfg := &a.cfg.Insights
	if cfg.AloneTime == nil && !cfg.EndedSessions {
		return Totals{}, 0
	}
	for _, s := range a.begun(r, h) {
		if cfg.AloneTime != nil {
			alone := cfg.AloneTime(r.name, a.sessionID(r, s)).Milliseconds()
			extra.ParticipantMinutes += (alone + minute - 1) / minute
		}
		if cfg.EndedSessions && s.endAt(a.reach(r, s, h)) == 0 {
			extra.Sessions--
			if lasts := a.lasts(r); s.end != 0 && (lasts == 0 || s.end <= lasts) {
				next = earliest(next, s.end+a.lateness(r, s))
			}
		}
	}
	return extra, next
}

// sessionsRefused returns the status that a request for a room's sessions is refused with;
// 0 is none.
func (a *Account) sessionsRefused(q *query) int {
	if a.cfg.Insights.SessionStatus == nil || q.endpoint != EndpointRoomSessions {
		return 0
	}
	return a.cfg.Insights.SessionStatus(q.values.Get("roomName"), a.points.at)
}

// hidesSessions reports whether a room's sessions are left out of answers.
func (a *Account) hidesSessions(r *room) bool {
	return a.cfg.Insights.EmptySessions != nil && a.cfg.Insights.EmptySessions(r.name, a.points.at)
}

// keepRows returns the sessions of a room as they stay listed once another room has its
// name.
func (a *Account) keepRows(r *room, now int64) []*session {
	if !a.cfg.Insights.FormerSessions || r.past == nil {
		return nil
	}
	h := a.horizonOf(EndpointRoomSessions, r, now)
	kept := slices.Clone(r.past.formerRows)
	for _, s := range a.begun(r, h) {
		row := *a.listed(r, s, h)
		row.whole = true
		if row.end == 0 {
			row.end = max(row.start, h)
		}
		row.detail = &detail{id: a.sessionID(r, s)}
		kept = append(kept, &row)
	}
	slices.SortStableFunc(kept, func(x, y *session) int { return compare(x.start, y.start) })
	return kept
}

// move deletes a room of the page that has just been answered with.
func (a *Account) move(q *query, now int64) {
	if !a.cfg.Insights.MovingPages || q.last {
		return
	}
	for _, r := range q.served {
		if r.ends != 0 && r.ends < now && !r.deleted && (r.past == nil || r.past.due == 0) {
			a.remove(r)
			return
		}
	}
}
