package recordings_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/logtest"
	"whereby_exporter/collector/prefix"
	"whereby_exporter/collector/recordings"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

func label(room string) string {
	under, _, _ := strings.Cut(strings.TrimPrefix(room, "/"), "-")
	return under
}

// bench reads an account, in one process after another.
type bench struct {
	t       *testing.T
	account *wherebytest.Account
	config  wherebytest.Config
	store   recordings.Store
	reader  *recordings.Reader
	log     logtest.Buffer
}

func newBench(t *testing.T, config wherebytest.Config) *bench {
	config.APIKey, config.PointsPerMinute, config.Cost = "key", 1<<30, nil
	return &bench{t: t, account: wherebytest.New(config), config: config, store: store.NewMemory()}
}

// run runs a process until the context is done.
func (b *bench) run(ctx context.Context, s recordings.Store) {
	b.t.Helper()
	client := &whereby.Client{APIKey: whereby.StaticKey("key"), HTTPClient: &http.Client{Transport: b.account.RoundTripper()}}
	reader, err := recordings.Open(recordings.Config{
		Client: client, Store: s, Label: label, OnStoreError: func() {}, Logger: slog.New(slog.NewTextHandler(&b.log, nil)),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.reader = reader
	reader.Start()
	if err := reader.Run(ctx); err != nil {
		b.t.Error(err)
	}
}

// process starts one that ends with the test, or with the function that is returned.
func (b *bench) process() (stop func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.run(ctx, b.store)
	}()
	synctest.Wait()
	return func() {
		cancel()
		<-done
	}
}

// requests waits, and returns how many requests were sent meanwhile.
func (b *bench) requests(wait time.Duration) int {
	before := b.account.Count(wherebytest.EndpointRecordings)
	time.Sleep(wait)
	synctest.Wait()
	return b.account.Count(wherebytest.EndpointRecordings) - before
}

// record stores recordings that began a minute from each other, the last one at a time.
func (b *bench) record(name string, n int, last time.Time) {
	for i := range n {
		start := last.Add(-time.Duration(i) * time.Minute)
		b.account.AddRecordings(wherebytest.Recording{
			ID: fmt.Sprint(name, i), RoomName: "/acme-1", Start: start, End: start.Add(30 * time.Second), Megabytes: 2,
		})
	}
}

func (b *bench) delete(name string, from, to int) {
	for i := from; i < to; i++ {
		b.account.DeleteRecording(fmt.Sprint(name, i))
	}
}

var named = regexp.MustCompile(`^/[a-z]*-?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// truth is what the account lists now, by prefix.
func (b *bench) truth() map[string]recordings.Figures {
	all := map[string]recordings.Figures{}
	for _, r := range b.account.StoredRecordings() {
		under := prefix.None
		if b.config.Recordings.RoomNames || r.Filename != "" && named.MatchString(r.RoomName) {
			under = label(r.RoomName)
		}
		f := all[under]
		f.Recordings++
		f.Bytes += int64(math.Round(r.Megabytes * 1e6))
		if f.Oldest.IsZero() || r.Start.Before(f.Oldest) {
			f.Oldest = r.Start
		}
		all[under] = f
	}
	return all
}

// figures are what is shown.
func (b *bench) figures() map[string]recordings.Figures {
	all := map[string]recordings.Figures{}
	if view := b.reader.View(); view != nil {
		for _, p := range view.Prefixes {
			all[p.Prefix] = p.Figures
		}
	}
	return all
}

func same(x, y map[string]recordings.Figures) error {
	for under, f := range x {
		if g := y[under]; f.Recordings != g.Recordings || f.Bytes != g.Bytes || f.Oldest.Sub(g.Oldest).Abs() >= time.Millisecond {
			return fmt.Errorf("%s has %+v, not %+v", under, g, f)
		}
	}
	if len(x) != len(y) {
		return fmt.Errorf("there are %v, not %v", y, x)
	}
	return nil
}

func (b *bench) expectTruth() {
	b.t.Helper()
	if err := same(b.truth(), b.figures()); err != nil {
		b.t.Error(err)
	}
}

// TestASteadyReadingIsARequestAPage also has recordings begin and be deleted between
// readings.
func TestASteadyReadingIsARequestAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{Recordings: wherebytest.Recordings{RoomNames: true}})
		begin := time.Now()
		b.record("r", 350, begin)
		stop := b.process()
		for _, step := range []struct {
			what   string
			change func()
			want   int
		}{
			{"nothing changes", func() {}, 4},
			{"nothing changes", func() {}, 4},
			{"some are new", func() { b.record("new", 40, time.Now()) }, 4},
			{"some are deleted", func() { b.delete("r", 10, 20) }, 2 * 4},
			{"nothing changes", func() {}, 4},
			{"more are new than a page has", func() { b.record("more", 150, time.Now()) }, 2 * 6},
			{"nothing changes", func() {}, 6},
			{"the oldest are deleted", func() { b.delete("r", 150, 350) }, 2 * 4},
			{"nothing changes", func() {}, 4},
			{"a page is left", func() { b.delete("r", 0, 150); b.delete("more", 50, 150) }, 1},
			{"none is left", func() { b.delete("more", 0, 50); b.delete("new", 0, 40) }, 1},
			{"some are new", func() { b.record("again", 130, time.Now()) }, 2 * 2},
		} {
			step.change()
			if n := b.requests(recordings.DefaultInterval); n != step.want {
				t.Errorf("%s: %d requests, want %d", step.what, n, step.want)
			}
			b.expectTruth()
		}
		stop()
		stop = b.process() // it does not know which there were
		if n := b.requests(recordings.DefaultInterval); n != 2*2 {
			t.Errorf("after a restart: %d requests", n)
		}
		b.expectTruth()
		stop()
	})
}

// TestADeletionWhilePagesAreReadHidesNothing has one between two pages of a reading.
func TestADeletionWhilePagesAreReadHidesNothing(t *testing.T) {
	for _, first := range []bool{false, true} {
		t.Run(fmt.Sprintf("of the first reading: %v", first), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{Recordings: wherebytest.Recordings{RoomNames: true}, Cursors: wherebytest.OffsetCursors})
				b.record("r", 350, time.Now())
				deletes := first
				b.account.OnRequest(func(_ int, r *http.Request) {
					if deletes && r.URL.Query().Has("cursor") {
						deletes = false
						b.delete("r", 20, 21)
					}
				})
				stop := b.process()
				b.expectTruth()
				deletes = !first
				b.requests(recordings.DefaultInterval)
				b.expectTruth()
				stop()
			})
		})
	}
}

// TestADeletionThatGoesOnIsMadeUpFor has each page of five passes lose a recording.
func TestADeletionThatGoesOnIsMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		b := newBench(t, wherebytest.Config{Cursors: wherebytest.OffsetCursors, Recordings: wherebytest.Recordings{
			RoomNames:   true,
			MovingPages: func(_ string, at time.Time) bool { return at.Before(begin.Add(time.Minute)) },
		}})
		b.record("r", 350, begin)
		stop := b.process()
		b.requests(10 * time.Minute)
		b.expectTruth()
		if n := b.requests(2 * recordings.DefaultInterval); n != 2*4 {
			t.Errorf("%d requests in two readings", n)
		}
		stop()
	})
}

// witness compares each reading with what the account listed at its begin and at its end.
type witness struct {
	recordings.Store
	b        *bench
	begin    map[string]recordings.Figures
	began    time.Time
	passes   int
	readings int // that were of one moment
}

func (w *witness) request(r *http.Request) {
	if r.URL.Query().Has("cursor") {
		return
	}
	if w.passes == 0 || time.Since(w.began) > 4*time.Minute { // the one before failed
		w.begin, w.began, w.passes = w.b.truth(), time.Now(), 0
	}
	w.passes++
}

func (w *witness) KeepRecordings(content []byte) error {
	end, got := w.b.truth(), w.b.figures()
	if same(w.begin, end) == nil {
		w.readings++
		if err := same(end, got); err != nil {
			w.b.t.Errorf("after %d passes: %v", w.passes, err)
		}
	}
	for under, f := range end {
		// What is there at the end of a moment was there all the time.
		if g := got[under]; w.began.Equal(time.Now()) && w.passes < 5 && g.Recordings < f.Recordings {
			w.b.t.Errorf("after %d passes %s has %d recordings, not %d", w.passes, under, g.Recordings, f.Recordings)
		}
	}
	w.passes = 0
	return w.Store.KeepRecordings(content)
}

// TestReadingsAreTheTruthOfAnyAccount has processes be killed, in a request too, and Whereby
// fail from time to time. Recordings come late, are deleted in bulk and one by one, and pages
// move in the first half.
func TestReadingsAreTheTruthOfAnyAccount(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { ofAnyAccount(t, seed) })
		})
	}
}

func ofAnyAccount(t *testing.T, seed uint64) {
	const length = 48 * time.Hour
	begin, random := time.Now(), rand.New(rand.NewPCG(seed, 0))
	adversary := wherebytest.NewAdversary(seed, begin, length)
	adversary.Record = true
	t.Log(adversary)
	b := newBench(t, adversary.Config)
	adversary.Furnish(b.account)
	switch seed % 4 {
	case 1:
		b.account.Inject(wherebytest.SortIgnored())
	case 2:
		b.account.Inject(wherebytest.SortRefused())
	}
	w := &witness{Store: b.store, b: b}
	kill := func() {}
	b.account.OnRequest(func(_ int, r *http.Request) {
		w.request(r)
		switch random.IntN(25) {
		case 0:
			kill()
		case 1:
			b.account.Inject(wherebytest.Status(http.StatusBadGateway).Times(1 + random.IntN(8)))
		}
	})
	for time.Since(begin) < length {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.Int64N(int64(12*time.Hour))))
		kill = cancel
		b.run(ctx, w)
		cancel()
		w.passes = 0
		time.Sleep(time.Duration(random.Int64N(int64(10 * time.Minute))))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
	defer cancel()
	b.account.OnRequest(func(_ int, r *http.Request) { w.request(r) })
	b.run(ctx, w)
	b.expectTruth()
	if w.readings < 2 {
		t.Errorf("only %d readings were of one moment", w.readings)
	}
}
