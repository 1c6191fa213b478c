package wherebytest_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

func TestMisusePanics(t *testing.T) {
	tests := []struct {
		name string
		do   func(a *wherebytest.Account)
	}{
		{"a room is added twice", func(a *wherebytest.Account) { a.AddRoom(wherebytest.Room{Name: acme(1)}) }},
		{"an unknown room is used", func(a *wherebytest.Account) { a.Use(acme(2), wherebytest.Totals{Sessions: 1}, day) }},
		{"a negative number of sessions", func(a *wherebytest.Account) { a.Use(acme(1), wherebytest.Totals{Sessions: -1}, day) }},
		{"an unknown room is restated", func(a *wherebytest.Account) { a.Restate(acme(2), wherebytest.Totals{}) }},
		{"a room is deleted twice", func(a *wherebytest.Account) { a.Delete(acme(1)); a.Delete(acme(1)) }},
		{"a session without a start", func(a *wherebytest.Account) { a.Schedule(acme(1), wherebytest.Session{}) }},
		{"a knock after joining", func(a *wherebytest.Account) {
			a.Schedule(acme(1), wherebytest.Session{Start: day, Participants: []wherebytest.Participant{{Knocked: day.Add(time.Second)}}})
		}},
		{"giving up before a knock", func(a *wherebytest.Account) {
			a.Schedule(acme(1), wherebytest.Session{Start: day, Knocks: []wherebytest.Knock{{GaveUp: day.Add(-time.Second)}}})
		}},
		{"one session in two rooms", func(a *wherebytest.Account) {
			a.AddRoom(wherebytest.Room{Name: acme(3)})
			a.Schedule(acme(1), wherebytest.Session{ID: "s", Start: day})
			a.Schedule(acme(3), wherebytest.Session{ID: "s", Start: day})
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := wherebytest.New(wherebytest.Config{})
			a.AddRoom(wherebytest.Room{Name: acme(1)})
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
				call(t, a, "rooms").listing(t) // the account is not left locked
			}()
			test.do(a)
		})
	}
}

func TestSessionsOfRoomsThatHaveOnlyTotals(t *testing.T) {
	a := wherebytest.New(wherebytest.Config{})
	a.AddRoom(wherebytest.Room{
		Name: acme(1), CreatedAt: day, FirstSession: day, LastSession: day.Add(4 * time.Hour),
		Totals: wherebytest.Totals{ParticipantMinutes: 100, StreamerMinutes: 1, Sessions: 3, UniqueParticipants: 6},
	})
	a.Use(acme(1), wherebytest.Totals{ParticipantMinutes: 30, Sessions: 2}, day.Add(3*time.Hour))
	var starts []time.Duration
	var sum wherebytest.Totals
	for _, s := range a.Sessions(acme(1)) {
		starts = append(starts, s.StartedAt.Sub(day))
		sum = sum.Add(s.Totals)
		if found := call(t, a, "room-sessions", "roomName", acme(1), "roomSessionId", s.ID).listing(t).Results; len(found) != 1 {
			t.Errorf("session %s is found %d times", s.ID, len(found))
		}
	}
	want := []time.Duration{0, 2 * time.Hour, 3 * time.Hour, 3 * time.Hour, 4 * time.Hour}
	if len(starts) != len(want) {
		t.Fatalf("sessions start at %v, want %v", starts, want)
	}
	for i := range want {
		if starts[i] != want[i] {
			t.Errorf("session %d starts at %v, want %v", i, starts[i], want[i])
		}
	}
	if shown := a.Shown()[acme(1)]; sum != shown.Totals || shown.Totals.Sessions != 5 || !shown.LastSession.Equal(day.Add(4*time.Hour)) {
		t.Errorf("sessions add up to %+v, the room has %+v", sum, shown)
	}
}

func TestAnAccountMayBeChangedWhileItServes(t *testing.T) {
	a := withRooms(200, wherebytest.Config{PointsPerMinute: 1 << 30})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var busy sync.WaitGroup
	work := func(do func(i int)) {
		busy.Go(func() {
			for i := range 200 {
				do(i)
			}
		})
	}
	work(func(i int) { a.Use(acme(i), wherebytest.Totals{ParticipantMinutes: 1, Sessions: 1}, time.Now()) })
	work(func(i int) {
		a.Schedule(acme(i), wherebytest.Session{Start: time.Now(), Participants: make([]wherebytest.Participant, 2)})
	})
	work(func(i int) { a.AddRoom(wherebytest.Room{Name: acme(1000 + i)}); a.Delete(acme(1000 + i)) })
	work(func(i int) { a.Truth(prefixOf); a.Shown(); a.Sessions(acme(i)); a.Requests() })
	work(func(int) { a.Inject(wherebytest.Status(500).Times(1)); a.OnRequest(func(int, *http.Request) {}) })
	for _, sortBy := range []string{"createdAt:asc", "lastSessionStartedAt:desc"} {
		work(func(int) {
			if _, err := try(ctx, a, "rooms", "sortBy", sortBy); err != nil {
				t.Error(err)
			}
		})
	}
	busy.Wait()
	if got := a.Truth(prefixOf)["acme-"].Rooms; got != 200 {
		t.Errorf("%d rooms, want 200", got)
	}
}
