package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/durable/durabletest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a journal and returns the records that it replayed.
func open(t testing.TB, dir string, from uint64) (*Journal, []string) {
	t.Helper()
	j, records, _, err := tryOpen(durable.OS{}, dir, from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j, records
}

// tryOpen also returns the repairs that opening took.
func tryOpen(fsys durable.FS, dir string, from uint64) (j *Journal, records []string, repairs []Repair, err error) {
	j, err = Open(Options{
		FS: fsys, Dir: dir, From: from,
		Replay: func(record []byte) error {
			records = append(records, string(record))
			return nil
		},
		OnRepair: func(r Repair) { repairs = append(repairs, r) },
	})
	return j, records, repairs, err
}

// noState is saved.
func noState() error { return nil }

func add(t testing.TB, j *Journal, records ...string) {
	t.Helper()
	for _, record := range records {
		if err := j.Append(t.Context(), []byte(record), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func expect(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("replayed %q, want %q", got, want)
	}
}

func TestAcknowledgedRecordsAreThereWithoutAClose(t *testing.T) {
	dir := t.TempDir()
	j, got := open(t, dir, 0)
	expect(t, got)
	add(t, j, "a", "b", "c")
	j, got = open(t, dir, 0)
	expect(t, got, "a", "b", "c")
	add(t, j, "d")
	_, got = open(t, dir, 0)
	expect(t, got, "a", "b", "c", "d")
}

func TestManyAtOnceAreAllThereOnce(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir, 0)
	var wg sync.WaitGroup
	var want []string
	for i := range 2000 {
		record := fmt.Sprint("record ", i)
		want = append(want, record)
		wg.Go(func() {
			if err := j.Append(t.Context(), []byte(record), nil); err != nil {
				t.Error(err)
			}
			if i%500 == 0 {
				if _, err := j.Rotate(noState); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	_, got := open(t, dir, 0)
	slices.Sort(got)
	slices.Sort(want)
	expect(t, got, want...)
}

// TestRecordsThatAreReadyShareASync has many goroutines append at once on one processor to a
// disk that is so fast that none would come while it writes.
func TestRecordsThatAreReadyShareASync(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const n = 64
	fsys := durabletest.New(dir)
	j := opened(t, fsys)
	add(t, j, "first") // which begins the file
	syncs := 0
	fsys.Fault = func(c durabletest.Call) durabletest.Fault {
		if c.Op == durabletest.Sync {
			syncs++
		}
		return durabletest.Fault{}
	}
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := j.Append(t.Context(), []byte("record"), nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if syncs == 0 || syncs > n/2 {
		t.Errorf("%d records took %d syncs", n, syncs)
	}
}

// TestHalfOfTheSendersShareASync has many append over and over, each a while after its last
// record. A sync serves about half of them, so none has to wait for all others.
func TestHalfOfTheSendersShareASync(t *testing.T) {
	for _, takes := range []time.Duration{maxGather / 4, maxGather, 4 * maxGather} {
		synctest.Test(t, func(t *testing.T) {
			fsys := durabletest.New(dir)
			j := opened(t, fsys)
			add(t, j, "first") // which begins the file
			syncs := 0
			fsys.Fault = func(c durabletest.Call) durabletest.Fault {
				if c.Op == durabletest.Sync {
					syncs++
					time.Sleep(takes)
				}
				return durabletest.Fault{}
			}
			const senders, each = 8, 20
			var wg sync.WaitGroup
			for i := range senders {
				wg.Go(func() {
					for range each {
						time.Sleep(maxGather / 4 * time.Duration(1+i) / senders)
						if err := j.Append(t.Context(), []byte("record"), nil); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			// The first ones and the last ones do not know of each other.
			if most := 2*each + senders; syncs < each || syncs > most {
				t.Errorf("with a disk that takes %v, %d records of %d took %d syncs, want %d to %d", takes, senders*each, senders, syncs, each, most)
			}
		})
	}
}

// TestNobodyWaitsForThoseWhoLeft: after many have appended, one alone waits once, for
// a moment, and then no more.
func TestNobodyWaitsForThoseWhoLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := opened(t, durabletest.New(dir))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := j.Append(t.Context(), []byte("record"), nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		began := time.Now()
		for range 100 {
			add(t, j, "record")
		}
		if waited := time.Since(began); waited > maxGather {
			t.Errorf("100 records of one sender waited %v, want at most %v", waited, maxGather)
		}
	})
}

// TestWhatIsAppliedIsWhatAReplayApplies lets many append and rotate, and compares the
// order in which records were applied, also those of callers who gave up, with that
// of a replay; and what had been applied at each rotation with what the files
// before it hold.
func TestWhatIsAppliedIsWhatAReplayApplies(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir, 0)
	impatient, cancel := context.WithCancel(t.Context())
	time.AfterFunc(5*time.Millisecond, cancel) // some give up at once, some while they wait
	var (
		wg      sync.WaitGroup
		patient int
		applied []string // guarded by the journal
		mu      sync.Mutex
		at      = map[uint64]int{}
	)
	for i := range 2000 {
		record := fmt.Sprint("record ", i)
		ctx := t.Context()
		if i%7 == 0 {
			ctx = impatient
		} else {
			patient++
		}
		wg.Go(func() {
			done := false
			err := j.Append(ctx, []byte(record), func() {
				applied = append(applied, record)
				done = true
			})
			if err == nil && !done {
				t.Error("acknowledged before it was applied")
			}
			if err != nil && ctx == t.Context() {
				t.Error(err)
			}
			if i%300 == 0 {
				n := 0
				number, err := j.Rotate(func() error { n = len(applied); return nil })
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				at[number] = n
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if len(applied) < patient || len(applied) > 2000 {
		t.Errorf("%d records were applied, of which %d had callers who waited", len(applied), patient)
	}
	_, got := open(t, dir, 0)
	expect(t, got, applied...)
	for number, n := range at {
		_, got := open(t, dir, number)
		expect(t, got, applied[n:]...)
	}
}

func TestForgottenFilesAreGone(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir, 0)
	add(t, j, "a")
	number, err := j.Rotate(noState)
	if err != nil {
		t.Fatal(err)
	}
	add(t, j, "b")
	_, got := open(t, dir, number) // the state is saved, and the process killed here
	expect(t, got, "b")
	if err := j.Forget(number); err != nil {
		t.Fatal(err)
	}
	_, got = open(t, dir, number)
	expect(t, got, "b")
	// Without the state the records that it stood for are missed.
	if _, _, _, err := tryOpen(durable.OS{}, dir, 0); !errors.As(err, new(*durable.DamagedError)) {
		t.Errorf("the error is %v", err)
	}
}

// BenchmarkAppend shows what sharing a sync is worth: records a second alone and
// with 64 at once.
func BenchmarkAppend(b *testing.B) {
	record := bytes.Repeat([]byte("x"), 200)
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("%d at once", writers), func(b *testing.B) {
			j, _ := open(b, b.TempDir(), 0)
			b.SetParallelism(max(1, writers/2))
			if writers == 1 {
				for b.Loop() {
					add(b, j, string(record))
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := j.Append(b.Context(), record, nil); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
