package wherebytest

import (
	"slices"
	"sort"
)

// history is where a room's totals come from: what it had when it was added, and
// its sessions since.
type history struct {
	base                Totals // totals that no session of rows accounts for
	baseFirst, baseLast int64
	rows                []*session // by start
	open                []*session // those of rows whose figures may still change
	settled             Totals     // sum over the others
	seq                 uint32
	former              Totals     // of rooms that had the name before
	formerRows          []*session // that are still listed, by start
	due                 int64      // where the room's next change stands on the timeline; 0: nowhere
}

// history returns a room its history, beginning with what it has.
func (r *room) history() *history {
	if r.past == nil {
		r.past = &history{base: r.totals, baseFirst: r.first, baseLast: r.last}
	}
	return r.past
}

// insert puts in a session whose figures may still change.
func (p *history) insert(s *session) {
	p.place(s)
	p.open = append(p.open, s)
}

// settles reports whether a session's figures are final for its room.
func (p *history) settles(s *session) bool { return !slices.Contains(p.open, s) }

func (p *history) place(s *session) {
	p.seq++
	s.seq = p.seq
	i := sort.Search(len(p.rows), func(i int) bool { return p.rows[i].start > s.start })
	p.rows = slices.Insert(p.rows, i, s)
}

// drop takes a session out as if it had never been.
func (p *history) drop(s *session) {
	p.rows = slices.DeleteFunc(p.rows, func(x *session) bool { return x == s })
	open := len(p.open)
	p.open = slices.DeleteFunc(p.open, func(x *session) bool { return x == s })
	if open == len(p.open) {
		p.settled = p.settled.minus(s.totals)
	}
}

// ended gives the sessions with final figures, newest first.
func (p *history) ended(yield func(*session) bool) {
	for i := len(p.rows) - 1; i >= 0; i-- {
		if !slices.Contains(p.open, p.rows[i]) && !yield(p.rows[i]) {
			return
		}
	}
}

// grow adds to the newest ended session.
func (p *history) grow(t Totals) {
	for s := range p.ended {
		s.totals = s.totals.Add(t)
		p.settled = p.settled.Add(t)
		return
	}
	p.base = p.base.Add(t)
}

// correct adds a difference, of either sign, to the room's totals, and to the
// minutes of the newest ended sessions as far as they can take it.
func (p *history) correct(rest Totals) {
	for s := range p.ended {
		old := s.totals
		take(&s.totals.ParticipantMinutes, &rest.ParticipantMinutes)
		take(&s.totals.RecorderMinutes, &rest.RecorderMinutes)
		take(&s.totals.StreamerMinutes, &rest.StreamerMinutes)
		p.settled = p.settled.Add(s.totals.minus(old))
		if rest.ParticipantMinutes == 0 && rest.RecorderMinutes == 0 && rest.StreamerMinutes == 0 {
			break
		}
	}
	p.base = p.base.Add(rest)
}

// take moves rest to n, which does not fall below zero.
func take(n, rest *int64) {
	part := max(*rest, -*n)
	*n += part
	*rest -= part
}

// update brings a room's figures to horizon h and returns when they change next;
// 0 is never.
func (a *Account) update(r *room, h int64) (next int64) {
	p := r.past
	if p == nil {
		return 0
	}
	a.touch(r)
	total := p.base
	open := p.open[:0]
	for _, s := range p.open {
		var legs []leg
		if s.detail != nil {
			legs = s.detail.legs
		}
		progress := a.progress(r, s, h)
		shown, changes, final := s.show(progress, legs)
		if final {
			p.settled = p.settled.Add(s.totals)
			if s.plan != 0 {
				s.detail = nil
			}
			continue
		}
		total = total.Add(shown)
		if changes != 0 {
			next = earliest(next, changes+h-progress.read)
		}
		open = append(open, s)
	}
	clear(p.open[len(open):])
	p.open = open
	extra, changes := a.extras(r, h)
	next = earliest(next, changes)
	r.setTotals(total.Add(p.settled).Add(extra))

	r.first, r.last = p.baseFirst, p.baseLast
	if rows := a.begun(r, h); len(rows) > 0 {
		last := rows[len(rows)-1]
		r.first = earliest(r.first, rows[0].start)
		r.last = max(r.last, last.start)
		r.ratings, r.ratingSum = last.ratings, last.ratingSum
	}
	return next
}

// visible returns the sessions that have started at horizon h.
func (p *history) visible(h int64) []*session {
	return p.rows[:sort.Search(len(p.rows), func(i int) bool { return p.rows[i].start > h })]
}

// sessionsAt returns the sessions of a room that are listed when h has been reached for
// it, by start, those that only its first totals tell of included.
func (a *Account) sessionsAt(r *room, h int64) []*session {
	base, first, last := r.totals, r.first, r.last
	var rows []*session
	if p := r.past; p != nil {
		base, first, last = p.base, p.baseFirst, p.baseLast
		rows = slices.Concat(p.formerRows, a.begun(r, h))
	}
	n := base.Sessions
	if n <= 0 || first == 0 || first > h {
		return rows
	}
	all := make([]*session, 0, int(n)+len(rows))
	for i := range n {
		s := &session{start: last, whole: true, totals: base.share(i, n)}
		if n > 1 {
			s.start = first + (last-first)/(n-1)*i
		}
		if i == n-1 {
			s.start = last
		}
		s.totals.Sessions = 1
		s.end = s.start + max(1, s.totals.ParticipantMinutes/2)*minute
		s.seq = madeUp + uint32(i)
		all = append(all, s)
	}
	all = append(all, rows...)
	slices.SortStableFunc(all, func(x, y *session) int { return compare(x.start, y.start) })
	return all
}

func compare(x, y int64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}
