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

// sorted is a state to compare: the order of its rooms and IDs is open, so that states
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
	b.expect("acme 1/1/1") // and shown all the same

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

// TestAClockThatWasWrongStopsNothing saves a state in the future.
func TestAClockThatWasWrongStopsNothing(t *testing.T) {
	b := newBench(t, options)
	b.wait(24 * 365 * time.Hour)
	b.send(joined("/acme-1", "a", 1))
	b.now = start
	b.restart()
	if got := b.View(b.now); !got.LastEvent.Equal(start.Add(24 * 365 * time.Hour)) {
		t.Errorf("the last event was at %v", got.LastEvent)
	}
	b.send(joined("/globex-1", "a", 1))
	b.send(left("/globex-1", "a", 0))
	b.wait(5*time.Minute + time.Microsecond)
	if got := b.View(b.now).Prefixes[1]; got.ParticipantsMax != 0 {
		t.Errorf("the peak of %s is still %d", got.Prefix, got.ParticipantsMax)
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

// grown is the state of an account with everything in it.
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
