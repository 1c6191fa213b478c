package opening

import (
	"errors"
	"slices"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby"
)

// sessions are the newest sessions of a room, newest first, at least back to the latest one from
// before a time.
type sessions struct {
	rows     []whereby.RoomSession
	complete bool
	// created is when the room was created: earlier sessions belong to another room of the
	// name.
	created int64
	// ended is true if the room's totals count only ended sessions.
	ended bool
}

// newSessions returns the sessions of a room. created is when it was created, or 0 if that is
// unknown.
func newSessions(list whereby.SessionList, created int64) *sessions {
	seen := make(map[string]bool, len(list.Sessions))
	s := &sessions{complete: list.Complete, created: created}
	for _, session := range list.Sessions {
		// A session that begins during the listing moves others to the next page.
		if !seen[session.ID] {
			seen[session.ID] = true
			s.rows = append(s.rows, session)
		}
	}
	slices.SortFunc(s.rows, func(a, b whereby.RoomSession) int { return b.StartedAt.Compare(a.StartedAt) })
	return s
}

// since returns the sum of the sessions that started at a time or later.
func (s *sessions) since(start int64) ledger.Totals {
	var sum ledger.Totals
	for _, session := range s.rows {
		if session.StartedAt.Unix() < max(start, s.created) {
			break
		}
		one := ledger.Totals{
			ParticipantMinutes: session.ParticipantMinutes, RecorderMinutes: session.RecorderMinutes,
			StreamerMinutes: session.StreamerMinutes, Sessions: 1,
		}
		if s.ended && session.EndedAt.IsZero() {
			one.Sessions = 0
		}
		sum = sum.Add(one)
	}
	return sum
}

// agree reports whether totals and the start of the last session agree with the listed sessions.
// If all are listed, the sum proves it. If not, the room must have been quiet for so long that
// both are up to date.
func (s *sessions) agree(totals ledger.Totals, last int64, now time.Time) bool {
	if len(s.rows) == 0 || last != 0 && s.rows[0].StartedAt.Unix() != last {
		return false
	}
	if !s.complete {
		return s.quiet(now)
	}
	try := *s
	for _, try.ended = range [...]bool{false, true} {
		for _, try.created = range [...]int64{s.created, 0} {
			if try.since(0) == totals {
				*s = try
				return true
			}
		}
	}
	return false
}

// quiet reports whether the last session has been over for long enough.
func (s *sessions) quiet(now time.Time) bool {
	last := s.rows[0]
	if last.EndedAt.IsZero() {
		// Insights does not show who leaves a room after its end.
		return now.Sub(last.StartedAt) >= 2*ledger.Closing
	}
	return now.Sub(last.EndedAt) >= ledger.Quiet
}

// rested reports whether the last session has been over for so long that the figures of a
// billing period would be final.
func (s *sessions) rested(now time.Time) bool {
	ended := s.rows[0].EndedAt
	return ended.IsZero() || now.Sub(ended) >= ledger.Closing
}

// comesLate reports whether a session may still grow although another one has followed it:
// Insights shows it late and without an end, and the room was raised recently.
func (s *sessions) comesLate(row ledger.Row, now time.Time) bool {
	if now.Sub(time.Unix(row.Raised, 0)) >= ledger.Quiet {
		return false
	}
	return slices.ContainsFunc(s.rows[min(1, len(s.rows)):], func(session whereby.RoomSession) bool {
		return session.EndedAt.IsZero()
	})
}

// settles returns when sessions from before a time should no longer change. A room has one
// session at a time, so each is over when the next begins, whether or not Insights shows its
// end.
func (s *sessions) settles(start int64) time.Time {
	over := time.Unix(start, 0)
	for i, session := range s.rows {
		if session.StartedAt.Unix() >= start {
			continue
		}
		ended := session.EndedAt
		if i > 0 && (ended.IsZero() || s.rows[i-1].StartedAt.Before(ended)) {
			ended = s.rows[i-1].StartedAt
		}
		if ended.After(over) {
			over = ended
		}
		break
	}
	return over.Add(ledger.Closing)
}

// found returns the opening balances that follow from sessions that agree with a room's
// totals. lately is true if they may have been found within ledger.Quiet before.
func found(row ledger.Row, s *sessions, starts []int64, now time.Time, lately bool) finding {
	f := finding{row: row}
	for _, start := range starts {
		if row.Former != (ledger.Totals{}) && start < row.Created {
			// No session shows what the earlier room of the name has used since.
			f.openings = append(f.openings, atLeast(row, s, start))
			f.odd = errFormer
			continue
		}
		// Whereby may have lowered a figure, and the ledger has kept it.
		o := ledger.Opening{Start: start, Totals: row.Totals.Sub(s.since(start)).Max(ledger.Totals{}), Certainty: ledger.Settled}
		if settles := s.settles(start); settles.After(now) {
			o.Certainty = ledger.Provisional
			if s.complete && s.since(0) == row.Current() {
				o.Certainty = ledger.Listed
			}
			if closing := time.Unix(start, 0).Add(ledger.Closing); !closing.After(now) {
				f.again = settles
			}
		} else if !s.complete && !s.rested(now) {
			// A quiet room is no proof: totals and sessions may be from different moments.
			// The balance would then be another one an hour later.
			known, same := provisional(row, start)
			if same = same && known.Totals == o.Totals; !same || lately {
				o.Certainty = ledger.Provisional
				f.again, f.busy = now.Add(ledger.Quiet), f.busy || known.Known() && !same
			}
		}
		f.openings = append(f.openings, o)
	}
	return f
}

// provisional returns the opening balance of a row at a start, if it has one that is not
// settled.
func provisional(row ledger.Row, start int64) (o ledger.Opening, ok bool) {
	i := slices.IndexFunc(row.Openings, func(o ledger.Opening) bool { return o.Start == start })
	if i < 0 || row.Openings[i].Certainty != ledger.Provisional && row.Openings[i].Certainty != ledger.Listed {
		return ledger.Opening{}, false
	}
	return row.Openings[i], true
}

// atLeast returns what was certainly used since a start: the known lower bound, or the sum of
// the sessions.
func atLeast(row ledger.Row, s *sessions, start int64) ledger.Opening {
	least := ledger.Opening{Start: start, Totals: s.since(start), Certainty: ledger.AtLeast}
	for _, known := range row.Openings {
		if known.Start == start && known.Certainty == ledger.AtLeast {
			least.Totals = least.Totals.Max(known.Totals)
		}
	}
	return least
}

var (
	errFormer     = errors.New("its name was that of another room in the billing period")
	errNoSessions = errors.New("no session of it is listed")
	errLast       = errors.New("its last session is not listed")
	errSum        = errors.New("its totals are not those of its sessions")
)

// raised raises a provisional opening balance to the sum of the sessions from before a start,
// some of which have grown since. ok is false if the sum is not higher.
func (s *sessions) raised(row ledger.Row, start int64) (o ledger.Opening, ok bool) {
	known, ok := provisional(row, start)
	if !ok || row.Former != (ledger.Totals{}) {
		return ledger.Opening{}, false
	}
	grown := s.since(0).Sub(s.since(start))
	grown.Sessions = 0 // they do not grow
	o = ledger.Opening{Start: start, Totals: known.Max(grown), Certainty: ledger.Provisional}
	return o, o.Totals != known.Totals
}

// undecided returns what is certain if sessions do not agree with a room's totals: every listed
// session exists.
func (s *sessions) undecided(row ledger.Row, starts []int64, now time.Time) finding {
	f := finding{row: row}
	for _, start := range starts {
		if o, ok := s.raised(row, start); ok {
			f.openings = append(f.openings, o)
			continue
		}
		if least := atLeast(row, s, start); least.Totals != (ledger.Totals{}) {
			f.openings = append(f.openings, least)
		}
	}
	switch {
	case len(s.rows) == 0:
		f.odd = errNoSessions
	case s.comesLate(row, now):
		f.again = now.Add(whileRunning)
	case s.quiet(now) && !s.complete:
		f.odd = errLast
	case s.quiet(now):
		f.odd = errSum
	case s.rows[0].EndedAt.IsZero():
		f.again, f.busy = now.Add(whileRunning), !s.complete
	default:
		f.again, f.busy = s.rows[0].EndedAt.Add(ledger.Quiet), !s.complete
	}
	return f
}
