package live_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

// start is at a full minute, so that tests can tell when the tracker tidies up.
var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// label takes what stands before the first hyphen for the prefix.
func label(roomName string) string {
	prefix, _, _ := strings.Cut(strings.TrimPrefix(roomName, "/"), "-")
	return prefix
}

// capacities are how many people rooms hold; those of initech are not known.
var capacities = map[string]int64{"acme": 4, "globex": 2}

func capacityOf(label string) int64 { return capacities[label] }

var options = live.Options{Label: label, Capacity: capacityOf, SegmentLimit: 3}

// seeded returns a source of chance that a failed test names.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// bench is a tracker, the time, and what it has observed.
type bench struct {
	*live.Tracker
	t        testing.TB
	options  live.Options
	now      time.Time
	segment  string // of those who come
	events   int
	observed []string
}

func newBench(t testing.TB, o live.Options) *bench {
	return &bench{Tracker: live.New(o), t: t, options: o, now: start}
}

// wait lets time pass.
func (b *bench) wait(d time.Duration) { b.now = b.now.Add(d) }

// send applies an event now. It gives it an ID where it has none, and now as its time.
func (b *bench) send(e whereby.Event) live.Result {
	b.events++
	if e.ID == "" {
		e.ID = fmt.Sprint("event-", b.events)
	}
	if e.CreatedAt.IsZero() {
		e.CreatedAt = b.now
	}
	result := b.ApplySegment(e, b.segment, b.now)
	for _, o := range result.Observations {
		b.observed = append(b.observed, observation(o))
	}
	return result
}

func observation(o live.Observation) string {
	return strings.Join(strings.Fields(fmt.Sprint(o.Kind, " ", o.Prefix, " ", o.Outcome, " ", o.Seconds)), " ")
}

// restart saves the state and continues with what is restored from it.
func (b *bench) restart() {
	b.t.Helper()
	b.Tracker = restored(b.t, save(b.t, b.Tracker), b.now, b.options)
}

func save(t testing.TB, tracker *live.Tracker) []byte {
	t.Helper()
	state, err := tracker.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// restored returns a tracker whose state is never too old.
func restored(t testing.TB, state []byte, now time.Time, o live.Options) *live.Tracker {
	t.Helper()
	tracker, err := live.Restore(state, now, 1000*time.Hour, o)
	if err != nil {
		t.Fatal(err)
	}
	return tracker
}

// expect compares what is shown now, as "prefix people/rooms/waiting".
func (b *bench) expect(want string) {
	b.t.Helper()
	var shown []string
	for _, p := range b.View(b.now).Prefixes {
		shown = append(shown, fmt.Sprintf("%s %d/%d/%d", p.Prefix, p.Participants, p.Rooms, p.Waiting))
	}
	if got := strings.Join(shown, ", "); got != want {
		b.t.Errorf("shown is %q, want %q", got, want)
	}
}

// expectObserved compares the waits that were observed since it was last called.
func (b *bench) expectObserved(want ...string) {
	b.t.Helper()
	if !slices.Equal(b.observed, want) {
		b.t.Errorf("observed are %q, want %q", b.observed, want)
	}
	b.observed = nil
}

// expectSuspects compares the rooms in doubt, as "room doubt since".
func (b *bench) expectSuspects(want ...string) {
	b.t.Helper()
	var got []string
	for _, s := range b.Suspects(b.now, 0) {
		got = append(got, fmt.Sprint(s.RoomName, " ", s.Doubt, " ", s.Since.Sub(start)))
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("suspects are %q, want %q", got, want)
	}
}

// corrections returns the reasons that were counted, and how often.
func corrections(v *live.View) map[live.Correction]int64 {
	counted := map[live.Correction]int64{}
	for _, c := range v.Corrections {
		if c.N != 0 {
			counted[c.Reason] = c.N
		}
	}
	return counted
}

func (b *bench) expectCorrections(want map[live.Correction]int64) {
	b.t.Helper()
	if got := corrections(b.View(b.now)); !reflect.DeepEqual(got, want) {
		b.t.Errorf("corrections are %v, want %v", got, want)
	}
}

// clients are so many of each role.
type clients map[string]int

func event(eventType whereby.EventType, room, participant, role string, after clients) whereby.Event {
	return whereby.Event{Type: eventType, RoomName: room, ParticipantID: participant, RoleName: role, Clients: after}
}

// joined and left are of a visitor, after whose event so many visitors are in the room.
func joined(room, participant string, after int) whereby.Event {
	return event(whereby.ClientJoined, room, participant, "visitor", clients{"visitor": after})
}

func left(room, participant string, after int) whereby.Event {
	return event(whereby.ClientLeft, room, participant, "visitor", clients{"visitor": after})
}

func knocked(room, participant string) whereby.Event {
	return event(whereby.ClientKnocked, room, participant, "", nil)
}

func cancelled(room, participant string) whereby.Event {
	return event(whereby.ClientKnockCancelled, room, participant, "", nil)
}

func session(eventType whereby.EventType, room string) whereby.Event {
	return event(eventType, room, "", "", nil)
}

// ago is when something happened that is told only now.
func (b *bench) ago(d time.Duration, e whereby.Event) whereby.Event {
	e.CreatedAt = b.now.Add(-d)
	return e
}
