package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/prefix"
)

// Options determine how rooms are summed.
type Options struct {
	// Prefixes determines which prefix a room counts under. Configured prefixes have figures
	// even if none of their rooms was ever used.
	Prefixes prefix.Options
	// Calendar returns the billing calendar of a label. Account is the calendar of the whole
	// account. Nil means calendar months in UTC.
	Calendar func(label string) billing.Calendar
	Account  billing.Calendar
	// Limited reports whether a label has a quota for a billing period, so that its figures
	// are completed first. Nil means that none has.
	Limited func(label string) bool
	// Marks are further times from which usage is needed, in ascending order, in seconds since
	// 1970: those at which prices change.
	Marks []int64
	// Now is the current time. Later, Advance and Commit set it.
	Now time.Time
}

// Ledger holds the account's usage. Its rows are in the store; in memory, it keeps the sums by
// prefix and one bit per room. It is safe for concurrent use.
type Ledger struct {
	store Store

	prefixes atomic.Pointer[prefix.Table]

	mu      sync.Mutex // held during a commit, including its write to the store
	options Options
	now     time.Time
	account span
	unread  unreadQueue
	unsure  unsureRows
	state   State
	sums    map[string]*prefixSum // by label
	// moved is the counters of a label minus the sum of its rows: it differs from 0 because
	// the configuration has moved rooms to another label.
	moved map[string]Totals
	// movedSince is the same for the usage since the marks.
	movedSince movedSince
	// counting is committed with the next rows; nil if the store has it already.
	counting *Counting
	exist    existing
	nextID   uint32
	// aside are the rooms whose rows could not be read when they were last seen.
	aside map[string]struct{}

	snapshot atomic.Pointer[Snapshot]
	changed  chan struct{}
}

// Open reads the store. If the store holds a complete account, its figures are published
// immediately.
func Open(store Store, o Options) (*Ledger, error) {
	state, err := store.State()
	if err != nil {
		return nil, fmt.Errorf("read the ledger's state: %w", err)
	}
	present, err := store.Present()
	if err != nil {
		return nil, fmt.Errorf("read the rooms of the last full poll: %w", err)
	}
	counting, err := store.Counting()
	if err != nil {
		return nil, fmt.Errorf("read how rooms were counted: %w", err)
	}
	unlisted, err := store.Unlisted()
	if err != nil {
		return nil, fmt.Errorf("read the rooms that full polls have missed: %w", err)
	}
	l := &Ledger{store: store, state: state, exist: existing{listed: present, unlisted: unlisted}, moved: counting.Moved, movedSince: counting.MovedSince, changed: make(chan struct{}, 1)}
	l.aside = make(map[string]struct{}, len(state.Aside))
	for _, name := range state.Aside {
		l.aside[name] = struct{}{}
	}
	var before *prefix.Table
	if counting.Known && !counting.Rules.Equal(o.Prefixes.Rules()) {
		options, err := counting.Rules.Options()
		if err != nil {
			return nil, fmt.Errorf("read how rooms were counted: %w", err)
		}
		before = prefix.NewTable(options, state.Prefixes, nil)
	}
	if _, err := l.configure(o, counting, before, state.Prefixes, nil); err != nil {
		return nil, err
	}
	l.state.Prefixes, l.state.Aside = nil, nil
	// Rooms that were read since the last full poll have the highest IDs.
	l.exist.knownSince(present.end(), l.nextID)
	l.publish()
	return l, nil
}

// Configure replaces the options. From then on, rooms may count under other labels, and
// billing periods may differ. All figures change in one snapshot. Usage that was already
// counted under a label stays there. moved lists the labels that rooms have left or joined.
func (l *Ledger) Configure(o Options) (moved []string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	state, err := l.store.State()
	if err != nil {
		return nil, fmt.Errorf("read the ledger's prefixes: %w", err)
	}
	before := l.prefixes.Load()
	counting := Counting{Known: true, Rules: l.options.Prefixes.Rules()}
	moved, err = l.configure(o, counting, before, state.Prefixes, before.ToSave())
	if err != nil {
		return nil, err
	}
	l.publish()
	return moved, nil
}

// configure replaces the options by which the store was counted. before is their table, or nil
// if rooms count under the same labels.
func (l *Ledger) configure(o Options, counting Counting, before *prefix.Table, saved, unsaved []string) (moved []string, err error) {
	if o.Calendar == nil {
		o.Calendar = func(string) billing.Calendar { return billing.Calendar{} }
	}
	if o.Limited == nil {
		o.Limited = func(string) bool { return false }
	}
	options, prefixes, counters := l.options, l.prefixes.Load(), l.moved
	l.options = o
	l.prefixes.Store(prefix.NewTable(o.Prefixes, saved, unsaved))
	l.tell(o.Now)
	if err := l.recount(before); err != nil {
		l.options = options
		l.prefixes.Store(prefixes)
		return nil, err
	}
	if now := o.Prefixes.Rules(); !counting.Known || !now.Equal(counting.Rules) {
		// The store has the former rules until the next commit.
		l.counting = &Counting{Known: true, Rules: now, Moved: l.moved, MovedSince: l.movedSince}
	}
	for label, totals := range l.moved {
		if totals != counters[label] {
			moved = append(moved, label)
		}
	}
	slices.Sort(moved)
	return moved, nil
}

// Snapshot returns the account as of the last successful poll, or nil before the first
// complete one.
func (l *Ledger) Snapshot() *Snapshot { return l.snapshot.Load() }

// State returns the times of the last polls. Its Prefixes are nil.
func (l *Ledger) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// ShownMinutes returns the participant minutes that Insights has shown for rooms, or 0 if it
// has shown none yet. ok is false before the first full poll.
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

// Label returns the value of the label room_prefix that a room counts under.
func (l *Ledger) Label(roomName string) string { return l.prefixes.Load().Label(roomName) }

// sum returns the sums of a label, which may be added to.
func (l *Ledger) sum(label string) *prefixSum {
	s := l.sums[label]
	if s == nil {
		s = newPrefixSum(l.spans(label), l.options.Marks)
		l.sums[label] = s
	}
	return s
}

// recount sums all rows for the current billing periods. It defines the sums; commits between
// two full polls only add differences. before is the former table if labels have changed, or
// nil: the former usage of a room stays with its former label.
func (l *Ledger) recount(before *prefix.Table) error {
	sums, unread, unsure := l.sums, l.unread, l.unsure
	l.sums, l.unread, l.unsure = make(map[string]*prefixSum, len(sums)), unreadQueue{}, unsureRows{}
	moved, since := map[string]Totals{}, movedSince{}
	nextID := l.nextID
	for row, err := range l.store.Rows("") {
		if err != nil {
			l.sums, l.unread, l.unsure = sums, unread, unsure
			return fmt.Errorf("read the ledger's rooms: %w", err)
		}
		nextID = max(nextID, row.ID+1)
		label := l.Label(row.Name)
		sum := l.sum(label)
		sum.add(row)
		if l.exist.listed.Has(row.ID) {
			sum.rooms++
		}
		l.noteUnread(label, sum, row)
		row.Ends = max(row.Ends, unsure.rows[row.ID].ends)
		l.unsure.note(row)
		if before == nil {
			continue
		}
		if was := before.Label(row.Name); was != label {
			moved[was] = moved[was].Add(row.Totals)
			moved[label] = moved[label].Sub(row.Totals)
			since.move(row, l.options.Marks, was, label)
		}
	}
	l.sortUnread()
	l.move(moved)
	l.movedSince = l.movedSince.plus(since)
	l.nextID, l.account = nextID, spanAt(l.options.Account, l.now)
	return nil
}

// move adds to the differences between counters and the sums of rows.
func (l *Ledger) move(moved map[string]Totals) {
	all := maps.Clone(l.moved)
	if all == nil {
		all = map[string]Totals{}
	}
	for label, totals := range moved {
		all[label] = all[label].Add(totals)
	}
	maps.DeleteFunc(all, func(_ string, totals Totals) bool { return totals == Totals{} })
	l.moved = all
}

// replaced is a row and the one that it replaces, which has no name if the room is new.
type replaced struct{ before, after Row }

// merge commits readings together with other rows and a change, and updates the sums. It
// compares the readings with the store again, because another poll may have raised its rows
// since. It adds the IDs of their rows to seen.
func (l *Ledger) merge(readings []Row, others []replaced, seen *IDSet, change Change) error {
	slices.SortFunc(readings, func(a, b Row) int { return cmp.Compare(a.Name, b.Name) })
	names := make([]string, len(readings))
	for i := range readings {
		names[i] = readings[i].Name
	}
	rows := make([]replaced, len(readings), len(readings)+len(others))
	err := l.store.Get(names, func(i int, row Row) { rows[i].before = row })
	if err != nil {
		return fmt.Errorf("compare with the ledger: %w", err)
	}
	nextID := l.nextID
	for i, reading := range readings {
		sum := l.sum(l.Label(reading.Name)) // so that a new prefix is saved with its first row
		before := rows[i].before
		if before.Name == "" {
			reading.ID = nextID
			nextID++
		} else {
			polls := l.state
			if _, aside := l.aside[reading.Name]; aside || l.exist.missed.Has(before.ID) {
				polls = State{} // they have not read it
			}
			reading = before.raisedTo(before.merge(reading), polls, sum.starts())
		}
		rows[i].after = reading
		seen.Add(reading.ID)
	}
	if err := l.replace(append(rows, others...), change); err != nil {
		return err
	}
	l.nextID = nextID
	return nil
}

// replace commits rows together with a change, and updates the sums.
func (l *Ledger) replace(rows []replaced, change Change) error {
	change.Rows = make([]Row, len(rows))
	for i := range rows {
		change.Rows[i] = rows[i].after
	}
	change.Prefixes, change.Counting = l.prefixes.Load().ToSave(), l.counting
	if err := l.store.Commit(change); err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	l.prefixes.Load().Saved(len(change.Prefixes))
	l.counting = nil
	for _, row := range rows {
		label := l.Label(row.after.Name)
		sum := l.sum(label)
		if row.before.Name != "" {
			sum.take(row.before)
		}
		sum.add(row.after)
		l.noteRaised(label, sum, row.before, row.after)
		l.unsure.note(row.after)
	}
	return nil
}

// publish makes the sums visible at once.
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
	for label := range l.moved {
		l.sum(label)
	}
	aside := l.asideByLabel()
	for label := range aside {
		l.sum(label)
	}
	var account usageSum
	var since []Since
	for label, sum := range l.sums {
		account = account.plus(sum.usage[scopeAccount])
		since = plusSince(since, sum.since)
		moved, leftOthers := l.moved[label]
		if sum.rows == 0 && !leftOthers && aside[label] == 0 && !l.prefixes.Load().Configured(label) {
			continue
		}
		usage := PrefixUsage{
			Prefix:      label,
			Totals:      sum.Add(moved),
			Rooms:       sum.rooms,
			PeriodUsage: sum.usage[scopePrefix].shown(sum.spans[scopePrefix], aside[label], l.state.FullPollStarted),
		}
		usage.Since = l.shownSince(label, sum.since)
		s.Prefixes = append(s.Prefixes, usage)
	}
	s.Account = account.shown(l.account, int64(len(l.aside)), l.state.FullPollStarted)
	s.Account.Since = since
	slices.SortFunc(s.Prefixes, func(a, b PrefixUsage) int { return cmp.Compare(a.Prefix, b.Prefix) })
	l.snapshot.Store(s)
	select {
	case l.changed <- struct{}{}:
	default: // it is known already
	}
}

// Changed returns a channel that receives after the snapshot has changed, once for several
// changes.
func (l *Ledger) Changed() <-chan struct{} { return l.changed }

// Completion describes a poll that is being committed.
type Completion struct {
	// Started is when the poll began.
	Started time.Time
	// Ended is when its last page was read.
	Ended time.Time
	// Complete is true if the poll read every page of the account.
	Complete bool
	// OnePage is true if the account was a single page, which shows all rooms at one moment.
	OnePage bool
	// Named is true if rooms were only asked for by name.
	Named bool
	// Sorted is true if the pages came in the order of the rooms' last sessions.
	Sorted bool
}
