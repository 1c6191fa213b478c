package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

// unlimited is a limit that no test reaches: these are about figures, not points.
const unlimited = 1 << 30

// life changes an account at random.
type life struct {
	mu      sync.Mutex
	account *wherebytest.Account
	seed    uint64
	random  *rand.Rand
	rooms   []string
	added   int
}

func newLife(t testing.TB, account *wherebytest.Account, rooms int) *life {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	l := &life{account: account, seed: seed, random: rand.New(rand.NewPCG(seed, 0))}
	l.add(rooms, 60*24*time.Hour)
	return l
}

// add creates rooms that were used within the given time, now and then never.
func (l *life) add(n int, within time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		l.added++
		prefix := []string{"acme-", "acme-eu-", "globex-", "initech-", ""}[l.random.IntN(5)]
		name := fmt.Sprintf("/%s%08x-0000-4000-8000-%012x", prefix, l.random.Uint32(), l.added)
		if l.random.IntN(20) == 0 {
			name = fmt.Sprintf("/standup%d", l.added)
		}
		at := time.Now().Add(-time.Duration(l.random.Int64N(int64(within))))
		room := wherebytest.Room{Name: name, CreatedAt: at}
		if l.random.IntN(10) > 0 {
			room.Totals, room.FirstSession, room.LastSession = l.usage(), at, at
		}
		l.account.AddRoom(room)
		l.rooms = append(l.rooms, name)
	}
}

func (l *life) usage() wherebytest.Totals {
	return wherebytest.Totals{
		ParticipantMinutes: 1 + l.random.Int64N(200), RecorderMinutes: l.random.Int64N(20),
		StreamerMinutes: l.random.Int64N(5), Sessions: 1 + l.random.Int64N(3),
	}
}

// use has meetings in n rooms now.
func (l *life) use(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		l.account.Use(l.rooms[l.random.IntN(len(l.rooms))], l.usage(), time.Now())
	}
}

// remove deletes n rooms.
func (l *life) remove(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		i := l.random.IntN(len(l.rooms))
		l.account.Delete(l.rooms[i])
		l.rooms = append(l.rooms[:i], l.rooms[i+1:]...)
	}
}

// TestPrometheusReadsTheTruth leads an account through all that a long life brings,
// and after each step asks a real Prometheus for every figure.
func TestPrometheusReadsTheTruth(t *testing.T) {
	t.Parallel()
	account, api := newAccount(t, wherebytest.Config{PointsPerMinute: unlimited})
	l := newLife(t, account, 450)
	address, storage := programs.FreeAddress(t), t.TempDir()
	e := startExporter(t, address, api, "--storage.path="+storage)
	p := startPrometheus(t, address)
	p.expectTruth(account)

	// A poll fails only if Insights changes its mind in the middle of it: a short one and a full
	// one may be in progress then.
	const failed = `whereby_exporter_polls_total{result="error"}`
	allowed := 0.0
	checkPolls := func() {
		t.Helper()
		samples, err := e.metrics()
		n, there := samples[failed]
		if err != nil || !there || n > allowed {
			t.Fatalf("%v polls failed (%v, %v), want %v at most", n, there, err, allowed)
		}
		allowed = n // no others from now on
	}

	for _, step := range []struct {
		name string
		do   func()
	}{
		{"rooms are created", func() { l.add(60, time.Hour) }},
		{"rooms are used", func() { l.use(80) }},
		{"rooms are deleted", func() { l.remove(40) }},
		{"rooms move between pages in the middle of a pass", func() {
			account.OnRequest(func(n int, _ *http.Request) {
				l.use(3)
				if n%4 == 0 {
					l.add(1, time.Minute)
				}
			})
			before := account.Count(wherebytest.EndpointRooms)
			programs.Eventually(t, patience, "some polls of a moving account", func() error {
				if n := account.Count(wherebytest.EndpointRooms) - before; n < 30 {
					return fmt.Errorf("%d requests", n)
				}
				return nil
			})
			account.OnRequest(nil)
		}},
		{"pages overlap", func() { account.Inject(wherebytest.OverlappingPages()); l.use(20) }},
		{"every row comes twice", func() { account.ClearFaults(); account.Inject(wherebytest.DuplicateRows()); l.use(20) }},
		{"the exporter is restarted", func() {
			account.ClearFaults()
			checkPolls()
			if took := e.stop(); took > onABusyMachine(t, 5*time.Second) {
				t.Errorf("stopping took %v", took)
			}
			l.use(20)
			e = startExporter(t, address, api, "--storage.path="+storage)
		}},
		{"Insights refuses to sort", func() {
			checkPolls()
			allowed = 2
			account.Inject(wherebytest.SortRefused())
			l.use(20)
			l.add(5, time.Hour)
		}},
		{"Insights ignores the order asked for", func() {
			checkPolls()
			account.ClearFaults()
			account.Inject(wherebytest.SortIgnored())
			l.remove(5) // first: nobody can read a room that was used and deleted between two polls
			l.use(20)
		}},
		{"Insights sorts again", func() { account.ClearFaults(); l.use(20); l.add(5, time.Hour) }},
	} {
		t.Run(step.name, func(*testing.T) {
			step.do()
			p.expectTruth(account)
		})
		if t.Failed() {
			t.FailNow()
		}
	}

	t.Run("a total shrinks", func(*testing.T) {
		e.expect(patience, map[string]float64{`whereby_exporter_ledger_drift{resource="participant_minutes"}`: 0})
		for name, room := range account.Shown() {
			if room.Totals.ParticipantMinutes > 50 {
				room.Totals.ParticipantMinutes -= 50
				account.Restate(name, room.Totals)
				break
			}
		}
		e.expect(patience, map[string]float64{
			`whereby_exporter_ledger_drift{resource="participant_minutes"}`: 50,
			`whereby_exporter_ledger_drift{resource="sessions"}`:            0,
		})
		p.expectTruth(account)
	})
	p.expectNoFall()
	e.expect(patience, map[string]float64{"whereby_up": 1})
	checkPolls()
}

// TestAHundredKillsLoseAndDoubleNothing kills the exporter with SIGKILL at random
// moments while the account is in use, and asks Prometheus what it saw.
func TestAHundredKillsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	account, api := newAccount(t, wherebytest.Config{PointsPerMinute: unlimited})
	l := newLife(t, account, 350)
	address, storage := programs.FreeAddress(t), t.TempDir()
	p := startPrometheus(t, address)

	stop := make(chan struct{})
	var using sync.WaitGroup
	using.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				l.use(1)
			}
		}
	})
	const kills = 100
	moments := rand.New(rand.NewPCG(l.seed, 1)) // l's own is in use by the goroutine
	ready := 0
	within := 100 * time.Millisecond // of the start
	for i := range kills {
		e := startExporter(t, address, api, "--storage.path="+storage)
		// The moment is what is random here. A process opens its store, polls and
		// commits within some 30 ms on an idle machine, and again after a second. Half of
		// those that are killed early shall have polled, however busy the machine is.
		moment := within
		if i%2 == 1 {
			moment += 1200 * time.Millisecond
		}
		time.Sleep(time.Duration(moments.Int64N(int64(moment))))
		polled := e.ready() == nil
		e.kill()
		switch {
		case polled:
			ready++
			if i%2 == 0 {
				within = within * 4 / 5
			}
		case i%2 == 0:
			within = min(within*5/4, patience)
		}
	}
	close(stop)
	using.Wait()
	t.Logf("%d of %d processes had polled before they were killed", ready, kills)
	if ready < kills/4 || ready == kills {
		t.Errorf("%d of %d processes had polled before they were killed; the moments were not random enough", ready, kills)
	}
	startExporter(t, address, api, "--storage.path="+storage)
	p.expectTruth(account)
	p.expectNoFall()
}

// TestACrashLoopSpendsNoMoreThanTheShare kills the exporter soon after each start:
// every new process must count what those before it spent.
func TestACrashLoopSpendsNoMoreThanTheShare(t *testing.T) {
	t.Parallel()
	const limit, share = 100, 25
	account, api := newAccount(t, wherebytest.Config{PointsPerMinute: limit})
	newLife(t, account, 350) // four pages, so that a few starts would spend it all
	address, storage := programs.FreeAddress(t), t.TempDir()
	for range 15 {
		e := startExporter(t, address, api, "--storage.path="+storage, "--whereby.read-cost=1")
		programs.Eventually(t, patience, "it serves", func() error {
			_, err := e.metrics()
			return err
		})
		e.kill()
	}
	e := startExporter(t, address, api, "--storage.path="+storage, "--whereby.read-cost=1")
	before := len(account.Requests())
	programs.Eventually(t, patience, "points are free again", func() error {
		if len(account.Requests()) == before {
			return fmt.Errorf("%d requests so far", before)
		}
		return nil
	})
	requests := account.Requests()
	t.Logf("%d requests by 16 processes", len(requests))
	for i := range requests {
		if i+share < len(requests) && requests[i+share].Time.Sub(requests[i].Time) < time.Minute {
			t.Fatalf("%d requests within %v", share+1, requests[i+share].Time.Sub(requests[i].Time))
		}
	}
	if before < share-5 {
		t.Errorf("only %d requests before the share was spent; the loop shows nothing", before)
	}
	e.stop()
}
