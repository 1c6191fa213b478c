package opening_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// readsOfRooms counts the requests for one room: those for its sessions, and those for its
// totals.
func (b *bench) readsOfRooms() (sessions, totals int) {
	for _, request := range b.account.Requests() {
		switch {
		case request.Endpoint == whereby.EndpointRoomSessions:
			sessions++
		case request.Query.Get("roomName[exact]") != "":
			totals++
		}
	}
	return sessions, totals
}

// rollover has permanent rooms that have met for a year all meet on the morning of the day
// on which a billing period begins. The exporter has run for days by then, with a quarter
// of a small plan's points.
func rollover(t *testing.T, rooms int) {
	start := time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC)
	b := newBench(t, wherebytest.Config{
		Lag: 5 * time.Second, PointsPerMinute: 100, Cost: func(string, int, time.Time) int { return 3 },
	})
	b.share = 0.25
	sleepUntil(start.AddDate(0, 0, -1))
	for i := range rooms {
		name := fmt.Sprintf("/acme-%04d", i)
		b.rooms = append(b.rooms, name)
		b.account.AddRoom(wherebytest.Room{
			Name: name, CreatedAt: start.AddDate(-1, 0, 0), Totals: wherebytest.Totals{Sessions: 12, ParticipantMinutes: 1200},
			FirstSession: start.AddDate(-1, 0, 0), LastSession: start.AddDate(0, 0, -10),
		})
		for day := range 2 {
			begins := start.AddDate(0, 0, day*7).Add(9*time.Hour + time.Duration(i%40)*time.Minute)
			session := long("", begins, time.Duration(20+i%41)*time.Minute)
			session.Participants = append(session.Participants, wherebytest.Participant{Joined: begins.Add(3 * time.Minute)})
			b.account.Schedule(name, session)
		}
	}
	b.start()
	sleepUntil(start.Add(time.Minute))
	if got := b.of("acme"); got.Used != (ledger.Totals{}) || !got.Known() {
		t.Errorf("a minute after the rollover %+v were used (%d unread rooms)", got.Used, got.Unread)
	}
	sleepUntil(start.Add(8 * time.Hour))
	b.account.ResetRequests()
	period := b.accountCalendar.At(time.Now())
	before := make([]ledger.Totals, 3)
	for time.Now().Before(start.Add(14 * time.Hour)) {
		now := b.used(period, "")
		before = append(before[1:], now)
		if got := b.of("acme"); !got.Known() || !within(got.Used, before[0], now) {
			t.Fatalf("at %v, %+v were used (%d unread rooms), want %+v to %+v", time.Now().UTC(), got.Used, got.Unread, before[0], now)
		}
		time.Sleep(interval)
	}
	b.expectTruth("after the morning")
	sessions, totals := b.readsOfRooms()
	t.Logf("%d rooms: %d requests for sessions and %d for totals of a room, %d pages of rooms", rooms, sessions, totals, b.account.Count(whereby.EndpointRooms)-totals)
	if sessions+totals > 50 {
		t.Errorf("the rollover of %d rooms cost %d requests for sessions and %d for totals of a room", rooms, sessions, totals)
	}
	b.account.ResetRequests()
	for !b.of("acme").Previous.Final && time.Now().Before(start.Add(60*time.Hour)) {
		time.Sleep(interval)
	}
	b.expectTruth("a day later")
	sessions, totals = b.readsOfRooms()
	t.Logf("%d rooms: to close the previous period, %d requests for sessions and %d for totals of a room; it was final %v after its end", rooms, sessions, totals, time.Since(start))
	if got := b.of("acme").Previous; !got.Final || got.Used != b.used(got.Period, "") {
		t.Errorf("the previous period is %+v, want %+v that are final", got, b.used(got.Period, ""))
	}
	b.stop()
}

// TestAMorningAfterARollover has all rooms meet again at once. ROOMS=1500 runs it with the
// rooms of a large account.
func TestAMorningAfterARollover(t *testing.T) {
	rooms := 150
	if n, err := strconv.Atoi(os.Getenv("ROOMS")); err == nil {
		rooms = n
	}
	synctest.Test(t, func(t *testing.T) { rollover(t, rooms) })
}
