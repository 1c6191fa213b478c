package wherebytest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// honest is the plainest reader that can be right: it reads all pages over and over,
// waits when it is told to, sets rows aside that it does not understand, and keeps the
// highest figures of every room it ever saw.
type honest struct {
	t     *testing.T
	a     *wherebytest.Account
	rooms map[lifetime]wherebytest.Totals
	names map[string]bool // shown in the last pass
}

// lifetime is a room from its creation to its deletion.
type lifetime struct{ name, createdAt string }

// get sends a request until it is not throttled.
func (h *honest) get(endpoint string, query ...string) answer {
	for {
		got, err := try(h.t.Context(), h.a, endpoint, query...)
		if err != nil {
			h.t.Fatal(err)
		}
		if got.StatusCode != 429 {
			return got
		}
		reset, err := time.Parse(time.RFC3339, got.Header.Get("X-RateLimit-Reset"))
		if err != nil {
			h.t.Fatal(err)
		}
		time.Sleep(time.Until(reset))
	}
}

// all reads a listing to its end.
func (h *honest) all(endpoint string, query ...string) (rows []map[string]any, status int) {
	next := query
	for {
		got := h.get(endpoint, next...)
		if got.StatusCode != 200 {
			return nil, got.StatusCode
		}
		l := got.listing(h.t)
		rows = append(rows, l.Results...)
		if l.Cursor == nil {
			return rows, 200
		}
		next = append(slices.Clone(query), "cursor", *l.Cursor)
	}
}

// pass reads all rooms.
func (h *honest) pass() {
	h.names = map[string]bool{}
	rows, status := h.all("rooms", "limit", "20", "sortBy", "lastSessionStartedAt:desc")
	if status != 200 {
		h.t.Fatalf("rooms: status %d", status)
	}
	for _, row := range rows {
		name := row["roomName"].(string)
		h.names[name] = true
		if !understood(row) {
			continue
		}
		life := lifetime{name, row["createdAt"].(string)}
		h.rooms[life] = highestOf(h.rooms[life], totalsOf(row))
	}
}

// understood reports whether a row's figures are whole numbers that can be true.
func understood(row map[string]any) bool {
	for _, name := range []string{"totalParticipantMinutes", "totalRecorderMinutes", "totalStreamerMinutes"} {
		if n, ok := row[name].(float64); !ok || n != float64(int64(n)) || n < 0 || n > 1e12 {
			return false
		}
	}
	return true
}

func highestOf(t, u wherebytest.Totals) wherebytest.Totals {
	return wherebytest.Totals{
		ParticipantMinutes: max(t.ParticipantMinutes, u.ParticipantMinutes),
		RecorderMinutes:    max(t.RecorderMinutes, u.RecorderMinutes),
		StreamerMinutes:    max(t.StreamerMinutes, u.StreamerMinutes),
		Sessions:           max(t.Sessions, u.Sessions),
		UniqueParticipants: max(t.UniqueParticipants, u.UniqueParticipants),
		UniqueRecorders:    max(t.UniqueRecorders, u.UniqueRecorders),
		UniqueStreamers:    max(t.UniqueStreamers, u.UniqueStreamers),
	}
}

func (h *honest) sum() map[string]wherebytest.PrefixTruth {
	all := map[string]wherebytest.PrefixTruth{}
	for life, totals := range h.rooms {
		t := all[prefixOf(life.name)]
		t.Totals = t.Totals.Add(totals)
		all[prefixOf(life.name)] = t
	}
	for name := range h.names {
		t := all[prefixOf(name)]
		t.Rooms++
		all[prefixOf(name)] = t
	}
	return all
}

func TestAnHonestReaderFindsTheTruthInTheEnd(t *testing.T) {
	seeds := uint64(10)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { readToTheEnd(t, seed) })
		})
	}
}

func readToTheEnd(t *testing.T, seed uint64) {
	const length = 24 * time.Hour
	begin := time.Now()
	x := wherebytest.NewAdversary(seed, begin, length)
	t.Log(x)
	a := wherebytest.New(x.Config)
	x.Furnish(a)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := x.Run(ctx, a); err != nil {
			t.Error(err)
		}
	})
	defer running.Wait()
	defer cancel()

	h := &honest{t: t, a: a, rooms: map[lifetime]wherebytest.Totals{}}
	for time.Since(begin) < length {
		h.pass()
		time.Sleep(10 * time.Minute)
	}
	h.pass()
	truth, final := a.Truth(prefixOf), a.Final(prefixOf)
	got := h.sum()
	for prefix, want := range truth {
		if x.Config.Insights.MovingPages { // rooms were deleted while they were read
			want.Rooms = got[prefix].Rooms
		}
		if got[prefix] != want {
			t.Errorf("%s: read %+v\nthe truth is %+v", prefix, got[prefix], want)
		}
	}
	if len(got) != len(truth) {
		t.Errorf("read %d prefixes, want %d", len(got), len(truth))
	}
	if fmt.Sprint(final) != fmt.Sprint(truth) {
		t.Errorf("the truth is %+v\nand is said to become %+v", truth, final)
	}
	h.compareSessions(x)
}

// compareSessions reads the sessions of every room, as far as they are listed.
func (h *honest) compareSessions(x *wherebytest.Adversary) {
	refused, empty := x.Config.Insights.SessionStatus, x.Config.Insights.EmptySessions
	compared := 0
	for name := range h.a.Shown() {
		rows, status := h.all("room-sessions", "roomName", name, "limit", "100", "sortBy", "startedAt:asc")
		want := 200
		if refused != nil && refused(name, time.Now()) != 0 {
			want = refused(name, time.Now())
		}
		if status != want {
			h.t.Errorf("sessions of %s: status %d, want %d", name, status, want)
		}
		if status != 200 || empty != nil && empty(name, time.Now()) {
			if len(rows) != 0 {
				h.t.Errorf("sessions of %s: %d, want none", name, len(rows))
			}
			continue
		}
		var got, final []string
		for _, row := range rows {
			got = append(got, fmt.Sprint(row["roomSessionId"], row["totalParticipantMinutes"]))
		}
		for _, s := range h.a.FinalSessions(name) {
			final = append(final, fmt.Sprint(s.ID, float64(s.Totals.ParticipantMinutes)))
		}
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(final))) {
			h.t.Errorf("sessions of %s: read %v, want %v", name, got, final)
		}
		compared += len(got)
	}
	if compared == 0 {
		h.t.Error("no session was compared")
	}
}

func TestAnAdversaryIsRepeatableAndAlwaysAnother(t *testing.T) {
	describe := func(seed uint64) string { return wherebytest.NewAdversary(seed, day, 24*time.Hour).String() }
	seen := map[string]bool{}
	for seed := range uint64(50) {
		first, second := describe(seed), describe(seed)
		if first != second {
			t.Errorf("seed %d makes two adversaries", seed)
		}
		_, drawn, _ := strings.Cut(first, ": ") // without the seed
		seen[drawn] = true
	}
	if len(seen) != 50 {
		t.Errorf("50 seeds make %d adversaries", len(seen))
	}
}
