package families

import (
	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/live"
	"whereby_exporter/collector/metrics"
)

// Pending returns the minutes that Insights does not show yet. They mean nothing without the
// usage that they come on top of.
func Pending(v *live.View) exposition.Family {
	return family(metrics.LivePending, func(yield func([]string, float64)) {
		label := make([]string, 1)
		for i := range v.Prefixes {
			label[0] = v.Prefixes[i].Prefix
			yield(label, float64(v.Prefixes[i].Pending))
		}
	})
}

// Segments are there only if segments are configured.
func Segments(v *live.View) []exposition.Family {
	bySegment := func(m metrics.Metric, value func(live.SegmentView) int64) exposition.Family {
		return family(m, func(yield func([]string, float64)) {
			for _, s := range v.Segments {
				yield([]string{s.Prefix, s.Segment}, float64(value(s)))
			}
		})
	}
	return []exposition.Family{
		bySegment(metrics.SegmentParticipants, func(s live.SegmentView) int64 { return s.Participants }),
		bySegment(metrics.SegmentMinutes, func(s live.SegmentView) int64 { return s.Minutes }),
	}
}

// Live returns the live and webhook families.
func Live(v *live.View) []exposition.Family {
	// Views are large, so they are not copied for each sample.
	byPrefix := func(m metrics.Metric, value func(*live.PrefixView) int64) exposition.Family {
		return family(m, func(yield func([]string, float64)) {
			label := make([]string, 1)
			for i := range v.Prefixes {
				p := &v.Prefixes[i]
				label[0] = p.Prefix
				yield(label, float64(value(p)))
			}
		})
	}
	// Where it is not known how many people a room holds, nothing says how full one is.
	byCapacity := func(m metrics.Metric, value func(*live.PrefixView) float64) exposition.Family {
		return family(m, func(yield func([]string, float64)) {
			label := make([]string, 1)
			for i := range v.Prefixes {
				if p := &v.Prefixes[i]; p.Capacity > 0 {
					label[0] = p.Prefix
					yield(label, value(p))
				}
			}
		})
	}
	roles, statuses := live.Roles(), live.Statuses()
	// A role has series once a client of it has come, and from then on.
	byRole := func(m metrics.Metric, value func(*live.PrefixView) *live.ByRole) exposition.Family {
		return family(m, func(yield func([]string, float64)) {
			labels := make([]string, 2)
			for i := range v.Prefixes {
				p := &v.Prefixes[i]
				values := value(p)
				for r, role := range roles {
					if p.Joins[r] > 0 || p.Leaves[r] > 0 || p.Clients[r] > 0 {
						labels[0], labels[1] = p.Prefix, role
						yield(labels, float64(values[r]))
					}
				}
			}
		})
	}
	byStatus := func(m metrics.Metric, value func(*live.PrefixView) *live.ByStatus) exposition.Family {
		return family(m, func(yield func([]string, float64)) {
			labels := make([]string, 2)
			for i := range v.Prefixes {
				p := &v.Prefixes[i]
				for s, n := range value(p) {
					if n > 0 {
						labels[0], labels[1] = p.Prefix, statuses[s]
						yield(labels, float64(n))
					}
				}
			}
		})
	}
	return []exposition.Family{
		byPrefix(metrics.LiveParticipants, func(p *live.PrefixView) int64 { return p.Participants }),
		byPrefix(metrics.LiveParticipantsMax, func(p *live.PrefixView) int64 { return p.ParticipantsMax }),
		byPrefix(metrics.LiveRooms, func(p *live.PrefixView) int64 { return p.Rooms }),
		byCapacity(metrics.RoomCapacity, func(p *live.PrefixView) float64 { return float64(p.Capacity) }),
		byCapacity(metrics.LiveRoomsFull, func(p *live.PrefixView) float64 { return float64(p.FullRooms) }),
		byCapacity(metrics.LiveFullestRoom, func(p *live.PrefixView) float64 { return float64(p.Fullest) / float64(p.Capacity) }),
		byCapacity(metrics.LiveFullestRoomMax, func(p *live.PrefixView) float64 { return float64(p.FullestMax) / float64(p.Capacity) }),
		byPrefix(metrics.LiveWaiting, func(p *live.PrefixView) int64 { return p.Waiting }),
		byRole(metrics.LiveClients, func(p *live.PrefixView) *live.ByRole { return &p.Clients }),
		byRole(metrics.Joins, func(p *live.PrefixView) *live.ByRole { return &p.Joins }),
		byPrefix(metrics.DialIns, func(p *live.PrefixView) int64 { return p.DialIns }),
		byRole(metrics.Leaves, func(p *live.PrefixView) *live.ByRole { return &p.Leaves }),
		byStatus(metrics.Recordings, func(p *live.PrefixView) *live.ByStatus { return &p.Recordings }),
		family(metrics.WebhookEvents, func(yield func([]string, float64)) {
			for _, e := range v.Events {
				yield([]string{string(e.Type)}, float64(e.N))
			}
		}),
		family(metrics.LiveCorrections, func(yield func([]string, float64)) {
			for _, c := range v.Corrections {
				yield([]string{string(c.Reason)}, float64(c.N))
			}
		}),
		family(metrics.WebhookDuplicates, func(yield func([]string, float64)) { yield(nil, float64(v.Duplicates)) }),
		family(metrics.WebhookLastEvent, func(yield func([]string, float64)) { yield(nil, metrics.Seconds(v.LastEvent)) }),
	}
}
