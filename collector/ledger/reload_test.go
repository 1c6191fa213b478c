package ledger_test

import (
	"maps"
	"regexp"
	"testing"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/prefix"
	"whereby_exporter/collector/store"
)

// prefixesBy are options of a pattern, as a configuration gives them.
func prefixesBy(pattern string) prefix.Options {
	return prefix.Options{Classify: prefix.NewClassifier(nil, regexp.MustCompile(pattern)).Of, Pattern: pattern}
}

// shown returns the figures by prefix: the counter, and what the period and the one before
// come to.
func shown(l *ledger.Ledger) (counters, used, previous map[string]int64) {
	counters, used, previous = map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, usage := range l.Snapshot().Prefixes {
		counters[usage.Prefix] = usage.ParticipantMinutes
		used[usage.Prefix] = usage.Used.ParticipantMinutes
		previous[usage.Prefix] = usage.Previous.Used.ParticipantMinutes
	}
	return counters, used, previous
}

// TestAReloadThatMovesRooms gives rooms another prefix, while the process runs and while it
// does not. Counters continue from where they were, and what was used in a billing period
// moves with the rooms as a whole.
func TestAReloadThatMovesRooms(t *testing.T) {
	const before, after = `^([a-z]+)-`, `^([a-z]+-[a-z]+|globex)-`
	now := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	march, february := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	row := func(name string, minutes int64) ledger.Row {
		return ledger.Row{
			Name: name, Totals: ledger.Totals{ParticipantMinutes: minutes, Sessions: 100},
			FirstSession: february.AddDate(-1, 0, 0).Unix(), LastSession: now.Unix() - 7200, Raised: now.Unix(),
		}
	}
	rows := []ledger.Row{row("/acme-support-1", 20_000), row("/acme-support-2", 3_000), row("/acme-sales-1", 500), row("/globex-1", 70)}
	same := func(t *testing.T, what string, got, want map[string]int64) {
		t.Helper()
		if !maps.Equal(got, want) {
			t.Errorf("%s are %v, want %v", what, got, want)
		}
	}
	for name, running := range map[string]bool{"running": true, "restarted": false} {
		t.Run(name, func(t *testing.T) {
			s := store.NewMemory()
			options := func(pattern string) ledger.Options {
				return ledger.Options{Prefixes: prefixesBy(pattern), Now: now}
			}
			l, err := ledger.Open(s, options(before))
			if err != nil {
				t.Fatal(err)
			}
			reload := func(pattern string) {
				t.Helper()
				if running {
					_, err = l.Configure(options(pattern))
				} else {
					l, err = ledger.Open(s, options(pattern))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			commit(t, l, now, rows...)
			for _, row := range rows {
				// A tenth was used in the period, and a fifth in the one before.
				n := row.ParticipantMinutes / 10
				openings := []ledger.Opening{
					{Start: february.Unix(), Totals: ledger.Totals{ParticipantMinutes: 7 * n, Sessions: 70}, Certainty: ledger.Settled},
					{Start: march.Unix(), Totals: ledger.Totals{ParticipantMinutes: 9 * n, Sessions: 90}, Certainty: ledger.Settled},
				}
				if ok, err := l.SetOpenings(row, openings); err != nil || !ok {
					t.Fatal(ok, err)
				}
			}
			counters, used, previous := shown(l)
			same(t, "the counters", counters, map[string]int64{"acme": 23_500, "globex": 70})
			same(t, "the figures of the period", used, map[string]int64{"acme": 2_350, "globex": 7})
			same(t, "the figures of the period before", previous, map[string]int64{"acme": 4_700, "globex": 14})

			reload(after)
			counters, used, previous = shown(l)
			// Prefixes that had no counter begin at 0.
			same(t, "the counters", counters, map[string]int64{"acme": 23_500, "acme-support": 0, "acme-sales": 0, "globex": 70})
			same(t, "the figures of the period", used, map[string]int64{"acme": 0, "acme-support": 2_300, "acme-sales": 50, "globex": 7})
			same(t, "the figures of the period before", previous, map[string]int64{"acme": 0, "acme-support": 4_600, "acme-sales": 100, "globex": 14})

			now := now.Add(10 * time.Minute)
			rows := []ledger.Row{row("/acme-support-1", 20_040)}
			rows[0].Raised = now.Unix()
			commit(t, l, now, rows...)
			reload(after) // nothing changes
			counters, used, _ = shown(l)
			if counters["acme"] != 23_500 || counters["acme-support"] != 40 || used["acme-support"] != 2_340 {
				t.Errorf("after 40 more minutes, the counters are %v and the figures of the period %v", counters, used)
			}

			reload(before)
			counters, used, previous = shown(l)
			if counters["acme"] != 23_500 || counters["acme-support"] != 40 || counters["globex"] != 70 {
				t.Errorf("with the old prefixes, the counters are %v", counters)
			}
			if used["acme"] != 2_390 || used["acme-support"] != 0 || previous["acme"] != 4_700 || used["globex"] != 7 {
				t.Errorf("with the old prefixes, the figures are %v and %v", used, previous)
			}
			if account := l.Snapshot().Account; account.Used.ParticipantMinutes != 2_397 || account.Previous.Used.ParticipantMinutes != 4_714 || account.Unread != 0 {
				t.Errorf("the account used %+v", account)
			}
		})
	}
}
