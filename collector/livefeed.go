package collector

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/live"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

var (
	// People wait at a door from seconds to the better part of an hour.
	waitBuckets = []float64{5, 15, 30, 60, 120, 300, 600, 1200, 2400}
	// Deliveries take well under a second, and minutes after retries and outages.
	delayBuckets = []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300}
)

// staleAfter is how old a restored live state may be before its rooms are doubted:
// as long as Whereby retries a delivery, with room to spare.
const staleAfter = time.Minute

// liveFeed applies events to the live tracker and exposes what that says. It is a
// [webhook.State].
type liveFeed struct {
	// segments is nil where none are asked for.
	segments atomic.Pointer[config.Segments]

	mu      sync.Mutex
	options live.Options
	tracker *live.Tracker
	// observing is false while events of an earlier process are replayed, whose
	// histograms have been scraped.
	observing bool

	knockWait, hostWait, delay *prometheus.HistogramVec
	rejected                   *prometheus.CounterVec
}

var _ webhook.State = (*liveFeed)(nil)

// newLiveFeed registers those of the live and webhook families that are no part of the
// tracker.
func newLiveFeed(r prometheus.Registerer, l *ledger.Ledger, segments *config.Segments) *liveFeed {
	f := &liveFeed{
		knockWait: metrics.KnockWait.NewHistogramVec(r, waitBuckets),
		hostWait:  metrics.HostWait.NewHistogramVec(r, waitBuckets),
		delay:     metrics.WebhookDelay.NewHistogramVec(r, delayBuckets),
		rejected:  metrics.WebhookRejected.NewCounterVec(r),
	}
	f.options = live.Options{
		Label: l.Label,
		Shown: func(room string) (int64, bool) {
			if !f.observing {
				return 0, false // what Insights shows now is not what it showed then
			}
			shown, err := l.ParticipantMinutes([]string{room})
			return shown[room], err == nil && l.Snapshot() != nil
		},
	}
	f.useSegments(segments)
	f.tracker = live.New(f.options)
	f.delay.WithLabelValues()
	for _, reason := range webhook.Reasons() {
		f.rejected.WithLabelValues(string(reason)) // so that increase() sees the first one
	}
	return f
}

// Segment implements [webhook.State].
func (f *liveFeed) Segment(event whereby.Event) string {
	segment, _ := f.segments.Load().Of(event)
	return segment
}

// Apply implements [webhook.State].
func (f *liveFeed) Apply(event whereby.Event, segment string, arrived time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	result := f.tracker.ApplySegment(event, segment, arrived)
	if !f.observing {
		return
	}
	if !result.Duplicate {
		f.delay.WithLabelValues().Observe(max(0, arrived.Sub(event.CreatedAt).Seconds()))
	}
	for _, wait := range result.Observations {
		switch wait.Kind {
		case live.KnockWait:
			f.knockWait.WithLabelValues(wait.Prefix, string(wait.Outcome)).Observe(wait.Seconds)
		case live.HostWait:
			f.hostWait.WithLabelValues(wait.Prefix).Observe(wait.Seconds)
		}
	}
}

// observe ends the replay.
func (f *liveFeed) observe() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.observing = true
}

// AppendBinary implements [webhook.State].
func (f *liveFeed) AppendBinary(b []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tracker.AppendBinary(b)
}

// UnmarshalBinary implements [webhook.State].
func (f *liveFeed) UnmarshalBinary(b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	tracker, err := live.Restore(b, time.Now(), staleAfter, f.options)
	if err != nil {
		return err
	}
	f.tracker = tracker
	return nil
}

// view is what the tracker knows now. Configured prefixes are in it, whether anything
// happened in their rooms or not.
func (f *liveFeed) view(configured []string) *live.View {
	f.mu.Lock()
	v := f.tracker.View(time.Now())
	f.mu.Unlock()
	known := make(map[string]bool, len(v.Prefixes))
	for _, p := range v.Prefixes {
		known[p.Prefix] = true
	}
	for _, prefix := range configured {
		if !known[prefix] {
			v.Prefixes = append(v.Prefixes, live.PrefixView{Prefix: prefix})
		}
	}
	return v
}

// useSegments takes the segments that a configuration file asks for.
func (f *liveFeed) useSegments(segments *config.Segments) {
	f.segments.Store(segments)
	f.options.SegmentLimit = 0
	if segments != nil {
		f.options.SegmentLimit = segments.Limit
	}
}

// configure puts rooms under the labels that they have now, and takes other segments.
func (f *liveFeed) configure(segments *config.Segments) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.useSegments(segments)
	state, err := f.tracker.AppendBinary(nil)
	if err != nil {
		return fmt.Errorf("put the live state under other prefixes: %w", err)
	}
	// The state is of now, so no room is in doubt.
	tracker, err := live.Restore(state, time.Now(), time.Duration(math.MaxInt64), f.options)
	if err != nil {
		return fmt.Errorf("put the live state under other prefixes: %w", err)
	}
	f.tracker = tracker
	return nil
}

// metered lists the rooms of which minutes may be pending.
func (f *liveFeed) metered() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tracker.Metered()
}

// settle takes what Insights show of rooms.
func (f *liveFeed) settle(shown map[string]int64, started, ended time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tracker.Settle(shown, started, ended)
}

// pendingFamily are the minutes ahead of Insights. They mean nothing beside a usage that
// is not known.
func pendingFamily(v *live.View) exposition.Family {
	return family(metrics.LivePending, func(yield func([]string, float64)) {
		for _, p := range v.Prefixes {
			yield([]string{p.Prefix}, float64(p.Pending))
		}
	})
}

// segmentFamilies are there only where segments are asked for.
func segmentFamilies(v *live.View) []exposition.Family {
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

// liveFamilies are the live and webhook families.
func liveFamilies(v *live.View) []exposition.Family {
	byPrefix := func(m metrics.Metric, value func(live.PrefixView) int64) exposition.Family {
		return family(m, func(yield func([]string, float64)) {
			label := make([]string, 1)
			for _, p := range v.Prefixes {
				label[0] = p.Prefix
				yield(label, float64(value(p)))
			}
		})
	}
	// A role has series once a client of it has come, and from then on.
	byRole := func(m metrics.Metric, value func(live.PrefixView) live.ByRole) exposition.Family {
		return family(m, func(yield func([]string, float64)) {
			labels := make([]string, 2)
			for _, p := range v.Prefixes {
				values := value(p)
				for role, joined := range p.Joins.All() {
					if n := values.Get(role); joined > 0 || p.Leaves.Get(role) > 0 || p.Clients.Get(role) > 0 {
						labels[0], labels[1] = p.Prefix, role
						yield(labels, float64(n))
					}
				}
			}
		})
	}
	byStatus := func(m metrics.Metric, value func(live.PrefixView) live.ByStatus) exposition.Family {
		return family(m, func(yield func([]string, float64)) {
			labels := make([]string, 2)
			for _, p := range v.Prefixes {
				values := value(p)
				for status, n := range values.All() {
					if n > 0 {
						labels[0], labels[1] = p.Prefix, status
						yield(labels, float64(n))
					}
				}
			}
		})
	}
	return []exposition.Family{
		byPrefix(metrics.LiveParticipants, func(p live.PrefixView) int64 { return p.Participants }),
		byPrefix(metrics.LiveParticipantsMax, func(p live.PrefixView) int64 { return p.ParticipantsMax }),
		byPrefix(metrics.LiveRooms, func(p live.PrefixView) int64 { return p.Rooms }),
		byPrefix(metrics.LiveWaiting, func(p live.PrefixView) int64 { return p.Waiting }),
		byRole(metrics.LiveClients, func(p live.PrefixView) live.ByRole { return p.Clients }),
		byRole(metrics.Joins, func(p live.PrefixView) live.ByRole { return p.Joins }),
		byRole(metrics.Leaves, func(p live.PrefixView) live.ByRole { return p.Leaves }),
		byStatus(metrics.Recordings, func(p live.PrefixView) live.ByStatus { return p.Recordings }),
		byStatus(metrics.Transcriptions, func(p live.PrefixView) live.ByStatus { return p.Transcriptions }),
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
		family(metrics.WebhookLastEvent, func(yield func([]string, float64)) { yield(nil, seconds(v.LastEvent)) }),
	}
}
