package state_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/quality"
	"whereby_exporter/collector/state"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

func open(t *testing.T, path string) *state.Directory {
	t.Helper()
	d, err := state.Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func closed(t *testing.T, c interface{ Close() error }) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// commit puts a row and a record into a state.
func commit(t *testing.T, rooms ledger.Store, records quality.Store) {
	t.Helper()
	err := rooms.Commit(ledger.Change{
		Rows:     []ledger.Row{{Name: "/acme-1", Totals: ledger.Totals{ParticipantMinutes: 42}}},
		Prefixes: []string{"acme-"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := records.Keep([]quality.Record{{Key: "prefix acme-", Value: []byte("{}")}}, nil); err != nil {
		t.Fatal(err)
	}
}

// minutes are those of the rows in a store.
func minutes(t *testing.T, rooms ledger.Store) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	for row, err := range rooms.Rows("") {
		if err != nil {
			t.Fatal(err)
		}
		all[row.Name] = row.ParticipantMinutes
	}
	return all
}

func keys(t *testing.T, records quality.Store) []string {
	t.Helper()
	var all []string
	for record, err := range records.Records() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, record.Key)
	}
	return all
}

// TestADirectoryKeepsWhatWasCommitted opens one that does not exist yet, and then again.
func TestADirectoryKeepsWhatWasCommitted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "for", "it")
	d := open(t, path)
	if rows := minutes(t, d.Ledger()); len(rows) > 0 {
		t.Errorf("a new directory has %v", rows)
	}
	commit(t, d.Ledger(), d.Quality())
	closed(t, d)

	d = open(t, path)
	defer closed(t, d)
	if rows := minutes(t, d.Ledger()); len(rows) != 1 || rows["/acme-1"] != 42 {
		t.Errorf("the ledger has %v", rows)
	}
	kept, err := d.Ledger().State()
	if err != nil || !slices.Equal(kept.Prefixes, []string{"acme-"}) {
		t.Errorf("the ledger's state is %+v, %v", kept, err)
	}
	if records := keys(t, d.Quality()); !slices.Equal(records, []string{"prefix acme-"}) {
		t.Errorf("of call quality there are %q", records)
	}
}

// TestADirectoryHasOneOwner: two processes must not write to the same files. Time is
// simulated, as opening waits for one that is shutting down.
func TestADirectoryHasOneOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir()
		first := open(t, path)
		if second, err := state.Open(path, slog.New(slog.DiscardHandler)); err == nil {
			closed(t, second)
			t.Error("a directory was opened twice")
		} else if !strings.Contains(err.Error(), "in use by another process") {
			t.Errorf("the second one was told: %v", err)
		}
		commit(t, first.Ledger(), first.Quality()) // it is none the worse
		closed(t, first)

		second := open(t, path)
		defer closed(t, second)
		if rows := minutes(t, second.Ledger()); rows["/acme-1"] != 42 {
			t.Errorf("the ledger has %v", rows)
		}
	})
}

// TestADamagedStoreIsLeftAlone: it may be repaired, and must not hold the others up.
func TestADamagedStoreIsLeftAlone(t *testing.T) {
	for _, name := range []string{store.FileName, store.QualityFileName} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			closed(t, open(t, path))
			file := filepath.Join(path, name)
			const damage = "this is no store"
			if err := os.WriteFile(file, []byte(damage), 0o600); err != nil {
				t.Fatal(err)
			}
			if d, err := state.Open(path, slog.New(slog.DiscardHandler)); err == nil {
				closed(t, d)
				t.Error("a damaged store was opened")
			} else if !strings.Contains(err.Error(), file) {
				t.Errorf("the error does not name %s: %v", file, err)
			}
			if content, err := os.ReadFile(file); err != nil || string(content) != damage {
				t.Errorf("of the damaged store is left %q, %v", content, err)
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			closed(t, open(t, path))
		})
	}
}

// budget has four points a minute.
func budget(t *testing.T) *whereby.Budget {
	t.Helper()
	b, err := whereby.NewBudget(0.04) // of the 100 that are assumed
	if err == nil {
		err = b.SetReadCost(1)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wait spends a point, and returns how long that took.
func wait(t *testing.T, b *whereby.Budget) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := b.Wait(t.Context(), whereby.Foreground); err != nil {
		t.Fatal(err)
	}
	return time.Since(begin)
}

// TestABudgetOutlivesTheProcess: one that is restarted over and over holds to its share.
func TestABudgetOutlivesTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir()
		for restart := range 3 {
			d, b := open(t, path), budget(t)
			if err := d.ResumeBudget(b); err != nil {
				t.Fatal(err)
			}
			// Those of the process before are spent until a minute has passed.
			if got := wait(t, b); (got >= 50*time.Second) != (restart > 0) {
				t.Errorf("after %d restarts the first point took %v", restart, got)
			}
			for range 3 {
				if got := wait(t, b); got > 0 {
					t.Errorf("after %d restarts the next point took %v", restart, got)
				}
			}
			closed(t, d)
			time.Sleep(10 * time.Second)
		}
	})
}

// events are a [webhook.State] of nothing but the events' IDs.
type events struct{ ids []string }

func (e *events) Apply(event whereby.Event, _ string, _ time.Time) { e.ids = append(e.ids, event.ID) }

func (*events) Segment(whereby.Event) string { return "" }

func (e *events) AppendBinary(b []byte) ([]byte, error) {
	return append(b, strings.Join(e.ids, " ")...), nil
}

func (e *events) UnmarshalBinary(b []byte) error {
	e.ids = strings.Fields(string(b))
	return nil
}

func accept(t *testing.T, s webhook.State, log webhook.Log, id string) {
	t.Helper()
	if err := webhook.NewReceiver(s, log, time.Now).Accept(t.Context(), whereby.Event{ID: id}); err != nil {
		t.Fatal(err)
	}
}

// TestEventsAreRestored: both those that a saved state holds, and those that came since.
func TestEventsAreRestored(t *testing.T) {
	path := t.TempDir()
	for restart, id := range []string{"a", "b", "c", "d"} {
		d, restored := open(t, path), &events{}
		log, err := d.OpenEvents(restored)
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"a", "b", "c"}[:restart]; !slices.Equal(restored.ids, want) {
			t.Errorf("after %d restarts there are %q; want %q", restart, restored.ids, want)
		}
		accept(t, restored, log, id)
		if restart == 1 { // an orderly end, as opposed to a kill
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := log.Run(ctx, func() {}); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(path, "events", webhook.StateFile)); err != nil {
				t.Errorf("no state was saved: %v", err)
			}
		}
		closed(t, d)
	}
}
