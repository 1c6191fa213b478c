package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/prefix"
	"whereby_exporter/collector/store"
)

// BenchmarkRoomsAreGone has full polls of 1,000,000 rooms miss one whose opening balance is
// provisional, and find that it is deleted. It reports for how long either commit held the
// ledger: what the second one takes longer is what finding the room's row takes.
func BenchmarkRoomsAreGone(b *testing.B) {
	const used, pageSize = 1_000, 100
	rooms := 1_000_000
	if testing.Short() {
		rooms = 20_000
	}
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	now := start.Add(2 * time.Hour)
	row := func(number int) ledger.Row {
		return ledger.Row{
			Name: fmt.Sprintf("/customer%03d-%012x", number/2_000, number), ID: uint32(number),
			Created:      start.AddDate(-1, 0, 0).Unix(),
			Totals:       ledger.Totals{ParticipantMinutes: 30, Sessions: 1},
			FirstSession: start.AddDate(0, -2, 0).Unix(), LastSession: start.AddDate(0, -1, 0).Unix(), Raised: start.Unix() - 86400,
		}
	}
	s, err := store.OpenBolt(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var present ledger.IDSet
	for first := 0; first < rooms; first += 10_000 {
		some := make([]ledger.Row, 10_000)
		for i := range some {
			some[i] = row(first + i)
			present.Add(some[i].ID)
		}
		if err := s.Commit(ledger.Change{Rows: some}); err != nil {
			b.Fatal(err)
		}
	}
	state := ledger.State{Complete: true, Sorted: true, PollStarted: now, FullPoll: now, FullPollStarted: now}
	if err := s.Commit(ledger.Change{State: &state, Present: &present}); err != nil {
		b.Fatal(err)
	}
	l, err := ledger.Open(s, ledger.Options{Prefixes: prefix.Options{Classify: classify}, Now: now})
	if err != nil {
		b.Fatal(err)
	}
	now = now.Add(10 * time.Minute)
	poll := func(to int, complete bool) time.Duration {
		p := l.Begin()
		page := make([]ledger.Row, pageSize)
		first := rooms - used
		if complete {
			first = 0
		}
		for ; first < to; first += pageSize {
			for i := range page {
				page[i] = row(first + i)
				if first >= rooms-used {
					page[i].Totals = ledger.Totals{ParticipantMinutes: 45, Sessions: 2}
					page[i].LastSession, page[i].Raised = start.Unix()+7200, now.Unix()
				}
			}
			if _, err := p.Add(page[:min(pageSize, to-first)]); err != nil {
				b.Fatal(err)
			}
		}
		began := time.Now()
		if err := p.Commit(ledger.Completion{Started: now, Ended: now, Complete: complete, Sorted: true}); err != nil {
			b.Fatal(err)
		}
		return time.Since(began)
	}
	poll(rooms, false)
	left := rooms
	for b.Loop() {
		left--
		missed := poll(left, true)
		gone := poll(left, true)
		b.ReportMetric(missed.Seconds(), "missed-s")
		b.ReportMetric(gone.Seconds(), "gone-s")
		if unread := l.Snapshot().Account.Unread; unread != int64(rooms-left) {
			b.Fatalf("%d rooms are unread, want %d", unread, rooms-left)
		}
	}
}
