package families

import (
	"maps"
	"slices"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/live"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/transcriptions"
)

// Quotas returns the limits, and the periods they are for. They change with a poll or with the
// configuration file.
func Quotas(s *ledger.Snapshot, t *transcriptions.Snapshot, file *config.Config) []exposition.Family {
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
		family(metrics.OrganizationRecordingsRetention, func(yield func([]string, float64)) {
			if retention := file.Organization.RecordingsRetention; retention > 0 {
				yield(nil, retention.Seconds())
			}
		}),
		family(metrics.QuotaPreviousUsed, func(yield func([]string, float64)) {
			labels := make([]string, 2)
			for i := range s.Prefixes {
				usage := &s.Prefixes[i]
				labels[0] = usage.Prefix
				sample := func(resource string, n float64) {
					labels[1] = resource
					yield(labels, n)
				}
				previous(usage.Previous, sample)
				if known, ok := transcribed(t, usage.Prefix); ok && known.Known {
					sample(string(config.TranscriptionMinutes), transcriptions.Minutes(known.Previous))
				}
			}
		}),
		family(metrics.OrganizationQuotaPreviousUsed, func(yield func([]string, float64)) {
			sample := func(resource string, n float64) { yield([]string{resource}, n) }
			previous(s.Account.Previous, sample)
			if !t.Shown() || !t.Account().Known {
				return
			}
			minutes := transcriptions.Minutes(t.Account().Previous)
			sample(string(config.TranscriptionMinutes), minutes)
			if s.Account.Previous.Unread == 0 {
				sample(string(config.BilledMinutes), float64(s.Account.Previous.Used.Billed())+minutes)
			}
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
		{metrics.QuotaPreviousFinal, metrics.OrganizationQuotaPreviousFinal, func(u *ledger.PeriodUsage) float64 {
			return truth(u.Previous.Final && t.Final(u.Period.Start.Add(ledger.Closing)))
		}},
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
	for _, resource := range config.OrganizationResources() {
		if limit, ok := quotas[resource]; ok {
			yield(string(resource), limit)
		}
	}
}

// Used is what counts against the quotas: what was used, and who is there now. Polls and
// events change it. The view is nil without webhooks.
func Used(s *ledger.Snapshot, t *transcriptions.Snapshot, v *live.View) []exposition.Family {
	return []exposition.Family{
		usedByPrefix(metrics.QuotaUsed, s, t, v, false),
		usedByPrefix(metrics.QuotaUsedLowerBound, s, t, v, true),
		usedByAccount(metrics.OrganizationQuotaUsed, s, t, v, false),
		usedByAccount(metrics.OrganizationQuotaUsedLowerBound, s, t, v, true),
	}
}

// usedByPrefix has what was used in billing periods, if that is all of it, or part is true.
func usedByPrefix(m metrics.Metric, s *ledger.Snapshot, t *transcriptions.Snapshot, v *live.View, part bool) exposition.Family {
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
			if part || usage.Known() {
				resources(usage.Used, sample)
			}
			if known, ok := transcribed(t, usage.Prefix); ok && (part || known.Known) {
				sample(string(config.TranscriptionMinutes), transcriptions.Minutes(known.Used))
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

// usedByAccount returns the same of the account.
func usedByAccount(m metrics.Metric, s *ledger.Snapshot, t *transcriptions.Snapshot, v *live.View, part bool) exposition.Family {
	return family(m, func(yield func([]string, float64)) {
		sample := func(resource string, n float64) { yield([]string{resource}, n) }
		if part || s.Account.Known() {
			resources(s.Account.Used, sample)
		}
		minutes, known := 0.0, false
		if t.Shown() {
			minutes, known = transcriptions.Minutes(t.Account().Used), t.Account().Known
			if part || known {
				sample(string(config.TranscriptionMinutes), minutes)
			}
		}
		if part && t != nil || known && s.Account.Known() {
			sample(string(config.BilledMinutes), float64(s.Account.Used.Billed())+minutes)
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

// participants returns the people in rooms now by prefix.
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

// transcribed is what the transcriptions of a prefix come to; ok is false if it is not shown.
func transcribed(t *transcriptions.Snapshot, prefix string) (usage transcriptions.Usage, ok bool) {
	if !t.Shown() {
		return transcriptions.Usage{}, false
	}
	return t.Prefix(prefix), true
}

// truth is 1 for true.
func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
