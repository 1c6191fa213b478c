package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"whereby_exporter/test/exhaustive"
	"whereby_exporter/test/programs"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// TestTheExporterKeepsWithinItsShare has the binary read an account without end, next to an
// application that spends the rest of the points, while a read becomes ten times as expensive:
// in no minute does it spend more than its share and one read, however points come back,
// and the application is never refused.
func TestTheExporterKeepsWithinItsShare(t *testing.T) {
	exhaustive.Long(t)
	const (
		limit   = 1000
		share   = 0.25
		allowed = 250
		rises   = 70 * time.Second
		length  = 140 * time.Second
	)
	for name, limiter := range map[string]wherebytest.Limiter{
		"fixed window": wherebytest.FixedWindow, "sliding window": wherebytest.SlidingWindow, "token bucket": wherebytest.TokenBucket,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			account, api := newAccount(t, wherebytest.Config{
				PointsPerMinute: limit, Limiter: limiter,
				Cost: func(_ string, _ int, at time.Time) int {
					if at.Sub(began) < rises {
						return 1
					}
					return whereby.MaxReadCost
				},
			})
			newLife(t, account, 20_000)
			production := &wherebytest.Production{
				Account: account, Share: 1 - share - float64(whereby.MaxReadCost)/limit, Seed: uint64(began.UnixNano()),
			}
			ctx, cancel := context.WithTimeout(t.Context(), length)
			defer cancel()
			var wg sync.WaitGroup
			wg.Go(func() { _ = production.Run(ctx) })
			e := startExporter(t, programs.FreeAddress(t), api, "--storage.path="+t.TempDir(), fmt.Sprintf("--whereby.rate-limit-share=%v", share))
			wg.Wait()
			e.stop()

			requests := account.Requests()
			total := 0
			for _, r := range requests {
				total += r.Cost
			}
			most := wherebytest.MostPoints(requests, time.Minute)
			t.Logf("%d points in %d requests, at most %d in a minute; production sent %d", total, len(requests), most, len(production.Requests()))
			if most > allowed+whereby.MaxReadCost {
				t.Errorf("%d points in a minute, want %d and one read at most", most, allowed)
			}
			if n := production.Refused(); n > 0 || len(production.Requests()) < 100 {
				t.Errorf("%d of production's %d requests were refused", n, len(production.Requests()))
			}
			// It does not hold all off: reads go on before and after they become more expensive.
			var cheap, expensive int
			for _, r := range requests {
				if r.Cost == 1 {
					cheap++
				} else {
					expensive++
				}
			}
			if cheap < 20 || expensive < 10 {
				t.Errorf("%d cheap and %d expensive reads", cheap, expensive)
			}
		})
	}
}
