package backfill

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"whereby_exporter/collector/metrics"
)

const (
	// fileLines is about 40 MB. promtool reads a file once for every 2 hours that it spans,
	// so small files are read faster.
	fileLines = 350_000
	// slot is the span of promtool's blocks, so files are split between two slots.
	slot = 2 * time.Hour
)

// PeakMetric is the hourly peak of people in rooms at the same time. It is named like a
// recorded series because the exporter does not export it:
// whereby_live_participants_max is the 5-minute peak according to webhooks, this one the
// hourly peak that Insights shows afterwards.
const PeakMetric = "job_room_prefix:whereby_participants_concurrent:max1h"

const peakHelp = "Highest number of people in rooms at a time in the hour before, as Insights reports it afterwards."

// counters are the metric families, in the order of figures.
var counters = [...]metrics.Metric{
	participantMinutes: metrics.ParticipantMinutes,
	recorderMinutes:    metrics.RecorderMinutes,
	streamerMinutes:    metrics.StreamerMinutes,
	sessionCount:       metrics.Sessions,
}

// emitter writes a history to files of bounded length.
type emitter struct {
	*history
	work  *work
	lines int
	// order lists the prefixes by label, rank is the position of each in it.
	order  []int
	rank   []int64
	labels []Label
	// series is the text of each prefix's lines between the name and the value.
	series []string
	// now is the value of each prefix's counters before the next file.
	now []figures
	// nowCosts is the value of their costs.
	nowCosts map[int64]figures
	files    int
}

// emit writes the files and returns their number.
func (h *history) emit(ctx context.Context, w *work, o *Options, progress func(int64)) (int, error) {
	e := &emitter{
		history: h, work: w, lines: o.fileLines, order: h.inOrder(),
		labels: o.Labels, rank: make([]int64, len(h.prefixes)), series: make([]string, len(h.prefixes)), now: make([]figures, len(h.prefixes)),
	}
	if e.lines == 0 {
		e.lines = fileLines
	}
	for rank, at := range e.order {
		e.rank[at] = int64(rank)
		e.series[at] = labelText(h.prefixes[at].label, o.Labels)
		e.now[at] = h.prefixes[at].base
	}
	changes := newQueue(h.changes)
	defer changes.stop()
	peaks := newQueue(h.peaks)
	defer peaks.stop()
	charges := newQueue(nil)
	if h.costs != nil {
		e.nowCosts = h.costs.base
		charges = newQueue(h.costs.changes)
	}
	defer charges.stop()
	last := h.last()
	// Changes before the first sample are part of it.
	if err := changes.until(h.first, func(c change) { e.now[c.minor] = e.now[c.minor].add(c.figures) }); err != nil {
		return 0, err
	}
	if err := charges.until(h.first, e.charge); err != nil {
		return 0, err
	}
	if err := peaks.until(h.first*h.interval/hour*hour, func(change) {}); err != nil {
		return 0, err
	}
	for from := h.first; from <= last || e.files == 0; {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		to := e.end(from)
		if err := e.file(from, to, changes, peaks, charges); err != nil {
			return 0, err
		}
		progress(min(to, last) - from + 1)
		from = to + 1
	}
	return e.files, nil
}

// end returns the last sample of the file that begins with the given sample.
func (e *emitter) end(from int64) int64 {
	perSlot := max(1, slot.Milliseconds()/e.interval)
	to, lines := from-1, int64(0)
	for to < e.last() {
		// Samples at full slots begin a block.
		next := min((to+1)/perSlot*perSlot+perSlot-1, e.last())
		var more int64
		for _, at := range e.order {
			more += max(0, next-max(to, e.prefixes[at].begins-1)) * int64(len(counters)+e.costs.series())
		}
		begins := time.UnixMilli((to + 1) * e.interval).UTC()
		first := time.UnixMilli(from * e.interval).UTC()
		if to >= from && (lines+more > int64(e.lines) || begins.Month() != first.Month()) {
			break
		}
		to, lines = next, lines+more
	}
	return max(to, from)
}

// charge adds the cost of a change.
func (e *emitter) charge(c change) { e.nowCosts[c.minor] = e.nowCosts[c.minor].add(c.figures) }

// file writes a range of samples.
func (e *emitter) file(from, to int64, changes, peaks, charges *queue) error {
	var byPrefix, peaksByPrefix, costsByPrefix []change
	if err := changes.until(to, func(c change) { byPrefix = append(byPrefix, c) }); err != nil {
		return err
	}
	if err := peaks.until(to*e.interval, func(c change) { peaksByPrefix = append(peaksByPrefix, c) }); err != nil {
		return err
	}
	if err := charges.until(to, func(c change) { costsByPrefix = append(costsByPrefix, c) }); err != nil {
		return err
	}
	ranked := func(a, b change) int {
		return cmp.Or(cmp.Compare(e.rank[a.minor], e.rank[b.minor]), cmp.Compare(a.major, b.major))
	}
	slices.SortFunc(byPrefix, ranked)
	slices.SortFunc(peaksByPrefix, ranked)
	slices.SortFunc(costsByPrefix, ranked)

	file, err := os.OpenFile(e.work.path(fmt.Sprintf("%s.%d", outputFile, e.files)), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	w := bufio.NewWriterSize(file, 1<<18)
	for figure, m := range counters {
		head(w, strings.TrimSuffix(m.Name, "_total"), m.Type, m.Help)
		e.counters(w, figure, from, to, byPrefix)
	}
	if e.costs != nil {
		e.writeCosts(w, from, to, costsByPrefix)
	}
	e.writeTranscribed(w, from, to)
	if e.peaks != nil {
		head(w, PeakMetric, metrics.Gauge, peakHelp)
		e.gauges(w, from, to, peaksByPrefix)
	}
	for _, c := range byPrefix {
		e.now[c.minor] = e.now[c.minor].add(c.figures)
	}
	for _, c := range costsByPrefix {
		e.charge(c)
	}
	_, err = io.WriteString(w, "# EOF\n")
	if err := errors.Join(err, w.Flush(), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	e.files++
	return nil
}

// head writes a family's metadata lines.
func head(w io.Writer, name string, kind metrics.Type, help string) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, escape(help), name, kind)
}

// counters writes a family. Errors stay in the writer until it is flushed.
func (e *emitter) counters(w *bufio.Writer, figure int, from, to int64, changes []change) {
	for _, at := range e.order {
		value := e.now[at][figure]
		n := 0
		for n < len(changes) && changes[n].minor == int64(at) {
			n++
		}
		mine := changes[:n]
		changes = changes[n:]
		for index := max(from, e.prefixes[at].begins); index <= to; index++ {
			for len(mine) > 0 && mine[0].major <= index {
				value += mine[0].figures[figure]
				mine = mine[1:]
			}
			e.sample(w, counters[figure].Name, at, value, index*e.interval)
		}
	}
}

// gauges writes the peaks of the hours that end within a range of samples.
func (e *emitter) gauges(w *bufio.Writer, from, to int64, peaks []change) {
	for _, at := range e.order {
		n := 0
		for n < len(peaks) && peaks[n].minor == int64(at) {
			n++
		}
		mine := peaks[:n]
		peaks = peaks[n:]
		// The first hour ends after the sample before the file.
		begin := (max(from-1, e.prefixes[at].begins)*e.interval/hour + 1) * hour
		for end := begin; end <= to*e.interval; end += hour {
			value := int64(0)
			for len(mine) > 0 && mine[0].major <= end {
				if mine[0].major == end {
					value = mine[0].figures[0]
				}
				mine = mine[1:]
			}
			e.sample(w, PeakMetric, at, value, end)
		}
	}
}

func (e *emitter) sample(w *bufio.Writer, name string, at int, value, millis int64) {
	b := w.AvailableBuffer()
	b = append(b, name...)
	b = append(b, e.series[at]...)
	b = strconv.AppendInt(b, value, 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, millis/1000, 10) // the grid is of whole minutes
	b = append(b, '\n')
	_, _ = w.Write(b)
}

// labelText writes the labels of a series, in the order of their names.
func labelText(roomPrefix string, labels []Label) string {
	all := append([]Label{{metrics.RoomPrefix, roomPrefix}}, labels...)
	slices.SortFunc(all, func(a, b Label) int { return cmp.Compare(a.Name, b.Name) })
	var parts []string
	for _, l := range all {
		parts = append(parts, l.Name+`="`+escape(l.Value)+`"`)
	}
	return "{" + strings.Join(parts, ",") + "} "
}

var escaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

func escape(s string) string { return escaper.Replace(s) }

// queue hands out sorted changes, each time up to a given key.
type queue struct {
	next    func() (change, error, bool)
	stop    func()
	waiting *change
}

// newQueue returns an empty queue if the sorter is nil.
func newQueue(s *sorter) *queue {
	q := &queue{stop: func() {}, next: func() (change, error, bool) { return change{}, nil, false }}
	if s != nil {
		q.next, q.stop = iter.Pull2(s.sorted())
	}
	return q
}

// until calls do with the changes whose major key is at most major.
func (q *queue) until(major int64, do func(change)) error {
	for {
		if q.waiting == nil {
			c, err, ok := q.next()
			if err != nil {
				return err
			}
			if !ok {
				return nil
			}
			q.waiting = &c
		}
		if q.waiting.major > major {
			return nil
		}
		do(*q.waiting)
		q.waiting = nil
	}
}
