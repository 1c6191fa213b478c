package backfill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
)

const (
	// defaultWorkers hide the latency of requests; the points limit them all.
	defaultWorkers = 4
	// A run takes hours, during which Whereby may be down for a while.
	maxFailures  = 10
	firstWait    = 15 * time.Second
	longestWait  = 5 * time.Minute
	goOnSentence = "what was read so far is kept, and the same command goes on from there"
)

// runner is one run.
type runner struct {
	*Options
	period
	work     *work
	client   *whereby.Client
	lister   *whereby.SessionLister
	progress *progress
	attempt  atomic.Int64
	failures atomic.Int32
	// reached is true once Insights has responded.
	reached atomic.Bool
}

// Run writes the history. If it is stopped or fails, the data read so far is kept, and
// another run with the same options continues.
func Run(ctx context.Context, o Options) (*Summary, error) {
	now := time.Now()
	if err := o.Validate(now); err != nil {
		return nil, err
	}
	o.Start, o.End = o.Start.Truncate(time.Second), o.End.Truncate(time.Second)
	if o.workers == 0 {
		o.workers = defaultWorkers
	}
	w, resumed, err := openWork(&o, now)
	if err != nil {
		return nil, err
	}
	defer w.unlock()
	r := &runner{
		Options: &o, work: w,
		period: period{
			start: millis(o.Start), end: millis(o.End), seam: o.End.Add(-SeamAge).UnixMilli(),
			interval: o.Interval.Milliseconds(),
		},
		progress: &progress{terminal: o.Progress, log: o.Logger},
	}
	defer r.progress.end()
	if r.start != 0 && r.sampleIndex(r.start) > r.last() {
		if !resumed {
			_ = os.RemoveAll(w.dir)
		}
		return nil, fmt.Errorf("--start=%s: leaves no sample before --end=%s", text(o.Start), text(o.End))
	}
	if resumed {
		o.Logger.Info("continuing an earlier run", "work", w.dir)
	}
	points, err := r.budget()
	if err != nil {
		return nil, err
	}
	defer func() { _ = points.Close() }()
	summary, err := r.run(ctx)
	switch {
	case err == nil:
		return summary, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("stopped; %s", goOnSentence)
	case !r.reached.Load() && !resumed:
		// Nothing was read: no reason to leave a directory behind.
		_ = os.RemoveAll(w.dir)
	}
	return nil, err
}

// budget counts the points that an earlier run spent a moment ago.
func (r *runner) budget() (*store.Points, error) {
	points, left, err := store.OpenPoints(r.work.dir)
	if err != nil {
		return nil, fmt.Errorf("--output: %w", err)
	}
	if budget := r.Client.Budget; budget != nil {
		budget.Resume(left)
		budget.OnSpend, budget.OnBlock = points.Spend, points.Block
	}
	r.client = r.Client.Background()
	r.lister = whereby.NewSessionLister(r.client, r.Logger)
	return points, nil
}

func (r *runner) run(ctx context.Context) (*Summary, error) {
	if content, err := os.ReadFile(r.work.path(readyFile)); err == nil {
		// Everything was written, but not everything moved.
		var s Summary
		if err := json.Unmarshal(content, &s); err != nil || s.Files < 1 {
			return nil, r.work.explain(durable.Damaged(r.work.path(readyFile), errors.New("it holds no summary")))
		}
		return &s, r.work.finish(s.Files)
	}
	if err := r.listRooms(ctx); err != nil {
		return nil, err
	}
	if err := r.listSessions(ctx); err != nil {
		return nil, err
	}
	if r.Concurrency {
		rooms := 0
		if _, err := r.work.rooms(func(int, room) error { rooms++; return nil }); err != nil {
			return nil, err
		}
		attempts, _, err := r.work.outcomes(rooms, func(listed) {})
		if err != nil {
			return nil, err
		}
		if err := r.listPeople(ctx, attempts); err != nil {
			return nil, err
		}
	}
	h, err := r.history()
	if err != nil {
		return nil, err
	}
	transcripts, err := r.transcripts(ctx)
	if err != nil {
		return nil, err
	}
	h.addTranscripts(transcripts, h.label)
	r.progress.begin("samples written", max(1, h.last()-h.first+1))
	files, err := h.emit(ctx, r.work, r.Options, func(n int64) { r.progress.done(n) })
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h.summary.Files = files
	content, err := json.Marshal(h.summary)
	if err != nil {
		return nil, err
	}
	if err := durable.Replace(r.work.path(readyFile), durable.Content(content)); err != nil {
		return nil, fmt.Errorf("--output: %w", err)
	}
	return &h.summary, r.work.finish(files)
}

// succeeded notes that Insights responds.
func (r *runner) succeeded() {
	r.reached.Store(true)
	r.failures.Store(0)
}

// patience waits after a temporary error, and returns nil if another try is worthwhile.
func (r *runner) patience(ctx context.Context, err error) error {
	var (
		throttled *whereby.ThrottledError
		server    *whereby.ServerError
		malformed *whereby.MalformedError
		wait      time.Duration
	)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &throttled):
		wait = time.Until(throttled.RetryAt) + time.Second
	case (errors.As(err, &server) || errors.As(err, &malformed)) && r.reached.Load():
		failures := r.failures.Add(1)
		if failures > maxFailures*int32(r.workers) {
			return fmt.Errorf("%w; %s", err, goOnSentence)
		}
		wait = min(firstWait<<min(failures-1, 10), longestWait)
	case r.reached.Load():
		return fmt.Errorf("%w; %s", err, goOnSentence)
	default:
		return err
	}
	r.progress.end()
	r.Logger.Warn("waiting before a retry", "wait", wait.Round(time.Second), "err", err)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
