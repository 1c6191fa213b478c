package transcriptions

import (
	"iter"
	"time"
)

// Store keeps the ledger across restarts. Get and Rows may be called at any time from any
// goroutine; calls of Commit never overlap.
type Store interface {
	// State returns what was last committed of it.
	State() (State, error)
	// Rows yields all rows. An error ends the sequence.
	Rows() iter.Seq2[Row, error]
	// Get calls found for each id that has a row.
	Get(ids []string, found func(Row)) error
	// Commit makes rows, which are new or replace those of the same id, and the state if it
	// is not nil, durable as a whole.
	Commit(rows []Row, state *State) error
}

// State is what the ledger keeps next to its rows.
type State struct {
	// Complete is true once the listing was read to its end.
	Complete bool `json:"complete"`
	// Read is when the listing was last read, and FullRead when the last reading to its end
	// began.
	Read     time.Time `json:"read"`
	FullRead time.Time `json:"full_read"`
	// Refused is true if the account may not list transcriptions, or has no such endpoint.
	Refused bool `json:"refused"`
	// Exposed is true if counts by status were exposed that rest on events alone.
	Exposed bool `json:"exposed"`
	// Aside are the rooms with transcriptions whose rows could not be read; "" is one that
	// the row does not name.
	Aside []string `json:"aside,omitempty"`
}
