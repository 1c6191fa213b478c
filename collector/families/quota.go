package families

import (
	"maps"
	"slices"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/live"
	"whereby_exporter/collector/metrics"
)

// Quotas are the limits, and the periods they are for. They change with a poll or with the
// configuration file.
func Quotas(s *ledger.Snapshot, file *config.Config) []exposition.Family {
	byCustomer := func(m metrics.Metric, samples func(c config.Customer, yield func([]string, float64))) exposition.Family {
		return family(m, func(yield func([]string, float64)) {
			for _, customer := range file.Customers {
				samples(customer, yield)
			}
		})
	}
	byPrefix := func(m metrics.Metric, value func(ledger.PeriodUsage) float64) exposition.Family {
		return family(m, func(yield func([]string, float64)) {
			label := make([]string, 1)
			for _, usage := range s.Prefixes {
				label[0] = usage.Prefix
				yield(label, value(usage.PeriodUsage))
			}
		})
	}
	start := func(u ledger.PeriodUsage) float64 { return metrics.Seconds(u.Period.Start) }
	end := func(u ledger.PeriodUsage) float64 { return metrics.Seconds(u.Period.End) }
	return []exposition.Family{
		byCustomer(metrics.QuotaLimit, func(c config.Customer, yield func([]string, float64)) {
			limits(c.Quotas, func(resource string, limit float64) { yield([]string{c.RoomPrefix, resource}, limit) })
		}),
		byCustomer(metrics.QuotaNearRatio, func(c config.Customer, yield func([]string, float64)) {
			yield([]string{c.RoomPrefix}, c.NearRatio)
		}),
		byCustomer(metrics.CustomerInfo, func(c config.Customer, yield func([]string, float64)) {
			yield([]string{c.RoomPrefix, c.Name}, 1)
		}),
		byPrefix(metrics.QuotaPeriodStart, start),
		byPrefix(metrics.QuotaPeriodEnd, end),
		family(metrics.OrganizationQuotaLimit, func(yield func([]string, float64)) {
			limits(file.Organization.Quotas, func(resource string, limit float64) { yield([]string{resource}, limit) })
		}),
		family(metrics.OrganizationQuotaPeriodStart, func(yield func([]string, float64)) { yield(nil, start(s.Account)) }),
		family(metrics.OrganizationQuotaPeriodEnd, func(yield func([]string, float64)) { yield(nil, end(s.Account)) }),
	}
}

// limits yields the quotas that there are, in the order of the resources.
func limits(quotas config.Quotas, yield func(resource string, limit float64)) {
	for _, resource := range config.Resources() {
		if limit, ok := quotas[resource]; ok {
			yield(string(resource), limit)
		}
	}
}

// Used is what counts against the quotas: what was used, and who is there now. Polls and
// events change it. The view is nil without webhooks.
func Used(s *ledger.Snapshot, v *live.View) []exposition.Family {
	return []exposition.Family{
		family(metrics.QuotaUsed, func(yield func([]string, float64)) {
			people := participants(v)
			labels := make([]string, 2)
			sample := func(resource string, n float64) {
				labels[1] = resource
				yield(labels, n)
			}
			for i := range s.Prefixes {
				usage := &s.Prefixes[i]
				labels[0] = usage.Prefix
				used(usage.PeriodUsage, sample)
				if v != nil {
					sample(string(config.LiveParticipants), float64(people[usage.Prefix]))
					delete(people, usage.Prefix)
				}
			}
			// Somebody may be in a room that Insights does not know yet.
			for _, prefix := range slices.Sorted(maps.Keys(people)) {
				labels[0] = prefix
				sample(string(config.LiveParticipants), float64(people[prefix]))
			}
		}),
		family(metrics.OrganizationQuotaUsed, func(yield func([]string, float64)) {
			used(s.Account, func(resource string, n float64) { yield([]string{resource}, n) })
			if v != nil {
				var sum int64
				for i := range v.Prefixes {
					sum += v.Prefixes[i].Participants
				}
				yield([]string{string(config.LiveParticipants)}, float64(sum))
			}
		}),
	}
}

// participants are the people in rooms now by prefix.
func participants(v *live.View) map[string]int64 {
	if v == nil {
		return nil
	}
	people := make(map[string]int64, len(v.Prefixes))
	for i := range v.Prefixes {
		people[v.Prefixes[i].Prefix] = v.Prefixes[i].Participants
	}
	return people
}

// used yields what was used of the resources of a billing period, if that is known.
func used(u ledger.PeriodUsage, yield func(resource string, n float64)) {
	if !u.Known {
		return
	}
	yield(string(config.ParticipantMinutes), float64(u.Used.ParticipantMinutes))
	yield(string(config.RecorderMinutes), float64(u.Used.RecorderMinutes))
	yield(string(config.StreamerMinutes), float64(u.Used.StreamerMinutes))
	yield(string(config.Sessions), float64(u.Used.Sessions))
}
