package ledger

import (
	"time"

	"whereby_exporter/collector/billing"
)

// Snapshot is the state of the account after a poll. It is immutable.
type Snapshot struct {
	// Prefixes are the figures by room prefix, sorted by prefix.
	Prefixes []PrefixUsage
	// Drift is the ledger's figures for the rooms of the last full poll, minus those that
	// Insights reported: positive if Whereby lowered a figure.
	Drift Totals
	// DroppedPrefixes are counted under [OtherPrefix].
	DroppedPrefixes int
	// FullPoll is when the last full poll ended. PollStarted is when the last poll of any kind
	// began.
	FullPoll, PollStarted time.Time
	// PollEnded is when the last page of the last poll was read, or zero if no poll has ended
	// since the process started.
	PollEnded time.Time
	// SetAside counts the rooms whose rows could not be read when they were last seen. They
	// keep their last figures, and are not part of Drift.
	SetAside int
	// Account is what all rooms used in the account's billing period.
	Account PeriodUsage
}

// PeriodUsage is the usage in a billing period: that of the sessions that started in it, with
// all their minutes.
type PeriodUsage struct {
	Period billing.Period
	// Used is the part that is certain: all of it if Unread is 0.
	Used Totals
	// Unread counts the rooms for which it is unknown how much of their totals is older than
	// the period, and those whose rows could not be read.
	Unread int64
	// Previous is the billing period before.
	Previous PreviousUsage
	// Since is what was used since each of [Options.Marks].
	Since []Since
}

// Known reports whether Used is all that was used.
func (u PeriodUsage) Known() bool { return u.Unread == 0 }

// PreviousUsage is the usage in the previous billing period. It changes while figures arrive
// late.
type PreviousUsage struct {
	Period billing.Period
	Used   Totals
	// Unread counts rooms as in [PeriodUsage]. Used does not include them.
	Unread int64
	// Final is true once nothing in the period can change any more: [Closing] after its end,
	// if the usage of every room had been determined by then.
	Final bool
}

// PrefixUsage is the usage of the rooms of one prefix.
type PrefixUsage struct {
	Prefix string
	// Totals sum the highest lifetime totals of every room ever seen.
	Totals
	// Rooms counts the rooms that the last full poll saw.
	Rooms int64
	PeriodUsage
}
