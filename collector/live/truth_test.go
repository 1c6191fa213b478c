package live_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

// lateness bounds how late an event arrives in these tests. Longer than that a client
// stays away before it comes again: otherwise nobody could tell from shuffled events
// which knock an answer was for.
const lateness = 50 * time.Second

// pace is how long a room takes for an event, and crowd the clients in it at most: no
// more events come within the lateness than the tracker puts in order.
const (
	pace  = 7 * time.Second
	crowd = 8
)

// account is a simulated one. It knows who is where, and tells it in events.
type account struct {
	random *rand.Rand
	now    time.Time
	rooms  []*simulated
	// steady means that no connection is replaced by another.
	steady bool
	told   []whereby.Event // in the order in which they happened, per room

	joins, leaves        map[string]live.ByRole // by prefix
	dialIns              map[string]int64
	knockWaits, hostWait []string
}

// simulated is a room as it is.
type simulated struct {
	name         string
	inside, door []client
	away         []client // may come again
	came         int
	// sessions are those that there were; the last one may run.
	sessions []meeting
	// ends is the room's endAt; zero for a permanent one.
	ends time.Time
	// busyUntil is when the next thing may happen.
	busyUntil time.Time
	// visitor and host are when the first of each came to the meeting in progress.
	visitor, host time.Time
	hostWaited    bool
}

// meeting is a session; ended is zero while it runs.
type meeting struct{ started, ended time.Time }

// runs reports whether a session ran at a time.
func (r *simulated) runs(at time.Time) bool {
	return slices.ContainsFunc(r.sessions, func(m meeting) bool {
		return !m.started.After(at) && (m.ended.IsZero() || m.ended.After(at))
	})
}

// session returns the one that runs, or nil.
func (r *simulated) session() *meeting {
	if n := len(r.sessions); n > 0 && r.sessions[n-1].ended.IsZero() {
		return &r.sessions[n-1]
	}
	return nil
}

type client struct {
	id, role string
	dialIn   bool
	knocked  time.Time
	away     time.Time
}

// simulatedRoles are people's, one that is not documented too, and then the machines'.
var simulatedRoles = []string{
	"owner", "member", "host", "visitor", "granted_visitor", "viewer", "granted_viewer", "moderator",
	"recorder", "streamer", "captioner", "assistant",
}

const simulatedPeople = 8

func newAccount(random *rand.Rand) *account {
	a := &account{random: random, now: start, joins: map[string]live.ByRole{}, leaves: map[string]live.ByRole{}, dialIns: map[string]int64{}}
	for i := range 2 + random.IntN(20) {
		prefix := []string{"acme", "globex", "initech"}[random.IntN(3)]
		a.rooms = append(a.rooms, &simulated{name: fmt.Sprintf("/%s-%d", prefix, i)})
	}
	return a
}

// live lets things happen for a while.
func (a *account) live(d time.Duration) {
	for end := a.now.Add(d); a.now.Before(end); {
		a.now = a.now.Add(time.Duration(1+a.random.IntN(3000)) * time.Millisecond)
		a.expire()
		if r := a.rooms[a.random.IntN(len(a.rooms))]; !a.now.Before(r.busyUntil) && !a.expired(r) {
			a.happen(r)
		}
	}
}

func (a *account) expired(r *simulated) bool {
	return !r.ends.IsZero() && !a.now.Before(r.ends.Add(time.Hour))
}

// expire empties the rooms whose end is an hour ago. No event tells of it.
func (a *account) expire() {
	for _, r := range a.rooms {
		if a.expired(r) {
			r.inside, r.door = nil, nil
			a.endMeeting(r)
			if s := r.session(); s != nil {
				s.ended = r.ends.Add(time.Hour)
			}
		}
	}
}

// happen lets one thing happen in a room.
func (a *account) happen(r *simulated) {
	before := len(a.told)
	switch chance := a.random.IntN(100); {
	case chance < 35:
		for range min(1+a.random.IntN(3), crowd-len(r.inside)) { // within the same millisecond
			a.join(r, a.someone(r, len(simulatedRoles)))
		}
	case chance < 55:
		c := a.someone(r, simulatedPeople)
		c.knocked = a.now
		r.door = append(r.door, c)
		a.tell(r, whereby.ClientKnocked, c)
		a.visitorCame(r)
	case chance < 65 && len(r.door) > 0:
		c := a.take(&r.door)
		a.waited(r, "cancelled", c)
		a.tell(r, whereby.ClientKnockCancelled, c)
		a.leaveFor(r, c)
	case chance < 75 && len(r.door) > 0 && len(r.inside) < crowd:
		c := a.take(&r.door)
		a.waited(r, "admitted", c)
		a.join(r, c)
	case chance < 80 && len(r.inside) > 0 && !a.steady:
		for range 1 + a.random.IntN(3) { // connections are replaced, within the same millisecond
			c := r.inside[a.random.IntN(len(r.inside))]
			if a.random.IntN(4) == 0 && len(r.inside) < crowd {
				a.join(r, a.newcomer(r, c.role))
				a.drop(r, c)
			} else {
				a.drop(r, c)
				a.join(r, a.newcomer(r, c.role))
			}
		}
	case chance < 95:
		for range min(len(r.inside), 1+a.random.IntN(3)) {
			a.leave(r)
		}
	default:
		for len(r.inside) > 0 {
			a.leave(r)
		}
	}
	a.now = a.now.Add(time.Millisecond)
	switch {
	case r.people() >= 2 && r.session() == nil:
		r.sessions = append(r.sessions, meeting{started: a.now})
		a.tell(r, whereby.SessionStarted, client{})
	case r.people() < 2 && r.session() != nil && a.random.IntN(2) == 0:
		a.endSession(r)
	}
	r.busyUntil = a.now.Add(time.Duration(len(a.told)-before)*pace + time.Millisecond)
}

// someone returns a client of one of the first so many roles who comes, maybe again.
func (a *account) someone(r *simulated, roles int) client {
	role := simulatedRoles[a.random.IntN(roles)]
	if n := len(r.away); n > 0 && a.random.IntN(2) == 0 && a.now.Sub(r.away[0].away) > 2*lateness {
		c := r.away[0]
		r.away = r.away[1:]
		return client{id: c.id, role: role, dialIn: c.dialIn}
	}
	return a.newcomer(r, role)
}

// newcomer returns a client who was never there before.
func (a *account) newcomer(r *simulated, role string) client {
	r.came++
	return client{id: fmt.Sprint("participant-", r.came), role: role, dialIn: a.random.IntN(5) == 0} // the same IDs in all rooms
}

func (a *account) take(from *[]client) client {
	i := a.random.IntN(len(*from))
	c := (*from)[i]
	*from = slices.Delete(*from, i, i+1)
	return c
}

func (a *account) join(r *simulated, c client) {
	r.inside = append(r.inside, c)
	a.count(a.joins, r, c)
	if c.dialIn {
		a.dialIns[label(r.name)]++
	}
	a.tell(r, whereby.ClientJoined, c)
	switch c.role {
	case "owner", "member", "host":
		if r.host.IsZero() {
			r.host = a.now
		}
		a.meet(r)
	case "visitor", "granted_visitor", "viewer", "granted_viewer":
		a.visitorCame(r)
	}
}

func (a *account) leave(r *simulated) { a.drop(r, r.inside[a.random.IntN(len(r.inside))]) }

// drop has one of those inside leave.
func (a *account) drop(r *simulated, c client) {
	r.inside = slices.DeleteFunc(r.inside, func(o client) bool { return o.id == c.id })
	a.count(a.leaves, r, c)
	a.tell(r, whereby.ClientLeft, c)
	a.leaveFor(r, c)
}

// leaveFor has a client go away.
func (a *account) leaveFor(r *simulated, c client) {
	c.away = a.now
	r.away = append(r.away, c)
	a.endMeeting(r)
}

// endSession ends the session. Who is inside alone stays, and so do those at the door.
func (a *account) endSession(r *simulated) {
	a.now = a.now.Add(time.Duration(1+a.random.IntN(500)) * time.Millisecond)
	r.session().ended = a.now
	a.tell(r, whereby.SessionEnded, client{})
}

func (a *account) visitorCame(r *simulated) {
	if r.visitor.IsZero() {
		r.visitor = a.now
	}
	a.meet(r)
}

// meet observes the wait for the host, once both have come.
func (a *account) meet(r *simulated) {
	if r.visitor.IsZero() || r.host.IsZero() || r.hostWaited {
		return
	}
	r.hostWaited = true
	wait := max(0, r.host.Sub(r.visitor))
	a.hostWait = append(a.hostWait, fmt.Sprint("host_wait ", label(r.name), " ", seconds(wait)))
}

func (a *account) endMeeting(r *simulated) {
	if r.people() == 0 && len(r.door) == 0 {
		r.visitor, r.host, r.hostWaited = time.Time{}, time.Time{}, false
	}
}

func (a *account) waited(r *simulated, outcome string, c client) {
	a.knockWaits = append(a.knockWaits, fmt.Sprint("knock_wait ", label(r.name), " ", outcome, " ", seconds(a.now.Sub(c.knocked))))
}

func seconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e6 }

func (a *account) count(counters map[string]live.ByRole, r *simulated, c client) {
	sum := counters[label(r.name)]
	sum[roleIndex(c.role)]++
	counters[label(r.name)] = sum
}

func (a *account) tell(r *simulated, eventType whereby.EventType, c client) {
	e := event(eventType, r.name, c.id, "", nil)
	e.ID, e.CreatedAt = fmt.Sprint("event-", len(a.told)), a.now
	if eventType == whereby.ClientJoined || eventType == whereby.ClientLeft {
		e.RoleName, e.DialIn, e.Clients = c.role, c.dialIn, clients{}
		for _, c := range r.inside {
			e.Clients[c.role]++
		}
	}
	a.told = append(a.told, e)
}

func (r *simulated) people() int {
	return len(r.inside) - len(slices.DeleteFunc(slices.Clone(r.inside), func(c client) bool { return whereby.IsPerson(c.role) }))
}

func roleIndex(name string) int {
	if i := slices.Index(live.Roles(), name); i >= 0 {
		return i
	}
	return slices.Index(live.Roles(), "other")
}

// figures are those of every prefix that had an event, in order.
func (a *account) figures() []live.PrefixView {
	views := map[string]live.PrefixView{}
	for _, e := range a.told {
		views[label(e.RoomName)] = live.PrefixView{Prefix: label(e.RoomName), Capacity: capacityOf(label(e.RoomName)), Joins: a.joins[label(e.RoomName)], Leaves: a.leaves[label(e.RoomName)], DialIns: a.dialIns[label(e.RoomName)]}
	}
	for _, r := range a.rooms {
		v, ok := views[label(r.name)]
		if !ok {
			continue
		}
		for _, c := range r.inside {
			v.Clients[roleIndex(c.role)]++
		}
		v.Participants += int64(r.people())
		v.Waiting += int64(len(r.door))
		v.Rooms += int64(min(1, len(r.inside)))
		v.Fullest = max(v.Fullest, int64(r.people()))
		if v.Capacity > 0 && int64(r.people())*10 >= v.Capacity*9 {
			v.FullRooms++
		}
		views[v.Prefix] = v
	}
	return slices.SortedFunc(maps.Values(views), func(a, b live.PrefixView) int { return strings.Compare(a.Prefix, b.Prefix) })
}

// shown returns the figures of a view, without those that tell of more than this moment.
func shown(v *live.View) []live.PrefixView {
	prefixes := slices.Clone(v.Prefixes)
	for i := range prefixes {
		p := &prefixes[i]
		p.ParticipantsMax, p.FullestMax, p.Pending, p.LastEvent = 0, 0, 0, time.Time{}
	}
	return prefixes
}
