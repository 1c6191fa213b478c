package sidecar

import (
	"context"
	"log/slog"
	"time"
)

// Dashboards keeps the files of dashboards in a directory that Grafana's provisioning
// watches. Grafana loads them by itself, so there is nothing to ask it for.
type Dashboards struct {
	// Dir is the directory.
	Dir string
	// Prefix is how the files' names begin. Files whose names begin otherwise, or that lack
	// the exporter's mark, are not touched.
	Prefix string
	// Files are those to keep, by name.
	Files  map[string][]byte
	Logger *slog.Logger
}

// Run keeps the files in place until the context is done. Errors are logged, and
// tried again.
func (d Dashboards) Run(ctx context.Context) error {
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	last := ""
	dir := directory{path: d.Dir, prefix: d.Prefix, log: d.Logger}
	for {
		_, changed, err := dir.replace(d.Files)
		switch {
		case err != nil && err.Error() != last:
			// The same error is not said every minute.
			d.Logger.Warn("the dashboards are not in place", "err", err)
		case err == nil && changed:
			d.Logger.Info("dashboards written", "dir", d.Dir, "files", len(d.Files))
		}
		last = ""
		if err != nil {
			last = err.Error()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
