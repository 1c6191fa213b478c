package ledger

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// flushRows is the number of new or raised rows that are held before they are written to the
// store. Their names are scattered over the file, so a write of n rows rewrites about n pages
// of 4 KiB, which the store holds in memory.
const flushRows = 2_000

// Poll collects the readings of one walk over the account's pages. Polls may overlap. A Poll
// is used by one goroutine.
type Poll struct {
	ledger *Ledger
	// staged are the readings that raise a row or are new.
	staged map[string]Row
	// seen are the rooms of this poll that are in the store.
	seen IDSet
	// lowered is the ledger's totals of a room minus the poll's last reading.
	lowered map[string]Totals
	// aside are the rooms whose rows could not be read.
	aside map[string]struct{}
	// gone are the rooms that Insights does not show when requested by name, and goneRows
	// those of them that are in the store.
	gone     map[string]struct{}
	goneRows IDSet
	// ends are when rooms end whose opening balances are not settled, by the ID of their rows.
	ends map[uint32]int64
	// identity determines whose rooms they are.
	identity identity
}

// Begin starts a poll. A poll that is neither committed nor kept has no effect, unless it raises
// very many rooms.
func (l *Ledger) Begin() *Poll {
	return &Poll{
		ledger: l, staged: map[string]Row{}, lowered: map[string]Totals{}, aside: map[string]struct{}{},
		gone: map[string]struct{}{}, ends: map[uint32]int64{}, identity: l.identity(),
	}
}

// Report is the result of adding a page.
type Report struct {
	// Fresh counts the rooms that the poll had not seen before.
	Fresh int
	// Repeated reports for each row whether the poll had already seen its room.
	Repeated []bool
	// Raised reports for each row whether the reading is new, or higher than what the ledger
	// and the poll knew. Changed counts them.
	Raised  []bool
	Changed int
	// Lowered are the rooms whose reading is lower than what is known.
	Lowered []Lowered
}

// Lowered is a room for which Insights reports less than before.
type Lowered struct {
	RoomName string
	// By is the ledger's totals minus those of the reading, where positive.
	By Totals
}

// Add adds the rows of one page.
func (p *Poll) Add(page []Row) (Report, error) {
	report := Report{Repeated: make([]bool, len(page)), Raised: make([]bool, len(page))}
	names := make([]string, len(page))
	for i := range page {
		names[i] = page[i].Name
	}
	known := make([]bool, len(page))
	rows := make([]Row, len(page))
	err := p.ledger.store.Get(names, func(i int, row Row) { known[i], rows[i] = true, row })
	if err != nil {
		return report, fmt.Errorf("look rooms up in the ledger: %w", err)
	}
	for i, reading := range page {
		fresh, raised := p.addRow(reading, rows[i], known[i], &report)
		report.Repeated[i], report.Raised[i] = !fresh, raised
	}
	return report, p.flush()
}

// addRow takes one reading of a room whose row, if known, is row. It reports whether the
// reading is the poll's first of the room, and whether it is new or higher.
func (p *Poll) addRow(reading, row Row, known bool, report *Report) (fresh, raised bool) {
	delete(p.aside, reading.Name)
	staged, again := p.staged[reading.Name]
	fresh = !again
	if known && !p.seen.Add(row.ID) {
		fresh = false
	}
	if fresh {
		report.Fresh++
		p.identity.see(reading, row, known)
	}
	switch {
	case known && again:
		row = row.merge(staged)
	case again:
		row = staged
	case !known:
		row = Row{Name: reading.Name, Raised: reading.Raised}
	}
	if known && reading.Ends != 0 && row.unsure() {
		p.ends[row.ID] = reading.Ends
	}
	best := row.merge(reading)
	raised = best.raises(row) || !known && !again
	if raised {
		report.Changed++
	}
	if raised || best.Created != row.Created {
		p.staged[reading.Name] = best
	}
	if by := best.Current().Sub(reading.Totals); by != (Totals{}) && reading.Created >= best.Created {
		p.lowered[reading.Name] = by
		report.Lowered = append(report.Lowered, Lowered{RoomName: reading.Name, By: by})
	} else {
		delete(p.lowered, reading.Name)
	}
	return fresh, raised
}

// flush commits staged rows early if there are very many, which bounds the memory of a poll.
// They are valid even if the poll fails, and visible with the next snapshot. They wait until
// it is known whose rooms they are.
func (p *Poll) flush() error {
	if len(p.staged) < flushRows {
		return nil
	}
	if !p.identity.settled() {
		if p.identity.old < flushRows {
			return nil
		}
		return p.identity.check()
	}
	return p.keepStaged()
}

// Keep commits the readings of a poll that failed or was stopped: a room may be deleted before
// the next one. They are visible with the next snapshot. If the poll has read no room of the
// store, nothing is kept, because the account may be another one.
func (p *Poll) Keep() error {
	if len(p.staged) == 0 || !p.identity.known {
		return nil
	}
	return p.keepStaged()
}

// keepStaged commits the staged readings before the poll ends.
func (p *Poll) keepStaged() error {
	l := p.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.nextID
	if err := p.merge(nil, Change{}); err != nil {
		return err
	}
	l.exist.knownSince(before, l.nextID)
	return nil
}

// merge commits the staged readings together with other rows, and adds their rows to seen.
func (p *Poll) merge(others []replaced, change Change) error {
	readings := make([]Row, 0, len(p.staged))
	for _, row := range p.staged {
		readings = append(readings, row)
	}
	if err := p.ledger.merge(readings, others, &p.seen, change); err != nil {
		return err
	}
	clear(p.staged)
	return nil
}

// Commit makes the poll durable, then visible, and ends it. After an error, the poll can only
// be discarded.
func (p *Poll) Commit(c Completion) error {
	if err := p.identity.check(); err != nil {
		return err
	}
	l := p.ledger
	l.mu.Lock()
	defer l.mu.Unlock()

	// If a period has ended in the meantime, the readings belong to the next one.
	if _, err := l.advance(c.Ended); err != nil {
		return err
	}
	aside, left, err := l.asideAfter(p, c)
	if err != nil {
		return err
	}
	exist := l.exist.after(p, c, left)
	dropped, err := l.unconfirmable(p, c, exist)
	if err != nil {
		return err
	}
	state := l.state
	if !c.Named {
		state.PollStarted = later(state.PollStarted, c.Started, c.Ended)
		state.PollEnded = later(state.PollEnded, c.Ended, c.Ended)
		state.Sorted = c.Sorted
	}
	state.Aside = slices.Sorted(maps.Keys(aside))
	change := Change{State: &state}
	if c.Complete {
		state.Complete = true
		state.FullPoll = c.Ended
		state.Drift = p.drift()
		change.Present = &p.seen
	}
	if c.Complete || len(p.gone) > 0 {
		change.Unlisted = &exist.unlisted
	}
	if exist.missed.Len() == 0 && !exist.looking.IsZero() {
		state.FullPollStarted, exist.looking = exist.looking, time.Time{}
	}
	nextID := l.nextID
	if err := p.merge(dropped, change); err != nil {
		return err
	}
	state.Aside = nil
	l.state, l.aside, l.exist = state, aside, exist
	if c.Complete {
		l.exist.listed = p.seen
		if err := l.recount(nil); err != nil {
			return err
		}
	} else {
		l.exist.knownSince(nextID, l.nextID)
	}
	l.unsure.noteEnds(p.ends)
	l.publish()
	return nil
}

// later returns the later of two times. It ignores a known time that is so far ahead of the
// present that the clock must have been wrong.
func later(known, told, now time.Time) time.Time {
	if known.After(told) && known.Sub(now) <= MaxSetBack {
		return known
	}
	return told
}

func (p *Poll) drift() Totals {
	var sum Totals
	for _, by := range p.lowered {
		sum = sum.Add(by)
	}
	return sum
}
