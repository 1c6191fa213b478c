package transcriptions_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"whereby_exporter/collector/store"
	"whereby_exporter/collector/transcriptions"
	"whereby_exporter/whereby"
)

func label(room string) string {
	prefix, _, _ := strings.Cut(strings.TrimPrefix(room, "/"), "-")
	return prefix
}

func open(t *testing.T, s transcriptions.Store, label func(string) string) *transcriptions.Ledger {
	t.Helper()
	l, err := transcriptions.Open(s, label)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func snapshot(t *testing.T, l *transcriptions.Ledger, p *transcriptions.Periods) *transcriptions.Snapshot {
	t.Helper()
	s, err := l.Snapshot(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func event(kind whereby.EventType, id string, at int64, billable time.Duration) whereby.Event {
	return whereby.Event{Type: kind, TranscriptionID: id, RoomName: "/acme-1", CreatedAt: time.UnixMilli(at), Billable: billable}
}

// TestEventsCountOnceInAnyOrder applies the events of transcriptions in every order it draws,
// some twice, with restarts at any point after a flush.
func TestEventsCountOnceInAnyOrder(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	events := []whereby.Event{
		event(whereby.TranscriptionStarted, "a", 1000, 0),
		event(whereby.TranscriptionFinished, "a", 90_000, 30*time.Second),
		event(whereby.TranscriptionStarted, "b", 2000, 0),
		event(whereby.TranscriptionFailed, "b", 80_000, 0),
		event(whereby.TranscriptionStarted, "c", 3000, 0),
		{Type: whereby.TranscriptionFinished, RoomName: "/acme-1"}, // of no id
		{Type: whereby.SessionEnded, RoomName: "/acme-1"},
	}
	periods := &transcriptions.Periods{Prefixes: map[string]transcriptions.Span{"acme": {Previous: 0, Current: 1000}}, Account: transcriptions.Span{Current: 5000}}
	for range 50 {
		bolt, err := store.OpenBolt(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		kept := bolt.Transcriptions()
		l := open(t, kept, label)
		for _, i := range random.Perm(2 * len(events)) {
			l.Apply(events[i%len(events)])
			if random.IntN(5) == 0 {
				if err := l.Flush(); err != nil {
					t.Fatal(err)
				}
				l = open(t, kept, label)
			}
		}
		s := snapshot(t, l, periods)
		want := transcriptions.PrefixFigures{Prefix: "acme", Billable: 30 * time.Second, ByStatus: transcriptions.ByStatus{1, 1, 1, 0}}
		if len(s.Prefixes) != 1 || s.Prefixes[0] != want {
			t.Fatalf("there are %+v, want %+v", s.Prefixes, want)
		}
		if got := s.Prefix("acme").Used; got != 30*time.Second {
			t.Fatalf("acme used %v", got)
		}
		if got := s.Account(); got.Used+got.Previous != 30*time.Second {
			t.Fatalf("the account used %+v", got)
		}
		if err := bolt.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAReloadMovesFiguresOfPeriodsOnly gives rooms another prefix: counters stay, figures of
// periods move, and a snapshot from before is not changed.
func TestAReloadMovesFiguresOfPeriodsOnly(t *testing.T) {
	name := "acme"
	l := open(t, store.NewTranscriptionsInMemory(), func(string) string { return name })
	span := transcriptions.Span{Previous: 0, Current: 1000}
	periods := func() *transcriptions.Periods {
		return &transcriptions.Periods{Prefixes: map[string]transcriptions.Span{"acme": span, "globex": span}, Account: span}
	}
	l.Apply(event(whereby.TranscriptionFinished, "a", 90_000, 30*time.Second))
	before := snapshot(t, l, periods())
	name = "globex"
	l.Recount()
	if l.Refresh(before) != before {
		t.Error("figures from before the reload are mixed with those after it")
	}
	after := snapshot(t, l, periods())
	l.Apply(event(whereby.TranscriptionFinished, "b", 90_000, 10*time.Second))
	after = l.Refresh(after)
	if got := after.Prefix("globex").Used; got != 40*time.Second || after.Prefix("acme").Used != 0 || before.Prefix("acme").Used != 30*time.Second {
		t.Errorf("globex used %v, acme %v", got, after.Prefix("acme").Used)
	}
	if p := after.Prefixes; len(p) != 2 || p[0].Billable != 30*time.Second || p[1].Billable != 10*time.Second {
		t.Errorf("the counters are %+v", p)
	}
}

// failing is a store whose commits fail, or whose look-ups do.
type failing struct {
	transcriptions.Store
	commit, get error
}

func (f *failing) Commit(rows []transcriptions.Row, state *transcriptions.State) error {
	return errors.Join(f.commit, f.Store.Commit(rows, state))
}

func (f *failing) Get(ids []string, found func(transcriptions.Row)) error {
	return errors.Join(f.get, f.Store.Get(ids, found))
}

// TestAnEventThatIsNotWrittenIsNotForgotten has the journal keep its events.
func TestAnEventThatIsNotWrittenIsNotForgotten(t *testing.T) {
	full := errors.New("no space")
	f := &failing{Store: store.NewTranscriptionsInMemory(), commit: full}
	l := open(t, f, label)
	l.Apply(event(whereby.TranscriptionFinished, "a", 90_000, 30*time.Second))
	if err := l.Flush(); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	f.commit = nil
	if err := l.Flush(); err != nil {
		t.Errorf("got %v", err)
	}
	f.get = full
	l.Apply(event(whereby.TranscriptionFinished, "b", 90_000, 30*time.Second))
	f.get = nil
	if err := l.Flush(); !errors.Is(err, full) {
		t.Errorf("after an event that could not be taken, flushing gives %v", err)
	}
}
