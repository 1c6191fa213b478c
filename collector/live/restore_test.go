package live_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

// sorted returns a state to compare: the order of its rooms and IDs is open, so that states
// of the same content have the same bytes in another order.
func sorted(state []byte) []byte {
	slices.Sort(state)
	return state
}

func TestARestoredTrackerGoesOnAsIfNothingHadHappened(t *testing.T) {
	random := seeded(t)
	o := options
	o.Shown = func(room string) (int64, bool) { return int64(len(room)), len(room)%2 == 0 }
	for range accounts / 4 {
		a := newAccount(random)
		a.live(30 * time.Minute)
		a.now = a.now.Add(2 * time.Hour)
		a.live(30 * time.Minute)
		whole, broken := newBench(t, o), newBench(t, o)
		for _, d := range repeated(random, shuffled(random, lossy(random, a.told, 5))) {
			whole.now, broken.now = d.arrives, d.arrives
			if random.IntN(20) == 0 {
				broken.restart()
			}
			segment := []string{"", "a", "b", "c", "d"}[random.IntN(5)] // one more than the limit
			got, want := broken.ApplySegment(d.Event, segment, d.arrives), whole.ApplySegment(d.Event, segment, d.arrives)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%+v brings %+v, want %+v", d, got, want)
			}
			if random.IntN(10) == 0 {
				interfere(t, random, broken, whole)
			}
			if random.IntN(10) == 0 {
				if got, want := broken.View(d.arrives), whole.View(d.arrives); !reflect.DeepEqual(got, want) {
					t.Fatalf("shown is\n%+v, want\n%+v", got, want)
				}
			}
		}
		if got, want := sorted(save(t, broken.Tracker)), sorted(save(t, whole.Tracker)); !bytes.Equal(got, want) {
			t.Fatalf("states of %d and %d bytes differ", len(got), len(want))
		}
	}
}

// interfere does something to both trackers that is no event.
func interfere(t *testing.T, random *rand.Rand, broken, whole *bench) {
	t.Helper()
	got, want := broken.Suspects(broken.now, 3), whole.Suspects(whole.now, 3)
	if !slices.Equal(got, want) {
		t.Fatalf("suspects are %v, want %v", got, want)
	}
	if len(want) == 0 {
		return
	}
	room := want[0].RoomName
	asOf := whole.now.Add(-time.Duration(random.Int64N(int64(20 * time.Minute))))
	switch random.IntN(5) {
	case 3:
		ends := asOf.Add(-time.Duration(random.Int64N(int64(2 * time.Hour))))
		broken.SetEnd(room, ends)
		whole.SetEnd(room, ends)
	case 4:
		runs := random.IntN(2) == 0
		broken.Answer(want[0], runs, asOf)
		whole.Answer(want[0], runs, asOf)
	case 0:
		broken.Confirm(room, asOf)
		whole.Confirm(room, asOf)
	case 1:
		if got, want := broken.Drop(room, live.Stale, asOf), whole.Drop(room, live.Stale, asOf); got != want {
			t.Fatalf("Drop gave %v, want %v", got, want)
		}
	default:
		shown := map[string]int64{}
		for _, name := range whole.Metered() {
			shown[name] = random.Int64N(100)
		}
		broken.Settle(shown, asOf, whole.now)
		whole.Settle(shown, asOf, whole.now)
	}
}

func TestAStateThatIsTooOldPutsItsRoomsInDoubt(t *testing.T) {
	b := newBench(t, options)
	b.send(joined("/acme-1", "a", 1))
	b.send(knocked("/acme-2", "b"))
	b.send(joined("/acme-3", "c", 1))
	b.send(left("/acme-3", "c", 0))
	state := save(t, b.Tracker)
	restore := func(after time.Duration) {
		t.Helper()
		b.now = start.Add(after)
		tracker, err := live.Restore(state, b.now, time.Minute, options)
		if err != nil {
			t.Fatal(err)
		}
		b.Tracker = tracker
	}

	restore(time.Minute)
	b.expectSuspects("/acme-3 empty 0s") // as before
	restore(time.Minute + time.Microsecond)
	b.expectSuspects("/acme-1 restored 0s", "/acme-2 restored 0s", "/acme-3 empty 0s")
	b.expect("acme 1/1/1") // and shown nevertheless

	// The next event that counts heads settles it, and so does Insights.
	b.send(joined("/acme-1", "d", 2))
	b.Confirm("/acme-2", b.now)
	b.expectSuspects("/acme-3 empty 0s")

	// A late event says nothing about the time since.
	restore(time.Hour)
	b.send(b.ago(2*time.Hour, joined("/acme-1", "d", 2)))
	b.expectSuspects("/acme-1 restored 0s", "/acme-2 restored 0s", "/acme-3 empty 0s")

	// The doubt outlasts another restart.
	b.restart()
	b.expectSuspects("/acme-1 restored 0s", "/acme-2 restored 0s", "/acme-3 empty 0s")
	if !b.Drop("/acme-1", live.Stale, b.now) || !b.Drop("/acme-2", live.Stale, b.now) {
		t.Error("rooms that were over are no correction")
	}
	b.expect("acme 0/0/0")
	b.expectCorrections(map[live.Correction]int64{live.Stale: 2})
}

// TestAClockThatWasAheadLeavesNothing has a clock be ahead until a restart.
func TestAClockThatWasAheadLeavesNothing(t *testing.T) {
	for _, ahead := range []time.Duration{2 * time.Minute, 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			b := newBench(t, options)
			b.wait(ahead)
			b.send(joined("/acme-1", "a", 1))
			b.send(joined("/acme-1", "b", 2))
			b.send(knocked("/acme-2", "c"))
			b.View(b.now)
			b.now = start.Add(time.Second)
			b.restart()

			v := b.View(b.now)
			if got := v.LastEvent; got.After(b.now) {
				t.Errorf("the last event was at %v, after %v", got, b.now)
			}
			if got := v.Prefixes[0].LastEvent; got.After(b.now) {
				t.Errorf("the last event of a prefix was at %v, after %v", got, b.now)
			}
			b.expectSuspects("/acme-1 restored 1s", "/acme-2 restored 1s") // how old that is cannot be known
			b.wait(time.Minute)
			b.send(left("/acme-1", "a", 1))
			b.send(left("/acme-1", "b", 0))
			b.send(joined("/globex-1", "d", 1))
			b.expect("acme 0/0/1, globex 1/1/0")
			b.wait(5*time.Minute + time.Microsecond)
			v = b.View(b.now)
			if got := v.Prefixes[0].ParticipantsMax; got != 0 {
				t.Errorf("the most people in the last 5 minutes are %d, want 0", got)
			}
			if got := v.Prefixes[0].Pending; got < 0 || got > 4 {
				t.Errorf("%d minutes are pending, want at most 4", got)
			}
			b.wait(6 * time.Hour)
			b.expect("acme 0/0/0, globex 1/1/0") // nobody waits for so long
			if s := b.Suspects(b.now, 0); !slices.ContainsFunc(s, func(s live.Suspect) bool {
				return s.RoomName == "/globex-1" && s.Doubt == live.DoubtSilent
			}) {
				t.Errorf("suspects are %v, want the silent room", s)
			}
		})
	}
}

// TestAnEventOfAnotherTimeIsOfNow sends two joins of a meeting, the first from long ago or
// from the future, and two leaves a minute later.
func TestAnEventOfAnotherTimeIsOfNow(t *testing.T) {
	for _, at := range []time.Time{time.Unix(0, 0), start.Add(-25 * time.Hour), start.Add(2 * time.Hour), start.AddDate(10, 0, 0)} {
		t.Run(at.String(), func(t *testing.T) {
			o := options
			o.Shown = func(string) (int64, bool) { return 0, true }
			b := newBench(t, o)
			e := joined("/acme-1", "a", 1)
			e.CreatedAt = at
			if !b.send(e).Mistimed {
				t.Error("the event's time is taken")
			}
			b.wait(time.Second)
			b.send(joined("/acme-1", "b", 2))
			b.wait(time.Minute - time.Second)
			b.send(left("/acme-1", "a", 1))
			b.send(left("/acme-1", "b", 0))
			b.expect("acme 0/0/0")
			if got := b.View(b.now).Prefixes[0].Pending; got != 2 {
				t.Errorf("%d minutes are pending, want 2", got)
			}
		})
	}
}

// TestRoomsCountUnderTheirNewPrefix restores with other prefixes, as after a change of
// the configuration. What was counted stays where it was.
func TestRoomsCountUnderTheirNewPrefix(t *testing.T) {
	b := newBench(t, options)
	b.send(joined("/acme-1", "a", 1))
	b.send(joined("/acme-2", "b", 1))
	b.send(knocked("/acme-2", "c"))
	b.options.Label = func(room string) string { return map[string]string{"/acme-2": "globex"}[room] }
	b.wait(time.Minute)
	b.restart()
	b.expect(" 1/1/0, acme 0/0/0, globex 1/1/1")
	b.send(left("/acme-2", "b", 0))
	b.expect(" 1/1/0, acme 0/0/0, globex 0/0/1")
	var joins, peaks []int64
	for _, p := range b.View(b.now).Prefixes {
		joins, peaks = append(joins, p.Joins.Sum()), append(peaks, p.ParticipantsMax)
	}
	if want := []int64{0, 2, 0}; !slices.Equal(joins, want) {
		t.Errorf("joins are %v, want %v", joins, want)
	}
	if want := []int64{1, 2, 1}; !slices.Equal(peaks, want) {
		t.Errorf("peaks are %v, want %v", peaks, want)
	}
}

func TestAStateOfAnotherVersionIsTold(t *testing.T) {
	state := save(t, live.New(options))
	state[0]++
	if _, err := live.Restore(state, start, time.Minute, options); !errors.Is(err, live.ErrVersion) {
		t.Errorf("restore gave %v", err)
	}
}

// TestCountersThatOverflowAreDamage has a counter twice, of which each is possible.
func TestCountersThatOverflowAreDamage(t *testing.T) {
	state := save(t, live.New(options))
	once := append([]byte("\x0aother"), 0)
	most := binary.AppendVarint([]byte("\x0aother"), math.MaxInt64)
	state[bytes.IndexByte(state, '\x18')] += 2 // 13 types rather than 12
	state = bytes.Replace(state, once, append(most, most...), 1)
	if _, err := live.Restore(state, start, time.Minute, options); !errors.Is(err, live.ErrDamaged) {
		t.Errorf("restore gave %v", err)
	}
}

// grown returns the state of an account with everything in it.
func grown(t testing.TB, random *rand.Rand, d time.Duration) ([]byte, time.Time) {
	t.Helper()
	a := newAccount(random)
	a.live(d)
	b := newBench(t, options)
	b.segment = "staff"
	b.send(event(whereby.RecordingFinished, "/acme-1", "", "", nil))
	b.receive(repeated(random, shuffled(random, lossy(random, a.told, 5))))
	return save(t, b.Tracker), b.now
}

// checkRestored demands an error, or a tracker whose state says again what it shows.
func checkRestored(t *testing.T, state []byte, now time.Time) {
	t.Helper()
	tracker, err := live.Restore(state, now, time.Minute, options)
	if err != nil {
		if !errors.Is(err, live.ErrDamaged) && !errors.Is(err, live.ErrVersion) {
			t.Fatalf("restore gave %v", err)
		}
		return
	}
	saved := save(t, tracker)
	again, err := live.Restore(saved, now, time.Minute, options)
	if err != nil {
		t.Fatalf("restore of what was restored: %v", err)
	}
	if got, want := again.View(now), tracker.View(now); !reflect.DeepEqual(got, want) {
		t.Fatalf("shown is\n%+v, want\n%+v", got, want)
	}
	if got, want := again.Suspects(now, 0), tracker.Suspects(now, 0); !slices.Equal(got, want) {
		t.Fatalf("suspects are %v, want %v", got, want)
	}
	// It must stand any further use, too.
	for _, s := range tracker.Suspects(now.Add(time.Hour), 0) {
		tracker.Drop(s.RoomName, live.Stale, now.Add(time.Hour))
	}
	for _, name := range []string{"/acme-1", "/acme-2"} {
		for i, e := range []whereby.Event{knocked(name, "participant-1"), joined(name, "participant-1", 1), left(name, "participant-1", 0)} {
			e.ID, e.CreatedAt = name+string(rune('a'+i)), now.Add(time.Hour)
			tracker.Apply(e, now.Add(time.Hour))
		}
	}
	tracker.Settle(map[string]int64{"/acme-1": 1}, now, now)
	tracker.View(now.Add(48 * time.Hour))
}

func TestADamagedStateIsToldOrHarmless(t *testing.T) {
	random := seeded(t)
	state, now := grown(t, random, time.Minute)
	for n := range state {
		if _, err := live.Restore(state[:n], now, time.Minute, options); !errors.Is(err, live.ErrDamaged) {
			t.Fatalf("restore of the first %d bytes of %d gave %v", n, len(state), err)
		}
	}
	if _, err := live.Restore(append(slices.Clone(state), 0), now, time.Minute, options); !errors.Is(err, live.ErrDamaged) {
		t.Fatalf("restore of a byte too many gave %v", err)
	}
	for i := range state {
		damaged := slices.Clone(state)
		damaged[i] ^= 1 << random.IntN(8)
		checkRestored(t, damaged, now)
	}
}
