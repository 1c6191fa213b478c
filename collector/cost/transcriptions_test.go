package cost_test

import (
	"reflect"
	"testing"
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/cost"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/transcriptions"
)

// TestCostsOfTranscriptions has acme- with sessions alone, and globex- with transcriptions
// alone: both have costs, and the sums are the account's.
func TestCostsOfTranscriptions(t *testing.T) {
	now := day(time.March, 10)
	book, err := cost.Open(&disk{})
	if err != nil {
		t.Fatal(err)
	}
	prices := list("USD", time.Time{}, 4)
	prices.Steps[0].Prices[config.TranscriptionMinute] = 60
	later := config.PriceStep{Start: day(time.March, 2), Prices: map[config.Kind]config.Amount{config.ParticipantMinute: 4, config.TranscriptionMinute: 6}}
	prices.Steps = append(prices.Steps, later)
	tariff := book.Revised(prices, billing.Calendar{}, now)
	if marks := tariff.Marks(); len(marks) > 0 {
		t.Errorf("sessions are to be read for %v, though only transcriptions have become cheaper", marks)
	}
	book.Use(tariff)

	kept := store.NewTranscriptionsInMemory()
	row := func(id string, start time.Time) transcriptions.Row {
		return transcriptions.Row{ID: id, Room: "/globex-1", Label: "globex-", Started: start.UnixMilli(), Listed: true, Billable: 30_000}
	}
	if err := kept.Commit([]transcriptions.Row{row("a", day(time.February, 1)), row("b", day(time.March, 1)), row("c", day(time.March, 3))}, nil); err != nil {
		t.Fatal(err)
	}
	period := billing.Calendar{}.At(now)
	snapshot := minutes{lifetime: 100}.snapshot(nil)
	snapshot.Account = snapshot.Prefixes[0].PeriodUsage
	charge := func(state transcriptions.State) *cost.Figures {
		t.Helper()
		if err := kept.Commit(nil, &state); err != nil {
			t.Fatal(err)
		}
		l, err := transcriptions.Open(kept, func(string) string { return "globex-" })
		if err != nil {
			t.Fatal(err)
		}
		span := transcriptions.Span{Previous: day(time.February, 1).UnixMilli(), Current: period.Start.UnixMilli()}
		transcribed, err := l.Snapshot(&transcriptions.Periods{Account: span, Rates: book.Rates()})
		if err != nil {
			t.Fatal(err)
		}
		figures, err := book.Charge(snapshot, transcribed)
		if err != nil {
			t.Fatal(err)
		}
		return figures
	}
	participants := func(amount config.Amount) cost.Cost { return cost.Cost{Kind: config.ParticipantMinute, Amount: amount} }
	transcribed := func(amount config.Amount) cost.Cost {
		return cost.Cost{Kind: config.TranscriptionMinute, Amount: amount}
	}
	expect := func(got *cost.Figures, want cost.Figures) {
		t.Helper()
		want.Currency = "USD"
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("the figures are\n%+v, want\n%+v", *got, want)
		}
	}
	acme := cost.Prefix{Prefix: "acme-", Charged: []cost.Cost{participants(400)}, Period: cost.Period{Current: []cost.Cost{participants(400)}, Previous: []cost.Cost{participants(0)}}}
	// Before the listing was read to its end, nothing is known of transcriptions.
	expect(charge(transcriptions.State{}), cost.Figures{Kinds: []config.Kind{config.ParticipantMinute}, Prefixes: []cost.Prefix{acme}, Account: acme.Period})

	kinds := []config.Kind{config.ParticipantMinute, config.TranscriptionMinute}
	acme.Charged = append(acme.Charged, transcribed(0))
	with := func(p cost.Period, current, previous config.Amount) cost.Period {
		return cost.Period{Current: append(p.Current, transcribed(current)), Previous: append(p.Previous, transcribed(previous))}
	}
	sessions := acme.Period
	acme.Period = with(sessions, 0, 0)
	globex := cost.Prefix{Prefix: "globex-", Charged: []cost.Cost{transcribed(30 + 30 + 3)}, Period: with(cost.Period{}, 30+3, 30)}
	complete := cost.Figures{Kinds: kinds, Prefixes: []cost.Prefix{acme, globex}, Account: with(sessions, 30+3, 30)}
	expect(charge(transcriptions.State{Complete: true}), complete)

	// If a row cannot be read, period figures wait, and the counters stay.
	globex.Period = cost.Period{}
	complete.Prefixes = []cost.Prefix{acme, globex}
	complete.Account = sessions
	expect(charge(transcriptions.State{Complete: true, Aside: []string{"/globex-1"}}), complete)
}
