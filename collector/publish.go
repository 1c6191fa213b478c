package collector

import (
	dto "github.com/prometheus/client_model/go"

	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/metrics"
)

// publish exposes the ledger's snapshot. It changes only after a successful pass,
// so it is rendered once then, and not at every scrape.
func (c *Collector) publish() {
	c.publishing.Lock()
	defer c.publishing.Unlock()
	snapshot := c.ledger.Snapshot()
	if snapshot == nil {
		return
	}
	c.self.lastFullScan.Set(seconds(snapshot.FullScan))
	if snapshot != c.published {
		c.published = snapshot
		c.handler.Publish(exposition.Render(families(snapshot)), nil)
	}
}

// live gives the families that change between polls.
func (c *Collector) live() []exposition.Family {
	if c.feed == nil {
		return nil
	}
	return c.feed.families()
}

// families lays a snapshot out as metric families.
func families(s *ledger.Snapshot) []exposition.Family {
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

func family(m metrics.Metric, samples func(yield func([]string, float64))) exposition.Family {
	kind := dto.MetricType_GAUGE
	if m.Type == metrics.Counter {
		kind = dto.MetricType_COUNTER
	}
	return exposition.Family{Name: m.Name, Help: m.Help, Type: kind, Labels: m.Labels, Samples: samples}
}
