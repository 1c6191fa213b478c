package opening_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"go.uber.org/goleak"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/opening"
	"whereby_exporter/collector/poller"
	"whereby_exporter/collector/prefix"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// interval is that of polls: long, so that weeks pass quickly.
const interval = 10 * time.Minute

// prefixOf takes what stands before the first hyphen.
func prefixOf(roomName string) string {
	prefix, _, _ := strings.Cut(strings.TrimPrefix(roomName, "/"), "-")
	return prefix
}

// bench polls a simulated account as the exporter does.
type bench struct {
	t       *testing.T
	account *wherebytest.Account
	rooms   []string
	store   ledger.Store
	// calendars are by prefix; accountCalendar is the account's.
	calendars       map[string]billing.Calendar
	accountCalendar billing.Calendar
	// moved has some rooms count under another prefix, as after a change of the
	// configuration.
	moved bool
	// share is that of the points; 0 is all.
	share float64
	// transport is that of requests; nil is the account's.
	transport http.RoundTripper
	// onPoll is called after each poll that has succeeded.
	onPoll func()

	ledger *ledger.Ledger
	// quit has all that runs stop, and stop waits for that. After kill, nothing more is written
	// to the store.
	kill, quit, stop func()
}

// mortal is the store of a process that may be killed.
type mortal struct {
	ledger.Store
	killed atomic.Bool
}

func (m *mortal) Commit(c ledger.Change) error {
	if m.killed.Load() {
		return errors.New("the process was killed")
	}
	return m.Store.Commit(c)
}

// prefixOf is the prefix that a room counts under now.
func (b *bench) prefixOf(roomName string) string {
	if b.moved && roomName[len(roomName)-1]%3 == 0 {
		return "moved-"
	}
	return prefixOf(roomName)
}

func newBench(t *testing.T, config wherebytest.Config) *bench {
	return &bench{t: t, account: wherebytest.New(config), store: store.NewMemory(), calendars: map[string]billing.Calendar{}}
}

// start runs until stop.
func (b *bench) start() {
	s := &mortal{Store: b.store}
	l, err := ledger.Open(s, ledger.Options{
		Prefixes: prefix.Options{Classify: b.prefixOf}, Now: time.Now(), Account: b.accountCalendar,
		Calendar: func(label string) billing.Calendar { return b.calendars[label] },
	})
	if err != nil {
		b.t.Fatal(err)
	}
	budget, err := whereby.NewBudget(cmp.Or(b.share, 1))
	if err != nil {
		b.t.Fatal(err)
	}
	transport := b.transport
	if transport == nil {
		transport = b.account.RoundTripper()
	}
	client := &whereby.Client{APIKey: whereby.StaticKey("test-key"), HTTPClient: &http.Client{Transport: transport}, Budget: budget}
	reader := opening.New(client, l, slog.New(slog.NewTextHandler(b.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})))
	poll := poller.New(client, l, poller.Config{
		Interval: interval, FullPollInterval: 6 * time.Hour, Logger: slog.New(slog.DiscardHandler),
		OnPoll: func(r poller.Result) {
			reader.Look()
			if r.Err == nil && b.onPoll != nil {
				b.onPoll()
			}
		},
	})
	ctx, cancel := context.WithCancel(b.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = poll.Run(ctx) })
	wg.Go(func() { _ = reader.Run(ctx) })
	wg.Go(func() { _ = l.Run(ctx, time.Now) })
	b.ledger, b.quit = l, cancel
	b.kill = func() { s.killed.Store(true) }
	b.stop = func() {
		cancel()
		wg.Wait()
	}
}

// meet schedules a session of some people.
func (b *bench) meet(random *rand.Rand, room string, start time.Time, length time.Duration) {
	session := wherebytest.Session{Start: start, End: start.Add(length)}
	for range 2 + random.IntN(4) {
		joined := start.Add(time.Duration(random.Int64N(int64(length / 2))))
		session.Participants = append(session.Participants, wherebytest.Participant{
			Joined: joined, Left: joined.Add(time.Duration(random.Int64N(int64(length / 2)))),
		})
	}
	if random.IntN(3) == 0 {
		session.Participants = append(session.Participants, wherebytest.Participant{Role: wherebytest.RoleRecorder})
	}
	b.account.Schedule(room, session)
}

// used is what the account shows of the sessions that started in a period.
func (b *bench) used(period billing.Period, of string) (sum ledger.Totals) {
	for _, room := range b.rooms {
		if of != "" && prefixOf(room) != of {
			continue
		}
		for _, session := range b.account.Sessions(room) {
			if period.Contains(session.StartedAt) {
				sum = sum.Add(ledger.Totals{
					ParticipantMinutes: session.Totals.ParticipantMinutes, RecorderMinutes: session.Totals.RecorderMinutes,
					StreamerMinutes: session.Totals.StreamerMinutes, Sessions: 1,
				})
			}
		}
	}
	return sum
}

// expectTruth compares every prefix and the account.
func (b *bench) expectTruth(when string) {
	b.t.Helper()
	snapshot := b.ledger.Snapshot()
	if snapshot == nil {
		b.t.Fatalf("%s: nothing is known", when)
	}
	now := time.Now()
	expect := func(name string, got ledger.PeriodUsage, calendar billing.Calendar, of string) {
		b.t.Helper()
		if want := calendar.At(now); got.Period != want {
			b.t.Errorf("%s: the period of %s is %v, want %v", when, name, got.Period, want)
		}
		if want := b.used(got.Period, of); got.Used != want || !got.Known() {
			b.t.Errorf("%s: %s used %+v (known: %t), want %+v", when, name, got.Used, got.Known(), want)
		}
	}
	for _, usage := range snapshot.Prefixes {
		expect(usage.Prefix, usage.PeriodUsage, b.calendars[usage.Prefix], usage.Prefix)
	}
	expect("the account", snapshot.Account, b.accountCalendar, "")
}

func uuidLike(random *rand.Rand) string {
	return fmt.Sprintf("%08x-%04x-4000-8000-%012x", random.Uint32(), random.Uint32()>>16, random.Uint64()>>16)
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	location, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

func seeded(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// furnish makes permanent rooms with a year of sessions behind them, one-meeting
// rooms, and meetings for days to come.
func (b *bench) furnish(random *rand.Rand, prefixes []string, permanent, once int) {
	now := time.Now()
	for i := range permanent {
		name := "/" + prefixes[i%len(prefixes)] + "-" + uuidLike(random)
		b.rooms = append(b.rooms, name)
		b.account.AddRoom(wherebytest.Room{Name: name, CreatedAt: now.AddDate(-1, 0, 0)})
		for at := now.AddDate(-1, 0, 0); at.Before(now.AddDate(0, 0, 40)); {
			at = at.Add(time.Duration(random.Int64N(int64(6 * 24 * time.Hour))))
			length := 10*time.Minute + time.Duration(random.Int64N(int64(2*time.Hour)))
			b.meet(random, name, at, length)
			at = at.Add(length + 20*time.Minute)
		}
	}
	for i := range once {
		name := "/" + prefixes[i%len(prefixes)] + "-" + uuidLike(random)
		start := now.Add(time.Duration(random.Int64N(int64(60*24*time.Hour))) - 30*24*time.Hour)
		b.rooms = append(b.rooms, name)
		b.account.AddRoom(wherebytest.Room{Name: name, CreatedAt: start.Add(-time.Hour)})
		b.meet(random, name, start, 30*time.Minute)
	}
}

// TestPeriodsAreExact starts cold in the middle of periods, restarts, and goes on over
// the ends of several, with anchor days and time zones of all kinds.
func TestPeriodsAreExact(t *testing.T) {
	for name, lag := range map[string]time.Duration{"Insights lags by seconds": 5 * time.Second, "Insights lags by a quarter of an hour": 15 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			days := 36
			if testing.Short() {
				days = 9
			}
			synctest.Test(t, func(t *testing.T) {
				random := seeded(t)
				b := newBench(t, wherebytest.Config{Lag: lag})
				b.calendars = map[string]billing.Calendar{
					"acme":    {AnchorDay: 15},
					"globex":  {AnchorDay: 31, Zone: zone(t, "Pacific/Auckland")},
					"initech": {AnchorDay: 1, Zone: zone(t, "America/Los_Angeles")},
				}
				time.Sleep(10*24*time.Hour + time.Duration(random.Int64N(int64(80*24*time.Hour))))
				b.furnish(random, []string{"acme", "globex", "initech", "labs"}, 12, 16)
				b.start()
				time.Sleep(4 * time.Hour) // rooms of many sessions are read once they are quiet
				b.settled()
				b.expectTruth("after a cold start")
				for day := 0; day < days; day += 3 {
					if day == 6 {
						b.stop()
						time.Sleep(3 * time.Hour)
						b.start()
						time.Sleep(4 * time.Hour)
						b.settled()
						b.expectTruth("after a restart")
					}
					time.Sleep(3*24*time.Hour - time.Duration(random.Int64N(int64(6*time.Hour))))
					b.settled()
					b.expectTruth(fmt.Sprintf("on day %d", day))
				}
				b.stop()
			})
		})
	}
}

// settled waits until nothing that the account shows has changed between two polls:
// what changed since the last one is not yet to be seen.
func (b *bench) settled() {
	for range 2000 {
		before := b.account.Truth(prefixOf)
		time.Sleep(2*interval + interval/2)
		if fmt.Sprint(before) == fmt.Sprint(b.account.Truth(prefixOf)) {
			synctest.Wait()
			return
		}
	}
	b.t.Fatal("the account never holds still")
}

// tooLong skips a test if the tests are to be short, as with the race detector: the same
// goroutines meet in others.
func tooLong(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("too long with the race detector: it runs without")
	}
}

// TestWhatAPeriodCosts counts requests: none for rooms that were not used in the
// period or not before it, and one for others, whatever their age.
func TestWhatAPeriodCosts(t *testing.T) {
	tooLong(t)
	synctest.Test(t, func(t *testing.T) {
		random := seeded(t)
		b := newBench(t, wherebytest.Config{Lag: 5 * time.Second})
		now := time.Now().Add(12 * 24 * time.Hour)
		time.Sleep(time.Until(now))
		// 10,000 rooms for one meeting, before the period and in it.
		for i := range 10_000 {
			name := "/acme-" + uuidLike(random)
			b.rooms = append(b.rooms, name)
			at := now.Add(-time.Duration(1+i) * 4 * time.Minute)
			b.account.AddRoom(wherebytest.Room{Name: name, CreatedAt: at, FirstSession: at, LastSession: at,
				Totals: wherebytest.Totals{Sessions: 1, ParticipantMinutes: 3}})
		}
		b.start()
		time.Sleep(time.Hour)
		got := b.ledger.Snapshot().Prefixes[0]
		inside := int64(0)
		for i := range int64(10_000) {
			if got.Period.Contains(now.Add(-time.Duration(1+i) * 4 * time.Minute)) {
				inside++
			}
		}
		if want := (ledger.Totals{Sessions: inside, ParticipantMinutes: 3 * inside}); !got.Known() || got.Used != want || inside == 0 || inside == 10_000 {
			t.Errorf("used %+v (known: %t), want %+v", got.Used, got.Known(), want)
		}
		if n := b.account.Count(whereby.EndpointRoomSessions); n != 0 {
			t.Errorf("one-meeting rooms cost %d requests", n)
		}
		b.stop()

		// 30 permanent rooms used in the period a while ago, 10 that were not, 5 in use now.
		b = newBench(t, wherebytest.Config{Lag: 5 * time.Second})
		for i := range 45 {
			name := "/globex-" + uuidLike(random)
			b.rooms = append(b.rooms, name)
			b.account.AddRoom(wherebytest.Room{Name: name, CreatedAt: now.AddDate(-1, 0, 0)})
			for month := range 12 {
				b.meet(random, name, now.AddDate(0, -1-month, -i%20), time.Hour)
			}
			switch {
			case i < 30:
				b.meet(random, name, time.Now().Add(-26*time.Hour), 30*time.Minute)
			case i >= 40:
				b.account.Schedule(name, wherebytest.Session{Start: time.Now().Add(-10 * time.Minute), End: time.Now().Add(2 * time.Hour),
					Participants: make([]wherebytest.Participant, 3)})
			}
		}
		b.start()
		time.Sleep(30 * time.Minute)
		b.settledOrNot()
		// A room in use is read until it holds still: its sessions at most 5 times.
		if n := b.account.Count(whereby.EndpointRoomSessions); n < 35 || n > 30+5*5 {
			t.Errorf("%d requests, want 30 for rooms at rest and at most 25 for those in use", n)
		}
		first := b.account.Count(whereby.EndpointRoomSessions)
		time.Sleep(5 * 24 * time.Hour)
		if n := b.account.Count(whereby.EndpointRoomSessions) - first; n != 0 {
			t.Errorf("%d more requests within the period", n)
		}
		b.expectTruth("days later")
		b.stop()
	})
}

// settledOrNot compares the prefixes' figures though rooms are in use: they are the
// truth of some moment since the poll before last.
func (b *bench) settledOrNot() {
	b.t.Helper()
	calendar := b.accountCalendar
	low := b.used(calendar.At(time.Now()), "")
	time.Sleep(interval + interval/2)
	got := b.ledger.Snapshot().Account
	high := b.used(calendar.At(time.Now()), "")
	if !got.Known() || got.Used.ParticipantMinutes < low.ParticipantMinutes || got.Used.ParticipantMinutes > high.ParticipantMinutes {
		b.t.Errorf("used %d minutes (known: %t), want between %d and %d", got.Used.ParticipantMinutes, got.Known(), low.ParticipantMinutes, high.ParticipantMinutes)
	}
}

// TestAnAPIThatDoesNotSortSessions costs more, and is exact too.
func TestAnAPIThatDoesNotSortSessions(t *testing.T) {
	for name, fault := range map[string]wherebytest.Fault{
		"ignores it": wherebytest.SortIgnored(), "refuses it": wherebytest.SortRefused(),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := seeded(t)
				b := newBench(t, wherebytest.Config{Lag: 5 * time.Second})
				b.account.Inject(fault)
				time.Sleep(12 * 24 * time.Hour)
				b.furnish(random, []string{"acme"}, 10, 0)
				b.start()
				time.Sleep(4 * time.Hour)
				b.settled()
				b.expectTruth("in the end")
				b.stop()
			})
		})
	}
}

// TestErrorsOnlyDelay has requests for sessions fail for a while.
func TestErrorsOnlyDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := seeded(t)
		b := newBench(t, wherebytest.Config{Lag: 5 * time.Second})
		time.Sleep(12 * 24 * time.Hour)
		b.furnish(random, []string{"acme"}, 10, 10)
		b.account.Inject(wherebytest.Status(500).On(whereby.EndpointRoomSessions))
		b.start()
		time.Sleep(30 * time.Minute)
		for _, usage := range b.ledger.Snapshot().Prefixes {
			if usage.Known() {
				t.Errorf("%s is taken for known, and used %+v", usage.Prefix, usage.Used)
			}
		}
		b.account.ClearFaults()
		time.Sleep(4 * time.Hour)
		b.settled()
		b.expectTruth("in the end")
		b.stop()
	})
}

// TestARoomWhoseSessionsCannotBeReadDelaysNoOther has one room's sessions be odd, and
// looks at how often they are asked for.
func TestARoomWhoseSessionsCannotBeReadDelaysNoOther(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"no start":    func(row map[string]any) { delete(row, "createdAt"); delete(row, "startedAt") },
		"null figure": func(row map[string]any) { row["totalRecorderMinutes"] = nil },
		"text":        func(row map[string]any) { row["totalParticipantMinutes"] = "1" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := seeded(t)
				b := newBench(t, wherebytest.Config{Lag: 5 * time.Second})
				time.Sleep(12 * 24 * time.Hour)
				b.furnish(random, []string{"acme", "globex"}, 10, 0)
				odd := "/initech-" + uuidLike(random)
				b.rooms = append(b.rooms, odd)
				b.account.AddRoom(wherebytest.Room{Name: odd, CreatedAt: time.Now().AddDate(-1, 0, 0)})
				for days := range 30 {
					b.meet(random, odd, time.Now().AddDate(0, 0, -1-days), time.Hour)
				}
				var spoilt atomic.Int64
				id := b.account.Sessions(odd)[20].ID
				b.account.Inject(wherebytest.OddRows(odd, func(row map[string]any) {
					if row["roomSessionId"] == id {
						spoilt.Add(1)
						change(row)
					}
				}))
				b.start()
				time.Sleep(4 * time.Hour)
				for _, usage := range b.ledger.Snapshot().Prefixes {
					if usage.Known() != (usage.Prefix != "initech") {
						t.Errorf("%s is known: %t", usage.Prefix, usage.Known())
					}
				}
				spoilt.Store(0)
				time.Sleep(10 * time.Hour)
				if n := spoilt.Load(); n < 1 || n > 4 {
					t.Errorf("the room was asked for %d times in 10 hours", n)
				}
				b.account.ClearFaults()
				time.Sleep(7 * time.Hour)
				b.settled()
				b.expectTruth("in the end")
				b.stop()
			})
		})
	}
}
