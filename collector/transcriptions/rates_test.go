package transcriptions_test

import (
	"testing"

	"whereby_exporter/collector/transcriptions"
)

func TestWhatATranscriptionCosts(t *testing.T) {
	expensive, cheap := transcriptions.Rate{Start: 1000, Minute: 61_100}, transcriptions.Rate{Start: 2000, Minute: 9_000}
	tests := map[string]struct {
		rates transcriptions.Rates
		row   transcriptions.Row
		want  int64
	}{
		"without prices":                {nil, transcriptions.Row{Started: 1000, Listed: true, Billable: 60_000}, 0},
		"before the first price":        {transcriptions.Rates{expensive}, transcriptions.Row{Started: 999, Listed: true, Billable: 60_000}, 0},
		"at a price's start":            {transcriptions.Rates{expensive, cheap}, transcriptions.Row{Started: 1000, Listed: true, Billable: 60_000}, 61_100},
		"the next price":                {transcriptions.Rates{expensive, cheap}, transcriptions.Row{Started: 2000, Listed: true, Billable: 60_000}, 9_000},
		"rounded":                       {transcriptions.Rates{expensive}, transcriptions.Row{Started: 1000, Listed: true, Billable: 1_000}, 1_018},
		"half is rounded up":            {transcriptions.Rates{expensive}, transcriptions.Row{Started: 1000, Listed: true, Billable: 1_500}, 1_528},
		"announced, and may be cheaper": {transcriptions.Rates{expensive, cheap}, transcriptions.Row{Started: 1000, Billable: 60_000}, 9_000},
		"announced, costs more":         {transcriptions.Rates{cheap, {Start: 3000, Minute: 61_100}}, transcriptions.Row{Started: 2000, Billable: 60_000}, 9_000},
		"years at the highest price": {
			transcriptions.Rates{{Minute: 9_999_999_999}},
			transcriptions.Row{Listed: true, Billable: 10 * 365 * 24 * 60 * 60_000}, 10 * 365 * 24 * 60 * 9_999_999_999,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.rates.Cost(test.row); got != test.want {
				t.Errorf("it is %d, want %d", got, test.want)
			}
		})
	}
}
