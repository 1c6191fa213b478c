package whereby_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// budget is one that takes every request for a point, so that a test counts requests.
func budget(t *testing.T, share float64) *whereby.Budget {
	t.Helper()
	b, err := whereby.NewBudget(share)
	if err == nil {
		err = b.SetReadCost(1)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAShareIsAboveZeroAndAtMostOne(t *testing.T) {
	for share, ok := range map[float64]bool{-1: false, 0: false, 1e-9: true, 0.25: true, 1: true, 1.01: false} {
		if _, err := whereby.NewBudget(share); (err == nil) != ok {
			t.Errorf("share %v: %v", share, err)
		}
	}
}

func TestAllowance(t *testing.T) {
	for _, tc := range []struct {
		share      float64
		limit      int
		points     int
		background int
		minutes    float64
	}{
		{0.25, 100, 25, 19, 1},
		{0.25, 1000, 250, 188, 1},
		{0.29, 100, 29, 22, 1}, // 28.999999999999996 as a float64
		{1, 100, 100, 75, 1},
		{0.01, 100, 1, 1, 1},
		{0.02, 100, 2, 1, 1},
		{0.005, 100, 1, 1, 2},
		{0.25, 1, 1, 1, 4},
	} {
		points, window := whereby.Allowance(tc.share, tc.limit)
		if points != tc.points || whereby.BackgroundAllowance(points) != tc.background {
			t.Errorf("%v of %d: %d points, %d in the background; want %d and %d", tc.share, tc.limit,
				points, whereby.BackgroundAllowance(points), tc.points, tc.background)
		}
		if got := window.Minutes() / tc.minutes; got < 1 || got > 1.02 {
			t.Errorf("%v of %d: window %v, want %v minutes and no more than a fiftieth above", tc.share, tc.limit, window, tc.minutes)
		}
	}
}

// TestNoMinuteSpendsMoreThanTheShare lets many greedy clients, some of them in the
// background, spend for simulated hours while the organization's limit changes,
// and looks at every window of a minute.
func TestNoMinuteSpendsMoreThanTheShare(t *testing.T) {
	for _, tc := range []struct {
		share float64
		limit int
		span  time.Duration
	}{{0.25, 100, time.Hour}, {0.25, 1000, time.Hour}, {1, 100, time.Hour}, {0.03, 100, 3 * time.Hour}, {0.004, 100, 3 * time.Hour}} {
		t.Run(fmt.Sprintf("%v of %d", tc.share, tc.limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				random := rand.New(rand.NewPCG(seed, 0))
				s := &endless{limit: tc.limit}
				c := s.client(budget(t, tc.share))
				ctx, cancel := context.WithTimeout(t.Context(), tc.span)
				defer cancel()
				var wg sync.WaitGroup
				for i := range 8 {
					c := c
					if i%2 == 1 {
						c = c.Background()
					}
					pause := time.Duration(random.IntN(3000)) * time.Millisecond
					wg.Go(func() {
						for ctx.Err() == nil {
							for _, err := range c.Rooms(ctx, whereby.RoomsQuery{}) {
								if err != nil && !errors.Is(err, context.DeadlineExceeded) {
									t.Error(err)
									return
								}
								time.Sleep(pause)
							}
						}
					})
				}
				wg.Wait()

				allowed := max(1, int(tc.share*float64(tc.limit)+1e-9))
				minute := time.Duration(float64(time.Minute) * max(1, 1/(tc.share*float64(tc.limit))))
				times := s.times
				for i := range times {
					if i+allowed < len(times) && times[i+allowed].Sub(times[i]) < minute {
						t.Fatalf("%d requests within %v from %v on", allowed+1, times[i+allowed].Sub(times[i]), times[i])
					}
				}
				most := tc.span.Seconds() / minute.Seconds() * float64(allowed)
				if least := int(most * 0.9); len(times) < least {
					t.Errorf("only %d requests in %v, although %d would have been allowed", len(times), tc.span, int(most))
				}
			})
		})
	}
}

// endless serves pages without end, at once, with rate limit headers.
type endless struct {
	mu        sync.Mutex
	limit     int
	remaining int // 0 stands for all
	times     []time.Time
}

func (s *endless) client(b *whereby.Budget) *whereby.Client {
	c := client(nil)
	c.HTTPClient.Transport = s
	c.Budget = b
	return c
}

func TestALowerLimitHoldsFromTheNextRequestOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &endless{limit: 1000}
		b := budget(t, 0.25)
		spend(t, s, s.client(b), time.Minute-time.Nanosecond)
		if got := len(s.times); got != 250 {
			t.Errorf("%d requests in the first minute at a limit of 1000, want 250", got)
		}
		s.limit = 40
		spend(t, s, s.client(b), 2*time.Second) // the answers tell of the new limit
		if b.Limit() != 40 {
			t.Errorf("the limit is %d, want 40", b.Limit())
		}
		before := len(s.times)
		time.Sleep(2 * time.Minute)
		spend(t, s, s.client(b), time.Minute-time.Nanosecond)
		if got := len(s.times) - before; got != 10 {
			t.Errorf("%d requests in a minute at a limit of 40, want 10", got)
		}
	})
}

// spend reads pages for d, as fast as the budget lets.
func spend(t *testing.T, _ *endless, c *whereby.Client, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for ctx.Err() == nil {
		for _, err := range c.Rooms(ctx, whereby.RoomsQuery{}) {
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			break
		}
	}
}

func TestBackgroundRequestsLeaveAQuarter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &endless{limit: 100}
		c := s.client(budget(t, 0.4))
		spend(t, s, c.Background(), 30*time.Second)
		if got := len(s.times); got != 30 {
			t.Errorf("%d background requests, want 30", got)
		}
		start := time.Now()
		for range 10 {
			spendOne(t, c)
		}
		if waited := time.Since(start); waited > 0 {
			t.Errorf("the others waited %v behind the background", waited)
		}
	})
}

// TestNeitherKindStarves lets both kinds want far more than there is: each gets
// its quarter at least, and together they get all.
func TestNeitherKindStarves(t *testing.T) {
	for _, points := range []int{40, 2, 1} {
		t.Run(fmt.Sprintf("%d points a minute", points), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { starveNeither(t, points) })
		})
	}
}

func starveNeither(t *testing.T, points int) {
	s := &endless{limit: 100}
	c := s.client(budget(t, float64(points)/100))
	counts := map[bool]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for i := range 6 {
		background := i%3 == 0
		client := *c
		client.OnExchange = func(whereby.Exchange) {
			mu.Lock()
			defer mu.Unlock()
			counts[background]++
		}
		one := &client
		if background {
			one = one.Background()
		}
		wg.Go(func() {
			for ctx.Err() == nil {
				for range one.Rooms(ctx, whereby.RoomsQuery{}) {
					continue
				}
			}
		})
	}
	wg.Wait()
	t.Logf("in an hour: %d in the background, %d others", counts[true], counts[false])
	all := points * 59 // windows are a second longer than a minute
	little := points/2 + 2
	if counts[true] < all/4-little || counts[false] < all/4-little || counts[true]+counts[false] < all-points {
		t.Errorf("%d in the background and %d others, of %d", counts[true], counts[false], all)
	}
}

func spendOne(t *testing.T, c *whereby.Client) {
	t.Helper()
	for _, err := range c.Rooms(t.Context(), whereby.RoomsQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
}

func TestBackgroundRequestsHoldOffWhilePointsRunLow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &endless{limit: 100, remaining: 9}
		c := s.client(budget(t, 0.5))
		spendOne(t, c)
		start := time.Now()
		spendOne(t, c)
		if waited := time.Since(start); waited > 0 {
			t.Errorf("a request waited %v", waited)
		}
		s.remaining = 50
		spendOne(t, c.Background())
		if waited := time.Since(start); waited < time.Minute {
			t.Errorf("a background request waited only %v", waited)
		}
	})
}

func TestA429HoldsEveryRequestBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := &script{answers: []answer{
			{status: 429, header: map[string]string{"Retry-After": "30"}},
			{status: 200, body: onePage},
		}}
		b := budget(t, 1)
		c := client(throttle)
		c.Budget = b
		c.Retry.MaxThrottleWait = time.Second // the call itself gives up at once
		start := time.Now()
		if _, err := names(t, c); err == nil {
			t.Fatal("no error")
		}

		_, err := names(t, c)
		var refused *whereby.ThrottledError
		if !errors.As(err, &refused) || !refused.Local || len(throttle.requests) != 1 {
			t.Errorf("the next call gave %v after %d requests, want to be refused without one", err, len(throttle.requests))
		}

		other := client(throttle)
		other.Budget = b
		if _, err := names(t, other); err != nil {
			t.Fatal(err)
		}
		if waited := throttle.times[1].Sub(start); waited < 30*time.Second || waited > 31*time.Second {
			t.Errorf("another client's request was sent after %v, want 30 s", waited)
		}
	})
}

func TestARestartedProgramSpendsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &endless{limit: 100}
		var journal []whereby.Expense
		for range 40 { // a process that lives for three seconds each time
			b := budget(t, 0.25)
			b.Resume(whereby.BudgetState{Expenses: journal})
			b.OnSpend = func(e whereby.Expense) func(int) {
				journal = append(journal, e)
				return func(int) {}
			}
			spend(t, s, s.client(b), 3*time.Second)
		}
		if len(journal) != len(s.times) || len(journal) < 40 {
			t.Errorf("%d points were told of, and %d spent", len(journal), len(s.times))
		}
		for i := range s.times {
			if i+25 < len(s.times) && s.times[i+25].Sub(s.times[i]) < time.Minute {
				t.Fatalf("26 requests within %v", s.times[i+25].Sub(s.times[i]))
			}
		}

		b := budget(t, 0.25)
		b.Resume(whereby.BudgetState{Expenses: []whereby.Expense{{At: time.Now().Add(time.Hour), Points: 25}, {At: time.Now().Add(-time.Hour), Points: 25}}})
		start := time.Now()
		if err := b.Wait(t.Context(), whereby.Foreground); err != nil || time.Since(start) > 0 {
			t.Errorf("points of another time are in the way: %v, %v", err, time.Since(start))
		}
	})
}

// TestARestartDoesNotForgetTheLimit: what was spent of a large plan must not be held
// against the smallest one.
func TestARestartDoesNotForgetTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget(t, 0.25)
		b.Resume(whereby.BudgetState{Expenses: slices.Repeat([]whereby.Expense{{At: time.Now(), Points: 1, Limit: 1000}}, 200)})
		start := time.Now()
		for range 50 {
			if err := b.Wait(t.Context(), whereby.Foreground); err != nil {
				t.Fatal(err)
			}
		}
		if waited := time.Since(start); waited > 0 {
			t.Errorf("50 points next to 200 of 250 waited %v", waited)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget(t, 0.01)
		if err := b.Wait(t.Context(), whereby.Foreground); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Wait(ctx, whereby.Foreground); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
		if err := b.Wait(ctx, whereby.Foreground); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a context that is done, the error is %v", err)
		}
	})
}

// TestAWaitSurvivesARestart has an answer say to wait, and a new process.
func TestAWaitSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := &script{answers: []answer{
			{status: 429, header: map[string]string{"Retry-After": "60"}},
			{status: 200, body: onePage},
		}}
		var left whereby.BudgetState
		process := func() *whereby.Client {
			c := client(throttle)
			c.Budget = budget(t, 1)
			c.Budget.Resume(left)
			c.Budget.OnBlock = func(until time.Time) { left.BlockedUntil = until }
			return c
		}
		first := process()
		first.Retry.MaxThrottleWait = time.Second // it gives up at once
		if _, err := names(t, first); err == nil {
			t.Fatal("no error")
		}
		for range 4 {
			time.Sleep(2 * time.Second)
			again := process()
			again.Retry.MaxThrottleWait = time.Second
			if _, err := names(t, again); err == nil {
				t.Error("a new process does not wait")
			}
		}
		if _, err := names(t, process()); err != nil {
			t.Fatal(err)
		}
		if waited := throttle.times[1].Sub(throttle.times[0]); len(throttle.times) != 2 || waited < time.Minute {
			t.Errorf("%d requests, the second after %v; want 2, a minute apart", len(throttle.times), waited)
		}
	})
}

// TestARestartDoesNotForgetThePrice starts processes that live for some seconds, where a
// read costs 10.
func TestARestartDoesNotForgetThePrice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := wherebytest.New(wherebytest.Config{PointsPerMinute: 1000, Cost: func(string, int, time.Time) int { return 10 }})
		var left whereby.BudgetState
		for range 60 {
			b, err := whereby.NewBudget(0.25)
			if err != nil {
				t.Fatal(err)
			}
			b.Resume(left)
			b.OnSpend = func(e whereby.Expense) func(int) {
				n := len(left.Expenses)
				left.Expenses = append(left.Expenses, e)
				return func(points int) { left.Expenses[n].Points = points }
			}
			c := &whereby.Client{APIKey: whereby.StaticKey("test-key"), HTTPClient: &http.Client{Transport: account.RoundTripper()}}
			c.Budget = b
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			for range c.Rooms(ctx, whereby.RoomsQuery{}) {
				continue
			}
			for ctx.Err() == nil {
				for range c.Rooms(ctx, whereby.RoomsQuery{}) {
					continue
				}
			}
			cancel()
		}
		if most := wherebytest.MostPoints(account.Requests(), time.Minute); most > 260 || most < 200 {
			t.Errorf("%d points in a minute; want 250 and a request at most", most)
		}
	})
}
