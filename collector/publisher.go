package collector

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/cost"
	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/families"
	"whereby_exporter/collector/feed"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/live"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/quality"
	"whereby_exporter/collector/recordings"
	"whereby_exporter/collector/transcriptions"
)

// publisher exposes what the ledger, the feed and the sampler know.
type publisher struct {
	ledger         *ledger.Ledger
	transcriptions *transcriptions.Ledger
	feed           *feed.Feed // nil if webhooks are off
	sampler        interface{ View() *quality.View }
	stored         *recordings.Reader
	costs          *cost.Book
	self           *selfMetrics
	handler        *exposition.Handler
	now            func() time.Time
	log            *slog.Logger

	mu          sync.Mutex // held while something is published
	file        *config.Config
	published   *ledger.Snapshot
	transcribed *transcriptions.Snapshot
	charged     atomic.Pointer[cost.Figures] // what published costs; nil without prices

	// exposed is guarded by the handler.
	exposed exposed
}

// exposed is what the families that change between polls rest on.
type exposed struct {
	snapshot    *ledger.Snapshot         // nil before the first full poll
	transcribed *transcriptions.Snapshot // nil if it could not be read
	configured  []string
}

// serve makes the handler, which also serves what is registered.
func (p *publisher) serve(registry prometheus.Gatherer) {
	var err error
	if p.exposed.transcribed, err = p.transcriptions.Snapshot(&transcriptions.Periods{}); err != nil {
		p.log.Error("summing transcriptions failed", "err", err)
	}
	p.handler = exposition.NewHandler(registry, exposition.Options{
		Dynamic: p.dynamic,
		OnError: func(err error) { p.log.Error("answering a scrape failed", "err", err) },
	})
}

// publish exposes the ledger's snapshot. It changes only after a successful poll and
// when a billing period begins, so it is rendered once then, and not at every scrape.
func (p *publisher) publish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	snapshot := p.ledger.Snapshot()
	if snapshot == nil {
		return
	}
	p.self.lastFullPoll.Set(metrics.Seconds(snapshot.FullPoll))
	p.self.unusableRooms.Set(float64(snapshot.SetAside))
	if snapshot != p.published || p.transcriptions.Refresh(p.transcribed) != p.transcribed {
		_ = p.replace(snapshot, func() error { return nil })
	}
}

// replace exposes a snapshot with the limits of the configuration in force. also changes
// what goes with it: no scrape sees the one without the other.
func (p *publisher) replace(snapshot *ledger.Snapshot, also func() error) error {
	p.published = snapshot
	settle := p.settlement(snapshot)
	periods := periodsOf(snapshot)
	periods.Rates = p.costs.Rates()
	transcribed, err := p.transcriptions.Snapshot(periods)
	if err != nil {
		p.log.Error("summing transcriptions failed", "err", err)
	}
	p.transcribed = transcribed
	list := slices.Concat(families.Usage(snapshot), families.Quotas(snapshot, transcribed, p.file), families.Costs(p.charge(snapshot, transcribed)))
	p.handler.Publish(list, func() {
		err = also()
		settle()
		p.exposed = exposed{snapshot: snapshot, transcribed: transcribed, configured: p.file.Configured()}
	})
	return err
}

// charge computes what the usage of snapshots costs.
func (p *publisher) charge(snapshot *ledger.Snapshot, transcribed *transcriptions.Snapshot) *cost.Figures {
	figures, err := p.costs.Charge(snapshot, transcribed)
	if err != nil {
		p.self.storageErrors.Inc()
		p.log.Error("writing costs failed; whereby_cost_total stands still", "err", err)
	}
	p.charged.Store(figures)
	return figures
}

// periodsOf returns the billing periods of a snapshot.
func periodsOf(s *ledger.Snapshot) *transcriptions.Periods {
	span := func(u *ledger.PeriodUsage) transcriptions.Span {
		return transcriptions.Span{Previous: u.Previous.Period.Start.UnixMilli(), Current: u.Period.Start.UnixMilli()}
	}
	periods := &transcriptions.Periods{Prefixes: make(map[string]transcriptions.Span, len(s.Prefixes)), Account: span(&s.Account)}
	for i := range s.Prefixes {
		periods.Prefixes[s.Prefixes[i].Prefix] = span(&s.Prefixes[i].PeriodUsage)
	}
	return periods
}

// settlement returns what brings the pending minutes in line with a snapshot.
func (p *publisher) settlement(snapshot *ledger.Snapshot) func() {
	if p.feed == nil {
		return func() {}
	}
	shown, _, err := p.ledger.ShownMinutes(p.feed.Metered())
	if err != nil {
		p.log.Error("reading the minutes that Insights shows failed", "err", err)
	}
	for name := range shown {
		if p.ledger.IsSetAside(name) {
			delete(shown, name) // what was read before says nothing of what is shown now
		}
	}
	started, ended, now := snapshot.PollStarted, snapshot.PollEnded, p.now()
	if ended.IsZero() || ended.After(now) { // the clock was ahead
		ended = now
	}
	if started.After(ended) {
		started = ended
	}
	return func() { p.feed.Settle(shown, started, ended) }
}

// dynamic returns the families that change between polls.
func (p *publisher) dynamic() []exposition.Family {
	var list []exposition.Family
	var view *live.View
	if p.feed != nil {
		view = p.feed.View(p.exposed.configured)
		list = append(families.Live(view), families.Segments(view)...)
	}
	transcribed := p.transcriptions.Refresh(p.exposed.transcribed)
	list = append(list, families.Transcriptions(p.exposed.snapshot, transcribed, view)...)
	if p.exposed.snapshot != nil {
		list = append(list, families.Quality(p.sampler.View(), p.exposed.configured)...)
		list = append(list, families.Used(p.exposed.snapshot, transcribed, view)...)
		if stored := p.stored.View(); stored != nil {
			list = append(list, families.Recordings(stored, p.exposed.configured)...)
		}
		if view != nil {
			list = append(list, families.Pending(view))
		}
	}
	return list
}

// reload puts another configuration file in force, in one step for every scrape. After
// an error the one before still is.
func (p *publisher) reload(file *config.Config) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	tariff := p.costs.Revised(file.Prices, file.Billing, now)
	moved, err := p.ledger.Configure(ledgerOptions(file, tariff, now))
	if err != nil {
		return err
	}
	p.costs.Use(tariff)
	p.transcriptions.Recount()
	if len(moved) > 0 {
		p.log.Info("rooms now count under other prefixes", "room_prefixes", moved)
	}
	configure := func() error {
		p.stored.Relabel()
		if p.feed == nil {
			return nil
		}
		return p.feed.Configure(file)
	}
	p.file = file
	snapshot := p.ledger.Snapshot()
	if snapshot == nil {
		return configure() // nothing is exposed yet that goes with it
	}
	return p.replace(snapshot, configure)
}

// transcribedNow returns the figures of transcriptions; nil before they can be told.
func (p *publisher) transcribedNow() *transcriptions.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.transcriptions.Refresh(p.transcribed)
}

// inForce returns the configuration in force.
func (p *publisher) inForce() *config.Config {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.file
}

// ledgerOptions are what the configuration file says of how rooms are summed.
func ledgerOptions(c *config.Config, t cost.Tariff, now time.Time) ledger.Options {
	calendars := make(map[string]billing.Calendar, len(c.Customers))
	limited := make(map[string]bool, len(c.Customers))
	for _, customer := range c.Customers {
		calendars[customer.RoomPrefix] = customer.Calendar
		for resource := range customer.Quotas {
			limited[customer.RoomPrefix] = limited[customer.RoomPrefix] || resource != config.LiveParticipants
		}
	}
	return ledger.Options{
		Prefixes: c.Prefixes(),
		Calendar: func(label string) billing.Calendar {
			if calendar, ok := calendars[label]; ok {
				return calendar
			}
			return c.Billing
		},
		Account: c.Billing,
		Limited: func(label string) bool { return limited[label] },
		Marks:   t.Marks(),
		Now:     now,
	}
}
