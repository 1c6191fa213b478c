package backfill

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// use has sessions of some minutes each in a room, a day apart, the last so many days ago.
func (b *bench) use(name string, daysAgo int, minutes ...int64) {
	for i, m := range minutes {
		at := time.Now().Add(-time.Duration(daysAgo+len(minutes)-1-i) * day)
		b.account.Use(name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: m}, at)
	}
}

// remember gives the run an exporter's store with some rooms, and admitted prefixes.
func (b *bench) remember(prefixes []string, rows ...ledger.Row) {
	b.t.Helper()
	b.options.StoragePath = b.t.TempDir()
	s, err := store.OpenBolt(b.options.StoragePath)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := range rows {
		rows[i].ID = uint32(i)
	}
	if err := errorsOf(s.Commit(ledger.Change{Prefixes: prefixes, Rows: rows}), s.Close()); err != nil {
		b.t.Fatal(err)
	}
}

// remembered returns a row of the exporter's store.
func remembered(name string, firstDaysAgo, lastDaysAgo int, minutes, sessions int64) ledger.Row {
	at := func(days int) int64 { return time.Now().Add(-time.Duration(days) * day).Unix() }
	return ledger.Row{Name: name, FirstSession: at(firstDaysAgo), LastSession: at(lastDaysAgo), Totals: ledger.Totals{ParticipantMinutes: minutes, Sessions: sessions}}
}

// roomsEdited changes the rows of listings of rooms.
func roomsEdited(edit func(row map[string]any)) func(*http.Request, []byte) []byte {
	return func(r *http.Request, body []byte) []byte {
		var page map[string]any
		if !strings.HasSuffix(r.URL.Path, "/rooms") || json.Unmarshal(body, &page) != nil || page["results"] == nil {
			return body
		}
		for _, row := range page["results"].([]any) {
			edit(row.(map[string]any))
		}
		body, _ = json.Marshal(page)
		return body
	}
}

const (
	goneRoom  = "/acme-0000000a-0000-4000-8000-000000000000"
	otherGone = "/acme-0000000b-0000-4000-8000-000000000000"
	lateGone  = "/acme-0000000c-0000-4000-8000-000000000000"
)

// TestWhatTheSummarySays brings about everything that it can say, and holds it against
// the samples and the account. Time begins on 1 January 2000 in a bubble.
func TestWhatTheSummarySays(t *testing.T) {
	for name, c := range map[string]struct {
		furnish func(b *bench)
		want    string // without its first line
		first   string // the first line, if it is not of one file
		// missing is what the account knows and the history does not hold.
		missing figures
	}{
		"nothing is amiss": {
			furnish: func(b *bench) {
				b.use(b.room("acme-"), 3, 10, 20)
				b.use(b.room("globex-"), 4, 5)
				b.room("acme-")
			},
			want: "1999-12-27T23:45:00Z to 1999-12-31T21:00:00Z: 2 room prefixes of 3 known rooms, 3 sessions with 35 participant, 0 recorder and 0 streamer minutes.\n",
		},
		"two files": {
			first: "usage.om and usage.om.1 are complete.\n",
			furnish: func(b *bench) {
				b.options.Interval = day
				b.use(b.room("acme-"), 32, 10)
			},
			want: "1999-11-29T00:00:00Z to 1999-12-31T00:00:00Z: 1 room prefixes of 1 known rooms, 1 sessions with 10 participant, 0 recorder and 0 streamer minutes.\n",
		},
		"three files": {
			first: "usage.om, and usage.om.1 to usage.om.2, are complete.\n",
			furnish: func(b *bench) {
				b.options.Interval = day
				b.use(b.room("acme-"), 63, 10)
			},
			want: "1999-10-29T00:00:00Z to 1999-12-31T00:00:00Z: 1 room prefixes of 1 known rooms, 1 sessions with 10 participant, 0 recorder and 0 streamer minutes.\n",
		},
		"a session after the last sample": {
			furnish: func(b *bench) {
				b.options.Interval = day
				name := b.room("acme-")
				b.use(name, 3, 10)
				b.account.Use(name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 30}, time.Now().Add(-12*time.Hour))
			},
			want:    "1999-12-28T00:00:00Z to 1999-12-31T00:00:00Z: 1 room prefixes of 1 known rooms, 1 sessions with 10 participant, 0 recorder and 0 streamer minutes.\n",
			missing: figures{30, 0, 0, 1},
		},
		"a session is not listed": {
			furnish: func(b *bench) {
				b.use(b.room("acme-"), 3, 10, 20, 30)
				b.edit = sessionsEdited(func(rows []map[string]any) []map[string]any { return rows[:2] })
			},
			want: "1999-12-27T23:45:00Z to 1999-12-31T21:00:00Z: 1 room prefixes of 1 known rooms, 2 sessions with 50 participant, 0 recorder and 0 streamer minutes.\n" +
				"The first samples hold 10 participant, 0 recorder and 0 streamer minutes and 1 sessions already: from before the start, or without a session that Insights lists.\n" +
				"Rooms with totals above the sum of their listed sessions: 1. The rest is part of the first samples.\n",
		},
		"recorder minutes are of no session": {
			furnish: func(b *bench) {
				name := b.room("acme-")
				b.use(name, 3, 10)
				b.account.Use(name, wherebytest.Totals{Sessions: 1, RecorderMinutes: 7}, time.Now().Add(-2*day))
				b.edit = sessionsEdited(func(rows []map[string]any) []map[string]any {
					for _, row := range rows {
						row["totalRecorderMinutes"] = 0
					}
					return rows
				})
			},
			want: "1999-12-28T23:45:00Z to 1999-12-31T21:00:00Z: 1 room prefixes of 1 known rooms, 2 sessions with 10 participant, 0 recorder and 0 streamer minutes.\n" +
				"The first samples hold 0 participant, 7 recorder and 0 streamer minutes and 0 sessions already: from before the start, or without a session that Insights lists.\n" +
				"Rooms with totals above the sum of their listed sessions: 1. The rest is part of the first samples.\n",
		},
		"totals have no time": {
			furnish: func(b *bench) {
				b.use(b.room("acme-"), 3, 10)
				b.use(b.room("globex-"), 3, 20)
				b.edit = roomsEdited(func(row map[string]any) {
					if strings.HasPrefix(row["roomName"].(string), "/globex-") {
						row["firstSessionStartedAt"], row["lastSessionStartedAt"] = nil, nil
					}
				})
			},
			want: "1999-12-28T23:45:00Z to 1999-12-31T21:00:00Z: 2 room prefixes of 2 known rooms, 1 sessions with 10 participant, 0 recorder and 0 streamer minutes.\n" +
				"The first samples hold 20 participant, 0 recorder and 0 streamer minutes and 1 sessions already: from before the start, or without a session that Insights lists.\n" +
				"Rooms with totals above the sum of their listed sessions: 1. The rest is part of the first samples.\n",
		},
		"a start": {
			furnish: func(b *bench) {
				b.use(b.room("acme-"), 3, 10, 20, 30)
				b.use(b.room("globex-"), 20, 40)
				b.options.Start = time.Now().Add(-4*day - time.Hour)
			},
			want: "1999-12-27T23:00:00Z to 1999-12-31T21:00:00Z: 2 room prefixes of 2 known rooms, 2 sessions with 50 participant, 0 recorder and 0 streamer minutes.\n" +
				"The first samples hold 50 participant, 0 recorder and 0 streamer minutes and 2 sessions already: from before the start, or without a session that Insights lists.\n",
		},
		"sessions hold more": {
			furnish: func(b *bench) {
				b.use(b.room("acme-"), 3, 10, 20, 30)
				b.edit = sessionsEdited(func(rows []map[string]any) []map[string]any {
					for _, row := range rows {
						row["totalParticipantMinutes"] = row["totalParticipantMinutes"].(float64) + 15
					}
					return rows
				})
			},
			want: "1999-12-26T23:45:00Z to 1999-12-31T21:00:00Z: 1 room prefixes of 1 known rooms, 3 sessions with 60 participant, 0 recorder and 0 streamer minutes.\n" +
				"Sessions add up to more than the totals of their rooms; those listed last, usually the oldest, were cut by 45 participant, 0 recorder and 0 streamer minutes and 0 sessions.\n",
		},
		"a room is used all the time": {
			furnish: func(b *bench) {
				name := b.room("acme-")
				b.use(name, 3, 10, 20, 30)
				b.edit = sessionsEdited(func(rows []map[string]any) []map[string]any { return rows[:len(rows)-1] })
				b.onFirst("room-sessions", true, func(string) {
					b.account.Use(name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 100}, time.Now())
				})
			},
			want: "1999-12-27T23:45:00Z to 1999-12-31T21:00:00Z: 1 room prefixes of 1 known rooms, 2 sessions with 50 participant, 0 recorder and 0 streamer minutes.\n" +
				"Rooms in use whenever they were read: 1. What they used before their first listed session may be missing.\n",
			missing: figures{10 + attempts*100, 0, 0, 1 + attempts}, // those of now are for the live counters
		},
		"sessions are refused": {
			furnish: func(b *bench) {
				b.use(b.room("acme-"), 3, 10, 20)
				b.use(b.room("globex-"), 3, 10)
				b.account.Inject(wherebytest.Status(400).On(whereby.EndpointRoomSessions))
			},
			want: "1999-12-28T23:45:00Z to 1999-12-31T21:00:00Z: 2 room prefixes of 2 known rooms, 1 sessions with 10 participant, 0 recorder and 0 streamer minutes.\n" +
				"The first samples hold 30 participant, 0 recorder and 0 streamer minutes and 2 sessions already: from before the start, or without a session that Insights lists.\n" +
				"Rooms with totals above the sum of their listed sessions: 1. The rest is part of the first samples.\n" +
				"Rooms whose sessions Insights refused to list: 1. Their usage has no time.\n",
		},
		"sessions are refused after the first page": {
			first: "usage.om, and usage.om.1 to usage.om.3, are complete.\n",
			furnish: func(b *bench) {
				b.use(b.room("acme-"), 1, slices.Repeat([]int64{7}, 130)...)
				b.account.Inject(wherebytest.Status(400).On(whereby.EndpointRoomSessions).Page(2))
			},
			want: "1999-09-22T23:45:00Z to 1999-12-31T21:00:00Z: 1 room prefixes of 1 known rooms, 100 sessions with 700 participant, 0 recorder and 0 streamer minutes.\n" +
				"The first samples hold 210 participant, 0 recorder and 0 streamer minutes and 30 sessions already: from before the start, or without a session that Insights lists.\n" +
				"Rooms with totals above the sum of their listed sessions: 1. The rest is part of the first samples.\n" +
				"Rooms whose sessions Insights refused to list: 1. Their usage has no time.\n",
		},
		"rooms are deleted while they are read": {
			furnish: func(b *bench) {
				b.options.workers = 1
				b.use(b.room("acme-"), 3, 10, 20)
				b.account.Use(b.room("globex-"), wherebytest.Totals{Sessions: 2, ParticipantMinutes: 50}, time.Now().Add(-4*time.Hour))
				b.use(b.room("initech-"), 3, 10, 20)
				b.onFirst("room-sessions", false, func(string) {
					b.account.Delete(b.rooms[0])
					b.account.Delete(b.rooms[1])
				})
			},
			want: "1999-12-27T23:45:00Z to 1999-12-31T21:00:00Z: 2 room prefixes of 3 known rooms, 2 sessions with 30 participant, 0 recorder and 0 streamer minutes.\n" +
				"The first samples hold 30 participant, 0 recorder and 0 streamer minutes and 2 sessions already: from before the start, or without a session that Insights lists.\n" +
				"Rooms with totals above the sum of their listed sessions: 1. The rest is part of the first samples.\n" +
				"Rooms without a listed session that may have been in use at the end or after it: 1. They are left out.\n",
			missing: figures{50, 0, 0, 2},
		},
		"rooms are deleted before": {
			furnish: func(b *bench) {
				b.use(b.room("acme-"), 3, 10, 20)
				b.remember([]string{"acme-"},
					remembered(goneRoom, 10, 10, 7, 1),  // one session: its time is known
					remembered(otherGone, 15, 5, 90, 2), // two: they have none
					remembered(lateGone, 15, 0, 800, 2)) // used after the end
			},
			want: "1999-12-21T23:45:00Z to 1999-12-31T21:00:00Z: 1 room prefixes of 4 known rooms, 3 sessions with 37 participant, 0 recorder and 0 streamer minutes.\n" +
				"The first samples hold 90 participant, 0 recorder and 0 streamer minutes and 2 sessions already: from before the start, or without a session that Insights lists.\n" +
				"Of those, 90 participant, 0 recorder and 0 streamer minutes and 2 sessions are of rooms that only the exporter's store knows.\n" +
				"Rooms that only the exporter's store knows: 3.\n" +
				"Rooms without a listed session that may have been in use at the end or after it: 1. They are left out.\n",
			missing: figures{-97, 0, 0, -3}, // the simulated account never had the first two
		},
		"a deleted room is from before the start": {
			furnish: func(b *bench) {
				b.use(b.room("acme-"), 3, 10, 20)
				b.remember([]string{"acme-"}, remembered(otherGone, 15, 14, 90, 2))
				b.options.Start = time.Now().Add(-5 * day)
			},
			want: "1999-12-27T00:00:00Z to 1999-12-31T21:00:00Z: 1 room prefixes of 2 known rooms, 2 sessions with 30 participant, 0 recorder and 0 streamer minutes.\n" +
				"The first samples hold 90 participant, 0 recorder and 0 streamer minutes and 2 sessions already: from before the start, or without a session that Insights lists.\n" +
				"Rooms that only the exporter's store knows: 1.\n",
			missing: figures{-90, 0, 0, -2},
		},
		"Whereby has lowered figures": {
			furnish: func(b *bench) {
				b.use(b.room("acme-"), 3, 10)
				b.use(b.room("acme-"), 3, 10, 20)
				b.room("acme-") // lowered to nothing
				b.remember([]string{"acme-"},
					remembered(b.rooms[0], 3, 3, 12, 1), remembered(b.rooms[1], 4, 3, 35, 2), remembered(b.rooms[2], 9, 9, 4, 1))
			},
			want: "1999-12-27T23:45:00Z to 1999-12-31T21:00:00Z: 1 room prefixes of 3 known rooms, 3 sessions with 40 participant, 0 recorder and 0 streamer minutes.\n" +
				"The first samples hold 11 participant, 0 recorder and 0 streamer minutes and 1 sessions already: from before the start, or without a session that Insights lists.\n" +
				"Of those, 11 participant, 0 recorder and 0 streamer minutes and 1 sessions are more than Insights shows now: the exporter's store has them. Rooms: 3.\n",
			missing: figures{-11, 0, 0, -1}, // the simulated account has always shown what it shows now
		},
		"more prefixes than the limit": {
			furnish: func(b *bench) {
				b.options.File.RoomPrefixes.Limit = 2
				for i, prefix := range []string{"acme-", "globex-", "initech-", "initech-"} {
					b.use(b.room(prefix), 3+i, 10)
				}
			},
			want: "1999-12-25T23:45:00Z to 1999-12-31T21:00:00Z: 3 room prefixes of 4 known rooms, 4 sessions with 40 participant, 0 recorder and 0 streamer minutes.\n" +
				"Rooms beyond the limit of room prefixes, which are part of _other: 2. The exporter may choose different ones; --storage.path shows which.\n",
		},
		"more prefixes than the store has": {
			furnish: func(b *bench) {
				b.options.File.RoomPrefixes.Limit = 2
				for i, prefix := range []string{"acme-", "globex-", "initech-", "initech-"} {
					b.use(b.room(prefix), 3+i, 10)
				}
				b.remember([]string{"initech-", "globex-"}, remembered(b.rooms[2], 5, 5, 10, 1))
			},
			want: "1999-12-25T23:45:00Z to 1999-12-31T21:00:00Z: 3 room prefixes of 4 known rooms, 4 sessions with 40 participant, 0 recorder and 0 streamer minutes.\n" +
				"Rooms beyond the limit of room prefixes, which are part of _other: 1.\n",
		},
		"participants are refused": {
			furnish: func(b *bench) {
				b.options.Concurrency, b.options.workers = true, 1
				b.use(b.room("acme-"), 3, 10, 20, 30)
				b.account.Inject(wherebytest.Status(400).On(whereby.EndpointParticipants).Times(2))
			},
			want: "1999-12-26T23:45:00Z to 1999-12-31T21:00:00Z: 1 room prefixes of 1 known rooms, 3 sessions with 60 participant, 0 recorder and 0 streamer minutes.\n" +
				"Sessions whose participants Insights refused to list: 2. They are not in the peaks.\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				c.furnish(b)
				s, files := b.mustRun()
				var said bytes.Buffer
				s.Print(&said, "usage.om")
				if c.first == "" {
					c.first = "usage.om is complete.\n"
				}
				if got := said.String(); got != c.first+c.want {
					t.Errorf("it says:\n%swant:\n%s", got, c.first+c.want)
				}

				var first, last, truth figures
				for name, samples := range parse(t, files) {
					for i, m := range counters {
						if strings.HasPrefix(name, m.Name) {
							first[i] += samples[0].value
							last[i] += samples[len(samples)-1].value
						}
					}
				}
				if s.Base != first || s.Placed != last.sub(first) {
					t.Errorf("it says that the samples begin with %v and add %v; they begin with %v and add %v", s.Base, s.Placed, first, last.sub(first))
				}
				for _, shown := range b.account.Truth(prefixOf) {
					truth = truth.add(figures{shown.ParticipantMinutes, shown.RecorderMinutes, shown.StreamerMinutes, shown.Sessions})
				}
				if truth.sub(last) != c.missing {
					t.Errorf("the history lacks %v of the account, want %v", truth.sub(last), c.missing)
				}
			})
		})
	}
}

// TestARefusalIsLogged names the room.
func TestARefusalIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.use(b.room("acme-"), 3, 10, 20)
		b.account.Inject(wherebytest.Status(400).On(whereby.EndpointRoomSessions))
		b.mustRun()
		if !strings.Contains(b.log.String(), "Insights refuses to list a room's sessions") || !strings.Contains(b.log.String(), b.rooms[0]) {
			t.Errorf("it logged:\n%s", &b.log)
		}
	})
}
