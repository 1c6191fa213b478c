package state_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"whereby_exporter/collector/state"
)

// TestMemoryKeepsUntilTheProcessEnds is of usage and events; a sample needs no memory of
// its own, as the sampler has one.
func TestMemoryKeepsUntilTheProcessEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := state.NewMemory()
		defer closed(t, m)
		commit(t, m.Ledger(), m.Quality())
		if rows := minutes(t, m.Ledger()); len(rows) != 1 || rows["/acme-1"] != 42 {
			t.Errorf("the ledger has %v", rows)
		}
		if records := keys(t, m.Quality()); len(records) > 0 {
			t.Errorf("of call quality there are %q", records)
		}
		b := budget(t)
		if err := m.ResumeBudget(b); err != nil {
			t.Fatal(err)
		}
		if got := wait(t, b); got > 0 {
			t.Errorf("the first point took %v", got)
		}
		seen := &events{}
		log, err := m.OpenEvents(seen)
		if err != nil {
			t.Fatal(err)
		}
		accept(t, seen, log, "a")
		if !slices.Equal(seen.ids, []string{"a"}) {
			t.Errorf("events are %q", seen.ids)
		}
		if rows := minutes(t, state.NewMemory().Ledger()); len(rows) > 0 {
			t.Errorf("another one has %v", rows)
		}
	})
}
