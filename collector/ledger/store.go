package ledger

import (
	"iter"
	"time"

	"whereby_exporter/collector/prefix"
)

// Store keeps the ledger across restarts. Its implementations are in the package
// store besides this one; all pass the same tests.
//
// Get and Rows may be called at any time from any goroutine; calls of Commit
// never overlap.
type Store interface {
	// State returns what was last committed, and the admitted prefixes in order.
	State() (State, error)
	// Present returns the rows that the last full poll saw.
	Present() (IDSet, error)
	// Unlisted returns the rows that full polls have missed, though they may still exist.
	Unlisted() (IDSet, error)
	// Counting returns what was last committed of it.
	Counting() (Counting, error)
	// Rows yields all rows whose name is from or comes after it, in the order of
	// their names. An error ends the sequence.
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
	// PollEnded is when the last page of the last successful poll was read. It need not
	// be kept.
	PollEnded time.Time
	// FullPoll is when the last full poll ended.
	FullPoll time.Time
	// FullPollStarted is when the last one began since when every room that exists has been
	// seen, by it or later.
	FullPollStarted time.Time
	// Drift is what the ledger holds for the rooms of the last full poll, less
	// what Insights said of them.
	Drift Totals
	// Sorted is true if the last full poll came in the order of the rooms'
	// last sessions, so that a poll may stop early.
	Sorted bool
	// Aside are the rooms whose rows could not be read when they were last seen.
	Aside []string
	// Prefixes are the admitted room prefixes, in the order of their admission.
	Prefixes []string
}

// Counting is how rooms were counted when the store was last written.
type Counting struct {
	// Known is false in a store that does not say.
	Known bool
	// Rules say which prefix a room counted under.
	Rules prefix.Rules
	// Moved is what counters stood above the sum of a label's rows, because the rules had
	// moved rooms from it; below 0, because they had moved rooms to it.
	Moved map[string]Totals
	// MovedSince is the part of it that was used since a time, in seconds since 1970.
	MovedSince map[string]map[int64]Totals `json:",omitempty"`
}

// Change is what one commit puts into the store.
type Change struct {
	// Rows are new, or replace those of the same name.
	Rows []Row
	// Prefixes are appended to the admitted ones.
	Prefixes []string
	// State replaces the stored one where not nil; its Prefixes are ignored.
	State *State
	// Present and Unlisted replace the stored sets where not nil.
	Present, Unlisted *IDSet
	// Counting replaces the stored one where not nil.
	Counting *Counting
}
