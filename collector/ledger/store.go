package ledger

import (
	"iter"
	"time"

	"whereby_exporter/collector/prefix"
)

// Store keeps the ledger across restarts. Its implementations are in package store, and all
// pass the same tests.
//
// Get and Rows may be called at any time from any goroutine. Calls of Commit never overlap.
type Store interface {
	// State returns the last committed state, with the admitted prefixes in order.
	State() (State, error)
	// Present returns the rows that the last full poll saw.
	Present() (IDSet, error)
	// Unlisted returns the rows that full polls have missed, though they may still exist.
	Unlisted() (IDSet, error)
	// Counting returns what was last committed as [Change].Counting.
	Counting() (Counting, error)
	// Rows yields all rows whose name is from or follows it, ordered by name. An error ends
	// the sequence.
	Rows(from string) iter.Seq2[Row, error]
	// Get calls found for each name that has a row, with the name's index.
	Get(names []string, found func(i int, row Row)) error
	// Commit makes a change durable as a whole, or returns an error and changes
	// nothing.
	Commit(Change) error
	// Close waits for calls in progress. The store is not usable afterwards.
	Close() error
}

// State is what the ledger keeps in addition to its rows.
type State struct {
	// Complete is true once a poll over the whole account has succeeded.
	Complete bool
	// PollStarted is when the last successful poll began.
	PollStarted time.Time
	// PollEnded is when the last page of the last successful poll was read. A store need not
	// keep it.
	PollEnded time.Time
	// FullPoll is when the last full poll ended.
	FullPoll time.Time
	// FullPollStarted is the start of the last full poll since which every existing room has
	// been seen, by that poll or later.
	FullPollStarted time.Time
	// Drift is the ledger's figures for the rooms of the last full poll, minus those that
	// Insights reported.
	Drift Totals
	// Sorted is true if the last full poll came in the order of the rooms'
	// last sessions, so that a poll may stop early.
	Sorted bool
	// Aside are the rooms whose rows could not be read when they were last seen.
	Aside []string
	// Prefixes are the admitted room prefixes, in the order of their admission.
	Prefixes []string
}

// Counting records how rooms were counted when the store was last written.
type Counting struct {
	// Known is false if the store does not say.
	Known bool
	// Rules determine which prefix a room counted under.
	Rules prefix.Rules
	// Moved is a label's counters minus the sum of its rows: positive if the rules had moved
	// rooms away from it, negative if they had moved rooms to it.
	Moved map[string]Totals
	// MovedSince is the part of Moved that was used since a time, in seconds since 1970.
	MovedSince map[string]map[int64]Totals `json:",omitempty"`
}

// Change is what one commit writes to the store.
type Change struct {
	// Rows are new, or replace rows of the same name.
	Rows []Row
	// Prefixes are appended to the admitted ones.
	Prefixes []string
	// State replaces the stored state if not nil; its Prefixes are ignored.
	State *State
	// Present and Unlisted replace the stored sets if not nil.
	Present, Unlisted *IDSet
	// Counting replaces the stored one if not nil.
	Counting *Counting
}
