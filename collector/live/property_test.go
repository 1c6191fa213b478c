package live_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

const accounts = 20

// expectTruth compares the figures of now with those of the account.
func (b *bench) expectTruth(want []live.PrefixView) {
	b.t.Helper()
	if got := shown(b.View(b.now)); !slices.Equal(got, want) {
		b.t.Fatalf("shown at %v is\n%+v, want\n%+v", b.now, got, want)
	}
}

// expectWaits compares the observed waits of a kind, in any order.
func (b *bench) expectWaits(kind live.Kind, want []string) {
	b.t.Helper()
	var got []string
	for _, o := range b.observed {
		if strings.HasPrefix(o, string(kind)) {
			got = append(got, o)
		}
	}
	if missing, more := without(want, got), without(got, want); len(missing)+len(more) > 0 {
		b.t.Fatalf("of %d waits missing are %q, and too many %q", len(want), missing, more)
	}
}

// without returns what is in a more often than in b.
func without(a, b []string) (rest []string) {
	n := map[string]int{}
	for _, s := range b {
		n[s]++
	}
	for _, s := range a {
		if n[s]--; n[s] < 0 {
			rest = append(rest, s)
		}
	}
	return rest
}

func TestPromptEventsShowTheTruthAtEveryMoment(t *testing.T) {
	random := seeded(t)
	for range accounts {
		a := newAccount(random)
		b := newBench(t, options)
		for b.events < 400 {
			a.live(5 * time.Second)
			for _, e := range a.told[b.events:] {
				b.now = e.CreatedAt
				b.send(e)
			}
			b.now = a.now
			b.expectTruth(a.figures())
		}
	}
}

// TestShuffledAndRepeatedEventsShowTheTruthInTheEnd leaves the waits for hosts out.
// Such a wait is observed as soon as a visitor and a host have come, and it may turn
// out later that others came before them.
func TestShuffledAndRepeatedEventsShowTheTruthInTheEnd(t *testing.T) {
	random := seeded(t)
	for range accounts {
		a := newAccount(random)
		a.live(time.Hour)
		deliveries := repeated(random, shuffled(random, a.told))
		b := newBench(t, options)
		b.receive(deliveries)
		b.expectTruth(a.figures())
		b.expectWaits(live.KnockWait, a.knockWaits)
		b.wait(3 * time.Minute)
		b.expectCorrections(map[live.Correction]int64{})
		v := b.View(b.now)
		if want := int64(len(deliveries) - len(a.told)); v.Duplicates != want {
			t.Errorf("%d duplicates, want %d", v.Duplicates, want)
		}
		types := map[whereby.EventType]int64{}
		for _, e := range a.told {
			types[e.Type]++
		}
		for _, e := range v.Events {
			if e.N != types[e.Type] {
				t.Errorf("%d events %s, want %d", e.N, e.Type, types[e.Type])
			}
		}
		if v.Refused != 0 {
			t.Errorf("%d refused", v.Refused)
		}
	}
}

func TestWaitsForHostsAreTheTruthWhereEachRoomsEventsComeInOrder(t *testing.T) {
	random := seeded(t)
	for range accounts {
		a := newAccount(random)
		a.live(time.Hour)
		b := newBench(t, options)
		b.receive(repeated(random, shuffledAcrossRooms(random, a.told)))
		b.expectTruth(a.figures())
		b.expectWaits(live.KnockWait, a.knockWaits)
		b.expectWaits(live.HostWait, a.hostWait)
	}
}

// unexplained counts the events whose total is not explained by the one before them
// of those that came: what was lost between the two did not cancel itself out.
func unexplained(told, came []whereby.Event) int64 {
	arrived := map[string]bool{}
	for _, e := range came {
		arrived[e.ID] = true
	}
	var n int64
	lost := map[string]int{} // the net change of a room since its last event that came
	known := map[string]bool{}
	for _, e := range told {
		change := 0
		switch e.Type {
		case whereby.ClientJoined:
			change = 1
		case whereby.ClientLeft:
			change = -1
		default:
			continue
		}
		switch {
		case !arrived[e.ID]:
			lost[e.RoomName] += change
		case known[e.RoomName] && lost[e.RoomName] != 0:
			n++
			lost[e.RoomName] = 0
		default:
			known[e.RoomName] = true
			lost[e.RoomName] = 0
		}
	}
	return n
}

// TestALostEventIsHealedByTheNextOfItsRoom is about who is in the rooms. Who waits at a
// door is known only from the visitor's own events: see the next test.
func TestALostEventIsHealedByTheNextOfItsRoom(t *testing.T) {
	random := seeded(t)
	var corrected int64
	for range accounts {
		a := newAccount(random)
		a.steady = true // which of two events of one moment was lost may be open
		a.live(time.Hour)
		came := lossy(random, a.told, 15)
		a.now = a.now.Add(time.Hour) // the next meeting
		for _, r := range a.rooms {
			r.door = nil
			a.now = a.now.Add(pace)
			before := len(a.told)
			a.join(r, a.someone(r, simulatedPeople))
			came = append(came, a.told[before:]...)
		}
		b := newBench(t, options)
		b.receive(repeated(random, shuffled(random, came)))
		got, want := shown(b.View(b.now)), a.figures()
		var joins int64
		for i := range got {
			joins += got[i].Joins.Sum()
			got[i].Waiting, got[i].Joins, got[i].Leaves, got[i].DialIns = 0, want[i].Joins, want[i].Leaves, want[i].DialIns
		}
		if !slices.Equal(got, want) {
			t.Fatalf("shown is\n%+v, want\n%+v", got, want)
		}
		if n := count(came, whereby.ClientJoined); joins != n {
			t.Errorf("%d joins are counted, and %d came", joins, n)
		}
		b.wait(3 * time.Minute)
		lost := unexplained(a.told, came)
		corrected += lost
		if got := corrections(b.View(b.now))[live.LostEvent]; got != lost {
			t.Fatalf("%d lost events are counted, want %d", got, lost)
		}
	}
	if corrected == 0 {
		t.Error("nothing was lost that mattered")
	}
}

func count(events []whereby.Event, eventType whereby.EventType) (n int64) {
	for _, e := range events {
		if e.Type == eventType {
			n++
		}
	}
	return n
}

// TestInsightsHealWhatNoEventDoes loses events, the last ones too, and then nothing
// happens any more. Rooms without a session are emptied within 6 hours and what Insights
// lags; the others keep what their last event said. Nobody waits for 6 hours.
func TestInsightsHealWhatNoEventDoes(t *testing.T) {
	random := seeded(t)
	dropped := map[live.Correction]int64{}
	for range accounts {
		a := newAccount(random)
		a.steady = true // as above
		a.live(30 * time.Minute)
		for _, r := range a.rooms {
			for random.IntN(2) == 0 && len(r.inside) > 0 {
				a.leave(r)
			}
			if r.people() < 2 && r.session() != nil {
				a.endSession(r)
			}
		}
		came := lossy(random, a.told, 30)
		b := newBench(t, options)
		b.receive(shuffled(random, came))

		last := map[string]clients{} // by room
		for _, e := range came {
			if e.Clients != nil {
				last[e.RoomName] = e.Clients
			}
		}
		over := map[string]bool{}
		for _, r := range a.rooms {
			over[r.name] = r.session() == nil
		}
		for quiet := b.now; b.now.Sub(quiet) <= 6*time.Hour+20*time.Minute; b.wait(time.Minute) {
			asOf := b.now.Add(-15 * time.Minute)
			for _, s := range b.Suspects(b.now, 0) {
				if s.Doubt != live.DoubtEmpty && !s.Since.After(asOf) {
					b.Answer(s, !over[s.RoomName], asOf)
				}
			}
		}
		want := map[string]live.PrefixView{}
		for name, roles := range last {
			sum := want[label(name)]
			if n := 0; !over[name] {
				for role, of := range roles {
					n += of
					sum.Clients[roleIndex(role)] += int64(of)
				}
				sum.Rooms += int64(min(1, n))
			}
			want[label(name)] = sum
		}
		for _, p := range shown(b.View(b.now)) {
			want := want[p.Prefix]
			if p.Clients != want.Clients || p.Rooms != want.Rooms || p.Waiting != 0 {
				t.Fatalf("shown is %+v, want clients %v in %d rooms", p, want.Clients, want.Rooms)
			}
		}
		for reason, n := range corrections(b.View(b.now)) {
			dropped[reason] += n
		}
	}
	if dropped[live.Stale] == 0 || dropped[live.SessionEnded] == 0 {
		t.Errorf("corrections are %v, want some of each kind", dropped)
	}
}

// TestInsightsTakeNobodyAway lets accounts live whose events all come, and restarts the
// tracker before each pause, so that it doubts every room. Whatever it asks Insights, and
// whatever that says of sessions, nobody who is there goes: hosts who wait alone, visitors
// at the door across a session's end, machines. Rooms expire when Insights says so.
func TestInsightsTakeNobodyAway(t *testing.T) {
	random := seeded(t)
	asked, alone, expired := 0, 0, 0
	for range accounts / 2 {
		a := newAccount(random)
		byName := map[string]*simulated{}
		for _, r := range a.rooms {
			byName[r.name] = r
			if random.IntN(3) == 0 {
				r.ends = start.Add(time.Duration(random.Int64N(int64(3*time.Hour))) - time.Hour)
			}
		}
		b := newBench(t, options)
		look := func() {
			t.Helper()
			for _, r := range a.rooms {
				b.SetEnd(r.name, r.ends)
			}
			a.expire()
			b.now = a.now
			b.expectTruth(a.figures())
		}
		for range 5 {
			for range 10 {
				a.live(time.Minute)
				for _, e := range a.told[b.events:] {
					b.now = e.CreatedAt
					b.send(e)
				}
				look()
			}
			tracker, err := live.Restore(save(t, b.Tracker), b.now.Add(time.Millisecond), 0, options)
			if err != nil {
				t.Fatal(err)
			}
			b.Tracker = tracker
			for range 30 {
				a.now = a.now.Add(time.Minute)
				look()
				asOf := b.now.Add(-15 * time.Minute)
				for _, s := range b.Suspects(b.now, 0) {
					if r := byName[s.RoomName]; s.Doubt != live.DoubtEmpty && !s.Since.After(asOf) {
						asked++
						if r.people() == 1 && !r.runs(asOf) {
							alone++
						}
						b.Answer(s, r.runs(asOf), asOf)
					}
				}
				look()
			}
		}
		for _, r := range a.rooms {
			if a.expired(r) {
				expired++
			}
		}
		b.wait(3 * time.Minute)
		b.expectCorrections(map[live.Correction]int64{})
	}
	if asked == 0 || alone == 0 || expired == 0 {
		t.Errorf("Insights was asked %d times, %d of them about somebody alone; %d rooms expired", asked, alone, expired)
	}
}
