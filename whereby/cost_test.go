package whereby_test

import (
	"cmp"
	"context"
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

// prices are what requests may cost, each by its endpoint, the rows of its answer, and the
// time since the start. Some change in the middle.
var prices = map[string]func(endpoint string, rows int, since time.Duration) int{
	"1":  func(string, int, time.Duration) int { return 1 },
	"3":  func(string, int, time.Duration) int { return 3 },
	"5":  func(string, int, time.Duration) int { return 5 },
	"10": func(string, int, time.Duration) int { return 10 },
	"by endpoint": func(endpoint string, _ int, _ time.Duration) int {
		return map[string]int{whereby.EndpointRooms: 5, whereby.EndpointRoomSessions: 3, whereby.EndpointParticipants: 1}[endpoint]
	},
	"by rows": func(_ string, rows int, _ time.Duration) int { return 1 + rows/12 },
	"rising": func(_ string, _ int, since time.Duration) int {
		if since < priceChange {
			return 1
		}
		return 10
	},
	"falling": func(_ string, _ int, since time.Duration) int {
		if since < priceChange {
			return 10
		}
		return 1
	},
	"rising by steps": func(_ string, _ int, since time.Duration) int { return min(10, 1+int(since/(3*time.Minute))) },
}

const priceChange = 20 * time.Minute

// slow answers after a while, as a network does.
type slow struct {
	http.RoundTripper
	mu     sync.Mutex
	random *rand.Rand
	most   time.Duration
}

func (s *slow) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.RoundTripper.RoundTrip(r)
	if s.most > 0 {
		s.mu.Lock()
		wait := time.Duration(s.random.Int64N(int64(s.most)))
		s.mu.Unlock()
		time.Sleep(wait)
	}
	return resp, err
}

// spender is an exporter that wants all that it can get of an account, which it shares
// with production.
type spender struct {
	account    *wherebytest.Account
	production *wherebytest.Production
	budget     *whereby.Budget
	began      time.Time
}

// spendAll has polls, background reads and sampling spend for a while.
func spendAll(t *testing.T, limit int, share float64, limiter wherebytest.Limiter, price string, latency, d time.Duration, seed uint64) *spender {
	t.Helper()
	began := time.Now()
	account := wherebytest.New(wherebytest.Config{
		PointsPerMinute: limit, Limiter: limiter,
		Cost: func(endpoint string, rows int, at time.Time) int { return prices[price](endpoint, rows, at.Sub(began)) },
	})
	const room = "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd"
	for i := range 120 {
		account.AddRoom(wherebytest.Room{Name: fmt.Sprintf("%s%012x", room[:len(room)-12], i)})
	}
	b, err := whereby.NewBudget(share)
	if err != nil {
		t.Fatal(err)
	}
	s := &spender{account: account, budget: b, began: began}
	// The rest is what a share and one request leave.
	s.production = &wherebytest.Production{Account: account, Share: 1 - share - whereby.MaxReadCost/float64(limit), Seed: seed}
	random := rand.New(rand.NewPCG(seed, 1))
	client := &whereby.Client{
		APIKey: whereby.StaticKey("test-key"), Budget: b,
		HTTPClient: &http.Client{Transport: &slow{RoundTripper: account.RoundTripper(), random: random, most: latency}},
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.production.Run(ctx) })
	wg.Go(func() { // polls of two pages, every minute
		for ctx.Err() == nil {
			for range client.Rooms(ctx, whereby.RoomsQuery{}) {
				continue
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Minute):
			}
		}
	})
	wg.Go(func() {
		for c := client.Background(); ctx.Err() == nil; {
			for range c.RoomSessions(ctx, whereby.RoomSessionsQuery{RoomName: room}) {
				continue
			}
		}
	})
	wg.Go(func() {
		for c := client.WithPriority(whereby.Spare); ctx.Err() == nil; {
			for range c.Participants(ctx, whereby.ParticipantsQuery{RoomSessionID: "none"}) {
				continue
			}
		}
	})
	wg.Wait()
	return s
}

// worst returns the most that was spent in a minute, and the most expensive request.
func (s *spender) worst() (most, highest int) {
	requests := s.account.Requests()
	for _, r := range requests {
		highest = max(highest, r.Cost)
	}
	return wherebytest.MostPoints(requests, time.Minute), highest
}

// spentFrom is what was spent from a time since the start on, until another.
func (s *spender) spentFrom(from, to time.Duration) (points int) {
	for _, r := range s.account.Requests() {
		if since := r.Time.Sub(s.began); since >= from && since < to {
			points += r.Cost
		}
	}
	return points
}

// limiters are the ways in which points may come back: Whereby does not say which is its.
var limiters = map[string]wherebytest.Limiter{
	"fixed window": wherebytest.FixedWindow, "sliding window": wherebytest.SlidingWindow, "token bucket": wherebytest.TokenBucket,
}

// latencies are how long answers take at most.
var latencies = []time.Duration{0, 5 * time.Millisecond, 50 * time.Millisecond, 300 * time.Millisecond}

// TestNoMinuteCostsMoreThanTheShareAndOneRequest has an exporter that wants all, and
// production that keeps within the rest, for each price.
func TestNoMinuteCostsMoreThanTheShareAndOneRequest(t *testing.T) {
	const share = 0.25
	for price := range prices {
		for name, limiter := range limiters {
			for _, limit := range []int{100, 1000} {
				if limit > 100 && testing.Short() {
					continue // the same goroutines meet, ten times as often
				}
				seed := rand.Uint64()
				latency := latencies[seed%uint64(len(latencies))]
				t.Run(fmt.Sprintf("%s, %s of %d, answers within %v", price, name, limit, latency), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						s := spendAll(t, limit, share, limiter, price, latency, priceChange+15*time.Minute, seed)
						most, highest := s.worst()
						if limit := int(share*float64(limit)) + highest; most > limit {
							t.Errorf("seed %d: %d points in a minute; want %d at most", seed, most, limit)
						}
						if n := s.production.Refused(); n > 0 {
							t.Errorf("seed %d: %d of production's %d requests were refused", seed, n, len(s.production.Requests()))
						}
					})
				})
			}
		}
	}
}

// TestCheapReadsUseTheShare has an exporter that reads all that it can at a point a read,
// next to production. With few points and with answers that take long, it cannot tell its own
// spending from production's every time, and takes reads for more expensive; with a sliding window it
// never can. With a fixed window, the least of a hundred runs was 77% of the share of 100
// points, 58% with slow answers, and 91% of that of 1,000, 74% with slow answers; a later run
// used 47% of the share of 100 points. So the middle one of three runs decides.
func TestCheapReadsUseTheShare(t *testing.T) {
	if testing.Short() {
		t.Skip("too long with the race detector: it runs without")
	}
	const share = 0.25
	for name, limiter := range limiters {
		for _, limit := range []int{100, 1000} {
			for _, latency := range latencies {
				least := 0.8
				switch slow := latency > 50*time.Millisecond; {
				case limiter == wherebytest.SlidingWindow:
					least = 0.08
				case limit == 100 && slow:
					least = 0.5
				case slow:
					least = 0.65
				case limit == 100:
					least = 0.7
				}
				t.Run(fmt.Sprintf("%s of %d, answers within %v", name, limit, latency), func(t *testing.T) {
					t.Parallel()
					type run struct {
						seed uint64
						used float64
					}
					var runs []run
					for range 3 {
						seed := rand.Uint64()
						synctest.Test(t, func(t *testing.T) {
							const from, to = 5, 20
							s := spendAll(t, limit, share, limiter, "1", latency, to*time.Minute, seed)
							// Background and spare requests leave a quarter to polls, which here need
							// three requests a minute.
							allowed := float64(whereby.BackgroundAllowance(int(share*float64(limit))) + 3)
							used := float64(s.spentFrom(from*time.Minute, to*time.Minute)) / (to - from) / allowed
							runs = append(runs, run{seed, used})
						})
					}
					slices.SortFunc(runs, func(a, b run) int { return cmp.Compare(a.used, b.used) })
					t.Logf("seeds and share used: %v", runs)
					if runs[1].used < least {
						t.Errorf("used in the middle: %.0f %% of the share, want %.0f %% at least; seeds and shares: %v", 100*runs[1].used, 100*least, runs)
					}
				})
			}
		}
	}
}
