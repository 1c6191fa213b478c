package backfill

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/ledger"
	roomprefix "whereby_exporter/collector/prefix"
	"whereby_exporter/collector/store"
)

// never is the sample number that stands for none.
const never = math.MaxInt64

// prefix is the series of a room prefix, or of another value of the label.
type prefix struct {
	label string
	// base is the value of the first samples.
	base figures
	// begins is the number of the first sample; never for a prefix without a history.
	begins int64
}

// history is everything to be written, sorted.
type history struct {
	period
	// first is the number of the very first sample.
	first    int64
	prefixes []prefix
	// label returns the prefix of a room.
	label func(roomName string) string
	// changes are by sample and prefix, peaks by hour and prefix; nil without.
	changes, peaks *sorter
	costs          *costs         // nil without prices
	transcribed    []*transcribed // sorted by prefix
	summary        Summary
}

// labels returns a function that labels rooms as the exporter does.
func (r *runner) labels(admitted []string) (func(roomName string) string, error) {
	memory := store.NewMemory()
	if err := memory.Commit(ledger.Change{Prefixes: admitted}); err != nil {
		return nil, err
	}
	l, err := ledger.Open(memory, ledger.Options{Prefixes: r.File.Prefixes(), Now: time.Now()})
	if err != nil {
		return nil, err
	}
	return l.Label, nil
}

// history sorts the data that was read.
func (r *runner) history() (*history, error) {
	h := &history{period: r.period, changes: newSorter(r.work.dir, "changes"), first: never}
	admitted, err := r.work.rooms(func(int, room) error { return nil })
	if err != nil {
		return nil, err
	}
	if h.costs, err = r.openCosts(); err != nil {
		return nil, err
	}
	label, err := r.labels(admitted)
	if err != nil {
		return nil, err
	}
	h.label = label
	h.summary.Stored = r.StoragePath != ""
	byLabel := map[string]int64{}
	var prefixOf []int32           // by room
	var firstOf []int64            // by room, if there are costs
	lowered := map[int64]figures{} // by room; only rooms that have one
	_, err = r.work.rooms(func(i int, row room) error {
		if row.lowered != (figures{}) {
			lowered[int64(i)] = row.lowered
		}
		name := label(row.name)
		if name == roomprefix.Other {
			h.summary.Other++
		}
		at, ok := byLabel[name]
		if !ok {
			at = int64(len(h.prefixes))
			byLabel[name] = at
			h.prefixes = append(h.prefixes, prefix{label: name, begins: never})
		}
		prefixOf = append(prefixOf, int32(at))
		if h.costs != nil {
			firstOf = append(firstOf, row.first)
		}
		return h.addRoom(at, row, r.Concurrency)
	})
	if err != nil {
		return nil, err
	}
	h.summary.Rooms = int64(len(prefixOf))
	attempts, excess, err := r.work.outcomes(len(prefixOf), func(done listed) {
		h.addBase(int64(prefixOf[done.room]), done.base)
		if h.costs != nil {
			h.costs.addBase(int64(prefixOf[done.room]), done.base, firstOf[done.room], 0, false)
		}
		done.base = done.base.sub(lowered[int64(done.room)])
		h.summary.addOutcome(done, h.start == 0)
	})
	if err != nil {
		return nil, err
	}
	cut, err := r.cut(attempts, excess)
	if err != nil {
		return nil, err
	}
	err = r.work.sessions(attempts, func(room int, s session) error {
		if rest, ok := cut[room]; ok {
			kept := least(s.figures, rest)
			h.summary.Cut = h.summary.Cut.add(s.figures.sub(kept))
			cut[room], s.figures = rest.sub(kept), kept
		}
		return h.addSession(int64(prefixOf[room]), s)
	})
	if err != nil {
		return nil, err
	}
	if r.Concurrency {
		if err := r.peaks(h, attempts, prefixOf); err != nil {
			return nil, err
		}
	}
	h.begin()
	return h, nil
}

func least(a, b figures) figures {
	for i := range a {
		a[i] = min(a[i], b[i])
	}
	return a
}

// addRoom adds what a room's row says on its own.
func (h *history) addRoom(at int64, row room, people bool) error {
	how := h.treat(row, people)
	if how == ignore {
		return nil
	}
	if row.gone {
		h.summary.GoneRooms++
	}
	if row.lowered != (figures{}) {
		h.summary.LoweredRooms++
		h.summary.Lowered = h.summary.Lowered.add(row.lowered)
	}
	switch how {
	case oneSession:
		h.addBase(at, row.lowered)
		h.costs.addBase(at, row.lowered, row.first, 0, false)
		return h.addSession(at, session{start: row.first, figures: row.figures})
	case allBefore, allBase:
		if row.gone && (how == allBase || row.last == 0) {
			h.summary.GoneBase = h.summary.GoneBase.add(row.figures)
		}
		if !row.gone && row.last == 0 && row.figures != (figures{}) {
			h.summary.BaseRooms++
		}
		h.addBase(at, row.figures.add(row.lowered))
		h.costs.addBase(at, row.figures.add(row.lowered), row.first, row.last, row.gone)
	case leaveOut:
		h.summary.Left++
	}
	return nil
}

func (h *history) addBase(at int64, f figures) {
	h.prefixes[at].base = h.prefixes[at].base.add(f)
	h.summary.Base = h.summary.Base.add(f)
}

func (h *history) addSession(at int64, s session) error {
	index := h.sampleIndex(s.start)
	if index > h.last() {
		return nil // after the last sample, so it is for the live counters
	}
	h.summary.Placed = h.summary.Placed.add(s.figures)
	p := &h.prefixes[at]
	p.begins = min(p.begins, index-1)
	h.first = min(h.first, index-1)
	if err := h.costs.addSession(index, at, s); err != nil {
		return err
	}
	return h.changes.add(change{major: index, minor: at, figures: s.figures})
}

// begin decides which sample each series begins with: the very first for a prefix with
// earlier usage; otherwise the last one before the prefix's first session, so that the
// increase is visible.
func (h *history) begin() {
	if h.start != 0 {
		h.first = h.sampleIndex(h.start)
	}
	if h.first == never {
		h.first = h.last()
	}
	for i := range h.prefixes {
		p := &h.prefixes[i]
		switch {
		case p.base != figures{}:
			p.begins = h.first
		case p.begins != never:
			p.begins = max(p.begins, h.first)
		}
		if p.begins != never {
			h.summary.Prefixes++
		}
	}
	h.summary.Start = time.UnixMilli(h.first * h.interval).UTC()
	h.summary.End = time.UnixMilli(h.last() * h.interval).UTC()
}

func (s *Summary) addOutcome(done listed, whole bool) {
	if whole && done.base != (figures{}) {
		s.BaseRooms++
	}
	switch done.outcome {
	case moving:
		s.Moving++
	case refused:
		s.Refused++
	case unplaced:
		s.Left++
	}
}

// cut returns, for rooms whose sessions exceed their totals, how much of the sessions to
// keep, newest first.
func (r *runner) cut(attempts []int64, excess map[int]figures) (map[int]figures, error) {
	kept := map[int]figures{}
	if len(excess) == 0 {
		return kept, nil
	}
	err := r.work.sessions(attempts, func(room int, s session) error {
		if _, ok := excess[room]; ok {
			kept[room] = kept[room].add(s.figures)
		}
		return nil
	})
	for room, f := range kept {
		kept[room] = f.sub(excess[room]).floor()
	}
	return kept, err
}

// peaks finds the highest number of people at a time, by prefix and hour.
func (r *runner) peaks(h *history, attempts []int64, prefixOf []int32) error {
	var prefixes []int32 // by session
	err := r.work.sessions(attempts, func(room int, _ session) error {
		prefixes = append(prefixes, prefixOf[room])
		return nil
	})
	if err != nil {
		return err
	}
	moves := newSorter(r.work.dir, "moves")
	err = r.work.stays(func(number int64, known bool, stays []stay) error {
		if number < 0 || number >= int64(len(prefixes)) {
			return durable.Damaged(r.work.path(peopleFile), fmt.Errorf("it has people of session %d, which is unknown", number))
		}
		if !known {
			h.summary.Unknown++
		}
		for _, s := range stays {
			for at, by := range map[int64]int64{s.joined: 1, s.left: -1} {
				if err := moves.add(change{major: int64(prefixes[number]), minor: at, figures: figures{by}}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return r.work.explain(err)
	}
	h.peaks = newSorter(r.work.dir, "peaks")
	return sweep(moves, h.peaks)
}

// hour is the window of a peak. A peak's sample is at the end of its hour.
var hour = time.Hour.Milliseconds()

// sweep turns joins and leaves, by prefix and time, into the peaks of hours.
func sweep(moves, peaks *sorter) error {
	var prefix, present, highest, from int64 = -1, 0, 0, 0 // from: the hour that highest is of
	tell := func() error {
		if highest == 0 {
			return nil
		}
		return peaks.add(change{major: (from + 1) * hour, minor: prefix, figures: figures{highest}})
	}
	for c, err := range moves.sorted() {
		if err != nil {
			return err
		}
		if c.major != prefix {
			if err := tell(); err != nil {
				return err
			}
			prefix, present, highest = c.major, 0, 0
		}
		for at := c.minor / hour; from != at; {
			if err := tell(); err != nil {
				return err
			}
			highest = present
			if from++; present == 0 {
				from = at
			}
			if from == at && c.minor%hour == 0 {
				highest = 0 // people who leave on the hour were not there in it
			}
		}
		present += c.figures[0]
		highest = max(highest, present)
	}
	return tell()
}

// inOrder returns the numbers of the prefixes that have series, by label.
func (h *history) inOrder() []int {
	var order []int
	for i := range h.prefixes {
		if h.prefixes[i].begins != never {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(h.prefixes[a].label, h.prefixes[b].label) })
	return order
}
