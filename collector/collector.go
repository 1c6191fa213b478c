package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"golang.org/x/sync/errgroup"

	"whereby_exporter/collector/baseline"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/poller"
	"whereby_exporter/collector/quality"
	"whereby_exporter/collector/rooms"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

// Config is what a Collector is made of.
type Config struct {
	// Client reads Insights. The collector sets its OnExchange.
	Client *whereby.Client
	// File is the configuration file; nil is its defaults.
	File *config.Config
	// StoragePath is the directory of the store; "" keeps it in memory.
	StoragePath string
	// PollInterval and FullScanInterval are as in [poller.Config].
	PollInterval, FullScanInterval time.Duration
	// Webhooks verifies webhook requests; nil where there is no secret, and then
	// there are no live figures.
	Webhooks *whereby.Verifier
	Logger   *slog.Logger
}

// Collector reads one account and exposes its figures. Make one with [New], then
// call [Collector.Run] once, and [Collector.Close] after it.
type Collector struct {
	config  Config
	stores  stores
	ledger  *ledger.Ledger
	poller  *poller.Poller
	self    *selfMetrics
	handler *exposition.Handler
	points  *store.Points // nil where nothing is stored
	// These are nil without webhooks.
	feed       *liveFeed
	receiver   *webhook.Receiver
	reconciler *reconciler

	reader   *baseline.Reader
	sampling *sampling
	watch    *watch // what the status page tells beside the figures

	publishing sync.Mutex
	file       *config.Config
	published  *ledger.Snapshot
	exposed    exposed
}

// New opens the store and publishes what it holds. It starts nothing.
func New(c Config) (*Collector, error) {
	s, err := openStores(c.StoragePath)
	if err != nil {
		return nil, err
	}
	collector, err := newCollector(c, s)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := collector.resumeBudget(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return collector, nil
}

// openWebhooks restores the live state.
func (c *Collector) openWebhooks() error {
	receiver, err := webhook.OpenReceiver(c.config.StoragePath, c.feed, c.config.Logger)
	if err != nil {
		return err
	}
	c.receiver = receiver
	c.feed.observe()
	return nil
}

// resumeBudget makes points that a process before this one spent count too, and
// keeps a journal for the one after it.
func (c *Collector) resumeBudget() error {
	if c.config.StoragePath == "" || c.config.Client.Budget == nil {
		return nil
	}
	points, spent, err := store.OpenPoints(c.config.StoragePath)
	if err != nil {
		return err
	}
	c.points = points
	c.config.Client.Budget.Resume(spent.Limit, spent.Times)
	c.config.Client.Budget.OnSpend = points.Record
	return nil
}

// stores are what survives a restart.
type stores struct {
	ledger  ledger.Store
	quality interface {
		quality.Store
		io.Closer
	}
}

func openStores(path string) (stores, error) {
	if path == "" {
		return stores{store.NewMemory(), store.NoRecords{}}, nil
	}
	rooms, err := store.OpenBolt(path)
	if err != nil {
		return stores{}, err
	}
	records, err := store.OpenRecords(path)
	if err != nil {
		return stores{}, errors.Join(err, rooms.Close())
	}
	return stores{rooms, records}, nil
}

func (s stores) close() error { return errors.Join(s.ledger.Close(), s.quality.Close()) }

func newCollector(c Config, s stores) (*Collector, error) {
	if c.File == nil {
		c.File = config.Default()
	}
	l, err := ledger.Open(s.ledger, ledgerOptions(c.File, time.Now()))
	if err != nil {
		return nil, err
	}

	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		versioncollector.NewCollector("whereby_exporter"),
	)
	collector := &Collector{
		config: c,
		file:   c.File,
		stores: s,
		ledger: l,
		self:   newSelfMetrics(registry),
		watch:  newWatch(),
	}
	collector.handler = exposition.NewHandler(registry, exposition.Options{
		Live: collector.live,
		OnError: func(err error) {
			c.Logger.Error("a scrape was answered with an error", "err", err)
		},
	})
	client := *c.Client
	client.OnExchange = collector.onExchange
	collector.poller = poller.New(&client, l, poller.Config{
		Interval:         c.PollInterval,
		FullScanInterval: c.FullScanInterval,
		OnRooms:          collector.onRooms,
		OnPass:           collector.onPass,
		Logger:           c.Logger,
	})
	collector.reader = baseline.New(&client, l, c.Logger)
	collector.sampling, err = openSampling(registry, &client, collector)
	if err != nil {
		return nil, err
	}
	if c.Webhooks != nil {
		collector.feed = newLiveFeed(registry, l, c.File.Segments)
		collector.reconciler = &reconciler{client: client.Background(), feed: collector.feed, log: c.Logger}
		if err := collector.openWebhooks(); err != nil {
			return nil, err
		}
	}
	collector.publish()
	return collector, nil
}

// Run polls, and keeps the live state, until the context is done.
func (c *Collector) Run(ctx context.Context) error {
	if c.config.StoragePath == "" {
		c.config.Logger.Warn("state is kept in memory only; after a restart, rooms that Whereby has deleted no longer count")
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.publishChanges(ctx) })
	group.Go(func() error { return c.poller.Run(ctx) })
	group.Go(func() error { return c.reader.Run(ctx) })
	group.Go(func() error { return c.sampling.Run(ctx) })
	group.Go(func() error { return c.ledger.Run(ctx) })
	if c.feed != nil {
		group.Go(func() error { return c.receiver.Run(ctx) })
		group.Go(func() error { return c.reconciler.Run(ctx) })
	}
	return group.Wait()
}

// Close closes the store.
func (c *Collector) Close() error {
	err := c.stores.close()
	if c.receiver != nil {
		err = errors.Join(err, c.receiver.Close())
	}
	if c.points != nil {
		err = errors.Join(err, c.points.Close())
	}
	if err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// Ready reports whether a poll has succeeded since the start.
func (c *Collector) Ready() bool { return c.poller.Polled() }

// Metrics serves the exposition.
func (c *Collector) Metrics() http.Handler { return c.handler }

// Webhook receives Whereby's webhook requests; nil without a secret.
func (c *Collector) Webhook() http.Handler {
	if c.feed == nil {
		return nil
	}
	return &webhook.Handler{
		Verifier: c.config.Webhooks,
		Accept: func(ctx context.Context, event whereby.Event) error {
			err := c.receiver.Accept(ctx, event)
			if err != nil {
				c.self.storageErrors.Inc()
			}
			return err
		},
		Rejected: func(reason webhook.Reason) { c.feed.rejected.WithLabelValues(string(reason)).Inc() },
		Logger:   c.config.Logger,
	}
}

// Rooms serves the rooms behind a prefix.
func (c *Collector) Rooms() http.Handler { return c.rooms() }

func (c *Collector) rooms() *rooms.Handler {
	return &rooms.Handler{
		Source: c.stores.ledger,
		Label:  c.ledger.Label,
		Known:  func() bool { return c.ledger.Snapshot() != nil },
	}
}

// onPass runs after every pass, and may run for two at once.
func (c *Collector) onPass(r poller.Result) {
	c.self.onPass(r)
	c.watch.onPass(r)
	if r.Err == nil {
		c.publish()
		c.reader.Look()
	}
}

// onRooms runs after every page.
func (c *Collector) onRooms(rooms []whereby.Room) { c.sampling.See(rooms) }

// publishChanges exposes what changes without a pass.
func (c *Collector) publishChanges(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.ledger.Changed():
			c.publish()
		}
	}
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
