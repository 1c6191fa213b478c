package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultPrefixLimit is how many room prefixes are exposed before further ones
// are counted together: far more than a company has customers, and what a
// Prometheus still takes from one target.
const DefaultPrefixLimit = 10_000

// Options say how rooms are summed.
type Options struct {
	// Classify gives the prefix of a room, or NonePrefix.
	Classify func(roomName string) string
	// PrefixLimit is the number of prefixes admitted; 0 is DefaultPrefixLimit.
	PrefixLimit int
}

// Ledger holds the account's usage. Its rows are in the store; in memory it keeps
// the sums by prefix, and a bit a room. It is safe for concurrent use.
type Ledger struct {
	store Store

	prefixes *prefixTable

	mu      sync.Mutex // held by whoever commits, while it writes to the store too
	state   State
	sums    map[string]*prefixSum // by label
	present IDSet
	nextID  uint32

	snapshot atomic.Pointer[Snapshot]
}

// Open reads the store. Where that holds a complete account, its figures are
// published at once.
func Open(store Store, o Options) (*Ledger, error) {
	if o.PrefixLimit == 0 {
		o.PrefixLimit = DefaultPrefixLimit
	}
	state, err := store.State()
	if err != nil {
		return nil, fmt.Errorf("read the ledger's state: %w", err)
	}
	present, err := store.Present()
	if err != nil {
		return nil, fmt.Errorf("read the rooms of the last full scan: %w", err)
	}
	l := &Ledger{
		store:    store,
		state:    state,
		prefixes: newPrefixTable(o.PrefixLimit, o.Classify, state.Prefixes),
		sums:     map[string]*prefixSum{},
		present:  present,
	}
	l.state.Prefixes = nil
	if err := l.recount(); err != nil {
		return nil, err
	}
	l.publish()
	return l, nil
}

// Snapshot returns the account after the last successful pass, or nil before the
// first complete one.
func (l *Ledger) Snapshot() *Snapshot { return l.snapshot.Load() }

// State returns when the last passes were. Its Prefixes are nil.
func (l *Ledger) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// Label is the value of the label room_prefix under which a room counts.
func (l *Ledger) Label(roomName string) string { return l.prefixes.label(roomName) }

// sum returns the sums of a label, for adding to them.
func (l *Ledger) sum(label string) *prefixSum {
	s := l.sums[label]
	if s == nil {
		s = &prefixSum{}
		l.sums[label] = s
	}
	return s
}

// recount sums all rows anew. It is the definition of the sums, which commits
// between two complete passes only bring forward by differences.
func (l *Ledger) recount() error {
	counted := map[string]*prefixSum{}
	nextID := l.nextID
	for row, err := range l.store.Rows("") {
		if err != nil {
			return fmt.Errorf("read the ledger's rooms: %w", err)
		}
		nextID = max(nextID, row.ID+1)
		label := l.prefixes.label(row.Name)
		sum := counted[label]
		if sum == nil {
			sum = &prefixSum{}
			counted[label] = sum
		}
		sum.Totals = sum.Totals.Add(row.Totals)
		sum.rows++
		if l.present.Has(row.ID) {
			sum.rooms++
		}
	}
	l.nextID = nextID
	for label, sum := range counted {
		*l.sum(label) = *sum
	}
	return nil
}

// merge commits readings together with a change, and brings the sums forward. The
// readings are compared with the store anew, because another pass may have raised
// its rows since. The IDs of the committed rows are added to seen.
func (l *Ledger) merge(readings []Row, seen *IDSet, change Change) error {
	slices.SortFunc(readings, func(a, b Row) int { return cmp.Compare(a.Name, b.Name) })
	names := make([]string, len(readings))
	for i := range readings {
		names[i] = readings[i].Name
	}
	known := make([]bool, len(readings))
	before := make([]Totals, len(readings))
	err := l.store.Get(names, func(i int, row Row) {
		known[i], before[i] = true, row.Totals
		readings[i] = row.merge(readings[i])
	})
	if err != nil {
		return fmt.Errorf("compare with the ledger: %w", err)
	}
	nextID := l.nextID
	for i := range readings {
		if !known[i] {
			readings[i].ID = nextID
			nextID++
		}
		seen.Add(readings[i].ID)
		l.prefixes.label(readings[i].Name) // so that a new prefix is saved with its first row
	}
	change.Rows, change.Prefixes = readings, l.prefixes.toSave()
	if err := l.store.Commit(change); err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	l.prefixes.saved(len(change.Prefixes))
	l.nextID = nextID
	for i, row := range readings {
		sum := l.sum(l.prefixes.label(row.Name))
		sum.Totals = sum.Totals.Add(row.Totals.Sub(before[i]))
		if !known[i] {
			sum.rows++
		}
	}
	return nil
}

// publish makes the present sums visible, all at once.
func (l *Ledger) publish() {
	if !l.state.Complete {
		return
	}
	s := &Snapshot{
		Prefixes:        make([]PrefixUsage, 0, len(l.sums)),
		Drift:           l.state.Drift,
		DroppedPrefixes: l.prefixes.droppedCount(),
		FullScan:        l.state.FullScan,
	}
	for prefix, sum := range l.sums {
		if sum.rows > 0 {
			s.Prefixes = append(s.Prefixes, PrefixUsage{Prefix: prefix, Totals: sum.Totals, Rooms: sum.rooms})
		}
	}
	slices.SortFunc(s.Prefixes, func(a, b PrefixUsage) int { return cmp.Compare(a.Prefix, b.Prefix) })
	l.snapshot.Store(s)
}

// Completion says what a pass was, for its commit.
type Completion struct {
	// Started is when the pass began.
	Started time.Time
	// Ended is when its last page was read.
	Ended time.Time
	// Complete is true where the pass read every page of the account.
	Complete bool
	// Sorted is true where the pages came in the order of the rooms' last sessions.
	Sorted bool
}
