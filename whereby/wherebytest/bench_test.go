package wherebytest_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// BenchmarkRoomsPage reads the first pages of an account of a million rooms, the
// rooms used last first. One operation is 500 rooms used and 7 pages read; the
// baseline, in the same order, is the first page of a listing never asked for
// before, which has to be sorted.
func BenchmarkRoomsPage(b *testing.B) {
	const rooms, used, pages = 1_000_000, 500, 7
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	a := wherebytest.New(wherebytest.Config{PointsPerMinute: 1 << 30, NoRequestLog: true})
	names := make([]string, rooms)
	for i := range names {
		names[i] = fmt.Sprintf("/c%04d-%08x-1111-4111-8111-111111111111", i%10_000, i)
		a.AddRoom(wherebytest.Room{
			Name:        names[i],
			CreatedAt:   day,
			LastSession: day.Add(time.Duration(i*7919%rooms) * time.Second),
			Totals:      wherebytest.Totals{ParticipantMinutes: 30, Sessions: 1},
		})
	}
	begin := time.Now()
	call(b, a, "rooms", "sortBy", "lastSessionStartedAt:desc", "limit", "100")
	sorting := time.Since(begin)
	runtime.GC()
	runtime.ReadMemStats(&after)

	next := 0
	for b.Loop() {
		for range used {
			next = (next + 7919) % rooms
			a.Use(names[next], wherebytest.Totals{ParticipantMinutes: 3, Sessions: 1}, time.Now())
		}
		cursor := ""
		for range pages {
			query := []string{"sortBy", "lastSessionStartedAt:desc", "limit", "100"}
			if cursor != "" {
				query = append(query, "cursor", cursor)
			}
			cursor = *call(b, a, "rooms", query...).listing(b).Cursor
		}
	}
	perOp := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(float64(sorting.Milliseconds()), "ms/sorting")
	b.ReportMetric(float64(sorting)/float64(perOp), "sorting/op")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/rooms, "B/room")
}

// BenchmarkEvents asks a demo account for the events of a minute, which is what a
// sender does once a minute, a day after it was made.
func BenchmarkEvents(b *testing.B) {
	a := wherebytest.Demo(1, time.Now().Add(-24*time.Hour), wherebytest.DemoOptions{})
	now := time.Now()
	a.Shown()
	n := 0
	for b.Loop() {
		n = len(a.Events(now.Add(-time.Minute), now.Add(time.Minute)))
	}
	b.ReportMetric(float64(n), "events/op")
}
