package families

import (
	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/metrics"
)

// Usage returns the lifetime figures of a snapshot, and what they rest on.
func Usage(s *ledger.Snapshot) []exposition.Family {
	byPrefix := func(m metrics.Metric, value func(ledger.PrefixUsage) int64) exposition.Family {
		return family(m, func(yield func([]string, float64)) {
			label := make([]string, 1)
			for _, usage := range s.Prefixes {
				label[0] = usage.Prefix
				yield(label, float64(value(usage)))
			}
		})
	}
	return []exposition.Family{
		byPrefix(metrics.ParticipantMinutes, func(u ledger.PrefixUsage) int64 { return u.ParticipantMinutes }),
		byPrefix(metrics.RecorderMinutes, func(u ledger.PrefixUsage) int64 { return u.RecorderMinutes }),
		byPrefix(metrics.StreamerMinutes, func(u ledger.PrefixUsage) int64 { return u.StreamerMinutes }),
		byPrefix(metrics.Sessions, func(u ledger.PrefixUsage) int64 { return u.Sessions }),
		byPrefix(metrics.Rooms, func(u ledger.PrefixUsage) int64 { return u.Rooms }),
		family(metrics.LedgerDrift, func(yield func([]string, float64)) {
			yield([]string{"participant_minutes"}, float64(s.Drift.ParticipantMinutes))
			yield([]string{"recorder_minutes"}, float64(s.Drift.RecorderMinutes))
			yield([]string{"streamer_minutes"}, float64(s.Drift.StreamerMinutes))
			yield([]string{"sessions"}, float64(s.Drift.Sessions))
		}),
		family(metrics.RoomPrefixesDropped, func(yield func([]string, float64)) {
			yield(nil, float64(s.DroppedPrefixes))
		}),
	}
}
