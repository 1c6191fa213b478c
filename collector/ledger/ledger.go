package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/prefix"
)

// Options say how rooms are summed.
type Options struct {
	// Prefixes say which prefix a room counts under. The configured ones have figures
	// even if no room of theirs was ever used.
	Prefixes prefix.Options
	// Calendar gives the billing calendar of a label, Account is the whole account's.
	// Nil stands for calendar months in UTC.
	Calendar func(label string) billing.Calendar
	Account  billing.Calendar
	// Now is the time; Advance and Commit tell it from then on.
	Now time.Time
}

// Ledger holds the account's usage. Its rows are in the store; in memory it keeps
// the sums by prefix, and a bit a room. It is safe for concurrent use.
type Ledger struct {
	store Store

	prefixes atomic.Pointer[prefix.Table]

	mu      sync.Mutex // held by whoever commits, while it writes to the store too
	options Options
	now     time.Time
	account billing.Period
	// accountKnown is as known of a prefixSum.
	accountKnown bool
	openings     missingList
	state        State
	sums         map[string]*prefixSum // by label
	present      IDSet
	nextID       uint32
	// aside are the rooms whose rows could not be read when they were last seen, and
	// whether a row of theirs was read before.
	aside map[string]bool

	snapshot atomic.Pointer[Snapshot]
	changed  chan struct{}
}

// Open reads the store. Where that holds a complete account, its figures are
// published at once.
func Open(store Store, o Options) (*Ledger, error) {
	state, err := store.State()
	if err != nil {
		return nil, fmt.Errorf("read the ledger's state: %w", err)
	}
	present, err := store.Present()
	if err != nil {
		return nil, fmt.Errorf("read the rooms of the last full poll: %w", err)
	}
	l := &Ledger{store: store, state: state, present: present, changed: make(chan struct{}, 1)}
	if err := l.configure(o, state.Prefixes, nil); err != nil {
		return nil, err
	}
	l.state.Prefixes = nil
	l.publish()
	return l, nil
}

// Configure replaces the options: rooms may count under other labels from then on, and
// billing periods may be others. All figures change in one snapshot.
func (l *Ledger) Configure(o Options) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	state, err := l.store.State()
	if err != nil {
		return fmt.Errorf("read the ledger's prefixes: %w", err)
	}
	if err := l.configure(o, state.Prefixes, l.prefixes.Load().ToSave()); err != nil {
		return err
	}
	l.publish()
	return nil
}

func (l *Ledger) configure(o Options, saved, unsaved []string) error {
	if o.Calendar == nil {
		o.Calendar = func(string) billing.Calendar { return billing.Calendar{} }
	}
	options, prefixes := l.options, l.prefixes.Load()
	l.options = o
	l.prefixes.Store(prefix.NewTable(o.Prefixes, saved, unsaved))
	l.tell(o.Now)
	if err := l.recount(); err != nil {
		l.options = options
		l.prefixes.Store(prefixes)
		return err
	}
	return nil
}

// Snapshot returns the account after the last successful poll, or nil before the
// first complete one.
func (l *Ledger) Snapshot() *Snapshot { return l.snapshot.Load() }

// State returns when the last polls were. Its Prefixes are nil.
func (l *Ledger) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// ShownMinutes are the participant minutes that Insights has shown of rooms, 0 for those
// that it has not shown yet. ok is false before the first full poll.
func (l *Ledger) ShownMinutes(roomNames []string) (minutes map[string]int64, ok bool, err error) {
	minutes = make(map[string]int64, len(roomNames))
	for _, name := range roomNames {
		minutes[name] = 0
	}
	err = l.store.Get(roomNames, func(_ int, row Row) { minutes[row.Name] = row.ParticipantMinutes })
	if err != nil {
		return nil, false, fmt.Errorf("look up rooms: %w", err)
	}
	return minutes, l.Snapshot() != nil, nil
}

// Label is the value of the label room_prefix under which a room counts.
func (l *Ledger) Label(roomName string) string { return l.prefixes.Load().Label(roomName) }

// sum returns the sums of a label, for adding to them.
func (l *Ledger) sum(label string) *prefixSum {
	s := l.sums[label]
	if s == nil {
		s = &prefixSum{periods: l.periods(label)}
		l.sums[label] = s
	}
	return s
}

// recount sums all rows anew, for the billing periods of now. It is the definition of
// the sums, which commits between two complete polls only bring forward by
// differences.
func (l *Ledger) recount() error {
	before := l.sums
	l.sums = make(map[string]*prefixSum, len(before))
	for label, sum := range before {
		l.sums[label] = sum.next(l.periods(label))
	}
	account := l.options.Account.At(l.now)
	l.accountKnown = l.accountKnown && (account.Start.Equal(l.account.Start) || account.Start.Equal(l.account.End))
	nextID := l.nextID
	for row, err := range l.store.Rows("") {
		if err != nil {
			l.sums = before
			return fmt.Errorf("read the ledger's rooms: %w", err)
		}
		nextID = max(nextID, row.ID+1)
		sum := l.sum(l.Label(row.Name))
		sum.add(row)
		if l.present.Has(row.ID) {
			sum.rooms++
		}
	}
	l.nextID, l.account = nextID, account
	l.openings = missingList{partial: true}
	return nil
}

// merge commits readings together with a change, and brings the sums forward. The
// readings are compared with the store anew, because another poll may have raised
// its rows since. The IDs of the committed rows are added to seen.
func (l *Ledger) merge(readings []Row, seen *IDSet, change Change) error {
	slices.SortFunc(readings, func(a, b Row) int { return cmp.Compare(a.Name, b.Name) })
	names := make([]string, len(readings))
	for i := range readings {
		names[i] = readings[i].Name
	}
	known := make([]bool, len(readings))
	before := make([]Row, len(readings))
	err := l.store.Get(names, func(i int, row Row) {
		known[i], before[i] = true, row
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
		l.Label(readings[i].Name) // so that a new prefix is saved with its first row
	}
	change.Rows, change.Prefixes = readings, l.prefixes.Load().ToSave()
	if err := l.store.Commit(change); err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	l.prefixes.Load().Saved(len(change.Prefixes))
	l.nextID = nextID
	for i, row := range readings {
		sum := l.sum(l.Label(row.Name))
		if known[i] {
			sum.take(before[i])
		}
		sum.add(row)
		if _, any := l.missing(row); any {
			l.openings.add(row.Name)
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
		DroppedPrefixes: l.prefixes.Load().Dropped(),
		FullPoll:        l.state.FullPoll,
		PollStarted:     l.state.PollStarted,
		PollEnded:       l.state.PollEnded,
		SetAside:        len(l.aside),
	}
	for _, label := range l.options.Prefixes.Configured {
		l.sum(label)
	}
	var account Totals
	var missing int64
	neverRead := l.neverRead()
	for label, sum := range l.sums {
		account = account.Add(sum.used[scopeAccount])
		missing += sum.missing[scopeAccount]
		if sum.rows == 0 && !l.prefixes.Load().Configured(label) {
			continue
		}
		sum.settle()
		s.Prefixes = append(s.Prefixes, PrefixUsage{
			Prefix: label,
			Totals: sum.Totals,
			Rooms:  sum.rooms,
			PeriodUsage: PeriodUsage{
				Period: sum.periods[scopePrefix], Used: sum.used[scopePrefix], Known: sum.known[scopePrefix] && !neverRead[label],
			},
		})
	}
	l.accountKnown = l.accountKnown || missing == 0
	s.Account = PeriodUsage{Period: l.account, Used: account, Known: l.accountKnown && len(neverRead) == 0}
	slices.SortFunc(s.Prefixes, func(a, b PrefixUsage) int { return cmp.Compare(a.Prefix, b.Prefix) })
	l.snapshot.Store(s)
	select {
	case l.changed <- struct{}{}:
	default: // it is known already
	}
}

// Changed receives after the snapshot has changed, once for several changes.
func (l *Ledger) Changed() <-chan struct{} { return l.changed }

// Completion says what a poll was, for its commit.
type Completion struct {
	// Started is when the poll began.
	Started time.Time
	// Ended is when its last page was read.
	Ended time.Time
	// Complete is true where the poll read every page of the account.
	Complete bool
	// Sorted is true where the pages came in the order of the rooms' last sessions.
	Sorted bool
}
