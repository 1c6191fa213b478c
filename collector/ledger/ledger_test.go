package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/prefix"
	"whereby_exporter/collector/store"
)

// classify takes what stands before the first hyphen for the prefix.
func classify(name string) string {
	label, _, ok := strings.Cut(strings.TrimPrefix(name, "/"), "-")
	if !ok {
		return prefix.None
	}
	return label
}

func open(t testing.TB, s ledger.Store, limit int) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(s, ledger.Options{Prefixes: prefix.Options{Classify: classify, Limit: limit}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func minutes(name string, n int64) ledger.Row {
	return ledger.Row{Name: name, Totals: ledger.Totals{ParticipantMinutes: n, Sessions: 1}, FirstSession: 100, LastSession: 200}
}

func poll(t testing.TB, l *ledger.Ledger, complete bool, rows ...ledger.Row) {
	t.Helper()
	p := l.Begin()
	if _, err := p.Add(rows); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(ledger.Completion{Started: time.Unix(1000, 0), Ended: time.Unix(1001, 0), Complete: complete}); err != nil {
		t.Fatal(err)
	}
}

// figures lays a snapshot out as "prefix minutes/sessions/rooms" lines.
func figures(l *ledger.Ledger) string {
	s := l.Snapshot()
	if s == nil {
		return "nothing"
	}
	var lines []string
	for _, u := range s.Prefixes {
		lines = append(lines, fmt.Sprintf("%s %d/%d/%d", u.Prefix, u.ParticipantMinutes, u.Sessions, u.Rooms))
	}
	return strings.Join(lines, ", ")
}

func expect(t testing.TB, l *ledger.Ledger, want string) {
	t.Helper()
	if got := figures(l); got != want {
		t.Errorf("figures are %q, want %q", got, want)
	}
}

func TestNothingIsShownBeforeAFullPoll(t *testing.T) {
	l := open(t, store.NewMemory(), 0)
	expect(t, l, "nothing")
	poll(t, l, false, minutes("/acme-1", 5))
	expect(t, l, "nothing")
	poll(t, l, true, minutes("/acme-2", 7))
	expect(t, l, "acme 12/2/1")
}

func TestAPassIsSeenOnlyOnceItIsCommitted(t *testing.T) {
	l := open(t, store.NewMemory(), 0)
	poll(t, l, true, minutes("/acme-1", 5))
	p := l.Begin()
	if _, err := p.Add([]ledger.Row{minutes("/acme-1", 50), minutes("/globex-1", 1)}); err != nil {
		t.Fatal(err)
	}
	expect(t, l, "acme 5/1/1")
}

func TestARoomOnTwoPagesCountsOnce(t *testing.T) {
	l := open(t, store.NewMemory(), 0)
	for range 2 { // new to the ledger at first, then known
		p := l.Begin()
		for page, fresh := range []int{2, 0, 1} {
			rows := []ledger.Row{minutes("/acme-1", 5), minutes("/acme-1", 5), minutes("/acme-2", 3)}
			if page == 2 {
				rows = append(rows, minutes("/acme-3", 4))
			}
			report, err := p.Add(rows)
			if err != nil {
				t.Fatal(err)
			}
			if report.Fresh != fresh {
				t.Errorf("page %d has %d fresh rooms, want %d", page, report.Fresh, fresh)
			}
		}
		if err := p.Commit(ledger.Completion{Complete: true}); err != nil {
			t.Fatal(err)
		}
		expect(t, l, "acme 12/3/3")
	}
}

func TestAVanishedRoomKeepsCounting(t *testing.T) {
	l := open(t, store.NewMemory(), 0)
	poll(t, l, true, minutes("/acme-1", 5), minutes("/acme-2", 7))
	poll(t, l, true, minutes("/acme-2", 7))
	expect(t, l, "acme 12/2/1")
	poll(t, l, true)
	expect(t, l, "acme 12/2/0")
}

func TestALoweredFigureLowersNoCounterAndIsTheDrift(t *testing.T) {
	l := open(t, store.NewMemory(), 0)
	poll(t, l, true, minutes("/acme-1", 50), minutes("/acme-2", 7))
	p := l.Begin()
	report, err := p.Add([]ledger.Row{minutes("/acme-1", 30), minutes("/acme-2", 9)})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Lowered) != 1 || report.Lowered[0].RoomName != "/acme-1" || report.Lowered[0].By.ParticipantMinutes != 20 {
		t.Errorf("lowered: %+v", report.Lowered)
	}
	if err := p.Commit(ledger.Completion{Complete: true}); err != nil {
		t.Fatal(err)
	}
	expect(t, l, "acme 59/2/2")
	if got := l.Snapshot().Drift; got != (ledger.Totals{ParticipantMinutes: 20}) {
		t.Errorf("drift is %+v", got)
	}
	poll(t, l, true, minutes("/acme-1", 50), minutes("/acme-2", 9))
	if got := l.Snapshot().Drift; got != (ledger.Totals{}) {
		t.Errorf("drift is %+v once Insights says the higher figure again", got)
	}
}

func TestPrefixesBeyondTheLimitCountTogether(t *testing.T) {
	s := store.NewMemory()
	l := open(t, s, 2)
	poll(t, l, true, minutes("/b-1", 1))
	poll(t, l, true, minutes("/b-1", 1), minutes("/a-1", 2), minutes("/c-1", 4), minutes("/d-1", 8), minutes("/x", 16))
	want := "_none 16/1/1, _other 12/2/2, a 2/1/1, b 1/1/1"
	expect(t, l, want)
	if got := l.Snapshot().DroppedPrefixes; got != 2 {
		t.Errorf("%d prefixes dropped, want 2", got)
	}
	// The rooms come in the order of their names now; b was admitted first all the
	// same, and stays.
	expect(t, open(t, s, 2), want)
	// With a higher limit they come out of _other, and what was counted stays there.
	moved, err := l.Configure(ledger.Options{Prefixes: prefix.Options{Classify: classify, Limit: 9}})
	if err != nil || !slices.Equal(moved, []string{"_other", "c", "d"}) {
		t.Errorf("the labels %v moved, %v", moved, err)
	}
	expect(t, l, "_none 16/1/1, _other 12/2/0, a 2/1/1, b 1/1/1, c 0/0/1, d 0/0/1")
	poll(t, l, true, minutes("/c-1", 5), minutes("/d-1", 8))
	expect(t, l, "_none 16/1/0, _other 12/2/0, a 2/1/0, b 1/1/0, c 1/0/1, d 0/0/1")
	expect(t, open(t, s, 9), "_none 16/1/0, _other 12/2/0, a 2/1/0, b 1/1/0, c 1/0/1, d 0/0/1")
}

func TestANameMadeByHandCannotPassForAReservedPrefix(t *testing.T) {
	l := open(t, store.NewMemory(), 0)
	poll(t, l, true, minutes("/_other-1", 1), minutes("/_none-1", 2))
	expect(t, l, "_none 3/2/2")
}

// failing is a store whose next commits fail.
type failing struct {
	ledger.Store
	commits int
}

var errDiskFull = errors.New("no space left on device")

func (f *failing) Commit(c ledger.Change) error {
	if f.commits > 0 {
		f.commits--
		return errDiskFull
	}
	return f.Store.Commit(c)
}

func TestACommitThatFailsChangesNothing(t *testing.T) {
	s := &failing{Store: store.NewMemory()}
	l := open(t, s, 0)
	poll(t, l, true, minutes("/acme-1", 5))
	s.commits = 1
	p := l.Begin()
	if _, err := p.Add([]ledger.Row{minutes("/acme-1", 9), minutes("/globex-1", 1)}); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(ledger.Completion{Complete: true}); !errors.Is(err, errDiskFull) {
		t.Fatalf("commit gave %v", err)
	}
	expect(t, l, "acme 5/1/1")
	poll(t, l, true, minutes("/globex-1", 1), minutes("/acme-1", 9))
	expect(t, l, "acme 9/1/1, globex 1/1/1")
	expect(t, open(t, s, 0), "acme 9/1/1, globex 1/1/1")
}

// TestTheLedgerIsTheHighestOfAllReadings drives the ledger with random readings,
// repeated, lowered and in overlapping polls, of which some are dropped, some
// can't be committed, and with restarts in between; and compares it with a map.
func TestTheLedgerIsTheHighestOfAllReadings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &failing{Store: store.NewMemory()}
		const limit = 3
		l, err := ledger.Open(s, ledger.Options{Prefixes: prefix.Options{Classify: classify, Limit: limit}})
		if err != nil {
			t.Fatal(err)
		}
		names := rapid.SampledFrom([]string{"/a-1", "/a-2", "/b-1", "/b-2", "/c-1", "/d-1", "/e-1", "/plain"})
		reading := rapid.Custom(func(t *rapid.T) ledger.Row {
			return ledger.Row{Name: names.Draw(t, "name"), Totals: ledger.Totals{
				ParticipantMinutes: rapid.Int64Range(0, 50).Draw(t, "minutes"),
				RecorderMinutes:    rapid.Int64Range(0, 5).Draw(t, "recorder"),
				StreamerMinutes:    rapid.Int64Range(0, 5).Draw(t, "streamer"),
				Sessions:           rapid.Int64Range(0, 5).Draw(t, "sessions"),
			}}
		})
		type open struct {
			poll *ledger.Poll
			read map[string]ledger.Totals // highest
			// known is set if it has read a room of the store.
			known bool
		}
		truth := map[string]ledger.Totals{}
		// kept is what is in the store in addition, and is shown with the next snapshot.
		kept := map[string]ledger.Totals{}
		show := func() {
			for name, totals := range kept {
				truth[name] = truth[name].Max(totals)
			}
			clear(kept)
		}
		complete := false
		var polls []*open
		var shown *ledger.Snapshot

		t.Repeat(map[string]func(*rapid.T){
			"begin": func(*rapid.T) {
				polls = append(polls, &open{poll: l.Begin(), read: map[string]ledger.Totals{}})
			},
			"read a page": func(t *rapid.T) {
				if len(polls) == 0 {
					t.Skip()
				}
				p := polls[rapid.IntRange(0, len(polls)-1).Draw(t, "poll")]
				rows := rapid.SliceOfN(reading, 0, 4).Draw(t, "rows")
				if _, err := p.poll.Add(rows); err != nil {
					t.Fatal(err)
				}
				for _, row := range rows {
					_, stored := truth[row.Name]
					_, keptToo := kept[row.Name]
					p.known = p.known || stored || keptToo
					p.read[row.Name] = p.read[row.Name].Max(row.Totals)
				}
			},
			"drop": func(t *rapid.T) {
				if len(polls) == 0 {
					t.Skip()
				}
				polls = polls[1:]
			},
			"keep": func(t *rapid.T) {
				if len(polls) == 0 {
					t.Skip()
				}
				p := polls[0]
				polls = polls[1:]
				s.commits = 0
				if err := p.poll.Keep(); err != nil {
					t.Fatal(err)
				}
				if p.known {
					for name, totals := range p.read {
						kept[name] = kept[name].Max(totals)
					}
				}
			},
			"commit": func(t *rapid.T) {
				if len(polls) == 0 {
					t.Skip()
				}
				p := polls[0]
				polls = polls[1:]
				s.commits = rapid.IntRange(0, 4).Draw(t, "fail") / 4
				c := ledger.Completion{Complete: rapid.Bool().Draw(t, "complete")}
				if err := p.poll.Commit(c); err != nil {
					return
				}
				show()
				for name, totals := range p.read {
					truth[name] = truth[name].Max(totals)
				}
				complete = complete || c.Complete
			},
			"restart": func(t *rapid.T) {
				polls = nil
				show()
				l, err = ledger.Open(s, ledger.Options{Prefixes: prefix.Options{Classify: classify, Limit: limit}})
				if err != nil {
					t.Fatal(err)
				}
			},
			"": func(t *rapid.T) {
				snapshot := l.Snapshot()
				if !complete {
					if snapshot != nil {
						t.Fatal("figures are shown before a full poll")
					}
					return
				}
				var want, got ledger.Totals
				for _, totals := range truth {
					want = want.Add(totals)
				}
				by := map[string]ledger.Totals{}
				for _, u := range snapshot.Prefixes {
					got = got.Add(u.Totals)
					by[u.Prefix] = u.Totals
				}
				if got != want {
					t.Fatalf("the account has %+v, want %+v", got, want)
				}
				for label := range by {
					if label == prefix.Other {
						continue
					}
					var want ledger.Totals
					for name, totals := range truth {
						if classify(name) == label {
							want = want.Add(totals)
						}
					}
					if by[label] != want {
						t.Fatalf("%s has %+v, want %+v", label, by[label], want)
					}
				}
				if len(by) > limit+2 {
					t.Fatalf("%d prefixes are shown", len(by))
				}
				if shown != nil {
					for _, u := range shown.Prefixes {
						if now, ok := by[u.Prefix]; !ok || now != now.Max(u.Totals) {
							t.Fatalf("%s fell from %+v to %+v", u.Prefix, u.Totals, now)
						}
					}
				}
				shown = snapshot
			},
		})
	})
}

func TestIDSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var set ledger.IDSet
		want := map[uint32]bool{}
		for _, id := range rapid.SliceOf(rapid.Uint32Range(0, 300)).Draw(t, "ids") {
			if got := set.Add(id); got == want[id] {
				t.Fatalf("Add(%d) is %v", id, got)
			}
			want[id] = true
		}
		encoded, err := set.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var decoded ledger.IDSet
		if err := decoded.UnmarshalBinary(encoded); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*ledger.IDSet{&set, &decoded} {
			if s.Len() != len(want) {
				t.Fatalf("%d IDs, want %d", s.Len(), len(want))
			}
			for id := range uint32(400) {
				if s.Has(id) != want[id] {
					t.Fatalf("Has(%d) is %v", id, s.Has(id))
				}
			}
		}
	})
}

// blocking is a store whose commits wait.
type blocking struct {
	ledger.Store
	entered, release chan struct{}
}

func (b *blocking) Commit(c ledger.Change) error {
	close(b.entered)
	<-b.release
	return b.Store.Commit(c)
}

// TestLabelsDoNotWaitForTheDisk holds a commit up: webhooks ask for labels, and have
// seconds to be answered.
func TestLabelsDoNotWaitForTheDisk(t *testing.T) {
	b := &blocking{Store: store.NewMemory(), entered: make(chan struct{}), release: make(chan struct{})}
	l := open(t, b, 3)
	done := make(chan struct{})
	go func() {
		defer close(done)
		poll(t, l, true, minutes("/acme-1", 5))
	}()
	<-b.entered
	if got := l.Label("/globex-1"); got != "globex" {
		t.Errorf("the label is %q", got)
	}
	close(b.release)
	<-done
	expect(t, l, "acme 5/1/1")
}

// TestWhatARoomUsedInAPeriod goes through the kinds of rooms that there are when a
// period begins.
func TestWhatARoomUsedInAPeriod(t *testing.T) {
	at := func(day int) int64 { return time.Date(2026, 3, day, 12, 0, 0, 0, time.UTC).Unix() }
	now := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	row := func(name string, first, last int64) ledger.Row {
		return ledger.Row{Name: name, Totals: ledger.Totals{ParticipantMinutes: 100, Sessions: 10}, FirstSession: first, LastSession: last}
	}
	const start, feb = 1, -20
	march := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Unix()
	for name, c := range map[string]struct {
		row   ledger.Row
		used  int64
		known bool
	}{
		"new in the period":           {row("/acme-1", at(2), at(19)), 100, true},
		"new at its very start":       {row("/acme-1", at(start)-12*3600, at(19)), 100, true},
		"not used in it":              {row("/acme-1", at(feb), at(feb+5)), 0, true},
		"older and used in it":        {row("/acme-1", at(feb), at(19)), 0, false},
		"of unknown age, and used it": {row("/acme-1", 0, at(19)), 0, false},
		"used, nobody knows when":     {row("/acme-1", 0, 0), 0, false},
		"never used":                  {ledger.Row{Name: "/acme-1"}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := ledger.Open(store.NewMemory(), ledger.Options{Prefixes: prefix.Options{Classify: classify}, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			commit(t, l, now, c.row)
			got := l.Snapshot().Prefixes[0]
			if got.Used.ParticipantMinutes != c.used || got.Known() != c.known {
				t.Errorf("used %d (known: %t), want %d (%t)", got.Used.ParticipantMinutes, got.Known(), c.used, c.known)
			}
			unread := unreadRooms(t, l)
			if c.known != !slices.ContainsFunc(unread, func(u ledger.Unread) bool { return slices.Contains(u.Starts, march) }) {
				t.Errorf("the unread rooms are %v", unread)
			}
		})
	}
}

func unreadRooms(t testing.TB, l *ledger.Ledger) []ledger.Unread {
	t.Helper()
	unread, err := l.Unread(1000, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	return unread
}

// commit is a full poll that ended at a time.
func commit(t testing.TB, l *ledger.Ledger, now time.Time, rows ...ledger.Row) {
	t.Helper()
	p := l.Begin()
	if _, err := p.Add(rows); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(ledger.Completion{Started: now, Ended: now, Complete: true}); err != nil {
		t.Fatal(err)
	}
}

// TestAnOpeningBalanceHoldsForTheRestOfThePeriod reads it once, restarts, and goes on into
// the next period.
func TestAnOpeningBalanceHoldsForTheRestOfThePeriod(t *testing.T) {
	now := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	s := store.NewMemory()
	reopen := func() *ledger.Ledger {
		l, err := ledger.Open(s, ledger.Options{Prefixes: prefix.Options{Classify: classify}, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	row := ledger.Row{
		Name: "/acme-1", Totals: ledger.Totals{ParticipantMinutes: 100, Sessions: 10},
		FirstSession: start.Unix() - 1e6, LastSession: now.Unix() - 3600, Raised: now.Unix(),
	}
	l := reopen()
	commit(t, l, now, row)
	opening := ledger.Opening{Start: start.Unix(), Totals: ledger.Totals{ParticipantMinutes: 70, Sessions: 8}, Certainty: ledger.Settled}
	if ok, err := l.SetOpenings(row, []ledger.Opening{opening}); err != nil || !ok {
		t.Fatal(ok, err)
	}
	used := func(want int64, unread int64) {
		t.Helper()
		for _, got := range []ledger.PeriodUsage{l.Snapshot().Prefixes[0].PeriodUsage, l.Snapshot().Account} {
			if got.Used.ParticipantMinutes != want || got.Unread != unread {
				t.Errorf("used %d (%d unread), want %d (%d)", got.Used.ParticipantMinutes, got.Unread, want, unread)
			}
		}
	}
	used(30, 0)
	now = now.Add(10 * time.Minute)
	row.ParticipantMinutes, row.Raised = 140, now.Unix()
	commit(t, l, now, row)
	used(70, 0)
	l = reopen()
	used(70, 0)

	now = start.AddDate(0, 1, 0)
	if err := l.Advance(now.Add(-time.Nanosecond)); err != nil {
		t.Fatal(err)
	}
	used(70, 0)
	if err := l.Advance(now); err != nil {
		t.Fatal(err)
	}
	used(0, 0)
	if got := l.Snapshot().Account.Previous; got.Used.ParticipantMinutes != 70 || got.Unread != 0 || got.Final {
		t.Errorf("the previous period is %+v, want 70 minutes that are not final", got)
	}
	// A clock that is set back a little does not begin the period again.
	if err := l.Advance(now.Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	used(0, 0)
	// It is used again after a gap in which several sessions may have begun: until that is
	// told apart, it counts nothing to the period.
	row.ParticipantMinutes, row.Sessions, row.LastSession, row.Raised = 150, 12, now.Unix()+60, now.Unix()+3600
	commit(t, l, now.Add(time.Hour), row)
	used(0, 1)
	if unread := unreadRooms(t, l); len(unread) != 1 || !slices.Contains(unread[0].Starts, now.Unix()) {
		t.Errorf("the unread rooms are %v", unread)
	}
}

// TestARoomThatWasSetAsideIsNotCarriedOver has a room whose row could not be read over the
// start of a period: nobody knows how long it had been quiet before it was used again.
func TestARoomThatWasSetAsideIsNotCarriedOver(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for name, aside := range map[string]bool{"read at each poll": false, "set aside for a while": true} {
		t.Run(name, func(t *testing.T) {
			now := start.Add(-10 * time.Hour)
			l, err := ledger.Open(store.NewMemory(), ledger.Options{Prefixes: prefix.Options{Classify: classify}, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			row := ledger.Row{
				Name: "/acme-1", Totals: ledger.Totals{ParticipantMinutes: 100, Sessions: 10},
				FirstSession: now.Unix() - 1e6, LastSession: now.Unix() - 3600, Raised: now.Unix(),
			}
			commit(t, l, now, row)
			now = start.Add(2 * time.Hour)
			p := l.Begin()
			if aside {
				if err := p.SetAside([]string{row.Name}); err != nil {
					t.Fatal(err)
				}
			} else if _, err := p.Add([]ledger.Row{row}); err != nil {
				t.Fatal(err)
			}
			if err := p.Commit(ledger.Completion{Started: now, Ended: now, Complete: true}); err != nil {
				t.Fatal(err)
			}
			now = now.Add(10 * time.Minute)
			row.ParticipantMinutes, row.Sessions, row.LastSession, row.Raised = 130, 11, now.Unix()-60, now.Unix()
			commit(t, l, now, row)
			got := l.Snapshot().Account
			if want := map[bool]int64{false: 30, true: 0}[aside]; got.Used.ParticipantMinutes != want || got.Known() == aside {
				t.Errorf("used %d minutes (%d unread), want %d", got.Used.ParticipantMinutes, got.Unread, want)
			}
		})
	}
}

// TestARoomThatRoseLatelyIsConfirmed has totals count ended sessions only, and a meeting from
// before the start of a period be counted together with the next one, more than a day later.
// A room that had stood still for a day is carried over for good; one that was first read
// during the meeting may have risen meanwhile, so its sessions are to be listed.
func TestARoomThatRoseLatelyIsConfirmed(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		first time.Duration // when the room is first read
		final bool
	}{
		"watched for days":              {-30 * time.Hour, true},
		"first read during the meeting": {20 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			now := start.Add(c.first)
			l, err := ledger.Open(store.NewMemory(), ledger.Options{Prefixes: prefix.Options{Classify: classify}, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			row := ledger.Row{
				Name: "/acme-1", Totals: ledger.Totals{ParticipantMinutes: 100, Sessions: 10},
				FirstSession: start.AddDate(0, 0, -20).Unix(), LastSession: start.Add(-40 * time.Hour).Unix(), Raised: now.Unix(),
			}
			commit(t, l, now, row)
			now = start.Add(25 * time.Hour)
			commit(t, l, now, row)
			now = now.Add(10 * time.Minute)
			row.ParticipantMinutes, row.Sessions, row.LastSession, row.Raised = 130, 11, now.Unix()-60, now.Unix()
			commit(t, l, now, row)
			got, unread := l.Snapshot().Account, unreadRooms(t, l)
			if got.Used.ParticipantMinutes != 30 || got.Unread != 0 {
				t.Errorf("%d minutes were used (%d unread rooms), want 30", got.Used.ParticipantMinutes, got.Unread)
			}
			if got.Previous.Final != c.final || len(unread) == 0 != c.final {
				t.Errorf("the previous period is %+v, and %d rooms are to be read", got.Previous, len(unread))
			}
		})
	}
}

// TestARoomThatIsGoneKeepsNoProvisionalBalance restarts after it.
func TestARoomThatIsGoneKeepsNoProvisionalBalance(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for name, complete := range map[string]ledger.Completion{
		"missed by a page that shows all rooms": {Complete: true, OnePage: true},
		"asked for by name":                     {Named: true},
	} {
		t.Run(name, func(t *testing.T) {
			now := start.Add(-10 * time.Hour)
			s := store.NewMemory()
			reopen := func() *ledger.Ledger {
				l, err := ledger.Open(s, ledger.Options{Prefixes: prefix.Options{Classify: classify}, Now: now})
				if err != nil {
					t.Fatal(err)
				}
				return l
			}
			l := reopen()
			row := ledger.Row{
				Name: "/acme-1", Totals: ledger.Totals{ParticipantMinutes: 100, Sessions: 10},
				FirstSession: now.Unix() - 1e6, LastSession: now.Unix() - 3600, Raised: now.Unix(),
			}
			other := row
			other.Name = "/acme-2"
			commit(t, l, now, row, other)
			now = start.Add(2 * time.Hour)
			commit(t, l, now, row, other)
			now = now.Add(10 * time.Minute)
			row.ParticipantMinutes, row.Sessions, row.LastSession, row.Raised = 130, 11, now.Unix()-60, now.Unix()
			commit(t, l, now, row, other)
			expect := func(used, unread int64) {
				t.Helper()
				for _, got := range []ledger.PeriodUsage{l.Snapshot().Account, l.Snapshot().Prefixes[0].PeriodUsage} {
					if got.Used.ParticipantMinutes != used || got.Unread != unread || got.Previous.Unread != unread {
						t.Errorf("used %d minutes (%d unread, %d before), want %d (%d)",
							got.Used.ParticipantMinutes, got.Unread, got.Previous.Unread, used, unread)
					}
				}
			}
			expect(30, 0)
			p := l.Begin()
			if complete.Named {
				if err := p.Gone(row.Name); err != nil {
					t.Fatal(err)
				}
			} else if _, err := p.Add([]ledger.Row{other}); err != nil {
				t.Fatal(err)
			}
			complete.Started, complete.Ended = now, now
			if err := p.Commit(complete); err != nil {
				t.Fatal(err)
			}
			expect(0, 1)
			if unread := unreadRooms(t, l); len(unread) != 1 || unread[0].Row.Name != row.Name {
				t.Errorf("to be read are %v", unread)
			}
			l = reopen()
			expect(0, 1)
		})
	}
}
