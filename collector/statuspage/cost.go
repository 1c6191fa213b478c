package statuspage

import (
	"fmt"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/cost"
)

// Costs are the costs of billing periods; empty without prices.
type Costs struct {
	Currency string
	// Kinds are those that have costs; what some of them cost may not be known.
	Kinds []config.Kind
	cost.Period
}

// current returns the cost of the current period so far, "" if unknown.
func (c Costs) current() string { return c.text(c.Current) }

// previous returns the cost of the previous period, "" if unknown.
func (c Costs) previous() string { return c.text(c.Previous) }

// text returns the sum of costs, rounded to hundredths.
func (c Costs) text(costs []cost.Cost) string {
	if len(costs) == 0 {
		return ""
	}
	var sum config.Amount
	for _, one := range costs {
		sum += one.Amount
	}
	const hundredth = config.Unit / 100
	sum = (sum + hundredth/2) / hundredth
	total := fmt.Sprintf("%s.%02d %s", number(int64(sum/100)), sum%100, c.Currency)
	if len(costs) < len(c.Kinds) {
		return "at least " + total
	}
	return total
}

// with appends a cost to a usage.
func with(used, cost string) string {
	if cost == "" {
		return used
	}
	return used + ", " + cost
}

// addCosts adds the costs of the customers' and the account's billing periods.
func (s *figures) addCosts(r *Report) {
	if s.Costs == nil {
		return
	}
	f := s.Costs()
	if f == nil {
		return
	}
	r.Account.Costs = Costs{Currency: f.Currency, Kinds: f.Kinds, Period: f.Account}
	periods := make(map[string]cost.Period, len(f.Prefixes))
	for _, p := range f.Prefixes {
		periods[p.Prefix] = p.Period
	}
	for i := range r.Customers {
		r.Customers[i].Costs = Costs{Currency: f.Currency, Kinds: f.Kinds, Period: periods[r.Customers[i].Prefix]}
	}
}
