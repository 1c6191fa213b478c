package live

import (
	"fmt"
	"testing"
	"time"

	"whereby_exporter/whereby"
)

// pendingBench is a tracker of rooms of which Insights shows what is in shown.
type pendingBench struct {
	*Tracker
	options Options
	shown   map[string]int64
	now     time.Time
	events  int
}

func newPendingBench() *pendingBench {
	b := &pendingBench{shown: map[string]int64{}, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	b.options = Options{
		Label: func(string) string { return "acme-" },
		Shown: func(room string) (int64, bool) { return b.shown[room], true },
	}
	b.Tracker = New(b.options)
	return b
}

// event applies one that happens now, after which visitors are in the room.
func (b *pendingBench) event(eventType whereby.EventType, room, participant string, visitors int) {
	b.events++
	b.Apply(whereby.Event{
		ID: fmt.Sprint(b.events), Type: eventType, CreatedAt: b.now, RoomName: room, ParticipantID: participant,
		RoleName: "visitor", Clients: map[string]int{"visitor": visitors},
	}, b.now)
}

func (b *pendingBench) expect(t *testing.T, want int64) {
	t.Helper()
	v := b.View(b.now)
	if got := v.Prefixes[0].Pending; got != want {
		t.Errorf("%d minutes are pending, want %d", got, want)
	}
	// The same after a restart.
	state, err := b.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Restore(state, b.now, time.Hour, b.options)
	if err != nil {
		t.Fatal(err)
	}
	if got := again.View(b.now).Prefixes[0].Pending; got != want {
		t.Errorf("%d minutes are pending after a restart, want %d", got, want)
	}
}

func (b *pendingBench) poll() { b.Settle(b.shown, b.now, b.now.Add(time.Second)) }

func TestPendingMinutesOfARoom(t *testing.T) {
	b := newPendingBench()
	b.shown["/acme-1"] = 1000 // of months before
	b.event(whereby.ClientJoined, "/acme-1", "a", 1)
	b.expect(t, 0)
	b.now = b.now.Add(10 * time.Second)
	b.event(whereby.ClientJoined, "/acme-1", "b", 2)
	b.expect(t, 2)
	b.now = b.now.Add(9 * time.Minute)
	b.expect(t, 10+9)
	b.shown["/acme-1"] = 1005 // Insights begin to catch up
	b.poll()
	b.expect(t, 10+9-5)
	b.event(whereby.ClientLeft, "/acme-1", "a", 1)
	b.now = b.now.Add(time.Minute)
	b.event(whereby.ClientLeft, "/acme-1", "b", 0)
	b.expect(t, 10+10-5)
	if rooms := b.Metered(); len(rooms) != 1 || rooms[0] != "/acme-1" {
		t.Errorf("pending are %v", rooms)
	}
	b.now = b.now.Add(10 * time.Minute)
	b.shown["/acme-1"] = 1020
	b.poll()
	b.expect(t, 0)
	b.now = b.now.Add(6 * time.Minute)
	b.poll()
	if rooms := b.Metered(); len(rooms) != 0 {
		t.Errorf("%v are still followed", rooms)
	}
	b.expect(t, 0)
}

// TestLostLeavesEndWithTheRoom drops a room of which Insights says that it is over.
func TestLostLeavesEndWithTheRoom(t *testing.T) {
	b := newPendingBench()
	b.event(whereby.ClientJoined, "/acme-1", "a", 1)
	b.event(whereby.ClientJoined, "/acme-1", "b", 2)
	b.now = b.now.Add(7 * time.Hour)
	b.expect(t, 2*7*60)
	b.Drop("/acme-1", Stale, b.now.Add(-20*time.Minute))
	b.shown["/acme-1"] = 12
	b.poll()
	b.expect(t, 0)
}

// TestNoMinutesPassWhileNobodyListens restores a state that is too old to say who is
// in the room now.
func TestNoMinutesPassWhileNobodyListens(t *testing.T) {
	b := newPendingBench()
	b.event(whereby.ClientJoined, "/acme-1", "a", 1)
	b.event(whereby.ClientJoined, "/acme-1", "b", 2)
	b.now = b.now.Add(5 * time.Minute)
	b.expect(t, 10)
	state, err := b.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	later := b.now.Add(3 * time.Hour)
	again, err := Restore(state, later, time.Minute, b.options)
	if err != nil {
		t.Fatal(err)
	}
	if got := again.View(later).Prefixes[0].Pending; got != 10 {
		t.Errorf("%d minutes are pending, want 10", got)
	}
}

// TestEventsOfTheSameMomentCountInWhateverOrderTheyCome has two come at once, and go
// at once.
func TestEventsOfTheSameMomentCountInWhateverOrderTheyCome(t *testing.T) {
	for _, visitors := range [][2]int{{1, 2}, {2, 1}} {
		b := newPendingBench()
		for i, participant := range []string{"a", "b"} {
			b.event(whereby.ClientJoined, "/acme-1", participant, visitors[i])
		}
		b.now = b.now.Add(5 * time.Minute)
		b.expect(t, 10)
		for i, participant := range []string{"a", "b"} {
			b.event(whereby.ClientLeft, "/acme-1", participant, 2-visitors[i])
		}
		b.now = b.now.Add(time.Hour)
		b.expect(t, 10)
	}
}
