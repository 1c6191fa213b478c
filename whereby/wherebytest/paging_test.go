package wherebytest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

var day = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// eachCursorStyle runs a test with both.
func eachCursorStyle(t *testing.T, test func(t *testing.T, style wherebytest.CursorStyle)) {
	for name, style := range map[string]wherebytest.CursorStyle{"offset cursors": wherebytest.OffsetCursors, "keyset cursors": wherebytest.KeysetCursors} {
		t.Run(name, func(t *testing.T) { test(t, style) })
	}
}

// withRooms makes an account of n rooms, every third of which was never used and
// many of which share their times.
func withRooms(n int, cfg wherebytest.Config) *wherebytest.Account {
	a := wherebytest.New(cfg)
	for i := range n {
		r := wherebytest.Room{Name: acme(i), CreatedAt: day.Add(time.Duration(i/4) * time.Minute)}
		if i%3 != 0 {
			r.LastSession = day.Add(time.Duration(i%7) * time.Hour)
			r.Totals = wherebytest.Totals{ParticipantMinutes: int64(i % 11), Sessions: 1}
		}
		a.AddRoom(r)
	}
	return a
}

func TestEveryRowIsReadOnceWhileNothingMoves(t *testing.T) {
	eachCursorStyle(t, func(t *testing.T, style wherebytest.CursorStyle) {
		for _, n := range []int{0, 1, 9, 10, 11, 57, 60} {
			for _, limit := range []int{1, 10, 20} {
				for _, sortBy := range []string{"createdAt:asc", "lastSessionStartedAt:desc", "endAt:asc", "totalParticipantMinutes:desc", "rating:desc"} {
					for _, nullsFirst := range []bool{false, true} {
						a := withRooms(n, wherebytest.Config{Cursors: style, NullsFirst: nullsFirst})
						seen := make(map[string]int)
						for _, row := range readAll(t, a, "rooms", "limit", fmt.Sprint(limit), "sortBy", sortBy) {
							seen[row["roomName"].(string)]++
						}
						for name, times := range seen {
							if times != 1 {
								t.Errorf("%d rooms, limit %d, %s: %s was read %d times", n, limit, sortBy, name, times)
							}
						}
						if len(seen) != n {
							t.Errorf("%d rooms, limit %d, %s: %d were read", n, limit, sortBy, len(seen))
						}
						if pages := a.Count("rooms"); pages != max(1, (n+limit-1)/limit) {
							t.Errorf("%d rooms, limit %d: %d pages", n, limit, pages)
						}
					}
				}
			}
		}
	})
}

func TestOrder(t *testing.T) {
	build := func(nullsFirst bool) *wherebytest.Account {
		a := wherebytest.New(wherebytest.Config{NullsFirst: nullsFirst})
		a.AddRoom(wherebytest.Room{Name: "/b", CreatedAt: day, LastSession: day.Add(time.Hour), Totals: wherebytest.Totals{Sessions: 2}})
		a.AddRoom(wherebytest.Room{Name: "/a", CreatedAt: day})
		a.AddRoom(wherebytest.Room{Name: "/c", CreatedAt: day.Add(-time.Hour), LastSession: day.Add(3 * time.Hour), Totals: wherebytest.Totals{Sessions: 9}})
		return a
	}
	tests := []struct {
		name       string
		sortBy     string
		nullsFirst bool
		want       []string
	}{
		{name: "the oldest room comes first by default, ties by name", want: []string{"/c", "/a", "/b"}},
		{name: "numbers ascend", sortBy: "totalSessions:asc", want: []string{"/a", "/b", "/c"}},
		{name: "numbers descend", sortBy: "totalSessions:desc", want: []string{"/c", "/b", "/a"}},
		{name: "unused rooms come last in descending order", sortBy: "lastSessionStartedAt:desc", want: []string{"/c", "/b", "/a"}},
		{name: "unused rooms come first in ascending order", sortBy: "lastSessionStartedAt:asc", want: []string{"/a", "/b", "/c"}},
		{name: "or first in descending order", sortBy: "lastSessionStartedAt:desc", nullsFirst: true, want: []string{"/a", "/c", "/b"}},
		{name: "and then last in ascending order", sortBy: "lastSessionStartedAt:asc", nullsFirst: true, want: []string{"/b", "/c", "/a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var query []string
			if test.sortBy != "" {
				query = []string{"sortBy", test.sortBy}
			}
			got := call(t, build(test.nullsFirst), "rooms", query...).listing(t).column("roomName")
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestFilters(t *testing.T) {
	a := wherebytest.New(wherebytest.Config{})
	for i, name := range []string{"/acme-1", "/acme-eu-2", "/globex-1", "/standup"} {
		a.AddRoom(wherebytest.Room{Name: name, CreatedAt: day.Add(time.Duration(i) * time.Hour)})
	}
	tests := []struct {
		name  string
		query []string
		want  []string
	}{
		{"by exact name", []string{"roomName[exact]", "/acme-1"}, []string{"/acme-1"}},
		{"by a name there is none of", []string{"roomName[exact]", "/acme"}, nil},
		{"by the start of the name", []string{"roomName[startsWith]", "/acme-"}, []string{"/acme-1", "/acme-eu-2"}},
		{"by a part of the name", []string{"roomName[contains]", "-1"}, []string{"/acme-1", "/globex-1"}},
		{"by the time of creation, ends included", []string{"createdAt[from]", "2026-03-02T01:00:00.000Z", "createdAt[to]", "2026-03-02T02:00:00.000Z"}, []string{"/acme-eu-2", "/globex-1"}},
		{"by everything at once", []string{"roomName[exact]", "/acme-1", "createdAt[from]", "2026-03-02T01:00:00Z"}, nil},
		{"in descending order", []string{"roomName[startsWith]", "/acme-", "sortBy", "createdAt:desc"}, []string{"/acme-eu-2", "/acme-1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, row := range readAll(t, a, "rooms", append(test.query, "limit", "1")...) {
				got = append(got, row["roomName"].(string))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestACursorIsGoodForItsListingOnly(t *testing.T) {
	eachCursorStyle(t, func(t *testing.T, style wherebytest.CursorStyle) {
		a := withRooms(30, wherebytest.Config{Cursors: style})
		cursor := *call(t, a, "rooms").listing(t).Cursor
		if got := call(t, a, "rooms", "cursor", cursor, "limit", "3"); got.StatusCode != http.StatusOK {
			t.Errorf("with another limit: status %d, want 200", got.StatusCode)
		}
		for _, other := range [][]string{{"sortBy", "createdAt:desc"}, {"roomName[contains]", "a"}} {
			if got := call(t, a, "rooms", append(other, "cursor", cursor)...); got.StatusCode != http.StatusBadRequest {
				t.Errorf("with %v: status %d, want 400", other, got.StatusCode)
			}
		}
	})
}

// A room is used between the first and the second page of a listing that has the
// rooms used last in front.
func TestPagesShiftWhenARoomIsUsed(t *testing.T) {
	tests := []struct {
		name  string
		style wherebytest.CursorStyle
		want  map[string]int // how often rooms are read, of those not read once
	}{
		{"offset cursors bring the row at the seam twice and miss the one that moved", wherebytest.OffsetCursors, map[string]int{acme(10): 2, acme(5): 0}},
		{"keyset cursors miss the one that moved alone", wherebytest.KeysetCursors, map[string]int{acme(5): 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := wherebytest.New(wherebytest.Config{Cursors: test.style})
			for i := range 20 {
				a.AddRoom(wherebytest.Room{Name: acme(i), LastSession: day.Add(time.Duration(i) * time.Minute)})
			}
			a.OnRequest(func(n int, _ *http.Request) {
				if n == 2 {
					a.Use(acme(5), wherebytest.Totals{Sessions: 1}, time.Now())
				}
			})
			seen := make(map[string]int)
			for _, row := range readAll(t, a, "rooms", "sortBy", "lastSessionStartedAt:desc") {
				seen[row["roomName"].(string)]++
			}
			for i := range 20 {
				want, ok := test.want[acme(i)]
				if !ok {
					want = 1
				}
				if seen[acme(i)] != want {
					t.Errorf("room %d was read %d times, want %d", i, seen[acme(i)], want)
				}
			}
		})
	}
}

// The indexes that are kept must be what sorting again would give.
func TestIndexesFollowEveryChange(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	a := withRooms(300, wherebytest.Config{PointsPerMinute: 1 << 30})
	alive := make([]int, 300)
	for i := range alive {
		alive[i] = i
	}
	now := time.Now()
	for round := range 25 {
		for range random.IntN(20) {
			i := random.IntN(len(alive))
			name := acme(alive[i])
			switch random.IntN(5) {
			case 0:
				a.Delete(name)
				alive = slices.Delete(alive, i, i+1)
			case 1:
				n := 1000 + round*100 + random.IntN(100)
				if !slices.Contains(alive, n) {
					a.AddRoom(wherebytest.Room{Name: acme(n), CreatedAt: now})
					alive = append(alive, n)
				}
			case 2:
				a.Restate(name, wherebytest.Totals{ParticipantMinutes: int64(random.IntN(9)), Sessions: 1})
			default:
				a.Use(name, wherebytest.Totals{ParticipantMinutes: 3, Sessions: 1}, now.Add(-time.Duration(random.IntN(1000))*time.Second))
			}
		}
		shown := a.Shown()
		for _, field := range []string{"lastSessionStartedAt", "totalParticipantMinutes", "createdAt"} {
			rows := readAll(t, a, "rooms", "limit", "100", "sortBy", field+":asc")
			if len(rows) != len(shown) {
				t.Fatalf("round %d: %d rows, %d rooms are shown", round, len(rows), len(shown))
			}
			seen := make(map[string]bool)
			for i, row := range rows {
				seen[row["roomName"].(string)] = true
				if i > 0 && less(row[field], rows[i-1][field]) {
					t.Fatalf("round %d, %s: %v stands after %v", round, field, row[field], rows[i-1][field])
				}
			}
			if len(seen) != len(shown) {
				t.Fatalf("round %d, %s: %d different rooms, want %d", round, field, len(seen), len(shown))
			}
		}
	}
}

func less(x, y any) bool {
	if x, ok := x.(float64); ok {
		return x < y.(float64)
	}
	xs, _ := x.(string)
	ys, _ := y.(string)
	return xs < ys
}
