package statuspage

import (
	"strings"
	"testing"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/cost"
)

func TestCostsOfPeriods(t *testing.T) {
	r := running()
	kinds := []config.Kind{config.ParticipantMinute, config.RecorderMinute}
	r.Customers[2].Costs = Costs{Currency: "USD", Kinds: kinds, Period: cost.Period{
		Current:  []cost.Cost{{Kind: config.ParticipantMinute, Amount: 216_000_000}, {Kind: config.RecorderMinute, Amount: 74_700_000}},
		Previous: []cost.Cost{{Kind: config.ParticipantMinute, Amount: 432_000_000_000}},
	}}
	r.Account.Costs = Costs{Currency: "USD", Period: cost.Period{Current: []cost.Cost{{Kind: config.ParticipantMinute, Amount: 74_073_600_000}}}}
	h := newHandler(t, &fake{report: r})
	page := get(t, h, "/status/rooms?room_prefix=acme-")
	for _, want := range []string{"15 sessions, 4.85 USD<", "30 sessions, at least 7,200.00 USD<"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in\n%s", want, page)
		}
	}
	if page := get(t, h, "/"); !strings.Contains(page, "<dt>Cost so far</dt><dd>1,234.56 USD</dd>") {
		t.Errorf("the account's cost is not in\n%s", page)
	}
	// Without prices, or if a cost is not known, there is nothing to see.
	if page := get(t, h, "/status/rooms?room_prefix=heading-") + get(t, newHandler(t, &fake{report: running()}), "/"); strings.Contains(page, "USD") || strings.Contains(page, "Cost") {
		t.Errorf("there is a cost in\n%s", page)
	}
}
