package poller

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby/wherebytest"
)

const oddRoom = "/acme-0dd00000-0000-4000-8000-000000000000"

func (b *bench) prefixUsage(prefix string) ledger.PrefixUsage {
	for _, usage := range b.ledger.Snapshot().Prefixes {
		if usage.Prefix == prefix {
			return usage
		}
	}
	return ledger.PrefixUsage{}
}

// TestAnOddRowWaitsAndAllOthersGoOn has the row of one room be odd for some polls.
func TestAnOddRowWaitsAndAllOthersGoOn(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"null figure":       func(row map[string]any) { row["totalRecorderMinutes"] = nil },
		"absent figure":     func(row map[string]any) { delete(row, "totalSessions") },
		"text for a number": func(row map[string]any) { row["totalParticipantMinutes"] = "124" },
		"year 10000":        func(row map[string]any) { row["lastSessionStartedAt"] = "10000-01-01T00:00:00.000Z" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				b.addRooms(450, 90*24*time.Hour)
				last := time.Now().Add(-time.Hour)
				b.account.AddRoom(wherebytest.Room{Name: oddRoom, CreatedAt: last, FirstSession: last, LastSession: last, Totals: b.usage()})
				b.mustPoll()
				b.expectTruth(true)
				before := b.prefixUsage("acme-")

				b.account.Inject(wherebytest.OddRows(oddRoom, change))
				b.account.Use(oddRoom, b.usage(), time.Now())
				// A full poll, so that rooms that are gone are noticed.
				for range 3 {
					time.Sleep(6 * time.Hour)
					b.poller.fullPollIfDue(t.Context())
					b.mustPoll()
				}
				if r := b.results[len(b.results)-1]; r.Err != nil {
					t.Fatal(r.Err)
				}
				after := b.prefixUsage("acme-")
				if after.Totals != before.Totals || after.Rooms != before.Rooms {
					t.Errorf("the prefix was %+v, and is %+v", before, after)
				}
				if s := b.ledger.Snapshot(); s.SetAside != 1 || s.Drift != (ledger.Totals{}) || !b.ledger.IsSetAside(oddRoom) {
					t.Errorf("%d rooms are set aside, the drift is %+v", s.SetAside, s.Drift)
				}
				if n := strings.Count(b.log.String(), "row could not be read"); n != 1 || !strings.Contains(b.log.String(), oddRoom) {
					t.Errorf("the log names it %d times", n)
				}
				// Others go on.
				for range 5 {
					b.use()
				}
				time.Sleep(time.Minute)
				b.mustPoll()
				for _, prefix := range []string{"globex-", "initech-"} {
					if got, want := b.prefixUsage(prefix).Totals, b.truth()[prefix].Totals; got != want {
						t.Errorf("%s is %+v, want %+v", prefix, got, want)
					}
				}

				b.account.ClearFaults()
				time.Sleep(time.Minute)
				b.mustPoll()
				b.expectTruth(false)
				if s := b.ledger.Snapshot(); s.SetAside != 0 {
					t.Errorf("%d rooms are set aside", s.SetAside)
				}
				b.account.Inject(wherebytest.OddRows(oddRoom, change))
				time.Sleep(time.Minute)
				b.mustPoll()
				if n := strings.Count(b.log.String(), "row could not be read"); n != 2 {
					t.Errorf("the log names it %d times once it is odd again", n)
				}
				b.account.Delete(oddRoom)
				time.Sleep(7 * time.Hour)
				b.poller.inBackground(t.Context())
				if s := b.ledger.Snapshot(); s.SetAside != 0 {
					t.Errorf("%d rooms are set aside after the room was deleted", s.SetAside)
				}
			})
		})
	}
}

// TestWhatARoomThatWasNeverReadUsedIsUnknown has a room be odd from the first poll on.
func TestWhatARoomThatWasNeverReadUsedIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		now := time.Now()
		for _, name := range []string{oddRoom, "/acme-00000001-0000-4000-8000-000000000000", "/globex-00000002-0000-4000-8000-000000000000"} {
			b.account.AddRoom(wherebytest.Room{Name: name, CreatedAt: now, FirstSession: now, LastSession: now, Totals: b.usage()})
		}
		b.account.Inject(wherebytest.OddRows(oddRoom, func(row map[string]any) { row["totalStreamerMinutes"] = nil }))
		for range 2 {
			b.mustPoll()
			s := b.ledger.Snapshot()
			if b.prefixUsage("acme-").Known() || s.Account.Known() || !b.prefixUsage("globex-").Known() || s.SetAside != 1 {
				t.Errorf("the snapshot is %+v", s)
			}
			time.Sleep(time.Minute)
		}
		b.account.ClearFaults()
		b.mustPoll()
		b.expectTruth(true)
		if s := b.ledger.Snapshot(); !b.prefixUsage("acme-").Known() || !s.Account.Known() || s.SetAside != 0 {
			t.Errorf("the snapshot is %+v", s)
		}
	})
}
