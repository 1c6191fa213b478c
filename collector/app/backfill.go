package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"whereby_exporter/collector/backfill"
)

// Backfill is the command backfill.
type Backfill struct {
	Output      string        `required:"" placeholder:"FILE" help:"File to write. Output that must be split goes to FILE, FILE.1 and so on. Work in progress is kept in FILE.partial."`
	Start       time.Time     `placeholder:"TIME" help:"Start of the history, such as 2026-01-31T00:00:00Z (the first session)."`
	End         time.Time     `placeholder:"TIME" help:"End of the history: the exporter's first scrape, or earlier (three hours ago)."`
	Interval    time.Duration `default:"15m" placeholder:"DURATION" help:"Time between samples; it must divide a day (${default})."`
	Label       []string      `sep:"none" placeholder:"NAME=VALUE" help:"Label that the scrape adds to the exporter's series, such as job=whereby. Repeatable."`
	Concurrency bool          `help:"Also write the hourly peak of concurrent participants. This costs one request per session."`
	StoragePath string        `name:"storage.path" placeholder:"DIR" help:"Storage directory of a stopped exporter, or a copy of it: it knows rooms that Insights no longer shows."`
	Config      Config        `embed:"" prefix:"config." group:"config"`
	Whereby     Whereby       `embed:"" prefix:"whereby." group:"whereby"`
}

// Run writes the history.
func (b *Backfill) Run(env *Env) error {
	labels, err := parseLabels("--label", b.Label)
	options := backfill.Options{
		Output: b.Output, Start: b.Start, End: b.End, Interval: b.Interval, Labels: labels,
		Concurrency: b.Concurrency, StoragePath: b.StoragePath, Logger: env.Log,
	}
	now := time.Now()
	if err := errors.Join(err, options.Validate(now), b.Whereby.validate()); err != nil {
		return err
	}
	if options.File, err = b.Config.load(); err != nil {
		return err
	}
	key, err := b.Whereby.key(env.Getenv)
	if err != nil {
		return err
	}
	transport := &transport{}
	if err := transport.use(options.File); err != nil {
		return fmt.Errorf("%s: %w", b.Config.File, err)
	}
	defer transport.close()
	noteProxy(env, options.File)
	if options.Client, err = b.Whereby.client(key, transport); err != nil {
		return err
	}
	if isTerminal(env.Stderr) {
		options.Progress = env.Stderr
	}
	summary, err := backfill.Run(env.Context, options)
	if err != nil {
		return err
	}
	if !b.End.IsZero() && b.End.After(now.Add(-backfill.HeadAge)) {
		env.Log.Warn("the history ends within the last three hours, for which Prometheus may have its own samples; wait three hours before creating blocks from it")
	}
	if len(labels) == 0 {
		env.Log.Warn("no --label is given, so the history will not match the exporter's series; add the labels that the scrape adds, such as --label=job=whereby and --label=instance=localhost:10036")
	}
	summary.Print(env.Stdout, b.Output)
	return nil
}

// parseLabels reads the values of a flag.
func parseLabels(flag string, texts []string) (labels []backfill.Label, err error) {
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			err = errors.Join(err, fmt.Errorf("%s=%s: must be NAME=VALUE", flag, text))
			continue
		}
		labels = append(labels, backfill.Label{Name: name, Value: value})
	}
	return labels, err
}

// isTerminal reports whether a person may be watching.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && file.Name() != os.DevNull
}
