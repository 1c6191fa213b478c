package backfill

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/whereby"
)

const (
	// HeadAge is how far back Prometheus may still write its own samples; blocks made from
	// text must end before that.
	HeadAge = 3 * time.Hour
	// SeamAge is how long before the end of the history a session must have ended to be part
	// of it: [whereby.InsightsDelay], plus the possible duration of the poll whose figures the
	// exporter showed at the end. Sessions that ended later are left to the live counters,
	// which may not have counted them yet.
	SeamAge = time.Hour

	day = 24 * time.Hour
)

// Label is a label added to every series.
type Label struct{ Name, Value string }

// Options say what to write.
type Options struct {
	// Client reads Insights; all requests are background ones.
	Client *whereby.Client
	// File is the configuration file: it assigns rooms to prefixes.
	File *config.Config
	// Output is the path of the text file.
	Output string
	// Start is when the history begins; zero means the first session. End is when it ends;
	// zero means HeadAge ago.
	Start, End time.Time
	// Interval is the time between samples; it divides a day.
	Interval time.Duration
	// Labels are the labels that the scrape adds to the live series.
	Labels []Label
	// Concurrency requests the peak of concurrent participants too.
	Concurrency bool
	// StoragePath is the directory of an exporter's store, which knows rooms that Insights
	// no longer shows; "" means none.
	StoragePath string
	Logger      *slog.Logger
	// Progress is the terminal to show progress on; if it is nil, progress is logged now and
	// then instead.
	Progress io.Writer

	// workers and fileLines are for tests; 0 means the default.
	workers, fileLines int
}

// Validate checks what it can without making requests. Errors name flags.
func (o *Options) Validate(now time.Time) error {
	var errs []error
	if o.Output == "" {
		errs = append(errs, errors.New("--output: name the file to write"))
	}
	end := o.End
	if end.IsZero() {
		end = now.Add(-HeadAge)
	}
	switch {
	case end.After(now):
		errs = append(errs, fmt.Errorf("--end=%s: is in the future", text(end)))
	case !o.Start.IsZero() && !end.After(o.Start):
		errs = append(errs, fmt.Errorf("--end=%s: must be after --start=%s", text(end), text(o.Start)))
	}
	if o.Interval < time.Minute || o.Interval > day || day%o.Interval != 0 {
		errs = append(errs, fmt.Errorf("--interval=%v: must divide a day, and be from 1m to 24h", o.Interval))
	}
	for i, l := range o.Labels {
		switch {
		case !labelName.MatchString(l.Name) || strings.HasPrefix(l.Name, "__"):
			errs = append(errs, fmt.Errorf("--label: %q is not a valid label name", l.Name))
		case l.Name == metrics.RoomPrefix:
			errs = append(errs, fmt.Errorf("--label=%s: is reserved: it separates customers", l.Name))
		case l.Name == kindLabel && o.File != nil && o.File.Prices != nil:
			errs = append(errs, fmt.Errorf("--label=%s: is reserved: it separates kinds of costs", l.Name))
		case l.Value == "" || !utf8.ValidString(l.Value):
			errs = append(errs, fmt.Errorf("--label=%s: has no value, or one that is not UTF-8", l.Name))
		case slices.ContainsFunc(o.Labels[:i], func(b Label) bool { return b.Name == l.Name }):
			errs = append(errs, fmt.Errorf("--label=%s: is given twice", l.Name))
		}
	}
	return errors.Join(errs...)
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func text(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// period is the time range of a history in milliseconds, and its grid.
type period struct {
	start int64 // 0: the first session
	// seam is the time by which a session must have ended to be part of the history.
	seam     int64
	end      int64
	interval int64
}

// sampleIndex returns the number of the first sample at or after a time.
func (p period) sampleIndex(at int64) int64 { return (at + p.interval - 1) / p.interval }

// last returns the number of the last sample.
func (p period) last() int64 { return p.end / p.interval }
