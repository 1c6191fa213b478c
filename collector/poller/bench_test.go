package poller

import (
	"fmt"
	"testing"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// BenchmarkIdlePoll polls after a busy day: 5,000 rooms were used within it, none within the
// last two hours. It reports the requests, and how many times fewer than the pages of
// those rooms, which a poll that looks a day back reads.
func BenchmarkIdlePoll(b *testing.B) {
	const used, unused, older = 5_000, 20_000, 20_000
	for _, nullsFirst := range []bool{false, true} {
		b.Run(fmt.Sprintf("never-used-rooms-first=%v", nullsFirst), func(b *testing.B) {
			bench := newBench(b, wherebytest.Config{NullsFirst: nullsFirst, PointsPerMinute: 1 << 30, NoRequestLog: true})
			bench.setShare(1)
			now := time.Now()
			for i := range used {
				bench.addUsed(now.Add(-settled - time.Minute - time.Duration(i)*15*time.Second))
			}
			for i := range older {
				bench.addUsed(now.Add(-48*time.Hour - time.Duration(i)*time.Minute))
			}
			for range unused {
				bench.addUsed(time.Time{})
			}
			bench.mustPoll()
			before := bench.account.Count(wherebytest.EndpointRooms)
			polls := 0
			for b.Loop() {
				bench.mustPoll()
				polls++
			}
			perPoll := float64(bench.account.Count(wherebytest.EndpointRooms)-before) / float64(polls)
			b.ReportMetric(perPoll, "requests/poll")
			b.ReportMetric((used/100+1)/perPoll, "x-fewer-than-the-day")
		})
	}
}
