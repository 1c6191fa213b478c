package wherebytest_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// In a room, ten minutes of two people begin after an hour, and five after two. The
// lag is ten minutes unless a test says otherwise.
func TestWhatInsightsShows(t *testing.T) {
	const first, second = "first", "second"
	only := func(id string, d time.Duration) func(string, string) time.Duration {
		return func(_, sessionID string) time.Duration {
			if sessionID != id {
				return 0
			}
			return d
		}
	}
	lags := func(rooms, sessions time.Duration) func(string, string) time.Duration {
		return func(endpoint, _ string) time.Duration {
			if endpoint == wherebytest.EndpointRooms {
				return rooms
			}
			return sessions
		}
	}
	at := func(hours, minutes int) time.Duration {
		return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	}
	type view struct {
		at                time.Duration
		minutes, sessions int64 // of the room
		from, to          time.Duration
		listed            []string // minutes of the sessions, with + if they run
	}
	tests := []struct {
		name     string
		insights wherebytest.Insights
		endAt    time.Duration
		views    []view
	}{
		{"everything of a moment together", wherebytest.Insights{}, 0, []view{
			{at(1, 9), 0, 0, 0, 0, nil},
			{at(1, 15), 10, 1, at(1, 0), at(1, 0), []string{"10+"}},
			{at(1, 20), 20, 1, at(1, 0), at(1, 0), []string{"20"}},
			{at(2, 20), 30, 2, at(1, 0), at(2, 0), []string{"20", "10"}},
		}},
		{"sessions after rooms", wherebytest.Insights{LagOf: lags(10*time.Minute, 40*time.Minute)}, 0, []view{
			{at(1, 25), 20, 1, at(1, 0), at(1, 0), nil},
			{at(1, 45), 20, 1, at(1, 0), at(1, 0), []string{"10+"}},
			{at(2, 20), 30, 2, at(1, 0), at(2, 0), []string{"20"}},
			{at(2, 50), 30, 2, at(1, 0), at(2, 0), []string{"20", "10"}},
		}},
		{"rooms after sessions", wherebytest.Insights{LagOf: lags(40*time.Minute, 10*time.Minute)}, 0, []view{
			{at(1, 15), 0, 0, 0, 0, []string{"10+"}},
			{at(1, 45), 10, 1, at(1, 0), at(1, 0), []string{"20"}},
			{at(2, 20), 20, 1, at(1, 0), at(1, 0), []string{"20", "10"}},
			{at(2, 50), 30, 2, at(1, 0), at(2, 0), []string{"20", "10"}},
		}},
		{"the older session late", wherebytest.Insights{Lateness: only(first, 3*time.Hour)}, 0, []view{
			{at(1, 30), 0, 0, 0, 0, nil},
			{at(2, 20), 10, 1, at(2, 0), at(2, 0), []string{"10"}},
			{at(4, 15), 20, 2, at(1, 0), at(2, 0), []string{"10+", "10"}},
			{at(4, 30), 30, 2, at(1, 0), at(2, 0), []string{"20", "10"}},
		}},
		{"a session that grows", wherebytest.Insights{Growth: only(first, 2*time.Hour)}, 0, []view{
			{at(1, 15), 5, 1, at(1, 0), at(1, 0), []string{"5+"}},
			{at(1, 30), 10, 1, at(1, 0), at(1, 0), []string{"10"}},
			{at(2, 20), 20, 2, at(1, 0), at(2, 0), []string{"10", "10"}},
			{at(3, 20), 30, 2, at(1, 0), at(2, 0), []string{"20", "10"}},
		}},
		{"ended sessions only", wherebytest.Insights{EndedSessions: true}, 0, []view{
			{at(1, 15), 10, 0, at(1, 0), at(1, 0), []string{"10+"}},
			{at(1, 20), 20, 1, at(1, 0), at(1, 0), []string{"20"}},
			{at(2, 14), 28, 1, at(1, 0), at(2, 0), []string{"20", "8+"}},
			{at(2, 15), 30, 2, at(1, 0), at(2, 0), []string{"20", "10"}},
		}},
		{"time alone", wherebytest.Insights{AloneTime: only(second, 6*time.Minute+time.Second)}, 0, []view{
			{at(1, 20), 20, 1, at(1, 0), at(1, 0), []string{"20"}},
			{at(2, 20), 37, 2, at(1, 0), at(2, 0), []string{"20", "10"}},
		}},
		{"nothing from an hour after the room's end", wherebytest.Insights{SilentEnd: true}, at(0, 5), []view{
			{at(1, 14), 8, 1, at(1, 0), at(1, 0), []string{"8+"}},
			{at(1, 30), 10, 1, at(1, 0), at(1, 0), []string{"10+"}},
			{at(9, 0), 10, 1, at(1, 0), at(1, 0), []string{"10+"}},
		}},
		{"all of it until the room closes otherwise", wherebytest.Insights{}, at(1, 2), []view{
			{at(2, 11), 22, 2, at(1, 0), at(2, 0), []string{"20", "2+"}},
			{at(2, 20), 24, 2, at(1, 0), at(2, 0), []string{"20", "4"}},
		}},
		{"all at once", wherebytest.Insights{
			LagOf: lags(5*time.Minute, 20*time.Minute), Lateness: only(first, 2*time.Hour), Growth: only(first, time.Hour),
			AloneTime: only(first, time.Minute), EndedSessions: true,
		}, 0, []view{
			{at(2, 10), 10, 1, at(2, 0), at(2, 0), nil},
			{at(3, 10), 10 + 5 + 1, 1, at(1, 0), at(2, 0), []string{"10"}},
			{at(3, 20), 10 + 10 + 1, 2, at(1, 0), at(2, 0), []string{"1+", "10"}},
			{at(4, 15), 10 + 20 + 1, 2, at(1, 0), at(2, 0), []string{"10", "10"}},
			{at(4, 30), 10 + 20 + 1, 2, at(1, 0), at(2, 0), []string{"20", "10"}},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := wherebytest.New(wherebytest.Config{Lag: 10 * time.Minute, Insights: test.insights})
				begin := time.Now()
				add := wherebytest.Room{Name: acme(1)}
				if test.endAt != 0 {
					add.EndAt = begin.Add(test.endAt)
				}
				a.AddRoom(add)
				for id, s := range map[string][2]time.Duration{first: {at(1, 0), 10 * time.Minute}, second: {at(2, 0), 5 * time.Minute}} {
					start := begin.Add(s[0])
					a.Schedule(acme(1), wherebytest.Session{ID: id, Start: start, End: start.Add(s[1]), Participants: make([]wherebytest.Participant, 2)})
				}
				for _, v := range test.views {
					time.Sleep(time.Until(begin.Add(v.at)))
					var got view
					shown := a.Shown()[acme(1)]
					got.at, got.minutes, got.sessions = v.at, shown.Totals.ParticipantMinutes, shown.Totals.Sessions
					if !shown.FirstSession.IsZero() {
						got.from, got.to = shown.FirstSession.Sub(begin), shown.LastSession.Sub(begin)
					}
					for _, row := range readAll(t, a, "room-sessions", "roomName", acme(1)) {
						text := fmt.Sprint(row["totalParticipantMinutes"])
						if row["endedAt"] == nil {
							text += "+"
						}
						got.listed = append(got.listed, text)
					}
					if fmt.Sprint(got) != fmt.Sprint(v) {
						t.Errorf("after %v: shown %v, want %v", v.at, got, v)
					}
					checkServed(t, a)
				}
				final := a.Final(prefixOf)
				sessions := a.FinalSessions(acme(1))
				time.Sleep(24 * time.Hour)
				if got := a.Truth(prefixOf); fmt.Sprint(got) != fmt.Sprint(final) {
					t.Errorf("the truth is %v in the end, and was foreseen as %v", got, final)
				}
				if got := a.Sessions(acme(1)); fmt.Sprint(got) != fmt.Sprint(sessions) {
					t.Errorf("sessions are %v in the end, and were foreseen as %v", got, sessions)
				}
			})
		})
	}
}

// checkServed compares what is served with Shown and Sessions.
func checkServed(t *testing.T, a *wherebytest.Account) {
	t.Helper()
	shown := a.Shown()
	for _, row := range readAll(t, a, "rooms") {
		name := row["roomName"].(string)
		if got := totalsOf(row); got != shown[name].Totals {
			t.Errorf("%s is served as %+v, and shown as %+v", name, got, shown[name].Totals)
		}
		sessions := a.Sessions(name)
		rows := readAll(t, a, "room-sessions", "roomName", name)
		if len(rows) != len(sessions) {
			t.Errorf("%s: %d sessions are served, want %d", name, len(rows), len(sessions))
			continue
		}
		for i, s := range sessions {
			served := totalsOf(rows[i])
			served.Sessions = 1
			if rows[i]["roomSessionId"] != s.ID || served != s.Totals {
				t.Errorf("%s is served as %v, want %+v", name, rows[i], s)
			}
		}
	}
}

func TestParticipantsHaveALagOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := wherebytest.New(wherebytest.Config{Insights: wherebytest.Insights{
			LagOf: func(endpoint, _ string) time.Duration {
				if endpoint == wherebytest.EndpointParticipants {
					return time.Hour
				}
				return 0
			},
			Lateness: func(string, string) time.Duration { return time.Minute },
		}})
		a.AddRoom(wherebytest.Room{Name: acme(1)})
		begin := time.Now()
		a.Schedule(acme(1), wherebytest.Session{ID: "s", Start: begin, End: begin.Add(time.Minute), Participants: make([]wherebytest.Participant, 2)})
		for _, c := range []struct {
			after time.Duration
			want  int
		}{{2 * time.Minute, 0}, {61*time.Minute - time.Millisecond, 0}, {61 * time.Minute, 2}} {
			time.Sleep(time.Until(begin.Add(c.after)))
			if got := readAll(t, a, "participants", "roomSessionId", "s"); len(got) != c.want {
				t.Errorf("after %v: %d participants, want %d", c.after, len(got), c.want)
			}
			if got := readAll(t, a, "room-sessions", "roomName", acme(1)); len(got) != 1 {
				t.Errorf("after %v: %d sessions, want 1", c.after, len(got))
			}
		}
		if got := a.Quality(begin); len(got) != 0 {
			t.Errorf("quality of %d participants of a session that has not ended for the endpoint", len(got))
		}
		time.Sleep(time.Minute)
		if got := a.Quality(begin); len(got) != 2 {
			t.Errorf("quality of %d participants, want 2", len(got))
		}
	})
}

func TestSessionsOfARoomMayBeRefusedOrLeftOut(t *testing.T) {
	later := day.Add(time.Hour)
	tests := []struct {
		name     string
		insights wherebytest.Insights
		status   int
		rows     int
	}{
		{"as usual", wherebytest.Insights{}, 200, 1},
		{"refused", wherebytest.Insights{SessionStatus: func(name string, _ time.Time) int { return map[string]int{acme(1): 403}[name] }}, 403, 0},
		{"failing", wherebytest.Insights{SessionStatus: func(name string, _ time.Time) int { return map[string]int{acme(1): 500}[name] }}, 500, 0},
		{"empty", wherebytest.Insights{EmptySessions: func(name string, at time.Time) bool { return name == acme(1) && at.After(later) }}, 200, 0},
		{"not empty any more", wherebytest.Insights{EmptySessions: func(_ string, at time.Time) bool { return at.Before(later) }}, 200, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := withRooms(3, wherebytest.Config{Insights: test.insights})
			got := call(t, a, "room-sessions", "roomName", acme(1))
			if got.StatusCode != test.status {
				t.Fatalf("status %d, want %d", got.StatusCode, test.status)
			}
			if test.status == 200 && len(got.listing(t).Results) != test.rows {
				t.Errorf("body %s, want %d sessions", got.body, test.rows)
			}
			if got := readAll(t, a, "room-sessions", "roomName", acme(2)); len(got) != 1 {
				t.Errorf("another room has %d sessions, want 1", len(got))
			}
			if got := readAll(t, a, "rooms"); len(got) != 3 {
				t.Errorf("%d rooms, want 3", len(got))
			}
		})
	}
}

func TestRoomsAreDeletedBetweenPages(t *testing.T) {
	const rooms = 10
	tests := []struct {
		name    string
		cursors wherebytest.CursorStyle
		read    int // rooms in a pass of three pages
	}{
		{"cursors that count lose rows", wherebytest.OffsetCursors, rooms - 2},
		{"cursors that remember the last row do not", wherebytest.KeysetCursors, rooms},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := wherebytest.New(wherebytest.Config{
				Cursors:  test.cursors,
				Insights: wherebytest.Insights{MovingPages: true},
				// The cost has to know the rows of an answer, and must not delete any.
				Cost: func(_ string, rows int, _ time.Time) int { return rows },
			})
			for i := range rooms {
				add := wherebytest.Room{Name: acme(i), CreatedAt: day, EndAt: day.Add(time.Hour), Totals: wherebytest.Totals{ParticipantMinutes: 1, Sessions: 1}}
				if i == 0 {
					add.EndAt = time.Time{}
				}
				a.AddRoom(add)
			}
			if got := len(readAll(t, a, "rooms", "limit", "4")); got != test.read {
				t.Errorf("%d rooms are read, want %d", got, test.read)
			}
			if got := a.Truth(prefixOf)["acme-"]; got.ParticipantMinutes != rooms || got.Rooms != rooms-2 {
				t.Errorf("the truth is %+v, want %d minutes and %d rooms", got, rooms, rooms-2)
			}
			if _, ok := a.Shown()[acme(0)]; !ok {
				t.Error("a room without an end is deleted")
			}
		})
	}
}

func TestANameMayBeUsedAgain(t *testing.T) {
	tests := []struct {
		name     string
		insights wherebytest.Insights
		same     bool // CreatedAt is that of the room before
		minutes  int64
		listed   int
	}{
		{"the higher figures count", wherebytest.Insights{}, false, 100, 1},
		{"both lives count", wherebytest.Insights{SeparateLives: true}, false, 107, 1},
		{"the sessions of both are listed", wherebytest.Insights{SeparateLives: true, FormerSessions: true}, false, 107, 3},
		{"the same room comes back", wherebytest.Insights{SeparateLives: true}, true, 100, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := wherebytest.New(wherebytest.Config{Insights: test.insights})
			created := day
			a.AddRoom(wherebytest.Room{Name: acme(1), CreatedAt: created})
			a.Use(acme(1), wherebytest.Totals{ParticipantMinutes: 60, Sessions: 1}, day)
			a.Use(acme(1), wherebytest.Totals{ParticipantMinutes: 40, Sessions: 1}, day.Add(2*time.Hour))
			a.Delete(acme(1))
			if !test.same {
				created = day.Add(time.Hour)
			}
			a.AddRoom(wherebytest.Room{Name: acme(1), CreatedAt: created})
			a.Use(acme(1), wherebytest.Totals{ParticipantMinutes: 7, Sessions: 1}, day.Add(5*time.Hour))
			for name, truth := range map[string]wherebytest.PrefixTruth{"shown": a.Truth(prefixOf)["acme-"], "final": a.Final(prefixOf)["acme-"]} {
				if truth.ParticipantMinutes != test.minutes || truth.Rooms != 1 {
					t.Errorf("%s: %+v, want %d minutes", name, truth, test.minutes)
				}
			}
			rows := readAll(t, a, "room-sessions", "roomName", acme(1))
			ids := map[any]bool{}
			for _, row := range rows {
				ids[row["roomSessionId"]] = true
			}
			if len(rows) != test.listed || len(ids) != test.listed {
				t.Errorf("sessions %v, want %d", rows, test.listed)
			}
			if got := a.Shown()[acme(1)].Totals.ParticipantMinutes; got != 7 {
				t.Errorf("the room shows %d minutes, want 7", got)
			}
		})
	}
}

func TestOddRows(t *testing.T) {
	wrong := map[string]func(room, session map[string]any) bool{
		"null figure": func(room, session map[string]any) bool {
			v, ok := room["totalRecorderMinutes"]
			return ok && v == nil && session["totalRecorderMinutes"] == nil
		},
		"absent figure": func(room, session map[string]any) bool {
			_, ok := room["totalRecorderMinutes"]
			_, inSession := session["totalRecorderMinutes"]
			return !ok && !inSession
		},
		"null minutes":      both("totalParticipantMinutes", nil),
		"text for a number": both("totalParticipantMinutes", "n/a"),
		"number as text":    both("totalParticipantMinutes", "1"),
		"negative figure":   both("totalStreamerMinutes", -1.0),
		"fraction":          both("totalParticipantMinutes", 12.5),
		"huge figure":       both("totalParticipantMinutes", 1e300),
		"null times":        times(nil),
		"far times":         times("+010000-01-01T00:00:00.000Z"),
		"malformed times":   times("yesterday"),
		"numbers for times": times(1735689600000.0),
	}
	for _, kind := range wherebytest.OddRowKinds() {
		t.Run(kind, func(t *testing.T) {
			check := wrong[kind]
			if check == nil {
				t.Fatal("no check")
			}
			plain := withRooms(3, wherebytest.Config{})
			a := withRooms(3, wherebytest.Config{Insights: wherebytest.Insights{
				OddRows: func(name string, _ time.Time) string { return map[string]string{acme(1): kind}[name] },
			}})
			rows := readAll(t, a, "rooms")
			session := readAll(t, a, "room-sessions", "roomName", acme(1))[0]
			if !check(rows[1], session) {
				t.Errorf("room %v, session %v", rows[1], session)
			}
			others := []any{rows[0], rows[2], readAll(t, a, "room-sessions", "roomName", acme(2))}
			usual := readAll(t, plain, "rooms")
			if want := []any{usual[0], usual[2], readAll(t, plain, "room-sessions", "roomName", acme(2))}; fmt.Sprint(others) != fmt.Sprint(want) {
				t.Errorf("other rooms are %v, want %v", others, want)
			}
			a = withRooms(2, wherebytest.Config{NullsFirst: true})
			a.Inject(wherebytest.OddRow(kind))
			rows = readAll(t, a, "rooms", "sortBy", "totalSessions:desc", "roomName[exact]", acme(1))
			if session = readAll(t, a, "room-sessions", "roomName", acme(1))[0]; !check(rows[0], session) {
				t.Errorf("the fault leaves room %v, session %v", rows[0], session)
			}
		})
	}
	if kinds := wherebytest.OddRowKinds(); len(kinds) != len(wrong) || !slices.IsSorted(kinds) {
		t.Errorf("kinds %v", kinds)
	}
}

func both(field string, want any) func(room, session map[string]any) bool {
	return func(room, session map[string]any) bool { return room[field] == want && session[field] == want }
}

func times(want any) func(room, session map[string]any) bool {
	return func(room, session map[string]any) bool {
		return room["firstSessionStartedAt"] == want && room["lastSessionStartedAt"] == want &&
			session["startedAt"] == want && session["endedAt"] == want && session["createdAt"] == want && session["endAt"] == want
	}
}
