package collector

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"golang.org/x/sync/errgroup"

	"whereby_exporter/collector/clock"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/cost"
	"whereby_exporter/collector/feed"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/opening"
	"whereby_exporter/collector/poller"
	"whereby_exporter/collector/quality"
	"whereby_exporter/collector/recordings"
	"whereby_exporter/collector/rooms"
	"whereby_exporter/collector/state"
	"whereby_exporter/collector/statuspage"
	"whereby_exporter/collector/transcriptions"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

// Config is what a Collector is made of.
type Config struct {
	// Client reads Insights. The collector sets its OnExchange and OnUnusable.
	Client *whereby.Client
	// File is the configuration file; nil is its defaults.
	File *config.Config
	// StoragePath is the directory of the store; "" keeps it in memory.
	StoragePath string
	// RestoreFrom is a backup to restore if the directory holds no store; "" is none.
	RestoreFrom string
	// PollInterval and FullPollInterval are as in [poller.Config].
	PollInterval, FullPollInterval time.Duration
	// Webhooks verifies webhook requests; nil if there is no secret, and then there are
	// no live figures.
	Webhooks *whereby.Verifier
	// Clock tells the time; nil is one that goes by the system's.
	Clock  *clock.Clock
	Logger *slog.Logger
}

// Collector reads one account and exposes its figures. Make one with [New], then
// call [Collector.Run] once, and [Collector.Close] after it.
type Collector struct {
	config Config
	client *whereby.Client
	state  keeper
	ledger *ledger.Ledger
	poller *poller.Poller
	// transcribed keeps transcriptions, and transcripts reads their listing.
	transcribed *transcriptions.Ledger
	transcripts *transcriptions.Reader
	reader      *opening.Reader
	sampling    *sampling
	stored      *recordings.Reader
	webhooks    *webhooks // nil if they are off

	publisher *publisher
	self      *selfMetrics
	recorder  *statuspage.Recorder
}

// webhooks are what live figures come from.
type webhooks struct {
	feed       *feed.Feed
	log        webhook.Log
	reconciler *feed.Reconciler
	// damaged is true if the live state could not be restored: then events are refused, and
	// the feed holds no figures.
	damaged bool
}

// New opens the state and publishes what it holds. It starts nothing.
func New(c Config) (*Collector, error) {
	state, err := openKeeper(c.StoragePath, c.RestoreFrom, c.Logger)
	if err != nil {
		return nil, err
	}
	collector, err := newCollector(c, state)
	if err != nil {
		return nil, errors.Join(err, state.Close())
	}
	return collector, nil
}

func newCollector(config Config, state keeper) (*Collector, error) {
	c := &Collector{config: config, state: state, recorder: statuspage.NewRecorder()}
	if err := c.open(); err != nil {
		return nil, err
	}
	return c, nil
}

// open makes the parts from the state, from the source of the figures to where they are
// exposed.
func (c *Collector) open() error {
	if c.config.File == nil {
		c.config.File = config.Default()
	}
	if c.config.Clock == nil {
		c.config.Clock = clock.New(nil)
	}
	file, log, now := c.config.File, c.config.Logger, c.config.Clock.Now
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		versioncollector.NewCollector("whereby_exporter"),
	)
	c.self = newSelfMetrics(registry)

	client := *c.config.Client
	client.OnExchange = c.onExchange
	client.OnUnusable = c.self.onUnusable
	c.client = &client
	if client.Budget != nil {
		if err := c.state.ResumeBudget(client.Budget); err != nil {
			return err
		}
	}

	costs, err := cost.Open(c.state.Costs())
	if err != nil {
		return err
	}
	opened := now()
	tariff := costs.Revised(file.Prices, file.Billing, opened)
	costs.Use(tariff)
	if c.ledger, err = ledger.Open(c.state.Ledger(), ledgerOptions(file, tariff, opened)); err != nil {
		return err
	}
	if c.transcribed, err = transcriptions.Open(c.state.Transcriptions(), c.ledger.Label); err != nil {
		return err
	}
	c.poller = poller.New(c.client, c.ledger, poller.Config{
		Interval:         c.config.PollInterval,
		FullPollInterval: c.config.FullPollInterval,
		Storage:          cmp.Or(c.config.StoragePath, "memory"),
		OnRooms:          c.onRooms,
		OnPoll:           c.onPoll,
		Now:              now,
		Logger:           log,
	})
	c.reader = opening.New(c.client, c.ledger, log)
	c.sampling, err = openSampling(registry, quality.Config{
		Client:       c.client.WithPriority(whereby.Spare),
		Store:        c.state.Quality(),
		Label:        c.ledger.Label,
		PoorAfter:    file.Quality.PoorAfter,
		OnStoreError: c.self.storageErrors.Inc,
		Now:          now,
		Logger:       log,
	})
	if err != nil {
		return err
	}
	c.stored, err = recordings.Open(recordings.Config{
		Client:       c.client,
		Store:        c.state.Recordings(),
		Label:        c.ledger.Label,
		OnStoreError: c.self.storageErrors.Inc,
		Logger:       log,
	})
	if err != nil {
		return err
	}
	c.openWebhooks(registry)
	c.transcripts = transcriptions.New(c.client, c.transcribed, transcriptions.Config{
		Interval:     c.config.PollInterval,
		FullInterval: c.config.FullPollInterval,
		Counted:      c.countedTranscriptions,
		OnRead:       func() { c.publisher.publish() },
		Logger:       log,
	})
	c.publisher = &publisher{ledger: c.ledger, transcriptions: c.transcribed, feed: c.feed(), sampler: c.sampling, stored: c.stored, costs: costs, self: c.self, now: now, log: log, file: file}
	c.publisher.serve(registry)
	c.publisher.publish()
	return nil
}

// openWebhooks restores the live state, if webhooks are on. If it cannot be restored, events
// are refused until somebody has seen to it, and all else goes on.
func (c *Collector) openWebhooks(registry prometheus.Registerer) {
	if c.config.Webhooks == nil {
		return
	}
	f := feed.New(registry, c.ledger, c.config.File)
	f.UseClock(c.config.Clock.Now)
	f.KeepTranscriptions(c.transcribed)
	log, err := c.state.OpenEvents(f)
	damaged := metrics.LiveStateDamaged.NewGauge(registry)
	if err != nil {
		c.config.Logger.Error("webhooks are refused: the live state cannot be restored", "err", err)
		log = webhook.Refusing{Err: err}
		damaged.Set(1)
	}
	metrics.JournalRepairs.NewCounterFunc(registry, func() float64 { return float64(log.Repairs()) })
	f.EndReplay()
	c.webhooks = &webhooks{feed: f, log: log, reconciler: feed.NewReconciler(c.client, f, c.config.Logger), damaged: err != nil}
}

// countedTranscriptions returns the prefixes whose transcriptions webhooks counted before each was
// known by its id.
func (c *Collector) countedTranscriptions() map[string]bool {
	if f := c.feed(); f != nil {
		return f.CountedTranscriptions()
	}
	return nil
}

// feed is nil if there are no live figures.
func (c *Collector) feed() *feed.Feed {
	if c.webhooks == nil || c.webhooks.damaged {
		return nil
	}
	return c.webhooks.feed
}

// Run polls, and keeps the live state, until the context is done.
func (c *Collector) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.publishChanges(ctx) })
	group.Go(func() error { return c.poller.Run(ctx) })
	group.Go(func() error { return c.reader.Run(ctx) })
	group.Go(func() error { return c.sampling.Run(ctx) })
	group.Go(func() error { return c.stored.Run(ctx) })
	group.Go(func() error { return c.ledger.Run(ctx, c.config.Clock.Now) })
	group.Go(func() error { return c.transcribed.Run(ctx) })
	group.Go(func() error { return c.transcripts.Run(ctx) })
	if c.feed() != nil {
		group.Go(func() error { return c.webhooks.log.Run(ctx, c.self.storageErrors.Inc) })
		group.Go(func() error { return c.webhooks.reconciler.Run(ctx) })
	}
	return group.Wait()
}

// Close closes the state.
func (c *Collector) Close() error { return c.state.Close() }

// Ready reports whether a poll has succeeded since the start.
func (c *Collector) Ready() bool { return c.poller.Polled() }

// Metrics serves the exposition.
func (c *Collector) Metrics() http.Handler { return c.publisher.handler }

// Webhook receives Whereby's webhook requests; nil without a secret.
func (c *Collector) Webhook() http.Handler {
	if c.webhooks == nil {
		return nil
	}
	receiver := webhook.NewReceiver(c.webhooks.feed, c.webhooks.log, c.config.Clock.Now)
	return &webhook.Handler{
		Verifier: c.config.Webhooks,
		Now:      c.config.Clock.Now,
		Accept: func(ctx context.Context, event whereby.Event) error {
			err := receiver.Accept(ctx, event)
			if err != nil {
				c.self.storageErrors.Inc()
			}
			return err
		},
		Rejected: c.webhooks.feed.Rejected,
		Unusable: c.webhooks.feed.Unusable,
		Logger:   c.config.Logger,
	}
}

// WebhookEvicted notes that a connection to the webhook's address was closed to make room,
// and whether an event had come over it.
func (c *Collector) WebhookEvicted(proven bool) { c.self.onEvicted(proven) }

// WebRefused notes that the web address turned a client out.
func (c *Collector) WebRefused(reason string) { c.self.refused.WithLabelValues(reason).Inc() }

// WebhookElsewhere answers requests for other paths at the webhook's address; nil without a
// secret.
func (c *Collector) WebhookElsewhere() http.Handler {
	if c.webhooks == nil {
		return nil
	}
	return &webhook.Elsewhere{Verifier: c.config.Webhooks, Misdirected: c.webhooks.feed.Misdirected, Logger: c.config.Logger}
}

// Backup copies the state as it is now.
func (c *Collector) Backup() (*state.Backup, error) { return c.state.Backup() }

// Rooms serves the rooms behind a prefix.
func (c *Collector) Rooms() http.Handler { return c.rooms() }

func (c *Collector) rooms() *rooms.Handler {
	return &rooms.Handler{
		Source: c.state.Ledger(),
		Label:  c.ledger.Label,
		Known:  func() bool { return c.ledger.Snapshot() != nil },
	}
}

// Status serves the status page. The metrics are at metricsPath.
func (c *Collector) Status(metricsPath string) (http.Handler, error) {
	return statuspage.New(statuspage.Options{Source: c.statusSource(), MetricsPath: metricsPath, Logger: c.config.Logger})
}

func (c *Collector) statusSource() statuspage.Source {
	return statuspage.NewSource(statuspage.Figures{
		Rooms:        c.rooms(),
		Snapshot:     c.ledger.Snapshot,
		Costs:        c.publisher.charged.Load,
		Transcribed:  c.publisher.transcribedNow,
		File:         c.publisher.inForce,
		Live:         c.feed(),
		LiveDamaged:  c.webhooks != nil && c.webhooks.damaged,
		Client:       c.client,
		PollInterval: c.config.PollInterval,
		Recorder:     c.recorder,
	})
}

// Reload puts another configuration file in force. After an error the one before still
// is. The metrics tell only once [Collector.Reloaded] or [Collector.ReloadFailed] is called.
func (c *Collector) Reload(file *config.Config) error {
	if err := c.publisher.reload(file); err != nil {
		return err
	}
	c.sampling.SetPoorAfter(file.Quality.PoorAfter)
	c.reader.Look()
	return nil
}

// Reloaded notes that another configuration file is in force.
func (c *Collector) Reloaded() {
	c.self.onReload()
	c.recorder.OnReload()
}

// ReloadFailed notes that a configuration file could not be put in force.
func (c *Collector) ReloadFailed() {
	c.self.onReloadFailed()
	c.recorder.OnReloadFailed()
}

// RulesLoaded notes whether the Prometheus that the sidecar serves has all alerting rules.
func (c *Collector) RulesLoaded(loaded bool) { c.self.onRules(loaded) }

// onExchange runs after every request.
func (c *Collector) onExchange(e whereby.Exchange) {
	c.self.onExchange(e)
	c.recorder.OnExchange(e)
}

// onRooms runs for the rooms of every page that a poll reads.
func (c *Collector) onRooms(rooms []whereby.Room) {
	c.sampling.Offer(rooms)
	if f := c.feed(); f != nil {
		f.SetEnds(rooms)
	}
}

// onPoll runs after every poll, and may run for two at once.
func (c *Collector) onPoll(r poller.Result) {
	c.self.onPoll(r)
	c.recorder.OnPoll(r)
	if r.Err == nil {
		c.publisher.publish()
		c.reader.Look()
		c.transcripts.Look()
		c.stored.Start()
	}
}

// publishChanges exposes what changes without a poll.
func (c *Collector) publishChanges(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.ledger.Changed():
			c.publisher.publish()
		}
	}
}
