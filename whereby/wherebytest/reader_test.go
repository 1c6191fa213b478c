package wherebytest_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// meetings fills rooms with random sessions that overlap, even in one room.
func meetings(t testing.TB, seed uint64, n int) *wherebytest.Account {
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	a := withRooms(8, wherebytest.Config{})
	// Whole tens of seconds, so that much happens at the same time.
	after := func(from time.Time, most int) time.Time {
		return from.Add(10 * time.Second * time.Duration(random.IntN(most)))
	}
	roles := []string{"", "host", "owner", "member", "viewer", "recorder", "streamer", "captioner", "granted_viewer", "from the future"}
	for range n {
		s := wherebytest.Session{Start: after(day.Add(time.Hour), 2000)}
		s.End = after(s.Start, 180)
		between := func(from time.Time) time.Time { return after(from, 1+int(s.End.Sub(from)/(10*time.Second))) }
		for range random.IntN(6) {
			p := wherebytest.Participant{Role: roles[random.IntN(len(roles))]}
			if random.IntN(3) == 0 {
				p.Joined = after(s.Start.Add(-5*time.Minute), 30)
			} else {
				p.Joined = between(s.Start)
			}
			p.Left = between(p.Joined)
			if whereby.IsPerson(p.Role) && random.IntN(3) == 0 {
				p.Knocked = p.Joined.Add(-10 * time.Second * time.Duration(random.IntN(60)))
			}
			s.Participants = append(s.Participants, p)
		}
		for range random.IntN(2) {
			k := wherebytest.Knock{At: between(s.Start.Add(-10 * time.Minute))}
			k.GaveUp = between(k.At)
			s.Knocks = append(s.Knocks, k)
		}
		a.Schedule(acme(random.IntN(8)), s)
	}
	return a
}

// roomState is what a reader of events has of a room.
type roomState struct {
	clients map[string]int
	in      map[string]string // role by participant
	waiting map[string]bool
}

// reader is a plain reader of events: it follows who is where by themselves, and
// checks the counts of each event against that.
type reader struct {
	t     testing.TB
	rooms map[string]*roomState
	ids   map[string]bool
	last  time.Time
	types map[whereby.EventType]int
	// dialIns are the clients that joined by telephone.
	dialIns map[string]bool
}

func newReader(t testing.TB) *reader {
	return &reader{t: t, rooms: map[string]*roomState{}, ids: map[string]bool{}, types: map[whereby.EventType]int{}, dialIns: map[string]bool{}}
}

func (r *reader) read(e wherebytest.Event) {
	r.t.Helper()
	body, err := json.Marshal(e)
	if err != nil {
		r.t.Fatal(err)
	}
	got, err := whereby.ParseEvent(body)
	if err != nil {
		r.t.Fatalf("%s: %v", body, err)
	}
	if r.ids[got.ID] {
		r.t.Errorf("two events have the ID %s", got.ID)
	}
	if got.CreatedAt.Before(r.last) {
		r.t.Errorf("%v follows %v", got.CreatedAt, r.last)
	}
	r.ids[got.ID], r.last = true, got.CreatedAt
	r.types[got.Type]++
	room := r.rooms[got.RoomName]
	if room == nil {
		room = &roomState{map[string]int{}, map[string]string{}, map[string]bool{}}
		r.rooms[got.RoomName] = room
	}
	id := got.ParticipantID
	switch got.Type {
	case whereby.ClientJoined:
		if _, ok := room.in[id]; ok {
			r.t.Errorf("%s joins twice", id)
		}
		room.in[id] = got.RoleName
		if got.DialIn {
			r.dialIns[id] = true
		}
		room.clients[got.RoleName]++
		delete(room.waiting, id)
	case whereby.ClientLeft:
		if room.in[id] != got.RoleName || got.RoleName == "" {
			r.t.Errorf("%s leaves as %q, and was in as %q", id, got.RoleName, room.in[id])
		}
		if got.DialIn != r.dialIns[id] {
			r.t.Errorf("%s leaves by telephone: %t, and joined so: %t", id, got.DialIn, r.dialIns[id])
		}
		delete(room.in, id)
		if room.clients[got.RoleName]--; room.clients[got.RoleName] == 0 {
			delete(room.clients, got.RoleName)
		}
	case whereby.ClientKnocked:
		room.waiting[id] = true
	case whereby.ClientKnockCancelled:
		if !room.waiting[id] {
			r.t.Errorf("%s gives up without a knock", id)
		}
		delete(room.waiting, id)
	}
	if got.Clients != nil && !maps.Equal(got.Clients, room.clients) {
		r.t.Errorf("%s: clients %v, want %v", body, got.Clients, room.clients)
	}
}

// live sums up what the reader has.
func (r *reader) live() map[string]wherebytest.LiveTruth {
	all := map[string]wherebytest.LiveTruth{}
	for name, room := range r.rooms {
		t := all[prefixOf(name)]
		t.Waiting += len(room.waiting)
		if len(room.clients) > 0 {
			t.Rooms++
		}
		people := 0
		for role, n := range room.clients {
			if t.Clients == nil {
				t.Clients = map[string]int{}
			}
			t.Clients[role] += n
			if whereby.IsPerson(role) {
				t.People += n
				people += n
			}
		}
		if people > 0 {
			if t.Sizes == nil {
				t.Sizes = map[int]int{}
			}
			t.Sizes[people]++
		}
		all[prefixOf(name)] = t
	}
	return all
}

// compareLive checks Live, but for the highest numbers of people, at a time up to
// which the events are read.
func compareLive(t testing.TB, a *wherebytest.Account, now time.Time, want map[string]wherebytest.LiveTruth) {
	t.Helper()
	got := a.Live(now, prefixOf)
	for prefix, w := range want {
		g := got[prefix]
		if g.PeopleMax < g.People {
			t.Errorf("%v %s: at most %d people, now %d", now, prefix, g.PeopleMax, g.People)
		}
		if g.FullestMax < g.Fullest() || g.FullestMax > g.PeopleMax {
			t.Errorf("%v %s: at most %d people in one room, now %d", now, prefix, g.FullestMax, g.Fullest())
		}
		g.PeopleMax, g.FullestMax = w.PeopleMax, w.FullestMax
		if !reflect.DeepEqual(g, w) {
			t.Errorf("%v %s: live %+v, the events say %+v", now, prefix, g, w)
		}
	}
	for prefix := range got {
		if _, ok := want[prefix]; !ok {
			t.Errorf("%v: nobody is in rooms of %s", now, prefix)
		}
	}
}
