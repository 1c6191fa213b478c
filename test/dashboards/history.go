package dashboards

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"whereby_exporter/collector/backfill"
)

// History is what Prometheus would hold of an account after some time: working hours
// and weekends, growth, customers within, near and over their quotas.
type History struct {
	// Job is the account's; by default whereby.
	Job string
	// Scale is how large its customers are; by default 1.
	Scale float64
	// Customers is how many there are.
	Customers int
	// Instances are the exporters that show the same figures.
	Instances []string
	// End is the time of the last samples, Days the time before it.
	End  time.Time
	Days int
	// Workday has the end be in the middle of a working day, whatever time it is: what
	// is looked at does not depend on when.
	Workday bool
	// Dense is how long before the end there is a sample a minute; before that there is
	// one each Step.
	Dense, Step time.Duration
	// Recorded adds what rules have recorded by then, once an hour.
	Recorded bool
	// Backfilled leaves nothing but what backfill writes: usage and peaks of the job, only
	// where something changed, and up to three hours before the end.
	Backfilled bool
}

const (
	minute = int64(60)
	hour   = 60 * minute
	day    = 24 * hour
)

func (h History) job() string { return cmp.Or(h.Job, "whereby") }

// Write adds the history to Prometheus's data directory, a block a week.
func (h History) Write(ctx context.Context, dir string) error {
	a := h.account()
	end := h.End.Unix()
	for from := a.begins; from < end; from += 7 * day {
		if err := h.block(ctx, dir, a, from, min(from+7*day, end+1)); err != nil {
			return fmt.Errorf("write a week of history: %w", err)
		}
	}
	return nil
}

func (h History) block(ctx context.Context, dir string, a *account, from, to int64) (err error) {
	// Series come one after the other, each with all its time: a writer takes what is up
	// to half its block's size behind.
	w, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, 2*(to-from+day)*1000)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	out := &appender{writer: w, ctx: ctx, from: from, to: to, app: w.Appender(ctx)}
	switch {
	case h.Backfilled:
		h.past(a, out)
	default:
		h.scraped(a, out)
		if h.Recorded {
			h.recorded(a, out)
		}
	}
	if err := out.commit(); err != nil {
		return err
	}
	if _, err := w.Flush(ctx); err != nil && !errors.Is(err, tsdb.ErrNoSeriesAppended) {
		return err
	}
	return nil
}

// appender appends to the block of a stretch of time.
type appender struct {
	writer   *tsdb.BlockWriter
	ctx      context.Context
	from, to int64
	app      storage.Appender
	n        int
	err      error
}

// series appends a value for each of the times within the block.
func (a *appender) series(name string, ls map[string]string, times []int64, value func(at int64) float64) {
	all := map[string]string{"__name__": name}
	for k, v := range ls {
		all[k] = v
	}
	set := labels.FromMap(all)
	var ref storage.SeriesRef
	for _, at := range times {
		v := value(at)
		if at < a.from || at >= a.to || math.IsNaN(v) || a.err != nil {
			continue
		}
		ref, a.err = a.app.Append(ref, set, at*1000, v)
		if a.n++; a.n%100_000 == 0 && a.err == nil {
			if a.err = a.app.Commit(); a.err == nil {
				a.app = a.writer.Appender(a.ctx)
				ref = 0
			}
		}
	}
}

func (a *appender) commit() error {
	if a.err != nil {
		return a.err
	}
	return a.app.Commit()
}

// times are those of scrapes within a block.
func (h History) times(out *appender) []int64 {
	dense := h.End.Add(-h.Dense).Unix()
	var times []int64
	for at := (out.from + minute - 1) / minute * minute; at < out.to; at += minute {
		if at >= dense || at%int64(h.Step.Seconds()) == 0 {
			times = append(times, at)
		}
	}
	if end := h.End.Unix(); end < out.to && (len(times) == 0 || times[len(times)-1] < end) {
		times = append(times, end)
	}
	return times
}

func hourly(out *appender) []int64 {
	var times []int64
	for at := (out.from + hour - 1) / hour * hour; at < out.to; at += hour {
		times = append(times, at)
	}
	return times
}

// past appends what backfill writes: usage where it has changed, and peaks.
func (h History) past(a *account, out *appender) {
	for i := range a.customers {
		c := &a.customers[i]
		for _, u := range usage {
			last := math.NaN()
			out.series(u.metric, map[string]string{"job": h.job(), "room_prefix": c.prefix}, hourly(out), func(at int64) float64 {
				v := u.figure(c, at)
				if v == last || at > h.End.Unix()-3*hour {
					return math.NaN()
				}
				last = v
				return v
			})
		}
		out.series(backfill.PeakMetric, map[string]string{"job": h.job(), "room_prefix": c.prefix}, hourly(out), func(at int64) float64 {
			if at > h.End.Unix()-3*hour {
				return math.NaN()
			}
			return c.people(at)
		})
	}
}

// scraped appends every family of every exporter.
func (h History) scraped(a *account, out *appender) {
	times := h.times(out)
	for _, instance := range h.Instances {
		exporter := map[string]string{"job": h.job(), "instance": instance}
		for _, f := range families() {
			owners := a.customers
			if !f.byCustomer() {
				owners = []customer{a.total}
			}
			for i := range owners {
				f.append(out, exporter, a, &owners[i], times)
			}
		}
	}
}
