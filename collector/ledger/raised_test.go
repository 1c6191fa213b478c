package ledger_test

import (
	"slices"
	"testing"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/store"
)

func TestAReportSaysWhichReadingsWereRaised(t *testing.T) {
	l := open(t, store.NewMemory(), 0)
	poll(t, l, true, minutes("/acme-1", 5), minutes("/acme-2", 5), minutes("/acme-3", 5))
	p := l.Begin()
	for _, page := range []struct {
		rows []ledger.Row
		want []bool
	}{
		{[]ledger.Row{minutes("/acme-1", 5), minutes("/acme-2", 4), minutes("/acme-3", 6), minutes("/acme-4", 0)}, []bool{false, false, true, true}},
		{[]ledger.Row{minutes("/acme-3", 6), minutes("/acme-4", 0), minutes("/acme-1", 7)}, []bool{false, false, true}},
	} {
		report, err := p.Add(page.rows)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(report.Raised, page.want) {
			t.Errorf("raised are %v of %+v, want %v", report.Raised, page.rows, page.want)
		}
	}
}
