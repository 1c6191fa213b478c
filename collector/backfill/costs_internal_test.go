package backfill

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/cost"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby/wherebytest"
)

// withPrices changes prices of participant minutes in the middle of the past of some days,
// at a time in the morning in UTC, and of recorder minutes later.
func (b *bench) withPrices(days int) (price func(kind string, start time.Time) int64) {
	first := time.Now().UTC().AddDate(0, 0, -days/2)
	second := first.AddDate(0, 0, days/4)
	file, err := config.Parse("test.yml", fmt.Appendf(nil, `
billing: {time_zone: Asia/Kathmandu}
prices:
  - {participant_minute: 0.004, recorder_minute: 0.02, currency: USD}
  - {from: %s, participant_minute: 0.0071}
  - {from: %s, participant_minute: 0.001, recorder_minute: 0.033}
`, first.Format(time.DateOnly), second.Format(time.DateOnly)), config.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	b.options.File = file
	zone := file.Billing.Zone
	return func(kind string, start time.Time) int64 {
		prices := map[string][3]int64{"participant_minute": {4000, 7100, 1000}, "recorder_minute": {20000, 20000, 33000}}[kind]
		switch day := start.In(zone).Format(time.DateOnly); {
		case day >= second.Format(time.DateOnly):
			return prices[2]
		case day >= first.Format(time.DateOnly):
			return prices[1]
		}
		return prices[0]
	}
}

// TestEverySampleOfCostsIsTheTruth also holds that the history ends where the live
// counters are.
func TestEverySampleOfCostsIsTheTruth(t *testing.T) {
	if testing.Short() {
		t.Skip("too long with the race detector: it runs without")
	}
	for name, fileLines := range map[string]int{"one file": 0, "small files": 1000} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				time.Sleep(b.duration(5 * day))
				b.furnish(80, 40)
				price := b.withPrices(40)
				b.options.fileLines = fileLines
				b.options.Labels = []Label{{"job", "whereby"}}
				end := time.Now().Add(-HeadAge).Truncate(time.Second)
				_, files := b.mustRun()
				b.expectTruth(files, end)
				series := parse(t, files)
				seen := 0
				for prefix, events := range b.truth(end) {
					for i, kind := range []string{"participant_minute", "recorder_minute"} {
						samples := series[metrics.Cost.Name+strings.TrimSpace(labelText(prefix, []Label{{"kind", kind}, {"job", "whereby"}}))]
						for _, s := range samples {
							var want int64
							for _, e := range events {
								if e.start.Unix() < s.at || e.start.Equal(time.Unix(s.at, 0)) {
									want += e.figures[i] * price(kind, e.start)
								}
							}
							if seen++; s.value != want {
								t.Fatalf("%s of %s cost %d at %d, want %d", kind, prefix, s.value, s.at, want)
							}
						}
						if len(samples) > 0 {
							continue
						}
						t.Errorf("%s of %s is missing", kind, prefix)
					}
				}
				if seen == 0 {
					t.Error("there are no costs")
				}
			})
		})
	}
}

// TestCostsJoinTheLiveCounters has rooms whose totals hold more than their sessions: the
// history ends with what the exporter charges for the same totals.
func TestCostsJoinTheLiveCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		time.Sleep(50 * day)
		price := b.withPrices(40)
		used := time.Now().Add(-30 * day)
		once, twice := b.room("acme-"), b.room("globex-")
		for i, room := range []string{once, twice, twice} {
			b.account.Use(room, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 100, RecorderMinutes: 10}, used.AddDate(0, 0, 13*i))
		}
		_, files := b.mustRun()
		last := map[string]int64{}
		for name, samples := range parse(t, files) {
			last[name] = samples[len(samples)-1].value
		}
		for room, starts := range map[string][]time.Time{once: {used}, twice: {used.AddDate(0, 0, 13), used.AddDate(0, 0, 26)}} {
			var want int64
			for _, start := range starts {
				want += 100 * price("participant_minute", start)
			}
			name := metrics.Cost.Name + strings.TrimSpace(labelText(prefixOf(room), []Label{{"kind", "participant_minute"}}))
			if last[name] != want {
				t.Errorf("%s ends with %d, want %d", name, last[name], want)
			}
			// What the exporter charges.
			book, err := cost.Open(&store.MemoryCosts{})
			if err != nil {
				t.Fatal(err)
			}
			tariff := book.Revised(b.options.File.Prices, billing.Calendar{}, time.Now())
			book.Use(tariff)
			usage := ledger.PrefixUsage{Prefix: prefixOf(room)}
			for _, start := range starts {
				usage.ParticipantMinutes += 100
				for i, mark := range tariff.Marks() {
					if len(usage.Since) <= i {
						usage.Since = append(usage.Since, ledger.Since{Start: mark})
					}
					if start.Unix() >= mark {
						usage.Since[i].Used.ParticipantMinutes += 100
					}
				}
			}
			figures, err := book.Charge(&ledger.Snapshot{Prefixes: []ledger.PrefixUsage{usage}}, nil)
			if err != nil || figures.Prefixes[0].Charged[0].Amount != config.Amount(want)*(config.Unit/1_000_000) {
				t.Errorf("the exporter charges %+v (%v), want %d", figures, err, want)
			}
		}
	})
}

func TestCostsAreLeftOutIfPricesChangedBeforeTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		time.Sleep(50 * day)
		b.furnish(8, 40)
		b.withPrices(40)
		b.options.Start = time.Now().Add(-15 * day)
		_, files := b.mustRun()
		if strings.Contains(strings.Join(files, ""), metrics.Cost.Name) || !strings.Contains(b.log.String(), "costs are left out") {
			t.Errorf("there are costs, or the log does not say that there are none:\n%s", &b.log)
		}
		b.options.Labels = []Label{{"kind", "x"}}
		if _, err := b.run(t.Context()); err == nil {
			t.Error("a label kind is accepted")
		}
	})
}
