package live_test

import (
	"fmt"
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

// scale is what numbers are divided by: a short run only shows that the benchmarks work.
func scale() int {
	if testing.Short() {
		return 20
	}
	return 1
}

// filledUp returns a tracker that holds as much as it may by default, and so many ids.
func filledUp(b *testing.B, ids int) *bench {
	return filled(b, live.DefaultMaxRooms/scale(), live.DefaultMaxVisits/scale(), max(1, ids/scale()))
}

// BenchmarkApply applies events of 100,000 rooms, 1000 a second: what is done once a
// minute is in the figure.
func BenchmarkApply(b *testing.B) {
	rooms := 100_000 / scale()
	events := make([]whereby.Event, 2*rooms)
	for i := range rooms {
		room := fmt.Sprint("/acme-", i)
		events[i] = event(whereby.ClientJoined, room, fmt.Sprint("participant-", i), "host", clients{"host": 1, "visitor": 2})
		events[rooms+i] = event(whereby.ClientLeft, room, fmt.Sprint("participant-", i), "visitor", clients{"host": 1, "visitor": 1})
	}
	tracker := live.New(options)
	now := start
	apply := func(i int) {
		now = now.Add(time.Millisecond)
		e := events[i%len(events)]
		e.ID, e.CreatedAt = fmt.Sprint("event-", i), now
		tracker.Apply(e, now)
	}
	for i := range events {
		apply(i)
	}
	i := len(events)
	b.ReportAllocs()
	for b.Loop() {
		apply(i)
		i++
	}
}

// BenchmarkTidyUp is what is done once a minute, with 100,000 rooms.
func BenchmarkTidyUp(b *testing.B) {
	full := filledUp(b, 1)
	for b.Loop() {
		full.wait(time.Minute)
		full.send(knocked("/acme-00000001", ""))
	}
}

func BenchmarkView(b *testing.B) {
	for _, prefixes := range []int{100, 10_000} {
		b.Run(fmt.Sprint(prefixes, " prefixes"), func(b *testing.B) {
			busy := newBench(b, options)
			for i := range 2 * prefixes {
				busy.send(joined(fmt.Sprintf("/acme%d-%d", i%prefixes, i), "a", 1))
			}
			b.ReportAllocs()
			for b.Loop() {
				busy.View(busy.now)
			}
		})
	}
}

func BenchmarkAppendBinary(b *testing.B) {
	full := filledUp(b, live.DefaultMaxIDs)
	var state []byte
	b.ReportAllocs()
	for b.Loop() {
		state, _ = full.AppendBinary(state[:0])
	}
	b.SetBytes(int64(len(state)))
}

func BenchmarkRestore(b *testing.B) {
	full := filledUp(b, live.DefaultMaxIDs)
	state := save(b, full.Tracker)
	b.SetBytes(int64(len(state)))
	b.ReportAllocs()
	for b.Loop() {
		restored(b, state, full.now, options)
	}
}
