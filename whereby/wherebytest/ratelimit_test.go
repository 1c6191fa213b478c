package wherebytest_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// Points come back in each way, at a limit of 60 points: one a second on average.
func TestPointsComeBack(t *testing.T) {
	type step struct {
		after  time.Duration // since the start
		spend  int           // by the application
		status int           // 0: no request
		left   int
		wait   time.Duration // with a 429
	}
	tests := []struct {
		name    string
		limiter wherebytest.Limiter
		steps   []step
	}{
		{"all at once, from the first request", wherebytest.FixedWindow, []step{
			{spend: 30, left: 30},
			{after: 50 * time.Second, spend: 20, left: 10},
			{after: 50 * time.Second, status: 200, left: 0},
			{after: 55 * time.Second, status: 429, left: 0, wait: 5 * time.Second},
			{after: 60*time.Second - time.Millisecond, status: 429, left: 0, wait: time.Millisecond},
			{after: 60 * time.Second, status: 200, left: 50},
			{after: 119 * time.Second, status: 200, left: 40},
			{after: 10 * time.Minute, left: 60},
		}},
		{"each a minute after it was spent", wherebytest.SlidingWindow, []step{
			{spend: 30, left: 30},
			{after: 50 * time.Second, spend: 20, left: 10},
			{after: 50 * time.Second, status: 200, left: 0},
			{after: 55 * time.Second, status: 429, left: 0, wait: 5 * time.Second},
			{after: 60*time.Second - time.Millisecond, left: 0},
			{after: 60 * time.Second, status: 200, left: 20},
			{after: 110*time.Second - time.Millisecond, left: 20},
			{after: 110 * time.Second, left: 50},
			{after: 10 * time.Minute, left: 60},
		}},
		{"evenly, so that more than the limit may go in a minute", wherebytest.TokenBucket, []step{
			{spend: 60, left: 0},
			{after: 500 * time.Millisecond, status: 429, left: 0, wait: 9500 * time.Millisecond},
			{after: 10*time.Second - time.Millisecond, status: 429, left: 9, wait: time.Millisecond},
			{after: 10 * time.Second, status: 200, left: 0},
			{after: 20 * time.Second, status: 200, left: 0},
			{after: 50 * time.Second, status: 200, left: 20},
			{after: 51 * time.Second, spend: 100, left: -1},
			{after: 10 * time.Minute, left: 60},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := wherebytest.New(wherebytest.Config{
					PointsPerMinute: 60, Limiter: test.limiter,
					Cost: func(string, int, time.Time) int { return 10 },
				})
				begin := time.Now()
				for _, s := range test.steps {
					time.Sleep(time.Until(begin.Add(s.after)))
					a.Spend(s.spend)
					if s.status != 0 {
						checkAnswer(t, a, s.after, s.status, s.wait)
					}
					if got := a.Remaining(); got != max(0, s.left) {
						t.Fatalf("after %v: %d points are left, want %d", s.after, got, s.left)
					}
				}
			})
		})
	}
}

// checkAnswer sends a request and checks its status, and what a 429 says of the
// time to wait.
func checkAnswer(t *testing.T, a *wherebytest.Account, after time.Duration, status int, wait time.Duration) {
	t.Helper()
	got := call(t, a, "rooms")
	if got.StatusCode != status {
		t.Fatalf("after %v: status %d, want %d", after, got.StatusCode, status)
	}
	if left := strconv.Itoa(a.Remaining()); got.Header.Get("X-RateLimit-Limit") != "60" || got.Header.Get("X-RateLimit-Remaining") != left {
		t.Errorf("after %v: headers %v, want 60 and %s points", after, got.Header, left)
	}
	reset, err := time.Parse(time.RFC3339, got.Header.Get("X-RateLimit-Reset"))
	if known := err == nil; known != (status == 429) {
		t.Errorf("after %v: status %d with X-RateLimit-Reset %q", after, status, got.Header.Get("X-RateLimit-Reset"))
	}
	if status != 429 {
		return
	}
	if want := fmt.Sprintf(`"msLeft":%d}`, wait.Milliseconds()); !reset.Equal(time.Now().Add(wait)) || !strings.Contains(string(got.body), want) {
		t.Errorf("after %v: reset in %v, body %s; want %v", after, time.Until(reset), got.body, wait)
	}
}

func TestCosts(t *testing.T) {
	byRows := func(endpoint string, rows int, at time.Time) int {
		cost := map[string]int{"rooms": 1, "room-sessions": 3, "participants": 5, "participant": 7}[endpoint] + rows/10
		if at.After(day.Add(time.Hour)) {
			cost++
		}
		return cost
	}
	tests := []struct {
		name     string
		cfg      wherebytest.Config
		endpoint string
		query    []string
		status   int
		cost     int
	}{
		{name: "1 point unless told otherwise", endpoint: "rooms", status: 200, cost: 1},
		{name: "by endpoint, rows and time", cfg: wherebytest.Config{Cost: byRows}, endpoint: "rooms", query: []string{"limit", "30"}, status: 200, cost: 1 + 3 + 1},
		{name: "rows are those of the page", cfg: wherebytest.Config{Cost: byRows}, endpoint: "rooms", query: []string{"limit", "10"}, status: 200, cost: 1 + 1 + 1},
		{name: "sessions", cfg: wherebytest.Config{Cost: byRows}, endpoint: "room-sessions", query: []string{"roomName", acme(1)}, status: 200, cost: 3 + 1},
		{name: "participants", cfg: wherebytest.Config{Cost: byRows}, endpoint: "participants", query: []string{"roomSessionId", "x"}, status: 200, cost: 5 + 1},
		{name: "a participant", cfg: wherebytest.Config{Cost: byRows}, endpoint: "participant", query: []string{"roomSessionId", "x", "participantId", "y"}, status: 200, cost: 7 + 1},
		{name: "a bad request costs what no rows cost", cfg: wherebytest.Config{Cost: byRows}, endpoint: "rooms", query: []string{"limit", "0"}, status: 400, cost: 1 + 1},
		{name: "a wrong key costs nothing", cfg: wherebytest.Config{APIKey: "other", Cost: byRows}, endpoint: "rooms", status: 401},
		{name: "nor does a cost below nothing", cfg: wherebytest.Config{Cost: func(string, int, time.Time) int { return -3 }}, endpoint: "rooms", status: 200},
		{name: "a cost above the limit needs all of it", cfg: wherebytest.Config{PointsPerMinute: 5, Cost: func(string, int, time.Time) int { return 10 }}, endpoint: "rooms", status: 200, cost: 10},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := withRooms(40, test.cfg)
			before := a.Remaining()
			if got := call(t, a, test.endpoint, test.query...); got.StatusCode != test.status {
				t.Fatalf("status %d, want %d", got.StatusCode, test.status)
			}
			if got := a.Requests()[0]; got.Cost != test.cost || got.Refused || before-a.Remaining() != min(before, test.cost) {
				t.Errorf("logged as %+v and %d points fewer, want %d", got, before-a.Remaining(), test.cost)
			}
		})
	}
}

func TestRefusalsAreLogged(t *testing.T) {
	for _, cost := range []int{0, 1} {
		t.Run(fmt.Sprintf("at a cost of %d", cost), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := wherebytest.New(wherebytest.Config{PointsPerMinute: 2, Limiter: wherebytest.SlidingWindow, RefusalCost: cost})
				a.Spend(1)
				time.Sleep(30 * time.Second)
				for _, status := range []int{200, 429, 429} {
					if got := call(t, a, "rooms").StatusCode; got != status {
						t.Fatalf("status %d, want %d", got, status)
					}
				}
				got := a.Requests()
				if got[0].Cost != 1 || got[0].Refused || got[2].Cost != cost || !got[2].Refused {
					t.Errorf("logged %+v", got)
				}
				time.Sleep(30 * time.Second) // the application's point is back, two refusals are spent
				if got, want := a.Remaining(), max(0, 1-2*cost); got != want {
					t.Errorf("%d points are left, want %d", got, want)
				}
			})
		})
	}
	a := wherebytest.New(wherebytest.Config{})
	a.Inject(wherebytest.Status(http.StatusTooManyRequests))
	call(t, a, "rooms")
	if got := a.Requests()[0]; got.Refused || got.Cost != 1 {
		t.Errorf("a fault is logged as %+v", got)
	}
}

func TestMostPoints(t *testing.T) {
	request := func(second, cost int) wherebytest.Request {
		return wherebytest.Request{Time: day.Add(time.Duration(second) * time.Second), Cost: cost}
	}
	tests := []struct {
		name     string
		requests []wherebytest.Request
		want     int
	}{
		{"no request", nil, 0},
		{"one request", []wherebytest.Request{request(0, 7)}, 7},
		{"a minute apart is not within one", []wherebytest.Request{request(0, 7), request(60, 5)}, 7},
		{"the most expensive stretch", []wherebytest.Request{request(0, 1), request(50, 2), request(70, 3), request(109, 4), request(110, 5)}, 12},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := wherebytest.MostPoints(test.requests, time.Minute); got != test.want {
				t.Errorf("%d points, want %d", got, test.want)
			}
		})
	}
}

func TestProductionKeepsWithinItsShare(t *testing.T) {
	for _, limiter := range []wherebytest.Limiter{wherebytest.FixedWindow, wherebytest.SlidingWindow, wherebytest.TokenBucket} {
		for _, c := range []struct {
			limit int
			share float64
		}{{100, 0}, {1000, 0}, {100, 0.29}, {1000, 1}} {
			t.Run(fmt.Sprintf("limiter %d, limit %d, share %v", limiter, c.limit, c.share), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := wherebytest.New(wherebytest.Config{PointsPerMinute: c.limit, Limiter: limiter})
					p := &wherebytest.Production{Account: a, Share: c.share, Seed: 1}
					run(t, p, 2*time.Hour)
					share := c.share
					if share == 0 {
						share = 0.75
					}
					most := wherebytest.MostPoints(p.Requests(), time.Minute)
					if allowed := int(share*float64(c.limit) + 0.001); most > allowed || most < allowed-3 {
						t.Errorf("at most %d points a minute, want %d", most, allowed)
					}
					if p.Refused() != 0 {
						t.Errorf("%d requests were refused", p.Refused())
					}
					checkMix(t, p.Requests())
					if len(a.Requests()) != 0 {
						t.Errorf("%d requests are the reader's", len(a.Requests()))
					}
				})
			})
		}
	}
}

// run lets an application work for a time.
func run(t *testing.T, p *wherebytest.Production, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var done sync.WaitGroup
	done.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	done.Wait()
}

func checkMix(t *testing.T, requests []wherebytest.Request) {
	t.Helper()
	costs := map[string]int{wherebytest.EndpointReadMeeting: 1, wherebytest.EndpointCreateMeeting: 3, wherebytest.EndpointDeleteMeeting: 2}
	seen := map[string]int{}
	for _, r := range requests {
		seen[r.Endpoint]++
		if r.Cost != costs[r.Endpoint] || r.Refused {
			t.Fatalf("request %+v", r)
		}
	}
	if len(seen) != 3 {
		t.Errorf("requests %v, want all kinds", seen)
	}
}

func TestProductionWorksInRealTime(t *testing.T) {
	a := wherebytest.New(wherebytest.Config{PointsPerMinute: 1 << 24})
	p := &wherebytest.Production{Account: a}
	run(t, p, 50*time.Millisecond)
	if len(p.Requests()) == 0 || p.Refused() != 0 {
		t.Errorf("%d requests, %d of them refused; want some and none", len(p.Requests()), p.Refused())
	}
}

func TestProductionIsToldOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := wherebytest.New(wherebytest.Config{PointsPerMinute: 100})
		a.Spend(100)
		p := &wherebytest.Production{Account: a, Seed: 3}
		run(t, p, 59*time.Second)
		requests := p.Requests()
		if len(requests) == 0 || p.Refused() != len(requests) || !requests[0].Refused || requests[0].Cost != 0 || requests[0].Status != 429 {
			t.Errorf("%d of %d requests were refused; want all", p.Refused(), len(requests))
		}
	})
}
