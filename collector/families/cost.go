package families

import (
	"whereby_exporter/collector/cost"
	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/metrics"
)

// Costs are what usage costs. There are none without prices, and then f is nil.
func Costs(f *cost.Figures) []exposition.Family {
	if f == nil {
		return nil
	}
	byPrefix := func(m metrics.Metric, costs func(*cost.Prefix) []cost.Cost) exposition.Family {
		return family(m, func(yield func([]string, float64)) {
			labels := make([]string, 2)
			for i := range f.Prefixes {
				labels[0] = f.Prefixes[i].Prefix
				for _, c := range costs(&f.Prefixes[i]) {
					labels[1] = string(c.Kind)
					yield(labels, c.Amount.Float())
				}
			}
		})
	}
	account := func(m metrics.Metric, costs []cost.Cost) exposition.Family {
		return family(m, func(yield func([]string, float64)) {
			for _, c := range costs {
				yield([]string{string(c.Kind)}, c.Amount.Float())
			}
		})
	}
	return []exposition.Family{
		byPrefix(metrics.Cost, func(p *cost.Prefix) []cost.Cost { return p.Charged }),
		byPrefix(metrics.PeriodCost, func(p *cost.Prefix) []cost.Cost { return p.Current }),
		byPrefix(metrics.PreviousPeriodCost, func(p *cost.Prefix) []cost.Cost { return p.Previous }),
		account(metrics.OrganizationPeriodCost, f.Account.Current),
		account(metrics.OrganizationPreviousPeriodCost, f.Account.Previous),
		family(metrics.CostUnreadRooms, func(yield func([]string, float64)) {
			label := make([]string, 1)
			for i := range f.Prefixes {
				label[0] = f.Prefixes[i].Prefix
				yield(label, float64(f.Prefixes[i].Unread))
			}
		}),
		family(metrics.CostInfo, func(yield func([]string, float64)) { yield([]string{f.Currency}, 1) }),
	}
}
