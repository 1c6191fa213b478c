package poller

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// TestAFullPollOutlastsOutages has an API that is down for a minute again and again, while
// the first poll and a later one take most of an hour. Each outage is longer than a request
// is retried.
func TestAFullPollOutlastsOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{PointsPerMinute: 100, NoRequestLog: true})
		b.setShare(0.05)
		b.addRooms(6_000, 300*24*time.Hour)
		// Requests come in pairs, some minutes apart, so an outage lasts long enough for one.
		const outages, outage = 10 * time.Minute, 3 * time.Minute
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := time.Duration(1); ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(outages - outage):
				}
				b.account.Inject(wherebytest.Status(http.StatusServiceUnavailable))
				time.Sleep(outage)
				b.account.ClearFaults()
			}
		}()
		defer func() { close(stop); <-done }()

		began := time.Now()
		for b.ledger.Snapshot() == nil {
			b.poll()
			time.Sleep(time.Minute)
			if time.Since(began) > 90*time.Minute {
				t.Fatalf("no figures after %v: %+v", time.Since(began), b.results[len(b.results)-1])
			}
		}
		t.Logf("the first figures took %v", time.Since(began))
		b.expectTruth(true)
		if failed := b.failed(); failed == 0 {
			t.Error("no failure was reported")
		}

		time.Sleep(7 * time.Hour)
		full := b.ledger.State().FullPoll
		b.results = nil
		for b.ledger.State().FullPoll.Equal(full) {
			b.poller.fullPollIfDue(t.Context())
			time.Sleep(time.Minute)
			if len(b.results) > 60 {
				t.Fatal("no full poll in an hour")
			}
		}
		if failed := b.failed(); failed == 0 {
			t.Error("no failure of the full poll in the background was reported")
		}
		b.expectTruth(true)
	})
}

func (b *bench) failed() int {
	n := 0
	for _, r := range b.results {
		if r.Err != nil {
			n++
		}
	}
	return n
}

// TestAFullPollStartsAgain has it fail at a page, and then cannot continue from there.
func TestAFullPollStartsAgain(t *testing.T) {
	for _, test := range []struct {
		name  string
		pause time.Duration
		then  []wherebytest.Fault // at the next attempt
		pages int                 // requests of the next attempt: what is left, the second look, the top, the probe
	}{
		{name: "not if it can go on", pause: time.Minute, pages: 2 + 5 + 3},
		{name: "if the cursor is refused", pause: time.Minute, then: []wherebytest.Fault{wherebytest.Status(http.StatusBadRequest).Page(4).Times(1)}, pages: 1 + 5 + 5 + 3},
		{name: "if it is too old", pause: maxPause + time.Minute, pages: 5 + 5 + 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				b.setShare(1)
				b.addRooms(450, 90*24*time.Hour)
				b.account.Inject(wherebytest.Status(http.StatusInternalServerError).Page(4))
				if r := b.poll(); r.Err == nil || r.Pages != 3 || b.shown() != nil {
					t.Fatalf("the first attempt is %+v", r)
				}
				b.account.ClearFaults()
				for _, fault := range test.then {
					b.account.Inject(fault)
				}
				time.Sleep(test.pause)
				b.use()
				b.account.ResetRequests()
				b.mustPoll()
				b.expectTruth(true)
				if n := len(b.account.Requests()); n != test.pages {
					t.Errorf("%d requests, want %d", n, test.pages)
				}
			})
		})
	}
}

// TestWhatAPollReadIsKept has polls end before they are committed, and the room that they
// read new figures of be deleted.
func TestWhatAPollReadIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		rooms int
		stop  bool // with the first page
		fault bool // at the second one
	}{
		"stopped after the only page":  {rooms: 50, stop: true},
		"stopped before the next page": {rooms: 450, stop: true},
		"failed at the next page":      {rooms: 450, fault: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := store.NewMemory()
				b := newBench(t, wherebytest.Config{})
				b.restart(s, 1)
				b.addRooms(c.rooms, 90*24*time.Hour)
				b.mustPoll()
				shown := b.ledger.Snapshot()

				time.Sleep(time.Minute)
				last := b.anyRoom()
				b.account.Use(last, b.usage(), time.Now())
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.stop {
					b.poller.config.OnRooms = func([]whereby.Room) { cancel() }
				}
				if c.fault {
					b.account.Inject(wherebytest.Status(http.StatusUnauthorized).Page(2))
				}
				b.poller.pollDue(ctx)
				if b.ledger.Snapshot() != shown {
					t.Error("figures have changed with a poll that is not committed")
				}
				b.account.ClearFaults()
				b.account.Delete(last)
				b.restart(s, 1)
				b.mustPoll()
				b.expectTruth(false)
			})
		})
	}
}

// TestAnErrorNamesThePageOfThePoll and not that of the attempt.
func TestAnErrorNamesThePageOfThePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.setShare(1)
		b.addRooms(450, 90*24*time.Hour)
		b.account.Inject(wherebytest.Status(http.StatusInternalServerError).Page(4))
		for range 2 {
			const want = "read /insights/rooms page 4: HTTP 500 Internal Server Error"
			if r := b.poll(); r.Err == nil || r.Err.Error() != want {
				t.Errorf("the error is %v, want %s", r.Err, want)
			}
			time.Sleep(time.Minute)
		}
	})
}

// TestFirstFiguresAreWhole deletes a room that was read before each page of the first look
// is. With cursors that count rows that hides another room from it.
func TestFirstFiguresAreWhole(t *testing.T) {
	for name, fault := range map[string][]wherebytest.Fault{"sorted": nil, "not sorted": {wherebytest.SortRefused()}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				b.setShare(1)
				b.addRooms(950, 90*24*time.Hour)
				for _, f := range fault {
					b.account.Inject(f)
				}
				read := map[string]bool{}
				b.poller.config.OnRooms = func(rooms []whereby.Room) {
					for _, room := range rooms {
						read[room.Name] = true
					}
				}
				b.account.OnRequest(func(n int, _ *http.Request) {
					if n < 2 || n > 10 {
						return
					}
					if b.ledger.Snapshot() != nil {
						t.Error("there are figures before the second look")
					}
					for i, room := range b.rooms {
						if read[room] {
							b.account.Delete(room)
							b.rooms = slices.Delete(b.rooms, i, i+1)
							return
						}
					}
				})
				r := b.mustPoll()
				b.expectTruth(false)
				if r.Pages < 30 {
					t.Errorf("%d pages: the second look found no room that was hidden, so there was no third one", r.Pages)
				}
				before := b.shown()
				b.account.OnRequest(nil)
				time.Sleep(7 * time.Hour)
				b.poller.fullPollIfDue(t.Context())
				b.mustPoll()
				for prefix, usage := range b.shown() {
					if usage.Totals != before[prefix].Totals {
						t.Errorf("%s rose from %+v to %+v, and nobody used it", prefix, before[prefix].Totals, usage.Totals)
					}
				}
			})
		})
	}
}
