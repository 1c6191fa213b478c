package transcriptions

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"whereby_exporter/whereby"
)

// Ledger sums transcriptions by prefix and billing period. It is safe for concurrent use.
type Ledger struct {
	store Store
	label func(roomName string) string
	// writing is held while something is committed, and is taken before mu.
	writing sync.Mutex
	woken   chan struct{}

	mu    sync.Mutex
	state State
	rows  int // that there are
	// unsaved are rows that the store does not have in this form yet.
	unsaved map[string]Row
	// lost is why an event could not be taken. It is never flushed, so that it comes again.
	lost     error
	counters map[string]*counter // by the rows' labels
	periods  *Periods
	costs    map[string]int64  // of all rows, by their labels
	used     map[string]*usage // by the rooms' labels now
	account  usage
	snapshot *Snapshot // nil if it has to be made
}

// counter is what transcriptions of a label come to.
type counter struct {
	billable int64
	byStatus ByStatus
}

// usage is what was used in a billing period and in the one before.
type usage struct{ used, previous amount }

// amount is billable time in milliseconds, and what it costs in the unit of [Rate.Minute].
type amount struct{ billable, cost int64 }

func (a *amount) add(o amount) { a.billable, a.cost = a.billable+o.billable, a.cost+o.cost }

// Open reads the store. label gives the value of room_prefix that a room counts under.
func Open(store Store, label func(roomName string) string) (*Ledger, error) {
	state, err := store.State()
	if err != nil {
		return nil, fmt.Errorf("read the state of transcriptions: %w", err)
	}
	l := &Ledger{
		store: store, label: label, state: state, woken: make(chan struct{}, 1),
		unsaved: map[string]Row{}, counters: map[string]*counter{}, costs: map[string]int64{}, used: map[string]*usage{}, periods: &Periods{},
	}
	for row, err := range store.Rows() {
		if err != nil {
			return nil, fmt.Errorf("read transcriptions: %w", err)
		}
		l.rows++
		l.count(row, 1)
	}
	return l, nil
}

// State is when the listing was read, and how.
func (l *Ledger) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// Any reports whether there was ever a transcription.
func (l *Ledger) Any() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows > 0
}

// Apply takes an event, which may come again. What it tells is durable once Flush has
// returned without an error.
func (l *Ledger) Apply(e whereby.Event) {
	row, ok := announced(e)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.rows == 0
	if err := l.merge([]Row{row}, nil); err != nil {
		l.lost = err
		return
	}
	if first {
		select {
		case l.woken <- struct{}{}:
		default:
		}
	}
}

// known returns the rows that there are of some ids.
func (l *Ledger) known(ids []string) (map[string]Row, error) {
	known := make(map[string]Row, len(ids))
	if err := l.store.Get(ids, func(row Row) { known[row.ID] = row }); err != nil {
		return nil, fmt.Errorf("look up transcriptions: %w", err)
	}
	for _, id := range ids {
		if row, ok := l.unsaved[id]; ok {
			known[id] = row
		}
	}
	return known, nil
}

// merge takes readings. uncounted reports whether a new row of a label stays out of the counts
// by status; nil is none.
func (l *Ledger) merge(readings []Row, uncounted func(label string) bool) error {
	ids := make([]string, len(readings))
	for i, reading := range readings {
		ids[i] = reading.ID
	}
	known, err := l.known(ids)
	if err != nil {
		return err
	}
	for _, reading := range readings {
		before, there := known[reading.ID]
		row := reading
		if there {
			row = before.merge(reading)
		} else {
			row.Label = l.label(row.Room)
			row.Uncounted = uncounted != nil && uncounted(row.Label)
			l.rows++
		}
		if there && row == before {
			continue
		}
		known[row.ID], l.unsaved[row.ID] = row, row
		if there {
			l.count(before, -1)
		}
		l.count(row, 1)
		l.snapshot = nil
	}
	return nil
}

// count adds a row to the sums, or takes it out.
func (l *Ledger) count(row Row, sign int64) {
	c := l.counters[row.Label]
	if c == nil {
		c = &counter{}
		l.counters[row.Label] = c
	}
	c.billable += sign * row.Billable
	if !row.Uncounted {
		c.byStatus[row.Status] += sign
	}
	l.countPeriods(row, sign)
}

// Flush makes durable what events told.
func (l *Ledger) Flush() error {
	l.mu.Lock()
	lost := l.lost
	l.mu.Unlock()
	if lost != nil {
		return lost
	}
	return l.commit(nil)
}

// flushInterval is how often what events told is written, so that little is left to write when
// the live state is saved, for which events wait.
const flushInterval = 5 * time.Second

// Run writes what events told from time to time until the context is done.
func (l *Ledger) Run(ctx context.Context) error {
	ticker := time.NewTicker(flushInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			// Nothing is lost after an error: the journal has it until a flush succeeds.
			_ = l.Flush()
		}
	}
}

// commit writes what is unsaved, and a state if it is not nil.
func (l *Ledger) commit(state *State) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	rows := slices.Collect(maps.Values(l.unsaved))
	l.mu.Unlock()
	if len(rows) == 0 && state == nil {
		return nil
	}
	if err := l.store.Commit(rows, state); err != nil {
		return fmt.Errorf("write transcriptions: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, row := range rows {
		if l.unsaved[row.ID] == row { // otherwise it has changed since
			delete(l.unsaved, row.ID)
		}
	}
	if state != nil {
		l.state, l.snapshot = *state, nil
	}
	return nil
}

// reading is what one reading of the listing has brought so far.
type reading struct {
	ledger *Ledger
	rows   map[string]Row
}

// add takes a page, and reports whether it told something new, and whether that holds of a
// transcription that began before a time.
func (r *reading) add(page []Row, began int64) (news, old bool, err error) {
	ids := make([]string, len(page))
	for i, row := range page {
		ids[i] = row.ID
	}
	r.ledger.mu.Lock()
	known, err := r.ledger.known(ids)
	r.ledger.mu.Unlock()
	if err != nil {
		return false, false, err
	}
	for _, row := range page {
		before, there := known[row.ID]
		staged, again := r.rows[row.ID]
		if again {
			row = staged.merge(row)
		}
		if merged := before.merge(row); there && merged == before {
			continue
		}
		if !again || row != staged {
			news = true
			old = old || !there && !again && row.Started < began
		}
		r.rows[row.ID] = row
	}
	return news, old, nil
}

// commit takes what was read, and makes it durable with the state.
func (r *reading) commit(state State, counted func() map[string]bool) error {
	l := r.ledger
	before := counted() // not with the lock held
	l.mu.Lock()
	var uncounted func(string) bool
	if !l.state.Complete {
		uncounted = func(label string) bool {
			c := l.counters[label]
			return before[label] || l.state.Exposed && c != nil && c.byStatus.Ended() > 0
		}
	}
	err := l.merge(slices.Collect(maps.Values(r.rows)), uncounted)
	l.mu.Unlock()
	if err != nil {
		return err
	}
	clear(r.rows)
	return l.commit(&state)
}
