package poller

import (
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// TestTotalsWithoutTimesCount has rooms that were used, nobody is told when: one in three,
// and all.
func TestTotalsWithoutTimesCount(t *testing.T) {
	for name, oneIn := range map[string]int{"some": 3, "all": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				odd := map[string]bool{}
				b := newBench(t, wherebytest.Config{Insights: wherebytest.Insights{
					OddRows: func(room string, _ time.Time) string {
						if odd[room] {
							return "null times"
						}
						return ""
					},
				}})
				b.addRooms(250, 90*24*time.Hour)
				for i, room := range b.rooms {
					odd[room] = i%oneIn == 0
				}
				b.mustPoll()
				b.expectTruth(true)
				if n := b.ledger.Snapshot().SetAside; n != 0 {
					t.Errorf("%d rooms are set aside", n)
				}
				for range 10 {
					b.use()
				}
				time.Sleep(time.Minute)
				b.mustPoll()
				b.expectTruth(false)
				if n := len(b.results); b.results[n-1].Err != nil {
					t.Error(b.results[n-1].Err)
				}
			})
		})
	}
}
