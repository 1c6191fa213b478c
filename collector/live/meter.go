package live

import (
	"cmp"
	"slices"
	"time"

	"whereby_exporter/whereby"
)

const (
	// maxMarks bounds the marks of a room; beyond, what is older than compactAge is
	// summed up. A room that is used all day long needs that.
	maxMarks   = 1024
	compactAge = time.Hour
)

// meter counts the participant minutes of a room from its events, to tell those that
// Insights does not show yet.
//
// What the room has used is base plus what the marks come to, and Insights shows some
// of it: the difference is pending. A reading of Insights puts base right, whatever
// was lost: it shows all that was used by meetings that ended longer than the delay
// ago, and nothing that has not been used.
type meter struct {
	// base is what was used before the marks; known is false if a process died
	// before it could be told.
	base  int64
	known bool
	// missed is what Insights showed last, as of settled, beyond base and the marks:
	// events were lost, or are late.
	missed, settled int64
	// shown is what Insights showed last.
	shown int64
	// folded is up to when marks were summed up; what comes from before is too late.
	folded int64
	// carried are the minutes of the running meeting's summed-up connections, and
	// met whether two people have been in it at once.
	carried int64
	met     bool
	// carriedSegments are the carried minutes by segment.
	carriedSegments segmentMinutes

	marks []meterMark // in order
}

// meterMark is what an event says of who is in the room.
type meterMark struct {
	at   int64
	who  hash
	kind markKind
	// assistant means that who is a machine that is billed like a person.
	assistant bool
	people    int64 // in the room then; unknownPeople where the event does not say
	// assistants are the billed machines that are there with the people.
	assistants int64
	// segment is that of somebody who joins; 0 is none.
	segment int64
}

type markKind int8

const (
	markJoin markKind = iota
	markLeave
	markCount // of somebody who is not billed
	markEmpty // the room is known to be empty
	markEnded // its session ended: who stays is alone, and not billed for it
)

const (
	unknownPeople = -1
	maxPeople     = 10_000 // far above what a room holds; more is not believed
)

// compare orders the marks of a room, those of the same time as [headcount.compare] does.
func (m meterMark) compare(o meterMark) int {
	people := cmp.Compare(m.people, o.people)
	if m.kind == markLeave {
		people = -people
	}
	return cmp.Or(cmp.Compare(m.at, o.at), cmp.Compare(m.kind, o.kind), people)
}

// add takes a mark.
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

// arrange puts the marks of one moment in order, of which the i-th is the first: as their
// counts follow from each other, and those without one last.
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

// before is how many were there before the i-th mark, as far as a mark tells.
func (m *meter) before(i int) (n int64, known bool) {
	for _, mark := range slices.Backward(m.marks[:i]) {
		if mark.uncounted() == 0 {
			return mark.people + mark.assistants, true
		}
	}
	return 0, false
}

// uncounted is 1 for a mark that follows from no other's count.
func (m meterMark) uncounted() int {
	if m.people == unknownPeople || m.kind == markEmpty || m.kind == markEnded {
		return 1
	}
	return 0
}

// step is what the mark leads from, and to.
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

// connection is one that is open.
type connection struct {
	who       hash
	joined    int64
	segment   int64
	assistant bool
}

// tally is the sum of a room's marks.
type tally struct {
	minutes int64 // of meetings that are over
	running int64 // of the ended connections of the meeting in progress
	met     bool  // two people have been in that at once
	open    []connection
	// The same by segment, but for connections without one.
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

// people returns the open connections of people.
func (r *tally) people() (n int) {
	for _, c := range r.open {
		if !c.assistant {
			n++
		}
	}
	return n
}

// fit has n connections be open, of assistants or of people.
func (r *tally) fit(assistants bool, n int, at int64) {
	of := func(c connection) bool { return c.assistant == assistants }
	open := len(r.open) - r.people()
	if !assistants {
		open = r.people()
	}
	// Where leaves were lost it does not matter whose: as many stay as are there.
	for ; open > n; open-- {
		r.end(slices.IndexFunc(r.open, of), at)
	}
	// Where joins were lost, people count from when they are known to be there.
	for ; open < n; open++ {
		r.open = append(r.open, connection{joined: at, assistant: assistants})
	}
}

// find returns the open connection of somebody, or one of whom it is known only that they
// are there, or -1.
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

// finish ends the meeting, also for those who stay: their connections continue as if they
// began now. A meeting in which nobody ever met anybody is no session, and not billed.
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

// connectionMinutes is what Whereby bills for a connection: minutes, rounded up.
func connectionMinutes(joined, left int64) int64 {
	const minute = int64(time.Minute / time.Microsecond)
	return max(1, (left-joined+minute-1)/minute)
}

// pending returns the minutes used by a time that Insights does not show yet.
func (m *meter) pending(now int64) int64 {
	if !m.known {
		return 0
	}
	r := m.tally(now)
	return max(0, m.base+m.missed+r.at(now)-m.shown)
}

// settle takes what Insights showed of the room in a pass from started to ended. It
// returns what was used by segment in meetings that are not followed any more, and
// whether nothing is left to be counted.
func (m *meter) settle(shown, started, ended int64) (segments segmentMinutes, done bool) {
	folded, segments := m.fold(started - whereby.InsightsDelay.Microseconds())
	if m.known {
		m.base = min(m.base+folded, shown) // they show all that was folded
	} else {
		// At worst Insights shows everything; assuming so never counts twice.
		r := m.tally(ended)
		m.base, m.known = shown-r.at(ended), true
	}
	m.shown, m.settled = shown, ended
	m.miss()
	return segments, len(m.marks) == 0 && m.carried == 0
}

// miss computes what was missed: Insights shows nothing that has not been used.
func (m *meter) miss() {
	r := m.tally(m.settled)
	m.missed = max(0, m.shown-m.base-r.at(m.settled))
}

// fold takes the meetings out that were over by a time, and returns their minutes.
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

// joins are marks that open the connections that are open.
func (r *tally) joins() []meterMark {
	var marks []meterMark
	for _, c := range r.open {
		marks = append(marks, meterMark{
			at: c.joined, who: c.who, kind: markJoin, people: unknownPeople, segment: c.segment, assistant: c.assistant,
		})
	}
	return marks
}

// compact sums up the marks before a time, but for those of connections that are
// still open then.
func (m *meter) compact(before int64) {
	n, _ := slices.BinarySearchFunc(m.marks, before, func(mark meterMark, at int64) int { return cmp.Compare(mark.at, at) })
	if n == 0 {
		// So many events within so short a time can't be followed one by one.
		n = len(m.marks) / 2
	}
	r := m.start()
	for _, mark := range m.marks[:n] {
		r.take(mark)
	}
	m.folded = m.marks[n-1].at
	m.base += r.minutes
	m.carried, m.met, m.carriedSegments = r.running, r.met, r.runningSegments
	m.carriedSegments.addAll(r.segments) // counted a little late, and only if this meeting is one
	m.marks = append(r.joins(), m.marks[n:]...)
}
