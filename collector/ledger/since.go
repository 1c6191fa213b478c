package ledger

import "maps"

// Since is what rooms have used since a time of [Options.Marks]: the usage of sessions that
// started then or later.
type Since struct {
	// Start is the time, in seconds since 1970.
	Start int64
	// Used is the part that is certain: all of it if Unread is 0.
	Used Totals
	// Unread counts the rooms for which it is unknown how much of their totals is older. Open
	// is what they may have used since then in addition to Used.
	Unread int64
	Open   Totals
	// Moved is the lifetime figure of a prefix minus the sum of its rooms: it differs from 0
	// because the configuration has moved rooms to another prefix.
	Moved Totals
}

// since returns what a row used since a time: used for certain, and open possibly.
func (r Row) since(start int64) (used, open Totals, read bool) {
	switch o := r.opening(start); {
	case o.Known():
		return r.Sub(o.Totals).Max(Totals{}), Totals{}, true
	case o.Certainty == AtLeast:
		return o.Totals, r.Sub(o.Totals).Max(Totals{}), false
	}
	return Totals{}, r.Totals, false
}

// count adds a row sign times.
func (s *Since) count(r Row, sign int64) {
	used, open, read := r.since(s.Start)
	s.Used, s.Open = s.Used.Add(used.times(sign)), s.Open.Add(open.times(sign))
	if !read {
		s.Unread += sign
	}
}

// plusSince returns the sums of figures since the same times.
func plusSince(to, more []Since) []Since {
	if to == nil {
		to = make([]Since, len(more))
	}
	for i, s := range more {
		to[i].Start = s.Start
		to[i].Used, to[i].Open = to[i].Used.Add(s.Used), to[i].Open.Add(s.Open)
		to[i].Unread += s.Unread
	}
	return to
}

// movedSince are the counters of labels minus the sums of their rows, by label and time.
type movedSince map[string]map[int64]Totals

// move moves the usage of a row since each time from one label to another.
func (m movedSince) move(r Row, marks []int64, from, to string) {
	for _, mark := range marks {
		if used, _, _ := r.since(mark); used != (Totals{}) {
			m.add(from, mark, used)
			m.add(to, mark, Totals{}.Sub(used))
		}
	}
}

func (m movedSince) add(label string, mark int64, t Totals) {
	if m[label] == nil {
		m[label] = map[int64]Totals{}
	}
	m[label][mark] = m[label][mark].Add(t)
}

// plus returns the sum of two.
func (m movedSince) plus(more movedSince) movedSince {
	all := make(movedSince, len(m)+len(more))
	for label, byMark := range m {
		all[label] = maps.Clone(byMark)
	}
	for label, byMark := range more {
		for mark, t := range byMark {
			all.add(label, mark, t)
		}
	}
	return all
}

// shownSince returns the usage of a label since the times, including moved usage.
func (l *Ledger) shownSince(label string, sums []Since) []Since {
	if len(sums) == 0 {
		return nil
	}
	shown := plusSince(nil, sums)
	for i := range shown {
		shown[i].Moved = l.movedSince[label][shown[i].Start]
	}
	return shown
}
