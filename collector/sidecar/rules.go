package sidecar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
)

// Interval is how often it is looked whether the rules are in place and loaded.
const Interval = time.Minute

// Options say where the rules go.
type Options struct {
	// Dir is a directory that Prometheus loads rules from.
	Dir string
	// Prefix is how the files' names begin. Files whose names begin otherwise, or that lack
	// the exporter's mark, are not touched.
	Prefix string
	// ReloadURL is Prometheus's; "" asks for no reload, and looks at nothing.
	ReloadURL string
	// Client calls Prometheus. It must follow no redirect.
	Client *http.Client
	// OnLoaded is told, after each look at Prometheus, whether all rules are loaded and
	// healthy.
	OnLoaded func(bool)
	Logger   *slog.Logger
}

// Rules keeps rule files in place. Make one with [New] and call Run once.
type Rules struct {
	options    Options
	directory  directory
	prometheus prometheus
	// unread is true until Prometheus has reloaded since the files last changed. At the
	// start nobody knows.
	unread bool

	mu     sync.Mutex
	wanted map[string][]byte
	// refused is true once Prometheus has refused the wanted files.
	refused bool
	changed chan struct{}
}

// New returns one that wants no files yet.
func New(o Options) *Rules {
	return &Rules{
		options:    o,
		directory:  directory{path: o.Dir, prefix: o.Prefix, log: o.Logger},
		prometheus: prometheus{reloadURL: o.ReloadURL, client: o.Client, second: time.Second},
		unread:     true,
		changed:    make(chan struct{}, 1),
	}
}

// Set takes the files to keep, by name. It never waits.
func (r *Rules) Set(files map[string][]byte) {
	r.mu.Lock()
	r.wanted, r.refused = files, false
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// Run keeps the files in place until the context is done. Errors are logged, and
// tried again: nothing here is worth ending the exporter for.
func (r *Rules) Run(ctx context.Context) error {
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	last := ""
	for {
		loaded, err := r.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if r.options.ReloadURL != "" {
			r.options.OnLoaded(loaded)
		}
		// The same error is not said every minute.
		if err != nil && err.Error() != last {
			r.options.Logger.Warn("the alerting rules are not in force", "err", err)
		}
		last = ""
		if err != nil {
			last = err.Error()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.changed:
		case <-ticker.C:
		}
	}
}

// look puts the files in place and has them loaded where they are not.
func (r *Rules) look(ctx context.Context) (loaded bool, err error) {
	r.mu.Lock()
	wanted, refused := r.wanted, r.refused
	r.mu.Unlock()
	if len(wanted) == 0 {
		return false, nil
	}
	if refused {
		return false, errors.New("the rules were refused by Prometheus; the previous ones are in place")
	}
	before, changed, err := r.directory.replace(wanted)
	r.unread = r.unread || changed
	if err != nil {
		return false, err
	}
	if changed {
		r.options.Logger.Info("alerting rules written", "dir", r.options.Dir, "files", len(wanted))
	}
	if r.options.ReloadURL == "" {
		return false, nil
	}
	if !r.unread {
		// Prometheus may have restarted without them.
		if loaded, err := r.loaded(ctx, wanted); loaded || err != nil {
			return loaded, err
		}
	}
	err = r.prometheus.reload(ctx)
	var rejected *rejectedError
	if errors.As(err, &rejected) && changed {
		return false, r.takeBack(ctx, before, err)
	}
	if err != nil {
		return false, err
	}
	r.unread = false
	return r.loaded(ctx, wanted)
}

// takeBack puts the files from before in place again.
func (r *Rules) takeBack(ctx context.Context, before map[string][]byte, refusal error) error {
	if err := r.directory.restore(before); err != nil {
		return errors.Join(refusal, fmt.Errorf("take them back: %w", err))
	}
	err := r.prometheus.reload(ctx)
	var rejected *rejectedError
	if errors.As(err, &rejected) {
		// It was not the rules: something else in Prometheus's configuration is wrong. So
		// they can be tried again once that is corrected.
		return fmt.Errorf("%w; with the previous rules too", refusal)
	}
	r.mu.Lock()
	r.refused = true
	r.mu.Unlock()
	return fmt.Errorf("%w; the previous ones are back in place", refusal)
}

// ruleFile is what is read of a rule file to know it again.
type ruleFile struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []struct {
			Record string `yaml:"record"`
			Alert  string `yaml:"alert"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

// loaded reports whether Prometheus has all groups of the files with all their rules, and
// none that fails. An error says which fails and why.
func (r *Rules) loaded(ctx context.Context, files map[string][]byte) (bool, error) {
	groups, err := r.prometheus.groups(ctx)
	if err != nil {
		return false, err
	}
	type key struct{ file, name string } // others may have groups of the same name
	there := map[key]group{}
	for _, g := range groups {
		there[key{path.Base(g.File), g.Name}] = g
	}
	for name, content := range files {
		var file ruleFile
		if err := yaml.Unmarshal(content, &file); err != nil {
			return false, fmt.Errorf("rule file %s: %w", name, err)
		}
		for _, want := range file.Groups {
			got, ok := there[key{name, want.Name}]
			if !ok || len(got.Rules) != len(want.Rules) {
				return false, nil
			}
			for i, rule := range want.Rules {
				if got.Rules[i].Name != rule.Record+rule.Alert {
					return false, nil
				}
				if got.Rules[i].Health == "err" {
					return false, fmt.Errorf("rule %s fails: %s", got.Rules[i].Name, line([]byte(got.Rules[i].LastError)))
				}
			}
		}
	}
	return true, nil
}
