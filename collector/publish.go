package collector

import (
	"time"

	dto "github.com/prometheus/client_model/go"

	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/live"
	"whereby_exporter/collector/metrics"
)

// publish exposes the ledger's snapshot. It changes only after a successful pass and
// when a billing period begins, so it is rendered once then, and not at every scrape.
func (c *Collector) publish() {
	c.publishing.Lock()
	defer c.publishing.Unlock()
	snapshot := c.ledger.Snapshot()
	if snapshot == nil {
		return
	}
	c.self.lastFullScan.Set(seconds(snapshot.FullScan))
	if snapshot == c.published {
		return
	}
	c.published = snapshot
	rendered := exposition.Render(append(families(snapshot), quotaFamilies(snapshot, c.file)...))
	settle := c.settlement(snapshot)
	c.handler.Publish(rendered, func() {
		settle()
		c.exposed = exposed{snapshot: snapshot, configured: c.file.Configured()}
	})
}

// settlement returns what brings the pending minutes in line with a snapshot.
func (c *Collector) settlement(snapshot *ledger.Snapshot) func() {
	if c.feed == nil {
		return func() {}
	}
	shown, err := c.ledger.ParticipantMinutes(c.feed.metered())
	if err != nil {
		c.config.Logger.Error("the minutes ahead of Insights could not be reckoned", "err", err)
	}
	ended := snapshot.PassEnded
	if ended.IsZero() {
		ended = time.Now()
	}
	return func() { c.feed.settle(shown, snapshot.PassStarted, ended) }
}

// exposed is what the families of the moment rest on. The handler guards it.
type exposed struct {
	snapshot   *ledger.Snapshot // nil before the first complete poll
	configured []string
}

// live gives the families that change between polls.
func (c *Collector) live() []exposition.Family {
	var families []exposition.Family
	var view *live.View
	if c.feed != nil {
		view = c.feed.view(c.exposed.configured)
		families = append(liveFamilies(view), segmentFamilies(view)...)
	}
	if c.exposed.snapshot != nil {
		families = append(families, qualityFamilies(c.sampling.View(), c.exposed.configured)...)
		families = append(families, usedFamilies(c.exposed.snapshot, view)...)
		if view != nil {
			families = append(families, pendingFamily(view))
		}
	}
	return families
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
