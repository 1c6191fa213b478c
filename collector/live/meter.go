package live

import (
	"cmp"
	"slices"
	"time"

	"whereby_exporter/whereby"
)

const (
	// maxMarks bounds the marks of a room. If there are more, those older than compactAge
	// are summed up, as in a room that is in use all day.
	maxMarks   = 1024
	compactAge = time.Hour
)

// meter counts the participant minutes of a room from its events, including those that
// Insights does not show yet.
//
// The room has used base plus the minutes of the marks. Insights shows a part of it, and the
// difference is pending. A reading of Insights corrects base, whatever events were lost: it
// includes all minutes of meetings that ended longer ago than the delay, and no minutes that
// were not used.
type meter struct {
	// base are the minutes before the marks. known is false if they are unknown, as after
	// the death of a process.
	base  int64
	known bool
	// missed are the minutes that Insights showed as of settled beyond base and the marks:
	// events were lost, or are late.
	missed, settled int64
	// shown are the minutes that Insights showed last.
	shown int64
	// folded is the time up to which marks were summed up. Earlier ones arrive too late.
	folded int64
	// carried are the minutes of summed-up connections of the running meeting. met is true
	// if two people have been in it at once.
	carried int64
	met     bool
	// carriedSegments are the carried minutes by segment.
	carriedSegments segmentMinutes

	marks []meterMark // sorted
}

// meterMark is the effect of an event on who is in the room.
type meterMark struct {
	at   int64
	who  hash
	kind markKind
	// assistant is true if who is a machine that is billed like a person.
	assistant bool
	people    int64 // in the room then; unknownPeople if the event has no counts
	// assistants are the billed machines in the room then.
	assistants int64
	// segment is that of a participant who joins; 0 if there is none.
	segment int64
}

type markKind int8

const (
	markJoin markKind = iota
	markLeave
	markCount // an event of a client that is not billed
	markEmpty // the room is known to be empty
	markEnded // its session ended: anybody left is alone, and not billed
)

const (
	unknownPeople = -1
	maxPeople     = 10_000 // far above a room's capacity; larger counts are ignored
)

// compare orders the marks of a room as [headcount.compare] does.
func (m meterMark) compare(o meterMark) int {
	people := cmp.Compare(m.people, o.people)
	if m.kind == markLeave {
		people = -people
	}
	return cmp.Or(cmp.Compare(m.at, o.at), cmp.Compare(m.kind, o.kind), people)
}

// add adds a mark.
func (m *meter) add(mark meterMark, now int64) {
	if mark.at <= m.folded {
		return
	}
	i, _ := slices.BinarySearchFunc(m.marks, mark.at, func(m meterMark, at int64) int { return cmp.Compare(m.at, at) })
	m.marks = slices.Insert(m.marks, i, mark)
	m.arrange(i)
	if mark.at <= m.settled {
		m.miss()
	}
	if len(m.marks) > maxMarks {
		m.compact(now - compactAge.Microseconds())
	}
}

// arrange sorts the marks with the same time as the i-th, which is the first of them, so that
// each count follows from the previous one. Marks without a count come last.
func (m *meter) arrange(i int) {
	end := i + 1
	for end < len(m.marks) && m.marks[end].at == m.marks[i].at {
		end++
	}
	if end == i+1 {
		return
	}
	group := slices.Clone(m.marks[i:end])
	slices.SortStableFunc(group, func(a, b meterMark) int {
		return cmp.Or(cmp.Compare(a.uncounted(), b.uncounted()), a.compare(b))
	})
	var steps []step[int64]
	for _, mark := range group {
		if mark.uncounted() == 0 {
			steps = append(steps, mark.step())
		}
	}
	before, known := m.before(i)
	order, _ := chain(steps, before, known)
	for j, of := range order {
		m.marks[i+j] = group[of]
	}
	copy(m.marks[i+len(order):end], group[len(order):])
}

// before returns the count before the i-th mark, if it is known.
func (m *meter) before(i int) (n int64, known bool) {
	for _, mark := range slices.Backward(m.marks[:i]) {
		if mark.uncounted() == 0 {
			return mark.people + mark.assistants, true
		}
	}
	return 0, false
}

// uncounted is 1 for a mark that has no place in the sequence of counts.
func (m meterMark) uncounted() int {
	if m.people == unknownPeople || m.kind == markEmpty || m.kind == markEnded {
		return 1
	}
	return 0
}

// step returns the counts before and after the mark.
func (m meterMark) step() step[int64] {
	s := step[int64]{m.people + m.assistants, m.people + m.assistants}
	switch m.kind {
	case markJoin:
		s.from--
	case markLeave:
		s.from++
	case markCount, markEmpty, markEnded:
	}
	return s
}

// connection is an open connection.
type connection struct {
	who       hash
	joined    int64
	segment   int64
	assistant bool
}

// tally is the sum of a room's marks.
type tally struct {
	minutes int64 // of meetings that are over
	running int64 // of the ended connections of the running meeting
	met     bool  // two people have been in the running meeting at once
	open    []connection
	// The same by segment, without connections that have none.
	segments, runningSegments segmentMinutes
}

// start returns the tally before the first mark.
func (m *meter) start() tally {
	return tally{running: m.carried, met: m.met, runningSegments: slices.Clone(m.carriedSegments)}
}

// tally sums the marks up to a time.
func (m *meter) tally(until int64) tally {
	r := m.start()
	for _, mark := range m.marks {
		if mark.at > until {
			break
		}
		r.take(mark)
	}
	return r
}

func (r *tally) take(mark meterMark) {
	switch mark.kind {
	case markJoin:
		r.open = append(r.open, connection{mark.who, mark.at, mark.segment, mark.assistant})
	case markLeave:
		if i := r.find(mark.who, mark.assistant); i >= 0 {
			r.end(i, mark.at)
		}
	case markEmpty:
		mark.people, mark.assistants = 0, 0
	case markEnded:
		if r.met {
			r.finish(mark.at)
		}
		return
	}
	r.met = r.met || r.people() >= 2
	if mark.people == unknownPeople {
		return
	}
	r.fit(false, int(mark.people), mark.at)
	r.fit(true, int(mark.assistants), mark.at)
	r.met = r.met || r.people() >= 2
	if mark.people == 0 {
		r.finish(mark.at)
	}
}

// people returns the number of open connections of people.
func (r *tally) people() (n int) {
	for _, c := range r.open {
		if !c.assistant {
			n++
		}
	}
	return n
}

// fit opens or ends connections so that n of assistants or of people are open.
func (r *tally) fit(assistants bool, n int, at int64) {
	of := func(c connection) bool { return c.assistant == assistants }
	open := len(r.open) - r.people()
	if !assistants {
		open = r.people()
	}
	// Leaves were lost. It does not matter whose.
	for ; open > n; open-- {
		r.end(slices.IndexFunc(r.open, of), at)
	}
	// Joins were lost. People count from when they are known to be in the room.
	for ; open < n; open++ {
		r.open = append(r.open, connection{joined: at, assistant: assistants})
	}
}

// find returns the index of somebody's open connection, or else of a connection of somebody
// unknown, or -1.
func (r *tally) find(who hash, assistant bool) int {
	i := slices.IndexFunc(r.open, func(c connection) bool { return c.assistant == assistant && c.who == who })
	if i < 0 {
		i = slices.IndexFunc(r.open, func(c connection) bool { return c.assistant == assistant && c.who == hash{} })
	}
	return i
}

// end ends an open connection.
func (r *tally) end(i int, at int64) {
	minutes := connectionMinutes(r.open[i].joined, at)
	r.running += minutes
	r.runningSegments.add(r.open[i].segment, minutes)
	r.open = slices.Delete(r.open, i, i+1)
}

// finish ends the meeting. Connections of those who stay continue as if they began now. A
// meeting without two people at once is no session, and is not billed.
func (r *tally) finish(at int64) {
	if r.met {
		for i := range r.open {
			c := &r.open[i]
			minutes := connectionMinutes(c.joined, at)
			r.running += minutes
			r.runningSegments.add(c.segment, minutes)
			c.joined = at
		}
		r.minutes += r.running
		r.segments.addAll(r.runningSegments)
	}
	r.running, r.met, r.runningSegments = 0, false, nil
}

// segmentsAt returns the minutes up to a time by segment.
func (r *tally) segmentsAt(now int64) segmentMinutes {
	sum := slices.Clone(r.segments)
	if r.met {
		sum.addAll(r.runningSegments)
		for _, c := range r.open {
			sum.add(c.segment, connectionMinutes(c.joined, now))
		}
	}
	return sum
}

// at returns the minutes up to a time.
func (r *tally) at(now int64) int64 {
	if !r.met {
		return r.minutes
	}
	sum := r.minutes + r.running
	for _, c := range r.open {
		sum += connectionMinutes(c.joined, now)
	}
	return sum
}

// connectionMinutes returns the minutes that Whereby bills for a connection, rounded up.
func connectionMinutes(joined, left int64) int64 {
	const minute = int64(time.Minute / time.Microsecond)
	return max(1, (left-joined+minute-1)/minute)
}

// pending returns the minutes up to a time that Insights does not show yet.
func (m *meter) pending(now int64) int64 {
	if !m.known {
		return 0
	}
	r := m.tally(now)
	return max(0, m.base+m.missed+r.at(now)-m.shown)
}

// settle records the minutes that Insights showed of the room in a poll from started to
// ended. It returns the minutes by segment of meetings that are no longer tracked, and whether
// nothing is left to track.
func (m *meter) settle(shown, started, ended int64) (segments segmentMinutes, done bool) {
	folded, segments := m.fold(started - whereby.InsightsDelay.Microseconds())
	if m.known {
		m.base = min(m.base+folded, shown) // Insights shows all that was folded
	} else {
		// Insights may show everything already. Assuming so never counts minutes twice.
		r := m.tally(ended)
		m.base, m.known = shown-r.at(ended), true
	}
	m.shown, m.settled = shown, ended
	m.miss()
	return segments, len(m.marks) == 0 && m.carried == 0
}

// miss computes missed: everything that Insights shows was used.
func (m *meter) miss() {
	r := m.tally(m.settled)
	m.missed = max(0, m.shown-m.base-r.at(m.settled))
}

// fold removes the meetings that had ended by a time, and returns their minutes.
func (m *meter) fold(by int64) (sum int64, segments segmentMinutes) {
	var (
		r     = m.start()
		until = -1
		stay  []meterMark
	)
	for i, mark := range m.marks {
		if mark.at > by {
			break
		}
		r.take(mark)
		if mark.kind == markEmpty || mark.people == 0 || mark.kind == markEnded && !r.met && r.running == 0 {
			sum, segments, until, stay = r.minutes, slices.Clone(r.segments), i, r.joins()
		}
	}
	if until < 0 {
		return 0, nil
	}
	m.folded = m.marks[until].at
	m.marks = append(stay, m.marks[until+1:]...)
	m.carried, m.met, m.carriedSegments = 0, false, nil
	return sum, segments
}

// joins returns marks that open the open connections.
func (r *tally) joins() []meterMark {
	var marks []meterMark
	for _, c := range r.open {
		marks = append(marks, meterMark{
			at: c.joined, who: c.who, kind: markJoin, people: unknownPeople, segment: c.segment, assistant: c.assistant,
		})
	}
	return marks
}

// compact sums up the marks before a time, except those of connections that are still open
// then.
func (m *meter) compact(before int64) {
	n, _ := slices.BinarySearchFunc(m.marks, before, func(mark meterMark, at int64) int { return cmp.Compare(mark.at, at) })
	if n == 0 {
		// There are too many recent events to track each one.
		n = len(m.marks) / 2
	}
	r := m.start()
	for _, mark := range m.marks[:n] {
		r.take(mark)
	}
	m.folded = m.marks[n-1].at
	m.base += r.minutes
	m.carried, m.met, m.carriedSegments = r.running, r.met, r.runningSegments
	m.carriedSegments.addAll(r.segments) // counted later, and only if this meeting is billed
	m.marks = append(r.joins(), m.marks[n:]...)
}
