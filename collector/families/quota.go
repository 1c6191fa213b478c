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
	list := []exposition.Family{
		byCustomer(metrics.QuotaLimit, func(c config.Customer, yield func([]string, float64)) {
			limits(c.Quotas, func(resource string, limit float64) { yield([]string{c.RoomPrefix, resource}, limit) })
		}),
		byCustomer(metrics.QuotaNearRatio, func(c config.Customer, yield func([]string, float64)) {
			yield([]string{c.RoomPrefix}, c.NearRatio)
		}),
		byCustomer(metrics.CustomerInfo, func(c config.Customer, yield func([]string, float64)) {
			yield([]string{c.RoomPrefix, c.Name}, 1)
		}),
		family(metrics.OrganizationQuotaLimit, func(yield func([]string, float64)) {
			limits(file.Organization.Quotas, func(resource string, limit float64) { yield([]string{resource}, limit) })
		}),
		family(metrics.QuotaPreviousUsed, func(yield func([]string, float64)) {
			labels := make([]string, 2)
			for i := range s.Prefixes {
				usage := &s.Prefixes[i]
				labels[0] = usage.Prefix
				previous(usage.Previous, func(resource string, n float64) {
					labels[1] = resource
					yield(labels, n)
				})
			}
		}),
		family(metrics.OrganizationQuotaPreviousUsed, func(yield func([]string, float64)) {
			previous(s.Account.Previous, func(resource string, n float64) { yield([]string{resource}, n) })
		}),
	}
	// These are there for each prefix and for the account.
	for _, both := range [...]struct {
		prefix, account metrics.Metric
		value           func(*ledger.PeriodUsage) float64
	}{
		{metrics.QuotaPeriodStart, metrics.OrganizationQuotaPeriodStart, func(u *ledger.PeriodUsage) float64 { return metrics.Seconds(u.Period.Start) }},
		{metrics.QuotaPeriodEnd, metrics.OrganizationQuotaPeriodEnd, func(u *ledger.PeriodUsage) float64 { return metrics.Seconds(u.Period.End) }},
		{metrics.QuotaUnreadRooms, metrics.OrganizationQuotaUnreadRooms, func(u *ledger.PeriodUsage) float64 { return float64(u.Unread) }},
		{metrics.QuotaPreviousPeriodStart, metrics.OrganizationQuotaPreviousPeriodStart, func(u *ledger.PeriodUsage) float64 { return metrics.Seconds(u.Previous.Period.Start) }},
		{metrics.QuotaPreviousPeriodEnd, metrics.OrganizationQuotaPreviousPeriodEnd, func(u *ledger.PeriodUsage) float64 { return metrics.Seconds(u.Previous.Period.End) }},
		{metrics.QuotaPreviousFinal, metrics.OrganizationQuotaPreviousFinal, func(u *ledger.PeriodUsage) float64 { return truth(u.Previous.Final) }},
	} {
		list = append(list,
			family(both.prefix, func(yield func([]string, float64)) {
				label := make([]string, 1)
				for i := range s.Prefixes {
					label[0] = s.Prefixes[i].Prefix
					yield(label, both.value(&s.Prefixes[i].PeriodUsage))
				}
			}),
			family(both.account, func(yield func([]string, float64)) { yield(nil, both.value(&s.Account)) }))
	}
	return list
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
		usedByPrefix(metrics.QuotaUsed, s, v, ledger.PeriodUsage.Known),
		usedByPrefix(metrics.QuotaUsedLowerBound, s, v, always),
		usedByAccount(metrics.OrganizationQuotaUsed, s, v, ledger.PeriodUsage.Known),
		usedByAccount(metrics.OrganizationQuotaUsedLowerBound, s, v, always),
	}
}

func always(ledger.PeriodUsage) bool { return true }

// usedByPrefix has what was used in billing periods for the prefixes of which it is shown.
func usedByPrefix(m metrics.Metric, s *ledger.Snapshot, v *live.View, shown func(ledger.PeriodUsage) bool) exposition.Family {
	return family(m, func(yield func([]string, float64)) {
		people := participants(v)
		labels := make([]string, 2)
		sample := func(resource string, n float64) {
			labels[1] = resource
			yield(labels, n)
		}
		for i := range s.Prefixes {
			usage := &s.Prefixes[i]
			labels[0] = usage.Prefix
			if shown(usage.PeriodUsage) {
				resources(usage.Used, sample)
			}
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
	})
}

// usedByAccount has what the account used in its billing period, if that is shown.
func usedByAccount(m metrics.Metric, s *ledger.Snapshot, v *live.View, shown func(ledger.PeriodUsage) bool) exposition.Family {
	return family(m, func(yield func([]string, float64)) {
		if shown(s.Account) {
			resources(s.Account.Used, func(resource string, n float64) { yield([]string{resource}, n) })
		}
		if v != nil {
			var sum int64
			for i := range v.Prefixes {
				sum += v.Prefixes[i].Participants
			}
			yield([]string{string(config.LiveParticipants)}, float64(sum))
		}
	})
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

// previous yields what was used in the previous billing period, if that is known.
func previous(u ledger.PreviousUsage, yield func(resource string, n float64)) {
	if u.Unread == 0 {
		resources(u.Used, yield)
	}
}

// resources yields the figures by the resources of quotas.
func resources(t ledger.Totals, yield func(resource string, n float64)) {
	yield(string(config.ParticipantMinutes), float64(t.ParticipantMinutes))
	yield(string(config.RecorderMinutes), float64(t.RecorderMinutes))
	yield(string(config.StreamerMinutes), float64(t.StreamerMinutes))
	yield(string(config.Sessions), float64(t.Sessions))
}

// truth is 1 for true.
func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
