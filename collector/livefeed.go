package collector

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
	options live.Options

	mu      sync.Mutex
	tracker *live.Tracker
	// observing is false while events of an earlier process are replayed, whose
	// histograms have been scraped.
	observing bool

	knockWait, hostWait, delay *prometheus.HistogramVec
	rejected                   *prometheus.CounterVec
}

var (
	_ webhook.State        = (*liveFeed)(nil)
	_ prometheus.Collector = (*liveFeed)(nil)
)

// newLiveFeed registers the live and webhook families.
func newLiveFeed(r prometheus.Registerer, label func(roomName string) string) *liveFeed {
	options := live.Options{Label: label}
	f := &liveFeed{
		options:   options,
		tracker:   live.New(options),
		knockWait: metrics.KnockWait.NewHistogramVec(r, waitBuckets),
		hostWait:  metrics.HostWait.NewHistogramVec(r, waitBuckets),
		delay:     metrics.WebhookDelay.NewHistogramVec(r, delayBuckets),
		rejected:  metrics.WebhookRejected.NewCounterVec(r),
	}
	f.delay.WithLabelValues()
	for _, reason := range webhook.Reasons() {
		f.rejected.WithLabelValues(string(reason)) // so that increase() sees the first one
	}
	r.MustRegister(f)
	return f
}

// Apply implements [webhook.State].
func (f *liveFeed) Apply(event whereby.Event, arrived time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	result := f.tracker.Apply(event, arrived)
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

func (f *liveFeed) view() *live.View {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tracker.View(time.Now())
}

// Describe implements [prometheus.Collector]. It describes nothing: which series
// there are is known only from the events.
func (f *liveFeed) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (f *liveFeed) Collect(ch chan<- prometheus.Metric) {
	v := f.view()
	emit := func(m metrics.Metric) func(value float64, labels ...string) {
		desc := prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)
		kind := prometheus.GaugeValue
		if m.Type == metrics.Counter {
			kind = prometheus.CounterValue
		}
		return func(value float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
		}
	}
	var (
		participants, participantsMax = emit(metrics.LiveParticipants), emit(metrics.LiveParticipantsMax)
		clients, rooms                = emit(metrics.LiveClients), emit(metrics.LiveRooms)
		waiting                       = emit(metrics.LiveWaiting)
		joins, leaves                 = emit(metrics.Joins), emit(metrics.Leaves)
		recordings, transcriptions    = emit(metrics.Recordings), emit(metrics.Transcriptions)
		events, corrections           = emit(metrics.WebhookEvents), emit(metrics.LiveCorrections)
	)
	for _, p := range v.Prefixes {
		participants(float64(p.Participants), p.Prefix)
		participantsMax(float64(p.ParticipantsMax), p.Prefix)
		rooms(float64(p.Rooms), p.Prefix)
		waiting(float64(p.Waiting), p.Prefix)
		// A role has series once a client of it has come, and from then on.
		for role, n := range p.Joins.All() {
			left, now := p.Leaves.Get(role), p.Clients.Get(role)
			if n > 0 || left > 0 || now > 0 {
				joins(float64(n), p.Prefix, role)
				leaves(float64(left), p.Prefix, role)
				clients(float64(now), p.Prefix, role)
			}
		}
		for status, n := range p.Recordings.All() {
			if n > 0 {
				recordings(float64(n), p.Prefix, status)
			}
		}
		for status, n := range p.Transcriptions.All() {
			if n > 0 {
				transcriptions(float64(n), p.Prefix, status)
			}
		}
	}
	for _, e := range v.Events {
		events(float64(e.N), string(e.Type))
	}
	for _, c := range v.Corrections {
		corrections(float64(c.N), string(c.Reason))
	}
	emit(metrics.WebhookDuplicates)(float64(v.Duplicates))
	emit(metrics.WebhookLastEvent)(seconds(v.LastEvent))
}
