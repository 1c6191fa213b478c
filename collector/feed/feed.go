package feed

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/live"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

var (
	// People wait at a door between seconds and most of an hour.
	waitBuckets = []float64{5, 15, 30, 60, 120, 300, 600, 1200, 2400}
	// Deliveries take well under a second, and minutes after retries and outages.
	delayBuckets = []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300}
)

// staleAfter is the age from which the rooms of a restored live state are in doubt. It is
// longer than Whereby retries a delivery.
const staleAfter = time.Minute

// maxWithoutEnd bounds the rooms whose end is requested, including those for which requests
// fail.
const maxWithoutEnd = 1000

// Usage is what the feed needs to know about the account's usage.
type Usage interface {
	// Label returns the value of room_prefix that a room counts under.
	Label(roomName string) string
	// ShownMinutes returns the participant minutes that Insights has shown for rooms. ok is
	// false before the first full poll.
	ShownMinutes(roomNames []string) (minutes map[string]int64, ok bool, err error)
}

// Transcriptions stores events of transcriptions.
type Transcriptions interface {
	// Apply applies an event, which may be delivered again.
	Apply(whereby.Event)
	// Flush makes the applied events durable.
	Flush() error
}

// Feed applies events to the live tracker. It is a [webhook.State], and safe for
// concurrent use.
type Feed struct {
	// segments is nil if none are configured.
	segments atomic.Pointer[config.Segments]

	now func() time.Time

	mu      sync.Mutex
	options live.Options
	tracker *live.Tracker
	// told is the latest time that was given to the tracker.
	told time.Time
	// replaying is true while events of an earlier process are applied, whose histograms
	// have been scraped.
	replaying bool

	// transcriptions is nil if nothing keeps them.
	transcriptions Transcriptions

	knockWait, hostWait, delay *prometheus.HistogramVec
	rejected, unusable         *prometheus.CounterVec
	misdirected                prometheus.Counter
}

var _ webhook.State = (*Feed)(nil)

// New returns an empty feed that is replaying until [Feed.EndReplay]. It registers the live and
// webhook families that are not part of the tracker.
func New(r prometheus.Registerer, usage Usage, file *config.Config) *Feed {
	f := &Feed{
		now:       time.Now,
		replaying: true,
		knockWait: metrics.KnockWait.NewHistogramVec(r, waitBuckets),
		hostWait:  metrics.HostWait.NewHistogramVec(r, waitBuckets),
		delay:     metrics.WebhookDelay.NewHistogramVec(r, delayBuckets),
		rejected:  metrics.WebhookRejected.NewCounterVec(r),
		unusable:  metrics.WebhookUnusable.NewCounterVec(r),

		misdirected: metrics.WebhookMisdirected.NewCounter(r),
	}
	f.options = live.Options{
		Label: usage.Label,
		Shown: func(room string) (int64, bool) {
			if f.replaying {
				return 0, false // Insights shows other figures now than at that time
			}
			shown, ok, err := usage.ShownMinutes([]string{room})
			return shown[room], ok && err == nil
		},
	}
	f.use(file)
	f.tracker = live.New(f.options)
	f.delay.WithLabelValues()
	for _, reason := range webhook.Reasons() {
		f.rejected.WithLabelValues(string(reason)) // so that increase() sees the first one
	}
	for _, oddity := range whereby.Oddities() {
		f.unusable.WithLabelValues(string(oddity))
	}
	return f
}

// KeepTranscriptions also applies events of transcriptions to t. It must be called before the
// first event.
func (f *Feed) KeepTranscriptions(t Transcriptions) { f.transcriptions = t }

// UseClock makes the feed use another clock than the system's. It must be called before the
// first event.
func (f *Feed) UseClock(now func() time.Time) { f.now = now }

// CountedTranscriptions returns the labels under which events without an ID counted
// transcriptions.
func (f *Feed) CountedTranscriptions() map[string]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	counted := map[string]bool{}
	for _, p := range f.tracker.View(f.tell(f.now())).Prefixes {
		if p.Transcriptions.Sum() > 0 {
			counted[p.Prefix] = true
		}
	}
	return counted
}

// Segment implements [webhook.State].
func (f *Feed) Segment(event whereby.Event) string {
	segment, _ := f.segments.Load().Of(event)
	return segment
}

// Apply implements [webhook.State].
func (f *Feed) Apply(event whereby.Event, segment string, arrived time.Time) {
	if f.transcriptions != nil {
		f.transcriptions.Apply(event)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.now(); f.replaying && arrived.After(now) {
		arrived = now // the clock was ahead
	}
	if !f.replaying {
		f.tell(arrived)
	}
	result := f.tracker.ApplySegment(event, segment, arrived)
	if f.replaying {
		return
	}
	if result.Duplicate {
		return
	}
	for _, oddity := range event.Oddities {
		if oddity != whereby.OddTime {
			f.Unusable(oddity)
		}
	}
	if result.Mistimed {
		f.Unusable(whereby.OddTime)
	} else {
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

// setBack is how far a clock may go back without a correction.
const setBack = time.Minute

// tell sets the tracker's time, and returns it. The tracker cannot go back: if the clock was
// ahead, it would treat the state of that time as the newest until that time comes. So it is
// restored from its state, as after a restart.
func (f *Feed) tell(now time.Time) time.Time {
	if f.told.Sub(now) > setBack {
		if state, err := f.tracker.AppendBinary(nil); err == nil {
			if tracker, err := live.Restore(state, now, staleAfter, f.options); err == nil {
				f.tracker = tracker
			}
		}
		f.told = now
	}
	if now.After(f.told) {
		f.told = now
	}
	return now
}

// Unusable counts a genuine event that could be used only in part, or not at all.
func (f *Feed) Unusable(why whereby.Oddity) { f.unusable.WithLabelValues(string(why)).Inc() }

// Rejected counts a rejected request.
func (f *Feed) Rejected(reason webhook.Reason) { f.rejected.WithLabelValues(string(reason)).Inc() }

// Misdirected counts a genuine request for another path than the webhook's.
func (f *Feed) Misdirected() { f.misdirected.Inc() }

// Rejection is the number of requests that were rejected for a reason.
type Rejection struct {
	Reason webhook.Reason
	N      int64
}

// Rejections returns the number of rejected requests for every reason, including zeros.
func (f *Feed) Rejections() []Rejection {
	var rejections []Rejection
	for _, reason := range webhook.Reasons() {
		var m dto.Metric
		if err := f.rejected.WithLabelValues(string(reason)).Write(&m); err == nil {
			rejections = append(rejections, Rejection{reason, int64(m.GetCounter().GetValue())})
		}
	}
	return rejections
}

// EndReplay makes events count in the histograms from now on.
func (f *Feed) EndReplay() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replaying = false
	f.told = f.now()
}

// AppendBinary implements [webhook.State]. Transcriptions are not part of the state, so it
// flushes them.
func (f *Feed) AppendBinary(b []byte) ([]byte, error) {
	if f.transcriptions != nil {
		if err := f.transcriptions.Flush(); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tracker.AppendBinary(b)
}

// UnmarshalBinary implements [webhook.State].
func (f *Feed) UnmarshalBinary(b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	tracker, err := live.Restore(b, f.now(), staleAfter, f.options)
	if err != nil {
		return err
	}
	f.tracker = tracker
	return nil
}

// View returns the tracker's present figures. It includes all configured prefixes, even if their
// rooms had no events.
func (f *Feed) View(configured []string) *live.View {
	f.mu.Lock()
	v, options := f.tracker.View(f.tell(f.now())), f.options
	f.mu.Unlock()
	known := make(map[string]bool, len(v.Prefixes))
	for _, p := range v.Prefixes {
		known[p.Prefix] = true
	}
	v.Prefixes = slices.Grow(v.Prefixes, len(configured))
	for _, prefix := range configured {
		if !known[prefix] {
			v.Prefixes = append(v.Prefixes, live.PrefixView{Prefix: prefix, Capacity: options.CapacityOf(prefix)})
		}
	}
	return v
}

// use sets the capacities of rooms and the segments from a configuration file.
func (f *Feed) use(file *config.Config) {
	f.options.Capacity = file.Capacities()
	segments := file.Segments
	f.segments.Store(segments)
	f.options.SegmentLimit, f.options.AdmitsSegment, f.options.SegmentsLast = 0, nil, false
	if segments != nil {
		f.options.SegmentLimit, f.options.AdmitsSegment, f.options.SegmentsLast = segments.Limit, segments.Admits(), segments.Listed()
	}
}

// Configure replaces the labels, capacities of rooms and segments with those of another
// configuration file. Segments that it does not admit are forgotten.
func (f *Feed) Configure(file *config.Config) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.use(file)
	tracker, err := f.tracker.With(f.options, f.now())
	if err != nil {
		return fmt.Errorf("count the live state under other prefixes: %w", err)
	}
	f.tracker = tracker
	return nil
}

// Metered lists the rooms that may have pending minutes.
func (f *Feed) Metered() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tracker.Metered()
}

// Settle records the minutes that Insights showed for rooms in a poll that began and ended at
// these times.
func (f *Feed) Settle(shown map[string]int64, started, ended time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tracker.Settle(shown, started, ended)
}

// Suspects returns the rooms whose count is in doubt at a time.
func (f *Feed) Suspects(now time.Time) []live.Suspect {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tracker.Suspects(f.tell(now), 0)
}

// Answer records whether a session was running in a suspect's room as of a time, according to
// Insights.
func (f *Feed) Answer(s live.Suspect, sessionRuns bool, asOf time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tracker.Answer(s, sessionRuns, asOf)
}

// SetEnds records the ends of rooms as Insights lists them.
func (f *Feed) SetEnds(rooms []whereby.Room) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, room := range rooms {
		f.tracker.SetEnd(room.Name, room.EndAt)
	}
}

// WithoutEnd lists a few rooms with somebody in them, without an event since a time, whose end
// is unknown.
func (f *Feed) WithoutEnd(since time.Time) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tracker.WithoutEnd(since, maxWithoutEnd)
}
