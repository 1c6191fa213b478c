package backfill

import (
	"bufio"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/cost"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/transcriptions"
)

// kinds are the priced kinds of session usage, in the order of figures.
var kinds = [...]config.Kind{
	participantMinutes: config.ParticipantMinute,
	recorderMinutes:    config.RecorderMinute,
	streamerMinutes:    config.StreamerMinute,
}

// costs are the costs of a history's usage: figures in the unit of config.Amount.
type costs struct {
	cost.Tariff
	// base is the value of the first samples, by prefix.
	base map[int64]figures
	// changes are by sample and prefix.
	changes *sorter
}

// openCosts returns nil if there are no prices. The prices that an exporter has charged by
// are in its storage directory.
func (r *runner) openCosts() (*costs, error) {
	var kept cost.Store = &store.MemoryCosts{}
	if r.StoragePath != "" {
		kept = store.NewCosts(r.StoragePath)
	}
	book, err := cost.Open(kept)
	if err != nil {
		return nil, fmt.Errorf("--storage.path: %w", err)
	}
	tariff := book.Revised(r.File.Prices, r.File.Billing, time.Now())
	if len(tariff.Kinds()) == 0 {
		return nil, nil
	}
	for _, mark := range tariff.Marks() {
		if mark*1000 <= r.start {
			// The cost of sessions from before the start is unknown, as they are not listed.
			r.Logger.Warn("costs are left out: prices changed before --start", "changed", time.Unix(mark, 0).UTC())
			return nil, nil
		}
	}
	return &costs{Tariff: tariff, base: map[int64]figures{}, changes: newSorter(r.work.dir, "costs")}, nil
}

// of returns the cost of the usage of a session that started at a time in milliseconds.
func (c *costs) of(f figures, start int64) (cost figures) {
	for i, kind := range kinds {
		cost[i] = f[i] * int64(c.Price(kind, start/1000))
	}
	return cost
}

// addBase adds usage whose sessions are unknown, of a room that was first and last used at
// the given times. The live counters charge it as if it had been used at the beginning; if
// the room is gone, they may know no more than its lowest price.
func (c *costs) addBase(at int64, f figures, first, last int64, gone bool) {
	if c == nil {
		return
	}
	cost := c.of(f, first)
	if gone {
		for _, mark := range c.Marks() {
			if first < mark*1000 && mark*1000 <= last {
				cost = least(cost, c.of(f, mark*1000))
			}
		}
	}
	c.base[at] = c.base[at].add(cost)
}

// addSession adds a session to a sample.
func (c *costs) addSession(index, at int64, s session) error {
	if c == nil {
		return nil
	}
	return c.changes.add(change{major: index, minor: at, figures: c.of(s.figures, s.start)})
}

// ofTranscript returns the cost of a transcription.
func (c *costs) ofTranscript(t transcript) int64 {
	if c == nil {
		return 0
	}
	return c.Rates().Cost(transcriptions.Row{Started: t.Started, Listed: t.Listed, Billable: t.Billable})
}

// series returns how many series of session costs each prefix has.
func (c *costs) series() int {
	if c == nil {
		return 0
	}
	return len(slices.DeleteFunc(c.Kinds(), func(k config.Kind) bool { return k == config.TranscriptionMinute }))
}

// writeCosts writes the family of costs.
func (e *emitter) writeCosts(w *bufio.Writer, from, to int64, changes []change) {
	head(w, strings.TrimSuffix(metrics.Cost.Name, "_total"), metrics.Cost.Type, metrics.Cost.Help)
	for _, at := range e.order {
		n := 0
		for n < len(changes) && changes[n].minor == int64(at) {
			n++
		}
		for i, kind := range kinds {
			if !e.costs.Has(kind) {
				continue
			}
			labels := e.costLabels(e.prefixes[at].label, kind)
			value, mine := e.nowCosts[int64(at)][i], changes[:n]
			for index := max(from, e.prefixes[at].begins); index <= to; index++ {
				for len(mine) > 0 && mine[0].major <= index {
					value += mine[0].figures[i]
					mine = mine[1:]
				}
				e.line(w, metrics.Cost.Name, labels, config.Amount(value).Float(), index*e.interval)
			}
		}
		changes = changes[n:]
	}
	if !e.costs.Has(config.TranscriptionMinute) {
		return
	}
	for _, t := range e.transcribed {
		labels := e.costLabels(t.label, config.TranscriptionMinute)
		for index := max(from, t.begins); index <= to; index++ {
			e.line(w, metrics.Cost.Name, labels, config.Amount(t.cost.at(index)).Float(), index*e.interval)
		}
	}
}

// costLabels returns the labels of a prefix's costs of a kind.
func (e *emitter) costLabels(prefix string, kind config.Kind) string {
	return labelText(prefix, append([]Label{{kindLabel, string(kind)}}, e.labels...))
}

// kindLabel is the label that distinguishes costs.
const kindLabel = "kind"

// line writes a sample with a fraction.
func (e *emitter) line(w *bufio.Writer, name, labels string, value float64, millis int64) {
	b := w.AvailableBuffer()
	b = append(b, name...)
	b = append(b, labels...)
	b = strconv.AppendFloat(b, value, 'f', -1, 64)
	b = append(b, ' ')
	b = strconv.AppendInt(b, millis/1000, 10)
	b = append(b, '\n')
	_, _ = w.Write(b)
}
