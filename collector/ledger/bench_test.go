package ledger_test

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/prefix"
	"whereby_exporter/collector/store"
)

// BenchmarkAllRowsChange has all of 200,000 rooms be used between two polls, as after a
// weekend without the exporter. It reports the seconds from the first page to the new
// snapshot, the longest that somebody else had to wait for the ledger meanwhile, and the
// resident memory at its highest.
func BenchmarkAllRowsChange(b *testing.B) {
	const pageSize = 100
	rooms := 200_000
	if testing.Short() {
		rooms = 10_000
	}
	began := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	s, err := store.OpenBolt(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	l, err := ledger.Open(s, ledger.Options{Prefixes: prefix.Options{Classify: classify}, Now: began})
	if err != nil {
		b.Fatal(err)
	}
	poll := func(n int) {
		now := began.Add(time.Duration(n) * 6 * time.Hour)
		p := l.Begin()
		page := make([]ledger.Row, pageSize)
		for first := 0; first < rooms; first += pageSize {
			for i := range page {
				number := first + i
				page[i] = ledger.Row{
					// Pages come in the order of use, names are scattered.
					Name:         fmt.Sprintf("/customer%03d-%08x-0000-4000-8000-%012x", number%500, uint32(number)*2654435761, number),
					Created:      began.AddDate(-1, 0, 0).Unix(),
					Totals:       ledger.Totals{ParticipantMinutes: int64(30 * (n + 1)), Sessions: int64(n + 1)},
					FirstSession: began.AddDate(0, -2, 0).Unix(),
					LastSession:  now.Add(-time.Duration(number) * time.Millisecond * 100).Unix(),
					Raised:       now.Unix(),
				}
			}
			if _, err := p.Add(page); err != nil {
				b.Fatal(err)
			}
		}
		if err := p.Commit(ledger.Completion{Started: now, Ended: now, Complete: true, Sorted: true}); err != nil {
			b.Fatal(err)
		}
	}
	poll(0)
	n := 0
	for b.Loop() {
		n++
		resetPeak(b)
		stop, waited := make(chan struct{}), make(chan time.Duration)
		go func() {
			var longest time.Duration
			for {
				select {
				case <-stop:
					waited <- longest
					return
				case <-time.After(time.Millisecond):
				}
				asked := time.Now()
				l.State()
				longest = max(longest, time.Since(asked))
			}
		}()
		start := time.Now()
		poll(n)
		took := time.Since(start)
		close(stop)
		b.ReportMetric((<-waited).Seconds(), "longest-wait-s")
		b.ReportMetric(took.Seconds(), "poll-s")
		b.ReportMetric(peak(b), "peak-MiB")
	}
}

// resetPeak has the process's highest memory be that of now.
func resetPeak(b *testing.B) {
	runtime.GC()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200); err != nil {
		b.Logf("the highest memory is that since the start: %v", err)
	}
}

// peak returns the highest resident memory of the process in MiB; 0 if that is unknown.
func peak(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Logf("no figures on memory here: %v", err)
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kib); n == 1 {
			return kib / 1024
		}
	}
	return 0
}
