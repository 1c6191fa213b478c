package opening_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/whereby/wherebytest"
)

// TestAPollIsStoppedAtARoomsLastMinutes has a room be deleted with the page that is the first
// to show its last minutes, and the poll end there: what the exporter was shown is counted
// exactly if it had a chance to keep it, and the truth of the randomized test knows the
// difference.
func TestAPollIsStoppedAtARoomsLastMinutes(t *testing.T) {
	start := time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		// late has the process end when the next page is asked for, and not with the answer.
		late, kill bool
		minutes    int64
		// lost is what the truth does without.
		lost int64
	}{
		"with its answer on the way": {minutes: 100 + 60, lost: 70},
		"once the page was read":     {late: true, minutes: 100 + 60 + 70},
		"killed once it was read":    {late: true, kill: true, minutes: 100 + 60},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				insights := wherebytest.Insights{MovingPages: true, PageRows: 2}
				b := newBench(t, wherebytest.Config{Insights: insights, NoRequestLog: true})
				sleepUntil(start.Add(-20 * time.Hour))
				for _, name := range []string{"/acme-1", "/acme-2", "/acme-3", "/acme-4", "/acme-5"} {
					b.add(name, start.AddDate(0, -1, 0))
				}
				b.account.Use("/acme-1", minutes(100), start.AddDate(0, 0, -9))
				b.account.AddRoom(wherebytest.Room{Name: "/acme-once", CreatedAt: start.AddDate(0, 0, -2), EndAt: start.Add(-10*time.Hour - 3*time.Minute)})
				b.account.Use("/acme-once", minutes(60), start.Add(-11*time.Hour))

				truth := newTruth(insights)
				var gone atomic.Bool
				end := func() {
					if c.kill {
						b.kill()
					}
					b.quit()
				}
				b.transport = &delivery{account: b.account, truth: truth, answered: func(deleted map[string]wherebytest.RoomTruth) {
					_, now := deleted["/acme-once"]
					if gone.Load() && c.late || now && !c.late {
						end()
					}
					if now {
						gone.Store(true)
					}
				}}
				b.start()
				// It is in use between two polls, and deleted with its page in the second one.
				sleepUntil(start.Add(-10*time.Hour - 6*time.Minute))
				b.account.Use("/acme-once", minutes(70), time.Now().Add(time.Minute))
				sleepUntil(start.Add(-9 * time.Hour))
				if !gone.Load() {
					t.Fatal("the room was not deleted while its page was read")
				}
				b.stop()

				b.transport = nil
				b.start()
				sleepUntil(start.Add(40 * time.Hour))
				previous := b.of("acme").Previous
				if previous.Used.ParticipantMinutes != c.minutes || !previous.Final {
					t.Errorf("the previous period is %+v, want %d minutes that are final", previous, c.minutes)
				}
				if lost := truth.lost["/acme-once"].ParticipantMinutes; lost != c.lost {
					t.Errorf("the truth does without %d minutes, want %d", lost, c.lost)
				}
				least, most := truth.used(billing.Calendar{}.At(start.Add(-time.Second)), "acme", prefixOf)
				if least.ParticipantMinutes != 230-c.lost || most.ParticipantMinutes != 230 {
					t.Errorf("the truth is %+v to %+v", least, most)
				}
				b.stop()
			})
		})
	}
}
