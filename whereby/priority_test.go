package whereby_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby"
)

// greedy spends all it can get until the context is done, and counts.
func greedy(ctx context.Context, c *whereby.Client) (spent int) {
	for ctx.Err() == nil {
		for range c.Rooms(ctx, whereby.RoomsQuery{}) {
			spent++
			break
		}
	}
	return spent
}

// TestSpareRequestsDelayNobody lets polls of some requests a minute, which are more than
// the quarter that background requests would leave them, run with spare requests
// without end.
func TestSpareRequestsDelayNobody(t *testing.T) {
	for name, tc := range map[string]struct {
		priority whereby.Priority
		left     int
	}{
		"polls":      {whereby.Foreground, 40 - 25},
		"background": {whereby.Background, 30 - 25}, // the last quarter is for polls that may come
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &endless{limit: 100}
				c := s.client(budget(t, 0.4))
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
				defer cancel()
				var wg sync.WaitGroup
				spare := 0
				wg.Go(func() { spare = greedy(ctx, c.WithPriority(whereby.Spare)) })
				const each = 25
				var polls int
				// The first one meets points that were spent before anyone knew of it, and
				// those behind it have to catch up.
				const settled = 12
				for ; ctx.Err() == nil; polls++ {
					start := time.Now()
					for range each {
						spendOne(t, c.WithPriority(tc.priority))
					}
					if waited := time.Since(start); waited > 0 && polls > settled {
						t.Errorf("poll %d waited %v behind spare requests", polls, waited)
					}
					time.Sleep(time.Until(start.Add(61 * time.Second)))
				}
				wg.Wait()
				most := polls * tc.left
				if spare < most*9/10 || spare > most+40 {
					t.Errorf("%d spare requests next to %d polls, want about %d", spare, polls, most)
				}
			})
		})
	}
}

// TestSpareRequestsComeLast: while others want all there is, nothing is left.
func TestSpareRequestsComeLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &endless{limit: 100}
		c := s.client(budget(t, 0.4))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var wg sync.WaitGroup
		var polls, background, spare atomic.Int64
		// Of several, another one waits while one is between two requests.
		for range 4 {
			wg.Go(func() { polls.Add(int64(greedy(ctx, c))) })
			wg.Go(func() { background.Add(int64(greedy(ctx, c.Background()))) })
		}
		wg.Go(func() { spare.Add(int64(greedy(ctx, c.WithPriority(whereby.Spare)))) })
		wg.Wait()
		t.Logf("%d polls, %d background, %d spare", polls.Load(), background.Load(), spare.Load())
		if spare.Load() > 40 || polls.Load()+background.Load() < 59*40-80 {
			t.Errorf("%d spare requests next to %d of polls and %d of the background, want next to none", spare.Load(), polls.Load(), background.Load())
		}
	})
}

func TestSpareRequestsStopBeforeAllOthers(t *testing.T) {
	for name, tc := range map[string]struct {
		remaining                     int
		spare, background, foreground bool // whether they wait
	}{
		"half is left":         {remaining: 50},
		"a fifth is left":      {remaining: 20},
		"a little less":        {remaining: 19, spare: true},
		"less than a tenth":    {remaining: 9, spare: true, background: true},
		"a twentieth is left":  {remaining: 5, spare: true, background: true},
		"as good as none left": {remaining: 4, spare: true, background: true, foreground: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &endless{limit: 100, remaining: tc.remaining}
				c := s.client(budget(t, 0.5))
				spendOne(t, c)
				for priority, waits := range map[whereby.Priority]bool{
					whereby.Spare: tc.spare, whereby.Background: tc.background, whereby.Foreground: tc.foreground,
				} {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					if waited := c.Budget.Wait(ctx, priority) != nil; waited != waits {
						t.Errorf("priority %d waits: %v, want %v", priority, waited, waits)
					}
					cancel()
				}
			})
		})
	}
}

func TestSpareRequestsStayAwayAfterA429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := &script{answers: []answer{
			{status: 429, header: map[string]string{"Retry-After": "10"}},
			{status: 200, body: onePage},
		}}
		c := client(throttle)
		c.Budget = budget(t, 1)
		start := time.Now()
		if _, err := names(t, c); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited > 12*time.Second {
			t.Errorf("a poll waited %v, longer than it was told", waited)
		}
		if err := c.Budget.Wait(t.Context(), whereby.Spare); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited < 70*time.Second {
			t.Errorf("a spare request waited %v, want a minute longer than the others", waited)
		}
	})
}

// TestSpareRequestsLeavePointsToThoseWhoCome: however much they want, somebody who comes
// finds points.
func TestSpareRequestsLeavePointsToThoseWhoCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &endless{limit: 1000}
		c := s.client(budget(t, 0.4))
		spendOne(t, c) // so that the limit is known
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if n := greedy(ctx, c.WithPriority(whereby.Spare)); n < 45 || n > 55 {
			t.Errorf("%d spare requests in 10 s of a minute with 300", n)
		}
		start := time.Now()
		for range 200 {
			spendOne(t, c.Background())
		}
		if waited := time.Since(start); waited > 0 {
			t.Errorf("200 background requests waited %v behind the spare ones", waited)
		}
	})
}

// TestDearSpareRequestsAreSpreadOverWindows: if the others leave less than what a request
// costs, spare requests take the points of several minutes, and no more.
func TestDearSpareRequestsAreSpreadOverWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cost, polled, left = 9, 5, 50 - 5*9
		b, err := whereby.NewBudget(0.5)
		if err == nil {
			err = b.SetReadCost(cost)
		}
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() { // a poll every few minutes, which may come at any time
			for ctx.Err() == nil {
				for range polled {
					_ = b.Wait(ctx, whereby.Foreground)
				}
				time.Sleep(4 * time.Minute)
			}
		})
		spare := 0
		wg.Go(func() {
			for b.Wait(ctx, whereby.Spare) == nil {
				spare++
			}
		})
		wg.Wait()
		if most := 180 * left / cost; spare > most || spare < most/2 {
			t.Errorf("%d spare requests in three hours, want %d at most, and half as many", spare, most)
		}
	})
}
