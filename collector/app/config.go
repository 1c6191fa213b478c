package app

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	promconfig "github.com/prometheus/common/config"

	"whereby_exporter/collector"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/sidecar"
)

// Config is the flag of the configuration file.
type Config struct {
	File string `placeholder:"FILE" help:"Configuration file: customers, quotas, billing periods, HTTP client settings. It is reloaded when it changes, and on SIGHUP."`
}

// load reads the file, or gives the defaults if there is none.
func (c Config) load() (*config.Config, error) {
	if c.File == "" {
		return config.Default(), nil
	}
	return config.Load(c.File, alertOptions())
}

// transport sends requests the way the configuration in force says.
type transport struct {
	current atomic.Pointer[http.RoundTripper]
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	return (*t.current.Load()).RoundTrip(r)
}

// use takes the settings of a configuration. Requests in progress continue as they began.
func (t *transport) use(file *config.Config) error {
	made, err := promconfig.NewRoundTripperFromConfig(file.HTTPClient.HTTPClientConfig, "whereby")
	if err != nil {
		return fmt.Errorf("http_client: %w", err)
	}
	if before := t.current.Swap(&made); before != nil {
		closeIdle(*before)
	}
	return nil
}

// close ends the connections that are idle.
func (t *transport) close() { closeIdle(*t.current.Load()) }

func closeIdle(transport http.RoundTripper) {
	if idle, ok := transport.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}

// noteProxy says that the environment names a proxy that is not used. Other programs use it
// without being asked to, so somebody may look for the reason.
func noteProxy(env *Env, file *config.Config) {
	if file.HTTPClient.ProxyFromEnvironment || file.HTTPClient.ProxyURL.URL != nil {
		return
	}
	for _, variable := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if env.Getenv(variable) != "" {
			env.Log.Info("ignoring the proxy from the environment", "variable", variable, "to_use_it", "http_client: {proxy_from_environment: true}")
			return
		}
	}
}

// reloader puts the configuration file in force again.
type reloader struct {
	// file is looked at for changes; "" is none.
	file      string
	load      func() (*config.Config, error)
	transport *transport // nil if there is none to change
	collector *collector.Collector
	rules     *sidecar.Rules // nil without a sidecar
	hangups   <-chan os.Signal
	env       *Env

	mu sync.Mutex // one reload at a time
	// seen is what the file was when it was last put in force, or found wrong.
	seen string
}

// reload reads the file. After an error the configuration from before stays in force.
func (r *reloader) reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.again()
}

// again is reload for those who hold the lock.
func (r *reloader) again() error {
	// Before it is read: what changes in between is seen at the next look.
	r.seen = fingerprint(r.file)
	// The log comes before the metrics: they send people there.
	if err := r.apply(); err != nil {
		r.env.Log.Error("reloading the configuration failed; the previous one stays in force", "err", err)
		r.collector.ReloadFailed()
		return err
	}
	r.env.Log.Info("configuration reloaded")
	r.collector.Reloaded()
	return nil
}

func (r *reloader) apply() error {
	file, err := r.load()
	if err != nil {
		return err
	}
	if r.transport != nil {
		if err := r.transport.use(file); err != nil {
			return err
		}
	}
	if err := r.collector.Reload(file); err != nil {
		return err
	}
	return r.setRules(file)
}

// setRules gives the sidecar the rules of a configuration.
func (r *reloader) setRules(file *config.Config) error {
	if r.rules == nil {
		return nil
	}
	files, err := ruleFiles(file)
	if err != nil {
		return err
	}
	r.rules.Set(files)
	return nil
}

// hangups returns the SIGHUPs from now on, until stop is called. One that nobody has taken
// yet is kept. A process that asks for them late is ended by one that comes before.
func hangups() (c <-chan os.Signal, stop func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	return hangup, func() { signal.Stop(hangup) }
}

// run reloads on SIGHUP, and when the file has changed, until the context is done.
func (r *reloader) run(ctx context.Context) error {
	var looks <-chan time.Time // never, without a file
	if r.file != "" {
		ticker := time.NewTicker(configInterval)
		defer ticker.Stop()
		looks = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.hangups:
			_ = r.reload() // it is logged and in a metric
		case <-looks:
			r.look(ctx)
		}
	}
}
