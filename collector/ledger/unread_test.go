package ledger_test

import (
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/prefix"
	"whereby_exporter/collector/store"
)

// scans counts how often the rows of a store are gone through, and how many are looked up.
type scans struct {
	ledger.Store
	rows, got int
}

func (s *scans) Rows(from string) iter.Seq2[ledger.Row, error] {
	s.rows++
	return s.Store.Rows(from)
}

func (s *scans) Get(names []string, found func(int, ledger.Row)) error {
	s.got += len(names)
	return s.Store.Get(names, found)
}

// TestUnreadRoomsAreFoundWithoutGoingThroughAllAgain reads rooms in batches that are more than are
// known to be unread at once.
func TestUnreadRoomsAreFoundWithoutGoingThroughAllAgain(t *testing.T) {
	const rooms, batch = 25_000, 100
	now := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	march, february := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	s := &scans{Store: store.NewMemory()}
	l, err := ledger.Open(s, ledger.Options{Prefixes: prefix.Options{Classify: classify}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]ledger.Row, rooms)
	for i := range rows {
		rows[i] = ledger.Row{
			Name: fmt.Sprintf("/acme-%05d", i), Totals: ledger.Totals{ParticipantMinutes: int64(100 + i%1000), Sessions: 10},
			FirstSession: february.AddDate(-1, 0, 0).Unix(), LastSession: now.Unix() - 7200, Raised: now.Unix(),
		}
	}
	commit(t, l, now, rows...)
	s.rows, s.got = 0, 0
	read, postponed := 0, map[string]bool{}
	for {
		list, err := l.Unread(batch, func(name string) bool { return postponed[name] })
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for i, unread := range list {
			if i == 0 { // some cannot be read
				postponed[unread.Row.Name] = true
				continue
			}
			read++
			ok, err := l.SetOpenings(unread.Row, []ledger.Opening{
				{Start: february.Unix(), Certainty: ledger.Settled}, {Start: march.Unix(), Certainty: ledger.Settled},
			})
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
		}
	}
	if read+len(postponed) != rooms {
		t.Errorf("%d rooms were read and %d could not be, of %d", read, len(postponed), rooms)
	}
	t.Logf("%d times through the store, %d rows looked up", s.rows, s.got)
	if s.rows > 1+rooms/20_000 {
		t.Errorf("the store was gone through %d times", s.rows)
	}
	if s.got > 10*rooms {
		t.Errorf("%d rows were looked up", s.got)
	}
}

// TestARaisedRoomIsUnreadOnce raises unread rooms with each poll: they are looked up once when
// it is asked which are unread.
func TestARaisedRoomIsUnreadOnce(t *testing.T) {
	const rooms = 50
	now := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	s := &scans{Store: store.NewMemory()}
	l, err := ledger.Open(s, ledger.Options{Prefixes: prefix.Options{Classify: classify}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]ledger.Row, rooms)
	for i := range rows {
		rows[i] = ledger.Row{
			Name: fmt.Sprintf("/acme-%02d", i), Totals: ledger.Totals{ParticipantMinutes: 100, Sessions: 10},
			FirstSession: now.AddDate(-1, 0, 0).Unix(), LastSession: now.Unix() - 7200, Raised: now.Unix(),
		}
	}
	commit(t, l, now, rows...)
	for range 30 {
		now = now.Add(time.Minute)
		for i := range rows {
			rows[i].ParticipantMinutes++
			rows[i].Raised = now.Unix()
		}
		p := l.Begin()
		if _, err := p.Add(rows); err != nil {
			t.Fatal(err)
		}
		if err := p.Commit(ledger.Completion{Started: now, Ended: now}); err != nil {
			t.Fatal(err)
		}
	}
	s.got = 0
	if unread := unreadRooms(t, l); len(unread) != rooms || s.got != rooms {
		t.Errorf("%d rooms were looked up to list %d of %d unread ones", s.got, len(unread), rooms)
	}
}

// TestRoomsThatAreGoneAreFoundWithoutGoingThroughAll has full polls miss rooms whose opening
// balances are provisional, and find that they are deleted: what is gone through is what the
// sums are made of. If very many rooms have such balances, all are gone through for them.
func TestRoomsThatAreGoneAreFoundWithoutGoingThroughAll(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct{ rooms, scans int }{{50, 1}, {20_100, 2}} {
		t.Run(fmt.Sprint(c.rooms), func(t *testing.T) {
			now := start.Add(-10 * time.Hour)
			s := &scans{Store: store.NewMemory()}
			l, err := ledger.Open(s, ledger.Options{Prefixes: prefix.Options{Classify: classify}, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			rows := make([]ledger.Row, c.rooms)
			for i := range rows {
				rows[i] = ledger.Row{
					Name: fmt.Sprintf("/acme-%05d", i), Totals: ledger.Totals{ParticipantMinutes: 100, Sessions: 10},
					FirstSession: now.Unix() - 1e6, LastSession: now.Unix() - 3600, Raised: now.Unix(),
				}
			}
			commit(t, l, now, rows...)
			now = start.Add(2 * time.Hour)
			commit(t, l, now, rows...)
			now = now.Add(10 * time.Minute)
			for i := range rows {
				rows[i].ParticipantMinutes, rows[i].Sessions, rows[i].LastSession, rows[i].Raised = 130, 11, now.Unix()-60, now.Unix()
			}
			commit(t, l, now, rows...)
			if got := l.Snapshot().Account; got.Unread != 0 {
				t.Fatalf("%d rooms are unread", got.Unread)
			}
			const gone = 3
			commit(t, l, now, rows[gone:]...)
			s.rows = 0
			commit(t, l, now, rows[gone:]...)
			if got := l.Snapshot().Account; got.Unread != gone || got.Used.ParticipantMinutes != int64(30*(c.rooms-gone)) {
				t.Errorf("%d minutes were used for certain, and %d rooms are unread", got.Used.ParticipantMinutes, got.Unread)
			}
			if s.rows != c.scans {
				t.Errorf("the store was gone through %d times, want %d", s.rows, c.scans)
			}
		})
	}
}

// TestUnreadRoomsComeInTheOrderOfUse lists rooms of several prefixes, and one that Whereby will
// delete before its opening balance is confirmed.
func TestUnreadRoomsComeInTheOrderOfUse(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	now := start.Add(-10 * time.Hour)
	l, err := ledger.Open(store.NewMemory(), ledger.Options{
		Prefixes: prefix.Options{Classify: classify}, Now: now,
		Limited: func(label string) bool { return label == "initech" },
	})
	if err != nil {
		t.Fatal(err)
	}
	row := func(name string, minutes int64) ledger.Row {
		return ledger.Row{
			Name: name, Totals: ledger.Totals{ParticipantMinutes: minutes, Sessions: 10},
			FirstSession: now.Unix() - 1e7, LastSession: now.Unix() - 3600, Raised: now.Unix(),
		}
	}
	ends, permanent := row("/acme-ends", 5), row("/acme-permanent", 5)
	ends.Ends = start.Add(3 * time.Hour).Unix()
	commit(t, l, now, ends, permanent)
	now = start.Add(2 * time.Hour)
	commit(t, l, now, ends, permanent)
	now = now.Add(10 * time.Minute)
	for _, r := range []*ledger.Row{&ends, &permanent} {
		r.ParticipantMinutes, r.Sessions, r.LastSession, r.Raised = 35, 11, now.Unix()-60, now.Unix()
	}
	// How much the others had used before the period is not known.
	commit(t, l, now, ends, permanent, row("/acme-1", 10), row("/acme-2", 90), row("/acme-3", 50),
		row("/globex-1", 1), row("/initech-1", 2), row("/initech-2", 3))
	order := func() (names []string) {
		for _, unread := range unreadRooms(t, l) {
			names = append(names, unread.Row.Name)
		}
		return names
	}
	// Of the last two, it is not known what they used in the previous period.
	want := []string{"/initech-2", "/initech-1", "/globex-1", "/acme-2", "/acme-3", "/acme-1", "/acme-ends", "/acme-permanent"}
	if got := order(); !slices.Equal(got, want) {
		t.Errorf("while figures rise, unread rooms come as %v, want %v", got, want)
	}
	now = now.Add(20 * time.Minute)
	if err := l.Advance(now); err != nil {
		t.Fatal(err)
	}
	if got, want := order(), []string{"/acme-ends"}; !slices.Equal(got, want) {
		t.Errorf("first come %v, want %v", got, want)
	}
	balance := ledger.Opening{Start: start.Unix(), Totals: ledger.Totals{ParticipantMinutes: 5, Sessions: 10}, Certainty: ledger.Listed}
	if ok, err := l.SetOpenings(ends, []ledger.Opening{balance}); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if got := order(); !slices.Equal(got, want) {
		t.Errorf("once that is listed, unread rooms come as %v, want %v", got, want)
	}
}
