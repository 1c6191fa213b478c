package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"time"

	"whereby_exporter/collector/backfill"
	"whereby_exporter/collector/config"
)

// DemoHistory are the flags on what the simulated account did before the demo started.
type DemoHistory struct {
	File  string   `placeholder:"FILE" help:"File to write half a year of the account's history to, as the backfill command does, for promtool. An existing file is left unchanged."`
	Label []string `sep:"none" placeholder:"NAME=VALUE" help:"Label that the scrape adds to the exporter's series, such as job=whereby. Repeatable."`
}

const (
	// historyPoints is how many times the points of a demo there are if its history is read
	// too, and historyShare the part of them that this may spend: a visitor waits for it.
	historyPoints = 8
	historyShare  = 0.6
	// historyInterval is short enough for all rules and panels.
	historyInterval = 15 * time.Minute
)

// options are those for writing a history that ends at a time.
func (h DemoHistory) options(end time.Time) (backfill.Options, error) {
	labels, err := parseLabels("--history.label", h.Label)
	o := backfill.Options{Output: h.File, End: end, Interval: historyInterval, Labels: labels}
	if h.File == "" {
		if len(h.Label) > 0 {
			err = errors.Join(err, errors.New("--history.label needs --history.file"))
		}
		return o, err
	}
	if err == nil {
		if err = o.Validate(end); err != nil {
			err = fmt.Errorf("--history.label: %w", err)
		}
	}
	return o, err
}

// write writes the history, unless it is there. It is that of the account as the exporter
// sees it, so the counters continue from it.
func (h DemoHistory) write(ctx context.Context, o backfill.Options, file *config.Config, account http.RoundTripper, log *slog.Logger) error {
	if _, err := os.Stat(o.Output); err == nil {
		log.Info("the history file already exists", "file", o.Output)
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--history.file: %w", err)
	}
	// What an earlier demo had begun is of another account.
	if err := os.RemoveAll(o.Output + backfill.WorkSuffix); err != nil {
		return fmt.Errorf("--history.file: %w", err)
	}
	client, err := demoClient(account, historyShare)
	if err != nil {
		return err
	}
	o.Client, o.File, o.Logger = client, file, log
	began := time.Now()
	log.Info("writing half a year of history", "file", o.Output)
	summary, err := backfill.Run(ctx, o)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	log.Info("history written", "file", o.Output, "files", summary.Files, "duration", time.Since(began).Round(time.Second))
	return nil
}
