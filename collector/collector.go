package collector

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/poller"
	"whereby_exporter/collector/rooms"
	"whereby_exporter/collector/scrape"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
)

// Config is what a Collector is made of.
type Config struct {
	// Client reads Insights. The collector sets its OnExchange.
	Client *whereby.Client
	// StoragePath is the directory of the store; "" keeps it in memory.
	StoragePath string
	// PollInterval and FullScanInterval are as in [poller.Config].
	PollInterval, FullScanInterval time.Duration
	Logger                         *slog.Logger
}

// Collector reads one account and exposes its figures. Make one with [New], then
// call [Collector.Run] once, and [Collector.Close] after it.
type Collector struct {
	store   ledger.Store
	ledger  *ledger.Ledger
	poller  *poller.Poller
	self    *selfMetrics
	handler *scrape.Handler

	publishing sync.Mutex
	published  *ledger.Snapshot
}

// New opens the store and publishes what it holds. It starts nothing.
func New(c Config) (*Collector, error) {
	store, err := openStore(c.StoragePath, c.Logger)
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(store, ledger.Options{Classify: roomPrefix})
	if err != nil {
		return nil, fmt.Errorf("%w (and closing the store: %v)", err, store.Close())
	}

	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		versioncollector.NewCollector("whereby_exporter"),
	)
	collector := &Collector{
		store:   store,
		ledger:  l,
		self:    newSelfMetrics(registry),
		handler: scrape.NewHandler(registry),
	}
	client := *c.Client
	client.OnExchange = collector.self.onExchange
	collector.poller = poller.New(&client, l, poller.Config{
		Interval:         c.PollInterval,
		FullScanInterval: c.FullScanInterval,
		OnPass:           collector.onPass,
		Logger:           c.Logger,
	})
	collector.publish()
	return collector, nil
}

func openStore(path string, log *slog.Logger) (ledger.Store, error) {
	if path == "" {
		log.Warn("state is kept in memory only; after a restart, rooms that Whereby has deleted no longer count")
		return store.NewMemory(), nil
	}
	return store.OpenBolt(path)
}

// Run polls until the context is done.
func (c *Collector) Run(ctx context.Context) error { return c.poller.Run(ctx) }

// Close closes the store.
func (c *Collector) Close() error {
	if err := c.store.Close(); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// Ready tells whether a poll has succeeded since the start.
func (c *Collector) Ready() bool { return c.poller.Polled() }

// Metrics serves the scrape.
func (c *Collector) Metrics() http.Handler { return c.handler }

// Rooms serves the rooms behind a prefix.
func (c *Collector) Rooms() http.Handler {
	return &rooms.Handler{
		Source: c.store,
		Label:  c.ledger.Label,
		Known:  func() bool { return c.ledger.Snapshot() != nil },
	}
}

// onPass runs after every pass, and may run for two at once.
func (c *Collector) onPass(r poller.Result) {
	c.self.onPass(r)
	if r.Err == nil {
		c.publish()
	}
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
