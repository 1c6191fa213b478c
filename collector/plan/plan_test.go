package plan_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"whereby_exporter/collector/golden"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/plan"
	"whereby_exporter/collector/poller"
	"whereby_exporter/collector/prefix"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// account is one with the exporter's default flags.
func account(points, rooms, active int) plan.Account {
	return plan.Account{
		PointsPerMinute: points, Rooms: rooms, Active: active,
		Share: 0.25, Interval: time.Minute, FullPollInterval: 6 * time.Hour,
	}
}

func withShare(a plan.Account, share float64) plan.Account {
	a.Share = share
	return a
}

func withRecordings(a plan.Account, recordings int) plan.Account {
	a.Recordings = recordings
	return a
}

// Whereby's plans, by points a minute.
const (
	build      = 100
	enterprise = 1000
)

func TestPointsPerMinuteAreThoseOfWherebysPlans(t *testing.T) {
	for _, c := range []struct {
		plan   string
		points int
		known  bool
	}{{"build", build, true}, {"enterprise", enterprise, true}, {"grow", enterprise, true}, {"huge", 0, false}, {"", 0, false}} {
		if points, known := plan.PointsPerMinute(c.plan); points != c.points || known != c.known {
			t.Errorf("%q has %d points a minute, %v; want %d, %v", c.plan, points, known, c.points, c.known)
		}
	}
}

func TestPlansAreWhatTheAccountNeeds(t *testing.T) {
	for _, c := range []struct {
		name        string
		account     plan.Account
		points      int
		full, short int
		first       time.Duration
		every       time.Duration
	}{
		{"an empty account is one page", account(build, 0, 0), 25, 1, 1, 0, time.Minute},
		{"one room is one page", account(build, 1, 1), 25, 1, 1, 0, time.Minute},
		{"a full page is one page", account(build, 100, 100), 25, 1, 1, 0, time.Minute},
		{"a room more is two, and the checks of the order", account(build, 101, 101), 25, 4, 2, 0, time.Minute},
		{"few active rooms are two pages of many", account(enterprise, 20_000, 100), 250, 202, 2, 61 * time.Second, time.Minute},
		{"no active room is one page of many", account(enterprise, 20_000, 0), 250, 202, 1, 61 * time.Second, time.Minute},
		{"a million rooms on Grow", account(enterprise, 1_000_000, 500), 250, 10_002, 6, 80 * 61 * time.Second, time.Minute},
		{"a million rooms on Build", account(build, 1_000_000, 500), 25, 10_002, 6, 800 * 61 * time.Second, time.Minute},
		{"more active rooms than points for them", account(build, 20_000, 10_000), 25, 202, 101, 16 * 61 * time.Second, 101 * 61 * time.Second / 25},
		{"less than a point a minute", withShare(account(build, 1000, 100), 0.005), 1, 12, 2, 21 * 122 * time.Second, 2 * 122 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan.Make(c.account)
			if p.Points != c.points || p.FullRequests != c.full || p.ShortRequests != c.short || p.FirstFullPoll != c.first || p.Every.Round(time.Second) != c.every.Round(time.Second) {
				t.Errorf("got %d points, %d and %d requests, a first full poll of %v, a poll every %v; want %d, %d and %d, %v, %v",
					p.Points, p.FullRequests, p.ShortRequests, p.FirstFullPoll, p.Every, c.points, c.full, c.short, c.first, c.every)
			}
			assertSane(t, c.account, p)
		})
	}
}

// assertSane checks what holds for the plan of any account.
func assertSane(t *testing.T, a plan.Account, p plan.Plan) {
	t.Helper()
	switch {
	case p.Points < 1 || p.Window < time.Minute:
		t.Errorf("%+v: %d points in %v", a, p.Points, p.Window)
	case p.FullRequests < 1 || p.ShortRequests < 1 || p.ShortRequests > p.FullRequests:
		t.Errorf("%+v: %d requests for a full poll and %d for a short one", a, p.FullRequests, p.ShortRequests)
	case p.FirstFullPoll < 0 || p.LaterFullPolls < 0:
		t.Errorf("%+v: %v for the first full poll and %v for later ones", a, p.FirstFullPoll, p.LaterFullPolls)
	case p.FirstRequests < p.FullRequests || p.FirstRequests > 2*p.FullRequests:
		t.Errorf("%+v: %d requests for the first full poll and %d for later ones, which read pages once", a, p.FirstRequests, p.FullRequests)
	case p.Every < a.Interval:
		t.Errorf("%+v: a poll every %v, which is less than the interval", a, p.Every)
	case p.Freshness < 15*time.Minute+p.Every:
		t.Errorf("%+v: figures are %v old, with a poll every %v", a, p.Freshness, p.Every)
	case p.LeftPerHour < 0:
		t.Errorf("%+v: %d points are left", a, p.LeftPerHour)
	}
	// Steady polls alone never overspend.
	spent := float64(p.ShortRequests) / p.Every.Seconds() * p.Window.Seconds()
	if spent > float64(p.Points)*1.000001 {
		t.Errorf("%+v: short polls spend %v points in %v, and %d may be spent", a, spent, p.Window, p.Points)
	}
}

func TestMoreRoomsNeverCostLess(t *testing.T) {
	for _, points := range []int{build, enterprise} {
		for _, share := range []float64{0.001, 0.005, 0.01, 0.25, 1} {
			for _, busy := range []float64{0, 0.01, 0.5, 1} {
				var last plan.Plan
				for _, rooms := range []int{0, 1, 99, 100, 101, 199, 200, 201, 1000, 10_000, 100_000, 1_000_000} {
					a := withShare(account(points, rooms, int(busy*float64(rooms))), share)
					p := plan.Make(a)
					assertSane(t, a, p)
					if p.FullRequests < last.FullRequests || p.FirstFullPoll < last.FirstFullPoll || p.LaterFullPolls < last.LaterFullPolls ||
						p.ShortRequests < last.ShortRequests || p.Every < last.Every || p.Freshness < last.Freshness {
						t.Errorf("%+v: cheaper than the account before it: %+v, then %+v", a, last, p)
					}
					if last.FullRequests > 0 && p.LeftPerHour > last.LeftPerHour {
						t.Errorf("%+v: leaves %d points, a smaller account %d", a, p.LeftPerHour, last.LeftPerHour)
					}
					last = p
				}
			}
		}
	}
}

// TestOtherListsTakeTheirShare: what reading transcriptions and recordings costs is not left
// to call quality. That a day costs no more of either than said is a test of the collector.
func TestOtherListsTakeTheirShare(t *testing.T) {
	for _, c := range []struct {
		recordings, requests int
		left                 int
	}{
		{0, 1, 0}, {100, 1, 0}, {700, 7, 1}, {30_000, 300, 50},
	} {
		a := account(enterprise, 20_000, 10_000) // polls leave less than the share that the sampler may take
		without := plan.Make(a)
		a.Recordings = c.recordings
		p := plan.Make(a)
		if p.TranscriptionsPerHour != 60 || p.RecordingsRequests != c.requests {
			t.Errorf("%d recordings: %d requests for transcriptions an hour and %d for recordings; want 60 and %d",
				c.recordings, p.TranscriptionsPerHour, p.RecordingsRequests, c.requests)
		}
		// A list of recordings is read four times a day.
		if less := without.LeftPerHour - p.LeftPerHour; less != c.left {
			t.Errorf("%d recordings leave %d requests an hour less; want %d", c.recordings, less, c.left)
		}
		assertSane(t, a, p)
	}
}

func TestMoreActiveRoomsNeverCostLess(t *testing.T) {
	var last plan.Plan
	for active := 0; active <= 10_000; active += 50 {
		a := account(build, 10_000, active)
		p := plan.Make(a)
		assertSane(t, a, p)
		if p.ShortRequests < last.ShortRequests || p.Every < last.Every || p.Freshness < last.Freshness {
			t.Errorf("%d active rooms are cheaper than fewer: %+v, then %+v", active, last, p)
		}
		last = p
	}
}

func TestThePrintedPlan(t *testing.T) {
	for _, c := range []struct {
		name    string
		account plan.Account
	}{
		{"one-room", account(build, 1, 1)},
		{"enterprise", account(enterprise, 20_000, 500)},
		{"a-hundred-thousand-recordings", withRecordings(account(build, 5000, 500), 100_000)},
		{"a-million-rooms-on-build", account(build, 1_000_000, 500)},
		{"a-minute-is-too-short-for-a-point", withShare(account(build, 1000, 100), 0.008)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got bytes.Buffer
			expensive := c.account
			expensive.ReadCost = whereby.MaxReadCost
			if err := plan.Print(&got, c.account, plan.Make(c.account), plan.Make(expensive)); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "testdata/"+c.name+".txt", got.String())
		})
	}
}

// TestAPollerKeepsToItsPlan runs a real poller on a simulated account, in fake
// time, and compares what it spent.
func TestAPollerKeepsToItsPlan(t *testing.T) {
	for _, c := range []struct {
		name    string
		account plan.Account
	}{
		{"a small account on Build", account(build, 80, 20)},
		{"a page more than one", account(build, 101, 30)},
		{"an account whose first poll takes several minutes", account(build, 7000, 150)},
		{"an account whose polls leave little to a full poll in the background", account(build, 2500, 900)},
		{"an account on Grow", account(enterprise, 12_000, 420)},
		{"less than a point a minute", withShare(account(build, 900, 90), 0.005)},
		{"a large share", withShare(account(build, 5000, 100), 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.account.FullPollInterval = 30 * time.Minute
			synctest.Test(t, func(t *testing.T) { comparePoller(t, c.account) })
		})
	}
}

func comparePoller(t *testing.T, a plan.Account) {
	p := plan.Make(a)
	simulated := wherebytest.New(wherebytest.Config{PointsPerMinute: a.PointsPerMinute, Lag: 15 * time.Minute})
	// Insights' delay keeps meetings during a poll from making it longer. Rooms that
	// are not active were last used more than a day ago.
	name := func(i int) string { return fmt.Sprintf("/acme-%08x-0000-4000-8000-%012x", i, i) }
	for i := range a.Rooms {
		used := time.Now().Add(-48*time.Hour - time.Duration(i)*time.Minute)
		if i < a.Active {
			used = time.Now().Add(-time.Hour - time.Duration(i)*time.Second)
		}
		simulated.AddRoom(wherebytest.Room{Name: name(i), CreatedAt: used, FirstSession: used, LastSession: used,
			Totals: wherebytest.Totals{Sessions: 1, ParticipantMinutes: 3}})
	}

	var mu sync.Mutex // two polls may end at once
	var results []poller.Result
	budget, err := whereby.NewBudget(a.Share)
	if err == nil {
		err = budget.SetReadCost(1)
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(store.NewMemory(), ledger.Options{Prefixes: prefix.Options{Classify: func(string) string { return "acme-" }}})
	if err != nil {
		t.Fatal(err)
	}
	poll := poller.New(&whereby.Client{
		APIKey: whereby.StaticKey("test-key"), HTTPClient: &http.Client{Transport: simulated.RoundTripper()}, Budget: budget,
	}, l, poller.Config{
		Interval: a.Interval, FullPollInterval: a.FullPollInterval, Logger: slog.New(slog.DiscardHandler),
		OnPoll: func(r poller.Result) {
			mu.Lock()
			defer mu.Unlock()
			results = append(results, r)
		},
	})
	// The active rooms stay active, and no other becomes it.
	random := rand.New(rand.NewPCG(1, 1))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = poll.Run(ctx)
	}()
	until := p.FirstFullPoll + a.FullPollInterval + 2*p.LaterFullPolls + 10*p.Every
	for start := time.Now(); time.Since(start) < until; time.Sleep(30 * time.Second) {
		simulated.Use(name(random.IntN(a.Active)), wherebytest.Totals{Sessions: 1, ParticipantMinutes: 5}, time.Now())
	}
	cancel()
	<-done
	compareResults(t, a, p, results)
}

func compareResults(t *testing.T, a plan.Account, p plan.Plan, results []poller.Result) {
	t.Helper()
	first := results[0]
	if first.Kind != poller.Full {
		t.Fatalf("the first poll is %+v", first)
	}
	assertNear(t, "requests of the first poll", float64(first.Pages), float64(p.FirstRequests), 0)
	assertNear(t, "minutes of the first poll", minutes(first), p.FirstFullPoll.Minutes(), 0)
	// Where short polls read everything, or order can't be shown, no others are due.
	anyFull := p.FullRequests > p.ShortRequests+2
	var short, full int
	var last poller.Result
	for _, r := range results[1:] {
		switch {
		case r.Err != nil:
			t.Errorf("a poll failed: %+v", r)
		case r.Kind == poller.Full && anyFull:
			full++
			assertNear(t, "requests of a later full poll", float64(r.Pages), float64(p.FullRequests), 0)
			if p.ShortRequests <= p.Points/2 { // otherwise the plan is only a guess
				assertNear(t, "minutes of a later full poll", minutes(r), p.LaterFullPolls.Minutes(), 1)
			}
		default:
			short++
			if r.Pages > p.ShortRequests {
				t.Errorf("a short poll took %d requests; the plan says %d", r.Pages, p.ShortRequests)
			}
			if between := r.Started.Sub(last.Started); short > 1 && full == 0 && r.Started.Before(first.Ended.Add(a.FullPollInterval)) {
				assertNear(t, "minutes from one short poll to the next", between.Minutes(), p.Every.Minutes(), 0)
			}
			last = r
		}
	}
	if short == 0 || anyFull && full == 0 {
		t.Errorf("%d short and %d later full polls ran; want some of each", short, full)
	}
}

func minutes(r poller.Result) float64 { return r.Ended.Sub(r.Started).Minutes() }

// assertNear allows for a tenth, and for some more where the plan is in whole minutes.
func assertNear(t *testing.T, what string, got, planned, more float64) {
	t.Helper()
	if math.Abs(got-planned) > planned/10+more+1e-9 {
		t.Errorf("%s: %v; the plan says %v", what, got, planned)
	}
}
