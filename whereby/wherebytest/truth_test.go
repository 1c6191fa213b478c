package wherebytest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

func TestMinutesAreCountedAsTimePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := wherebytest.New(wherebytest.Config{Lag: 10 * time.Minute})
		begin := time.Now()
		at := func(d time.Duration) time.Time { return begin.Add(d) }
		a.AddRoom(wherebytest.Room{Name: acme(1), Totals: wherebytest.Totals{ParticipantMinutes: 100, Sessions: 5}})
		a.Schedule(acme(1), wherebytest.Session{
			Start: at(time.Hour), End: at(time.Hour + 10*time.Minute + 30*time.Second),
			Participants: []wherebytest.Participant{
				{Role: "host", Rating: 5},
				{Role: "visitor", DeviceID: "d", Joined: at(time.Hour + time.Minute), Left: at(time.Hour + 2*time.Minute + time.Second), Rating: 2},
				{Role: "visitor", DeviceID: "d", Joined: at(time.Hour + 4*time.Minute)},
				{Role: wherebytest.RoleRecorder, Joined: at(time.Hour + 3*time.Minute)},
				{Role: wherebytest.RoleStreamer, Joined: at(time.Hour + 5*time.Minute), Left: at(time.Hour + 6*time.Minute)},
			},
		})
		first := wherebytest.Totals{ParticipantMinutes: 100, Sessions: 5}
		type figures struct {
			wherebytest.Totals
			ratings int
		}
		tests := []struct {
			after time.Duration // since the session started, the lag left out
			want  figures
		}{
			{-time.Millisecond, figures{}},
			{0, figures{wherebytest.Totals{ParticipantMinutes: 1, UniqueParticipants: 1, Sessions: 1}, 0}},
			{time.Minute - time.Millisecond, figures{wherebytest.Totals{ParticipantMinutes: 1, UniqueParticipants: 1, Sessions: 1}, 0}},
			{time.Minute + time.Millisecond, figures{wherebytest.Totals{ParticipantMinutes: 3, UniqueParticipants: 2, Sessions: 1}, 0}},
			{2*time.Minute + time.Millisecond, figures{wherebytest.Totals{ParticipantMinutes: 5, UniqueParticipants: 2, Sessions: 1}, 0}},
			{2*time.Minute + time.Second, figures{wherebytest.Totals{ParticipantMinutes: 5, UniqueParticipants: 2, Sessions: 1}, 1}},
			{3 * time.Minute, figures{wherebytest.Totals{ParticipantMinutes: 5, UniqueParticipants: 2, Sessions: 1, RecorderMinutes: 1, UniqueRecorders: 1}, 1}},
			{10 * time.Hour, figures{wherebytest.Totals{
				ParticipantMinutes: 11 + 2 + 7, UniqueParticipants: 2, Sessions: 1,
				RecorderMinutes: 8, UniqueRecorders: 1, StreamerMinutes: 1, UniqueStreamers: 1,
			}, 2}},
		}
		for _, test := range tests {
			time.Sleep(time.Until(at(time.Hour + 10*time.Minute + test.after)))
			want := first.Add(test.want.Totals)
			got := a.Shown()[acme(1)]
			if got.Totals != want || got.Ratings != test.want.ratings {
				t.Errorf("%v after the start: %+v, %d ratings; want %+v, %d", test.after, got.Totals, got.Ratings, want, test.want.ratings)
			}
		}
		if got := a.Shown()[acme(1)]; !got.LastSession.Equal(at(time.Hour)) || got.Rating != 3.5 {
			t.Errorf("last session %v, rating %v; want %v and 3.5", got.LastSession, got.Rating, at(time.Hour))
		}
	})
}

func TestTheTruthIsTheHighestEverShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := wherebytest.New(wherebytest.Config{ExpireRooms: true})
		totals := func(minutes, sessions int64) wherebytest.Totals {
			return wherebytest.Totals{ParticipantMinutes: minutes, Sessions: sessions}
		}
		expect := func(when string, minutes, sessions int64, rooms int) {
			t.Helper()
			got := a.Truth(prefixOf)["acme-"]
			want := wherebytest.PrefixTruth{Totals: totals(minutes, sessions), Rooms: rooms}
			got.UniqueParticipants = 0
			if got != want {
				t.Errorf("%s: %+v, want %+v", when, got, want)
			}
		}
		begin := time.Now()
		a.AddRoom(wherebytest.Room{Name: acme(1), Totals: totals(10, 1)})
		a.AddRoom(wherebytest.Room{Name: acme(2), Totals: totals(20, 2)})
		a.AddRoom(wherebytest.Room{Name: acme(3), EndAt: begin.Add(time.Hour)})
		a.AddRoom(wherebytest.Room{Name: acme(4), EndAt: begin.Add(-25 * time.Hour), Totals: totals(1000, 1)})
		expect("at first, without the room that had expired", 30, 3, 3)
		a.Use(acme(1), totals(5, 1), begin)
		expect("after use", 35, 4, 3)
		a.Restate(acme(1), totals(3, 2))
		expect("after a figure fell", 35, 4, 3)
		a.Use(acme(1), totals(4, 1), begin)
		expect("after use below the highest", 35, 5, 3)
		a.Use(acme(1), totals(100, 0), begin)
		expect("after the last session grew", 127, 5, 3)
		a.Delete(acme(2))
		expect("after a room was deleted", 127, 5, 2)
		a.AddRoom(wherebytest.Room{Name: acme(2), Totals: totals(1, 3)})
		expect("after it was added again", 127, 6, 3)
		a.Schedule(acme(3), wherebytest.Session{Start: begin.Add(90 * time.Minute), Participants: make([]wherebytest.Participant, 1)})
		time.Sleep(30 * time.Hour)
		expect("after a room closed half an hour into a session, and expired", 157, 7, 2)
		if rows := readAll(t, a, "rooms"); len(rows) != 2 {
			t.Errorf("%d rooms are listed, want 2", len(rows))
		}
	})
}

func TestDeletedRoomsMayStay(t *testing.T) {
	a := wherebytest.New(wherebytest.Config{KeepDeleted: true, ExpireRooms: true})
	a.AddRoom(wherebytest.Room{Name: acme(1)})
	a.AddRoom(wherebytest.Room{Name: acme(2), EndAt: day})
	a.Delete(acme(1))
	if rows := readAll(t, a, "rooms"); len(rows) != 2 {
		t.Errorf("%d rooms are listed, want 2", len(rows))
	}
	if !a.Shown()[acme(1)].Deleted {
		t.Error("the room is not known to be deleted")
	}
}

func TestAReplacedSessionEndsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := wherebytest.New(wherebytest.Config{})
		a.AddRoom(wherebytest.Room{Name: acme(1)})
		begin := time.Now()
		s := wherebytest.Session{ID: "first", Start: begin, Participants: make([]wherebytest.Participant, 2)}
		a.Schedule(acme(1), s)
		time.Sleep(5 * time.Minute)
		if got := a.Shown()[acme(1)].Totals.ParticipantMinutes; got != 10 {
			t.Errorf("%d minutes after five, want 10", got)
		}
		s.End = begin.Add(3 * time.Minute)
		a.Schedule(acme(1), s)
		got := a.Sessions(acme(1))
		if len(got) != 1 || got[0].ID != "first" || !got[0].EndedAt.Equal(s.End) || got[0].Totals.ParticipantMinutes != 6 {
			t.Errorf("sessions %+v, want one that ended after 3 minutes with 6", got)
		}
		if truth := a.Truth(prefixOf)["acme-"]; truth.ParticipantMinutes != 10 {
			t.Errorf("the truth is %d minutes, want the 10 once shown", truth.ParticipantMinutes)
		}
	})
}

// What is served must be what Shown tells, and sessions must add up to rooms.
func TestServedRowsAreTheTruth(t *testing.T) {
	now := time.Now()
	a := wherebytest.Demo(7, now, wherebytest.DemoOptions{History: 4 * 24 * time.Hour, Config: wherebytest.Config{PointsPerMinute: 1 << 30}})
	a.AddRoom(wherebytest.Room{
		Name: acme(1), CreatedAt: day, FirstSession: day, LastSession: day.Add(time.Hour),
		Totals: wherebytest.Totals{ParticipantMinutes: 101, RecorderMinutes: 7, Sessions: 3},
	})
	a.Use(acme(1), wherebytest.Totals{ParticipantMinutes: 50, Sessions: 2}, now.Add(-time.Hour))
	a.Restate(acme(1), wherebytest.Totals{ParticipantMinutes: 120, RecorderMinutes: 9, Sessions: 5})
	before := a.Shown()
	rows := readAll(t, a, "rooms", "limit", "100")
	if len(rows) < 200 {
		t.Fatalf("only %d rooms", len(rows))
	}
	sums := make(map[string]wherebytest.Totals)
	for name := range before {
		var sum wherebytest.Totals
		sessions := readAll(t, a, "room-sessions", "roomName", name, "limit", "100")
		for _, s := range sessions {
			sum = sum.Add(totalsOf(s))
		}
		sum.Sessions = int64(len(sessions))
		sums[name] = sum
	}
	after := a.Shown()
	same := 0
	for _, row := range rows {
		name := row["roomName"].(string)
		if before[name].Totals != after[name].Totals {
			continue // a minute passed meanwhile
		}
		same++
		if served := totalsOf(row); served != after[name].Totals {
			t.Errorf("%s is served as %+v, the truth is %+v", name, served, after[name].Totals)
		}
		if sums[name] != after[name].Totals {
			t.Errorf("%s: sessions add up to %+v, the room has %+v", name, sums[name], after[name].Totals)
		}
	}
	if same < len(rows)/2 {
		t.Errorf("only %d of %d rooms could be compared", same, len(rows))
	}
}

func totalsOf(row map[string]any) wherebytest.Totals {
	n := func(name string) int64 { v, _ := row[name].(float64); return int64(v) }
	return wherebytest.Totals{
		ParticipantMinutes: n("totalParticipantMinutes"), RecorderMinutes: n("totalRecorderMinutes"), StreamerMinutes: n("totalStreamerMinutes"),
		UniqueParticipants: n("totalUniqueParticipants"), UniqueRecorders: n("totalUniqueRecorders"), UniqueStreamers: n("totalUniqueStreamers"),
		Sessions: n("totalSessions"),
	}
}
