package collector

import (
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/ledger"
)

// ledgerOptions are what the configuration file says of how rooms are summed.
func ledgerOptions(c *config.Config, now time.Time) ledger.Options {
	calendars := make(map[string]billing.Calendar, len(c.Customers))
	for _, customer := range c.Customers {
		calendars[customer.RoomPrefix] = customer.Calendar
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
		Now:     now,
	}
}

// Reload puts another configuration file in force. After an error the one before still
// is. The metrics tell only once [Collector.Reloaded] or [Collector.ReloadFailed] is called.
func (c *Collector) Reload(file *config.Config) error {
	if err := c.ledger.Configure(ledgerOptions(file, time.Now())); err != nil {
		return err
	}
	if c.feed != nil {
		if err := c.feed.configure(file.Segments); err != nil {
			return err
		}
	}
	c.sampling.SetPoorAfter(file.Quality.PoorAfter)
	c.publishing.Lock()
	c.file = file
	c.published = nil // whatever the ledger says, limits may have changed
	c.publishing.Unlock()
	c.publish()
	c.reader.Look()
	return nil
}

// Reloaded notes that another configuration file is in force.
func (c *Collector) Reloaded() {
	c.self.onReload()
	c.watch.onReload()
}

// ReloadFailed notes that a configuration file could not be put in force.
func (c *Collector) ReloadFailed() {
	c.self.reloaded.Set(0)
	c.watch.onReloadFailed()
}

// RulesLoaded notes whether the Prometheus beside has all alerting rules.
func (c *Collector) RulesLoaded(loaded bool) {
	value := 0.0
	if loaded {
		value = 1
	}
	c.self.rulesLoaded.WithLabelValues().Set(value)
}
