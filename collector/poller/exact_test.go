package poller

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// TestEveryPollIsExact has meetings of a minute to two days come and go in an account, and
// rooms that are new, used for the first time or deleted. Each poll has what Insights shows.
func TestEveryPollIsExact(t *testing.T) {
	long(t)
	for range 3 {
		synctest.Test(t, func(t *testing.T) {
			config := wherebytest.Config{}
			b := newBench(t, config)
			config.NullsFirst = b.random.IntN(2) == 0
			config.Cursors = wherebytest.CursorStyle(b.random.IntN(2))
			config.Lag = time.Duration(b.random.IntN(15)) * time.Minute
			b.account = wherebytest.New(config)
			b.setShare(1)
			interval := time.Duration(1+b.random.IntN(10)) * time.Minute
			t.Logf("nulls first %v, cursors %d, a lag of %v, a poll every %v", config.NullsFirst, config.Cursors, config.Lag, interval)
			b.addRooms(200+b.random.IntN(400), 90*24*time.Hour)
			for range b.random.IntN(300) {
				b.addUsed(time.Time{})
			}
			b.mustPoll()
			b.expectTruth(true)
			free := map[string]time.Time{} // when a room's meeting is over
			for range 120 {
				// What nobody has read goes with its room, so rooms go before others are used.
				if room := b.anyRoom(); time.Now().After(free[room].Add(time.Hour)) && b.random.IntN(3) == 0 {
					b.account.Delete(room)
					b.forget(room)
				}
				for range b.random.IntN(8) {
					room := b.anyRoom()
					if b.random.IntN(10) == 0 {
						b.addRooms(1, time.Minute)
					} else if time.Now().After(free[room].Add(time.Hour)) {
						start := time.Now().Add(time.Second)
						free[room] = start.Add(time.Duration(math.Pow(2880, b.random.Float64()) * float64(time.Minute)))
						b.account.Schedule(room, wherebytest.Session{
							Start: start, End: free[room],
							Participants: []wherebytest.Participant{{}, {}},
						})
					}
				}
				time.Sleep(interval)
				b.mustPoll()
				b.expectTruth(false)
				if t.Failed() {
					return
				}
				b.poller.fullPollIfDue(t.Context())
			}
		})
	}
}

func (b *bench) forget(room string) {
	for i := range b.rooms {
		if b.rooms[i] == room {
			b.rooms = append(b.rooms[:i], b.rooms[i+1:]...)
			return
		}
	}
}
