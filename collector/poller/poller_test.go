package poller

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/logtest"
	"whereby_exporter/collector/prefix"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a poller on a simulated account.
type bench struct {
	t       testing.TB
	account *wherebytest.Account
	ledger  *ledger.Ledger
	poller  *Poller
	mu      sync.Mutex // OnPoll may run for two polls at once
	results []Result
	log     *logtest.Buffer
	random  *rand.Rand
	rooms   []string
}

func classify(name string) string {
	label, ok := whereby.RoomPrefix(name)
	if !ok || label == "" {
		return prefix.None
	}
	return label
}

func newBench(t testing.TB, config wherebytest.Config) *bench {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	b := &bench{t: t, account: wherebytest.New(config), log: &logtest.Buffer{}, random: rand.New(rand.NewPCG(seed, 0))}
	b.restart(store.NewMemory(), 0.25)
	return b
}

// restart puts a new poller and ledger on a store.
func (b *bench) restart(s ledger.Store, share float64) {
	b.t.Helper()
	l, err := ledger.Open(s, ledger.Options{Prefixes: prefix.Options{Classify: classify}})
	if err != nil {
		b.t.Fatal(err)
	}
	budget, err := whereby.NewBudget(share)
	if err != nil {
		b.t.Fatal(err)
	}
	b.ledger = l
	b.poller = New(&whereby.Client{
		APIKey:     whereby.StaticKey("test-key"),
		HTTPClient: &http.Client{Transport: b.account.RoundTripper()},
		Budget:     budget,
	}, l, Config{
		Interval:         time.Minute,
		FullPollInterval: 6 * time.Hour,
		OnPoll: func(r Result) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.results = append(b.results, r)
		},
		Logger: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
}

// addRooms adds rooms of several customers that were last used at most the given
// time ago.
func (b *bench) addRooms(n int, ago time.Duration) {
	for range n {
		prefix := []string{"acme-", "globex-", "initech-", ""}[b.random.IntN(4)]
		name := fmt.Sprintf("/%s%08x-0000-4000-8000-%012x", prefix, b.random.Uint32(), len(b.rooms))
		last := time.Now().Add(-time.Duration(b.random.Int64N(int64(ago))))
		room := wherebytest.Room{Name: name, CreatedAt: last.Add(-time.Hour), FirstSession: last, LastSession: last, Totals: b.usage()}
		if b.random.IntN(10) == 0 {
			room = wherebytest.Room{Name: name, CreatedAt: last} // never used
		}
		b.account.AddRoom(room)
		b.rooms = append(b.rooms, name)
	}
}

func (b *bench) usage() wherebytest.Totals {
	return wherebytest.Totals{
		ParticipantMinutes: b.random.Int64N(100), RecorderMinutes: b.random.Int64N(10),
		StreamerMinutes: b.random.Int64N(10), Sessions: 1 + b.random.Int64N(3),
	}
}

func (b *bench) anyRoom() string { return b.rooms[b.random.IntN(len(b.rooms))] }

// use has a meeting in some room now.
func (b *bench) use() { b.account.Use(b.anyRoom(), b.usage(), time.Now()) }

func (b *bench) remove() {
	i := b.random.IntN(len(b.rooms))
	b.account.Delete(b.rooms[i])
	b.rooms = append(b.rooms[:i], b.rooms[i+1:]...)
}

// poll runs one poll and returns it.
func (b *bench) poll() Result {
	b.t.Helper()
	before := len(b.results)
	b.poller.pollDue(b.t.Context())
	if len(b.results) != before+1 {
		b.t.Fatal("a poll did not tell of itself")
	}
	return b.results[before]
}

func (b *bench) mustPoll() Result {
	b.t.Helper()
	r := b.poll()
	if r.Err != nil {
		b.t.Fatal(r.Err)
	}
	return r
}

// figures are totals by prefix in a form that can be compared.
type figures map[string]ledger.PrefixUsage

func (b *bench) shown() figures {
	s := b.ledger.Snapshot()
	if s == nil {
		return nil
	}
	f := figures{}
	for _, u := range s.Prefixes {
		u.PeriodUsage = ledger.PeriodUsage{} // polls alone can't tell it
		f[u.Prefix] = u
	}
	return f
}

func (b *bench) truth() figures {
	f := figures{}
	for prefix, t := range b.account.Truth(classify) {
		f[prefix] = ledger.PrefixUsage{Prefix: prefix, Rooms: int64(t.Rooms), Totals: ledger.Totals{
			ParticipantMinutes: t.ParticipantMinutes, RecorderMinutes: t.RecorderMinutes,
			StreamerMinutes: t.StreamerMinutes, Sessions: t.Sessions,
		}}
	}
	return f
}

// expectTruth compares usage; rooms too where the last poll was complete.
func (b *bench) expectTruth(complete bool) {
	b.t.Helper()
	got, want := b.shown(), b.truth()
	if !complete {
		for _, f := range []figures{got, want} {
			for prefix, u := range f {
				u.Rooms = 0
				f[prefix] = u
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		b.t.Errorf("after %+v:\n got %v\nwant %v", b.results[len(b.results)-1], got, want)
	}
}

// TestAPollCountsOnceItWasToldOf holds that who asks whether there was a poll, and then
// for the figures, gets those of that poll.
func TestAPollCountsOnceItWasToldOf(t *testing.T) {
	b := newBench(t, wherebytest.Config{})
	tell := b.poller.config.OnPoll
	b.poller.config.OnPoll = func(r Result) {
		if b.poller.Polled() {
			t.Error("the poll counts before it was told of")
		}
		tell(r)
	}
	b.mustPoll()
	if !b.poller.Polled() {
		t.Error("the poll does not count")
	}
}

// TestPollsArriveAtTheTruth creates, uses, deletes and restates rooms between polls
// and lets the exporter restart, for all that is unknown of the API.
func TestPollsArriveAtTheTruth(t *testing.T) {
	long(t)
	sorts := map[string]*wherebytest.Fault{"honoured": nil}
	refused, ignored := wherebytest.SortRefused(), wherebytest.SortIgnored()
	sorts["refused"], sorts["ignored"] = &refused, &ignored
	for sort, fault := range sorts {
		for _, config := range []wherebytest.Config{
			{Cursors: wherebytest.OffsetCursors, Nulls: wherebytest.OmitNulls},
			{Cursors: wherebytest.OffsetCursors, Nulls: wherebytest.ExplicitNulls, NullsFirst: true, KeepDeleted: true},
			{Cursors: wherebytest.KeysetCursors, Nulls: wherebytest.OmitNulls, NullsFirst: true},
			{Cursors: wherebytest.KeysetCursors, Nulls: wherebytest.ExplicitNulls, KeepDeleted: true},
		} {
			name := fmt.Sprintf("sort %s, cursors %d, nulls %d, nulls first %v, deleted rooms kept %v",
				sort, config.Cursors, config.Nulls, config.NullsFirst, config.KeepDeleted)
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, config)
					if fault != nil {
						b.account.Inject(*fault)
					}
					b.live()
				})
			})
		}
	}
}

func (b *bench) live() {
	b.t.Helper()
	s := store.NewMemory()
	b.restart(s, 1)
	b.addRooms(450, 90*24*time.Hour)
	for round := range 20 {
		r := b.mustPoll()
		b.expectTruth(r.Complete)
		// What a room was used for after the last poll is lost with it, so rooms go
		// before others are used.
		for range b.random.IntN(4) {
			b.remove()
		}
		for range b.random.IntN(20) {
			if b.random.IntN(6) == 0 {
				b.addRooms(1+b.random.IntN(3), time.Hour)
			} else {
				b.use()
			}
			time.Sleep(time.Second)
		}
		if round%5 == 4 {
			b.restart(s, 1)
		}
		time.Sleep(time.Minute)
	}
	// What short polls can't see, a full one does: a figure of a room last used
	// long ago.
	quiet := b.anyRoom()
	time.Sleep(49 * time.Hour)
	b.mustPoll()
	restated := b.account.Shown()[quiet].Totals
	restated.ParticipantMinutes += 1000
	b.account.Restate(quiet, restated)
	time.Sleep(7 * time.Hour)
	b.poller.fullPollIfDue(b.t.Context())
	b.mustPoll()
	b.expectTruth(false)
}

// TestRoomsMoveWhileAPassIsUnderWay changes the account before every single
// request. What a poll reads then is no state that ever was; but nothing may be
// counted twice, nothing may fall, and once the account rests, one more poll and
// a full poll arrive at the truth.
func TestRoomsMoveWhileAPassIsUnderWay(t *testing.T) {
	long(t)
	for name, sort := range map[string][]wherebytest.Fault{
		"sort honoured":     nil,
		"sort refused":      {wherebytest.SortRefused()},
		"sort ignored":      {wherebytest.SortIgnored()},
		"overlapping pages": {wherebytest.OverlappingPages()},
		"rows twice":        {wherebytest.DuplicateRows()},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{KeepDeleted: true})
				b.restart(store.NewMemory(), 1)
				for _, fault := range sort {
					b.account.Inject(fault)
				}
				b.addRooms(700, 90*24*time.Hour)
				moving := true
				b.account.OnRequest(func(int, *http.Request) {
					if moving {
						b.use()
						b.remove()
						b.addRooms(1, time.Minute)
					}
				})
				var before figures
				for range 30 {
					b.mustPoll()
					truth := b.truth()
					for prefix, now := range b.shown() {
						if now.Totals != now.Totals.Max(before[prefix].Totals) {
							t.Fatalf("%s fell from %+v to %+v", prefix, before[prefix], now)
						}
						if most := truth[prefix].Totals; most != most.Max(now.Totals) {
							t.Fatalf("%s has %+v, more than the truth %+v", prefix, now, truth[prefix])
						}
					}
					before = b.shown()
					time.Sleep(time.Minute)
				}
				moving = false
				time.Sleep(7 * time.Hour)
				b.poller.fullPollIfDue(t.Context())
				b.mustPoll()
				b.expectTruth(false)
			})
		})
	}
}

// TestARoomUsedDuringTheFirstPassIsInTheFirstFigures: it moves from a page yet to
// come to the first page, which has been read.
func TestARoomUsedDuringTheFirstPassIsInTheFirstFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.addRooms(1000, 90*24*time.Hour)
		b.account.OnRequest(func(n int, _ *http.Request) {
			if n == 5 {
				for range 20 {
					b.use()
				}
			}
		})
		b.mustPoll()
		b.expectTruth(true)
	})
}

func TestFailedPassesChangeNothingAndThePollerRecovers(t *testing.T) {
	long(t)
	for name, fault := range map[string]wherebytest.Fault{
		"key refused":       wherebytest.Status(401),
		"key forbidden":     wherebytest.Status(403),
		"throttled":         wherebytest.Throttled(wherebytest.RetryAfterSeconds, time.Hour),
		"server error":      wherebytest.Status(500),
		"bad gateway":       wherebytest.StatusHTML(502),
		"no answer":         wherebytest.Hang(),
		"no connection":     wherebytest.Drop(),
		"connection reset":  wherebytest.Reset(),
		"slow body":         wherebytest.SlowBody(time.Hour),
		"truncated JSON":    wherebytest.Truncated(),
		"no JSON":           wherebytest.Malformed(),
		"wrong types":       wherebytest.WrongTypes(),
		"a figure missing":  wherebytest.MissingField("totalParticipantMinutes"),
		"results missing":   wherebytest.MissingField("results"),
		"over 16 MiB":       wherebytest.Oversized(17 << 20),
		"a cursor repeats":  wherebytest.RepeatCursor(),
		"pages without end": wherebytest.EndlessPages(),
		"empty pages":       wherebytest.EmptyPagesForever(),
	} {
		for page := 1; page <= 3; page += 2 {
			t.Run(fmt.Sprintf("%s from page %d on", name, page), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, wherebytest.Config{})
					b.addRooms(450, 20*time.Hour) // so that short polls read all pages too
					b.account.Inject(fault.On(wherebytest.EndpointRooms).After(page - 1))
					if r := b.poll(); r.Err == nil || b.shown() != nil || b.poller.Polled() {
						t.Fatalf("the first poll gave %v and showed %v", r.Err, b.shown())
					}
					b.account.ClearFaults()
					time.Sleep(time.Hour)
					b.mustPoll()
					b.expectTruth(true)
					before := b.ledger.Snapshot()

					b.use()
					b.account.Inject(fault.On(wherebytest.EndpointRooms).After(page - 1))
					time.Sleep(wideEvery)
					if r := b.poll(); r.Err == nil || b.ledger.Snapshot() != before {
						t.Fatalf("a later poll gave %v, or changed figures", r.Err)
					}
					if lines := strings.Count(b.log.String(), "level=WARN"); lines != 2 {
						t.Errorf("%d warnings, want one for each failed poll:\n%s", lines, b.log)
					}
					b.account.ClearFaults()
					time.Sleep(time.Hour)
					b.mustPoll()
					b.expectTruth(false)
				})
			})
		}
	}
}

func TestAFaultThatPassesIsRetriedWithinThePoll(t *testing.T) {
	for name, fault := range map[string]wherebytest.Fault{
		"server error":   wherebytest.Status(503),
		"reset":          wherebytest.Reset(),
		"truncated":      wherebytest.Truncated(),
		"wrong types":    wherebytest.WrongTypes(),
		"throttled":      wherebytest.Throttled(wherebytest.MillisLeftBody, 30*time.Second),
		"extra fields":   wherebytest.ExtraFields().Times(0),
		"without limits": wherebytest.NoRateLimitHeaders().Times(0),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				b.addRooms(450, 90*24*time.Hour)
				b.account.Inject(fault.After(2).Times(1))
				b.mustPoll()
				b.expectTruth(true)
			})
		})
	}
}

// TestAClockThatWasWrongHidesNothing has a clock that was a year ahead, until a restart.
func TestAClockThatWasWrongHidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		s := store.NewMemory()
		b.restart(s, 1)
		b.addRooms(1000, 300*24*time.Hour)
		const deep = "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd" // is on the last page
		old := time.Now().AddDate(-1, 0, 0)
		b.account.AddRoom(wherebytest.Room{Name: deep, CreatedAt: old, FirstSession: old, LastSession: old, Totals: wherebytest.Totals{Sessions: 1}})
		b.mustPoll()
		state := b.ledger.State()
		state.PollStarted = state.PollStarted.AddDate(1, 0, 0)
		state.PollEnded = state.PollEnded.AddDate(1, 0, 0)
		state.FullPoll = state.FullPoll.AddDate(1, 0, 0)
		if err := s.Commit(ledger.Change{State: &state}); err != nil {
			t.Fatal(err)
		}
		b.restart(s, 1)
		time.Sleep(time.Minute)
		b.account.Use(deep, wherebytest.Totals{ParticipantMinutes: 3}, old)
		b.mustPoll()
		b.expectTruth(true)
		state = b.ledger.State()
		for what, at := range map[string]time.Time{"started": state.PollStarted, "ended": state.PollEnded, "ended in full": state.FullPoll} {
			if at.After(time.Now()) {
				t.Errorf("%s at %v, which is to come", what, at)
			}
		}
		time.Sleep(time.Minute)
		if r := b.mustPoll(); r.Kind != Short {
			t.Errorf("the next poll is a %s one", r.Kind)
		}

		state.FullPoll = state.FullPoll.AddDate(1, 0, 0) // that alone
		if err := s.Commit(ledger.Change{State: &state}); err != nil {
			t.Fatal(err)
		}
		b.restart(s, 1)
		before := len(b.results)
		b.poller.fullPollIfDue(t.Context())
		if len(b.results) != before+1 || b.results[before].Kind != Full {
			t.Errorf("there was no full poll: %+v", b.results[before:])
		}
	})
}

// TestASteadyPassCostsWhatWasUsed: 500 rooms in use need no more than 7 requests,
// however many rooms there are.
func TestASteadyPassCostsWhatWasUsed(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.restart(store.NewMemory(), 1)
		b.addRooms(20_000, 300*24*time.Hour)
		b.mustPoll()
		time.Sleep(30 * time.Hour)
		b.mustPoll()
		for i := range 500 {
			b.account.Use(b.rooms[i], b.usage(), time.Now())
		}
		for range 5 {
			time.Sleep(time.Minute)
			b.account.ResetRequests()
			r := b.mustPoll()
			if got := len(b.account.Requests()); got > 7 || r.Kind != Short || r.Complete {
				t.Errorf("%d requests for %+v, want at most 7", got, r)
			}
			b.expectTruth(false)
		}
	})
}

func TestAnAccountOfOnePageCostsOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.addRooms(60, 90*24*time.Hour)
		for range 5 {
			b.account.ResetRequests()
			if r := b.mustPoll(); !r.Complete || len(b.account.Requests()) != 1 {
				t.Errorf("%d requests for %+v", len(b.account.Requests()), r)
			}
			b.expectTruth(true)
			time.Sleep(time.Minute)
			b.use()
		}
		if strings.Contains(b.log.String(), "level=WARN") {
			t.Errorf("a small account gives warnings:\n%s", b.log)
		}
	})
}

// TestAnEmptyAccountIsComplete: there is nothing to show, and that is no failure.
func TestAnEmptyAccountIsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		if r := b.mustPoll(); !r.Complete || b.ledger.Snapshot() == nil {
			t.Errorf("got %+v", r)
		}
	})
}

// TestAnAccountThatOnlyLooksSortedIsReadWhole: one-meeting rooms in the order of
// their creation are in the order of their sessions too, until an old room is used.
func TestAnAccountThatOnlyLooksSortedIsReadWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		now := time.Now()
		for i := range 500 { // created later, used longer ago
			at := now.Add(-time.Duration(1000+i) * time.Hour)
			name := fmt.Sprintf("/acme-%08x-0000-4000-8000-000000000000", i)
			b.account.AddRoom(wherebytest.Room{Name: name, CreatedAt: now.Add(time.Duration(i-9999) * time.Hour), FirstSession: at, LastSession: at, Totals: b.usage()})
			b.rooms = append(b.rooms, name)
		}
		b.account.Inject(wherebytest.SortIgnored())
		b.mustPoll()
		time.Sleep(time.Minute)
		b.account.Use(b.rooms[499], b.usage(), time.Now())
		b.mustPoll()
		b.expectTruth(true)
		if n := strings.Count(b.log.String(), "level=WARN"); n != 1 {
			t.Errorf("%d warnings, want one:\n%s", n, b.log)
		}
	})
}

func TestUnsortedIsSaidOnce(t *testing.T) {
	for name, fault := range map[string]wherebytest.Fault{"refused": wherebytest.SortRefused(), "ignored": wherebytest.SortIgnored()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				b.addRooms(450, 90*24*time.Hour)
				b.account.Inject(fault)
				for range 20 {
					b.mustPoll()
					time.Sleep(time.Hour)
				}
				if n := strings.Count(b.log.String(), "level=WARN"); n != 1 {
					t.Errorf("%d warnings, want one:\n%s", n, b.log)
				}
				// Once Insights sorts again, polls are short again.
				b.account.ClearFaults()
				for range 8 {
					b.mustPoll()
					time.Sleep(time.Hour)
				}
				b.mustPoll()
				time.Sleep(time.Minute)
				if r := b.mustPoll(); r.Kind != Short {
					t.Errorf("the last poll was %+v", r)
				}
			})
		})
	}
}

func TestDriftIsWhatTheAccountLowered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.addRooms(450, 90*24*time.Hour)
		b.mustPoll()
		if drift := b.ledger.Snapshot().Drift; drift != (ledger.Totals{}) {
			t.Errorf("the drift is %+v, want none", drift)
		}
		var name string
		var totals wherebytest.Totals
		for _, name = range b.rooms {
			if totals = b.account.Shown()[name].Totals; totals.ParticipantMinutes > 10 && totals.Sessions > 0 {
				break
			}
		}
		lowered := totals
		lowered.ParticipantMinutes -= 7
		b.account.Restate(name, lowered)
		time.Sleep(7 * time.Hour)
		b.poller.fullPollIfDue(t.Context())
		if drift := b.ledger.Snapshot().Drift; drift != (ledger.Totals{ParticipantMinutes: 7}) {
			t.Errorf("the drift is %+v, want 7 participant minutes", drift)
		}
		b.expectTruth(true)
		b.account.Restate(name, totals)
		time.Sleep(7 * time.Hour)
		b.poller.fullPollIfDue(t.Context())
		if drift := b.ledger.Snapshot().Drift; drift != (ledger.Totals{}) {
			t.Errorf("the drift is %+v after the figure was put back", drift)
		}
	})
}

// TestNoMinuteSpendsMoreThanTheShare runs the whole schedule for a simulated hour on
// an account that misbehaves in changing ways, and looks at every minute.
func TestNoMinuteSpendsMoreThanTheShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, minutes = 100, 60
		b := newBench(t, wherebytest.Config{PointsPerMinute: limit})
		b.poller.config.Interval = 5 * time.Second
		b.poller.config.FullPollInterval = time.Minute
		b.addRooms(10*limit, 40*time.Hour)
		faults := []wherebytest.Fault{
			wherebytest.Status(500), wherebytest.Throttled(wherebytest.NoHint, 0), wherebytest.Throttled(wherebytest.ResetRFC3339, 20*time.Second),
			wherebytest.Reset(), wherebytest.Hang(), wherebytest.SortIgnored(), wherebytest.SortRefused(), wherebytest.EndlessPages(),
			wherebytest.Truncated(), wherebytest.Status(401), wherebytest.NoRateLimitHeaders(),
		}
		ctx, cancel := context.WithTimeout(t.Context(), minutes*time.Minute)
		defer cancel()
		done := make(chan error)
		go func() { done <- b.poller.Run(ctx) }()
		for ctx.Err() == nil {
			time.Sleep(time.Duration(b.random.IntN(200)) * time.Second)
			b.account.ClearFaults()
			if b.random.IntN(3) > 0 {
				b.account.Inject(faults[b.random.IntN(len(faults))])
			}
			b.use()
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		allowed := limit / 4
		requests := b.account.Requests()
		for i := range requests {
			if i+allowed < len(requests) && requests[i+allowed].Time.Sub(requests[i].Time) < time.Minute {
				t.Fatalf("%d requests in the minute from %v on", allowed+1, requests[i].Time)
			}
		}
		t.Logf("%d requests in %d minutes, %d polls", len(requests), minutes, len(b.results))
		if len(requests) < minutes*allowed/4 {
			t.Errorf("only %d requests: the account was not busy enough to show anything", len(requests))
		}
	})
}

// TestAFullPollDoesNotDelayPolls: while a large account is read in the
// background, short polls go on at their interval.
func TestAFullPollDoesNotDelayPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{PointsPerMinute: 100})
		b.addRooms(20_000, 300*24*time.Hour)
		b.mustPoll()
		time.Sleep(6 * time.Hour)
		b.results = nil
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		defer cancel()
		if err := b.poller.Run(ctx); err != nil {
			t.Fatal(err)
		}
		short, full := 0, 0
		for _, r := range b.results {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			if r.Kind == Full {
				full++
				if r.Ended.Sub(r.Started) < 10*time.Minute {
					t.Errorf("the full poll took only %v, too short to be in the way", r.Ended.Sub(r.Started))
				}
				continue
			}
			short++
			if took := r.Ended.Sub(r.Started); took > time.Second {
				t.Errorf("a short poll took %v", took)
			}
		}
		if short < 19 || full != 1 {
			t.Errorf("%d short polls and %d full ones in 20 minutes", short, full)
		}
	})
}

// TestFullPollsComeEvenWhenShortPollsWantAllPoints: 300 of 800 rooms in use
// need 4 of the 5 points a minute.
func TestFullPollsComeEvenWhenShortPollsWantAllPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{PointsPerMinute: 20, NoRequestLog: true})
		b.poller.config.FullPollInterval = time.Hour
		b.addRooms(800, 300*24*time.Hour)
		b.mustPoll()
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Hour)
		defer cancel()
		done := make(chan error)
		go func() { done <- b.poller.Run(ctx) }()
		for ctx.Err() == nil {
			for i := range 300 {
				if i%20 == b.random.IntN(20) {
					b.account.Use(b.rooms[i], wherebytest.Totals{ParticipantMinutes: 1, Sessions: 1}, time.Now())
				}
			}
			time.Sleep(5 * time.Minute)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		full, short := 0, 0
		for _, r := range b.results[1:] {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			if r.Kind == Full {
				full++
			} else {
				short++
			}
		}
		t.Logf("%d full polls and %d short ones in four hours", full, short)
		if full < 3 || short < 100 {
			t.Errorf("%d full polls and %d short ones in four hours", full, short)
		}
	})
}

// setShare replaces the points that the poller may spend.
func (b *bench) setShare(share float64) { b.restart(store.NewMemory(), share) }
