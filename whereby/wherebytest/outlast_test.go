package wherebytest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// told writes events as the time since day, type, participant, and who is there after.
func told(events []wherebytest.Event) []string {
	var lines []string
	for _, e := range events {
		line := fmt.Sprint(e.CreatedAt.Sub(day), " ", strings.TrimPrefix(string(e.Type), "room."), " ", e.ParticipantID)
		if e.Clients != nil {
			line += " " + fmt.Sprint(e.Clients)
		}
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

func expectTold(t *testing.T, a *wherebytest.Account, want ...string) {
	t.Helper()
	if got := told(a.Events(day, at(24*time.Hour))); !slices.Equal(got, want) {
		t.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func expectLive(t *testing.T, a *wherebytest.Account, when time.Duration, want wherebytest.LiveTruth) {
	t.Helper()
	got := a.Live(at(when), prefixOf)["acme-"]
	if got.People != want.People || got.Rooms != want.Rooms || got.Waiting != want.Waiting {
		t.Errorf("after %v: %+v, want %+v", when, got, want)
	}
}

// TestPeopleOutlastASession has a host stay for 20 minutes, and visitors knock across the
// session's end.
func TestPeopleOutlastASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(day))
		a := wherebytest.New(wherebytest.Config{})
		a.AddRoom(wherebytest.Room{Name: acme(1)})
		a.Schedule(acme(1), wherebytest.Session{
			ID: "s", Start: day, End: at(10 * time.Minute), Outlasted: true,
			Participants: []wherebytest.Participant{
				{ID: "h", Role: "host", Left: at(30 * time.Minute)},
				{ID: "v", Joined: at(time.Minute), Left: at(9 * time.Minute)},
				{ID: "x", Role: whereby.RoleAssistant, Joined: at(2 * time.Minute)},
			},
			Knocks: []wherebytest.Knock{{ID: "k", At: at(8 * time.Minute), GaveUp: at(20 * time.Minute)}},
		})
		expectTold(t, a,
			"0s client.joined h map[host:1]",
			"1m0s client.joined v map[host:1 visitor:1]",
			"1m0s session.started",
			"2m0s client.joined x map[assistant:1 host:1 visitor:1]",
			"8m0s client.knocked k",
			"9m0s client.left v map[assistant:1 host:1]",
			"10m0s client.left x map[host:1]",
			"10m0s session.ended",
			"20m0s client.knockCancelled k",
			"30m0s client.left h map[]",
		)
		expectLive(t, a, 5*time.Minute, wherebytest.LiveTruth{People: 2, Rooms: 1})
		expectLive(t, a, 15*time.Minute, wherebytest.LiveTruth{People: 1, Rooms: 1, Waiting: 1})
		expectLive(t, a, 25*time.Minute, wherebytest.LiveTruth{People: 1, Rooms: 1})
		expectLive(t, a, 30*time.Minute, wherebytest.LiveTruth{})
		time.Sleep(time.Hour)
		// Alone nobody is billed, and an assistant is.
		if got, want := a.Minutes(prefixOf)["acme-"], int64(10+8+8); got.Shown != want || got.True != want {
			t.Errorf("minutes %+v, want %d", got, want)
		}
	})
}

// TestAConnectionIsReplacedWithinAMillisecond, of one who is alone.
func TestAConnectionIsReplacedWithinAMillisecond(t *testing.T) {
	a := withRooms(2, wherebytest.Config{})
	a.Schedule(acme(1), wherebytest.Session{
		Start: day, End: at(10 * time.Minute),
		Participants: []wherebytest.Participant{
			{ID: "b", Joined: at(time.Minute), Left: at(2 * time.Minute), Replaces: true},
			{ID: "a", Left: at(time.Minute)},
		},
	})
	expectTold(t, a,
		"0s client.joined a map[visitor:1]",
		"1m0s client.left a map[]",
		"1m0s client.joined b map[visitor:1]",
		"2m0s client.left b map[]",
	)
	expectLive(t, a, time.Minute, wherebytest.LiveTruth{People: 1, Rooms: 1})
}

// TestARoomIsEmptyAnHourAfterItsEnd has people be in it, and at its door, whom no event
// takes away.
func TestARoomIsEmptyAnHourAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(day))
		a := wherebytest.New(wherebytest.Config{})
		a.AddRoom(wherebytest.Room{Name: acme(1), EndAt: at(30 * time.Minute)})
		a.Schedule(acme(1), wherebytest.Session{
			Start: day,
			Participants: []wherebytest.Participant{
				{ID: "h", Role: "host"},
				{ID: "v", Joined: at(time.Minute), Left: at(2 * time.Hour)},
				{ID: "w", Knocked: at(80 * time.Minute), Joined: at(100 * time.Minute)},
			},
			Knocks: []wherebytest.Knock{{ID: "k", At: at(85 * time.Minute)}},
		})
		expectTold(t, a,
			"0s client.joined h map[host:1]",
			"1m0s client.joined v map[host:1 visitor:1]",
			"1m0s session.started",
			"1h20m0s client.knocked w",
			"1h25m0s client.knocked k",
		)
		expectLive(t, a, 90*time.Minute-time.Millisecond, wherebytest.LiveTruth{People: 2, Rooms: 1, Waiting: 2})
		expectLive(t, a, 90*time.Minute, wherebytest.LiveTruth{})
		if got := a.Live(at(92*time.Minute), prefixOf)["acme-"].PeopleMax; got != 2 {
			t.Errorf("at most %d people were there within 5 minutes, want 2", got)
		}
		if got := a.Live(at(96*time.Minute), prefixOf)["acme-"].PeopleMax; got != 0 {
			t.Errorf("at most %d people were there later, want 0", got)
		}
		if got := a.Knocks(day, at(24*time.Hour)); len(got) != 0 {
			t.Errorf("waits that ended are %+v", got)
		}
		time.Sleep(5 * time.Hour)
		if got, want := a.Minutes(prefixOf)["acme-"], int64(90+89); got.Shown != want || got.True != want {
			t.Errorf("minutes %+v, want %d", got, want)
		}
	})
}

// TestASessionsEndSaysWhatPresenceSays compares the account's truth at the end of each
// session with what a reader may conclude from it.
func TestASessionsEndSaysWhatPresenceSays(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		minutes := func(most int) time.Duration { return time.Duration(random.IntN(most*60_000)) * time.Millisecond }
		a := withRooms(4, wherebytest.Config{})
		for i := range 4 {
			for from := day.Add(minutes(60)); from.Before(at(20 * time.Hour)); {
				end := from.Add(10*time.Minute + minutes(60))
				next := end.Add(10*time.Minute + minutes(60))
				// All but one leave before the end.
				s := wherebytest.Session{Start: from, End: end, Outlasted: true, Participants: []wherebytest.Participant{
					{Role: "host", Left: end.Add(minutes(10))}, {Left: end.Add(-minutes(5))}, {Joined: from.Add(minutes(5)), Left: end.Add(-minutes(5))},
					{Role: whereby.Roles()[7+random.IntN(4)], Left: end.Add(-minutes(1))},
				}}
				if random.IntN(2) == 0 {
					s.Knocks = append(s.Knocks, wherebytest.Knock{At: end.Add(-minutes(10)), GaveUp: end.Add(minutes(10))})
				}
				a.Schedule(acme(i), s)
				from = next
			}
		}
		ended, alone, waiting := 0, 0, 0
		for _, e := range a.Events(day, at(48*time.Hour)) {
			if e.Type != whereby.SessionEnded {
				continue
			}
			ended++
			live := a.Live(e.CreatedAt, func(room string) string { return room })[e.RoomName]
			alone += live.People
			waiting += live.Waiting
			if got := (whereby.Evidence{SessionEnded: true}).Presence(live.People, live.Waiting); got != whereby.Stands {
				t.Errorf("%v: %+v: got %v", e.CreatedAt, live, got)
			}
		}
		if ended < 10 || alone == 0 || waiting == 0 {
			t.Errorf("%d sessions ended, with %d people alone and %d at the door", ended, alone, waiting)
		}
	}
}
