package families

import (
	"maps"
	"slices"
	"time"

	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/live"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/transcriptions"
)

// Transcriptions returns the lifetime figures of transcriptions. The usage is nil before the first
// full poll, and the view without webhooks.
func Transcriptions(s *ledger.Snapshot, t *transcriptions.Snapshot, v *live.View) []exposition.Family {
	return []exposition.Family{
		family(metrics.TranscriptionSeconds, func(yield func([]string, float64)) {
			if s == nil || !t.Shown() {
				return
			}
			label := make([]string, 1)
			sample := func(prefix string, billable time.Duration) {
				label[0] = prefix
				yield(label, billable.Seconds())
			}
			// Both are sorted. Prefixes without any have 0, so that increase() sees the first.
			rest := t.Prefixes
			for i := range s.Prefixes {
				prefix := s.Prefixes[i].Prefix
				for len(rest) > 0 && rest[0].Prefix < prefix {
					sample(rest[0].Prefix, rest[0].Billable)
					rest = rest[1:]
				}
				if len(rest) > 0 && rest[0].Prefix == prefix {
					continue // with the next one
				}
				sample(prefix, 0)
			}
			for i := range rest {
				sample(rest[i].Prefix, rest[i].Billable)
			}
		}),
		family(metrics.Transcriptions, func(yield func([]string, float64)) {
			ended := transcriptionsEnded(t, v)
			for _, prefix := range slices.Sorted(maps.Keys(ended)) {
				for status, n := range ended[prefix].All() {
					if n > 0 {
						yield([]string{prefix, status}, float64(n))
					}
				}
			}
		}),
	}
}

// transcriptionsEnded returns the transcriptions that have ended, by prefix and status: those that
// were counted by their id, and those of which only events without one told. Until the listing
// was read, the former are shown where they do not hide that more are to come at once.
func transcriptionsEnded(t *transcriptions.Snapshot, v *live.View) map[string]*live.ByStatus {
	ended := map[string]*live.ByStatus{}
	if v != nil {
		for i := range v.Prefixes {
			if p := &v.Prefixes[i]; p.Transcriptions.Sum() > 0 {
				counted := p.Transcriptions
				ended[p.Prefix] = &counted
			}
		}
	}
	if t == nil {
		return ended
	}
	for i := range t.Prefixes {
		p := &t.Prefixes[i]
		counted, shown := ended[p.Prefix]
		if !shown {
			if !t.Exposed {
				continue
			}
			counted = &live.ByStatus{}
			ended[p.Prefix] = counted
		}
		counted.Add(live.ByStatus{p.ByStatus[transcriptions.Finished], p.ByStatus[transcriptions.Failed], p.ByStatus[transcriptions.Other]})
	}
	return ended
}
