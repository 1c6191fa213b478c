package ledger

import (
	"time"

	"whereby_exporter/collector/billing"
)

// Snapshot is the state of the account after a poll. It is immutable.
type Snapshot struct {
	// Prefixes are the figures by room prefix, sorted by prefix.
	Prefixes []PrefixUsage
	// Drift is what the ledger holds for the rooms of the last full poll, less
	// what Insights said of them: above 0 where Whereby lowered a figure.
	Drift Totals
	// DroppedPrefixes are counted under [OtherPrefix].
	DroppedPrefixes int
	// FullPoll is when the last full poll ended, PollStarted when the last poll of
	// any kind began.
	FullPoll, PollStarted time.Time
	// PollEnded is when the last page of the last poll was read; zero if no poll has
	// ended since the process began.
	PollEnded time.Time
	// SetAside counts the rooms whose rows could not be read when they were last seen.
	// They have the figures that were last read of them, and no part in Drift.
	SetAside int
	// Account is what all rooms used in the account's billing period.
	Account PeriodUsage
}

// PeriodUsage is what was used in a billing period: by the sessions that started in
// it, with all their minutes.
type PeriodUsage struct {
	Period billing.Period
	// Used is what is certain: all of it if Unread is 0.
	Used Totals
	// Unread counts the rooms of which it is not known how much of their totals is older
	// than the period, and those whose rows could not be read.
	Unread int64
	// Previous is the billing period before.
	Previous PreviousUsage
	// Since is what was used since each of [Options.Marks].
	Since []Since
}

// Known reports whether Used is all that was used.
func (u PeriodUsage) Known() bool { return u.Unread == 0 }

// PreviousUsage is what was used in the billing period before the present one. It moves
// while figures come late.
type PreviousUsage struct {
	Period billing.Period
	Used   Totals
	// Unread counts rooms as in [PeriodUsage]; Used is without them.
	Unread int64
	// Final is true once nothing of the period can change any more: [Closing] after its
	// end, if it was found out then what every room had used.
	Final bool
}

// PrefixUsage is what the rooms of one prefix come to.
type PrefixUsage struct {
	Prefix string
	// Totals sum the highest lifetime totals of every room ever seen.
	Totals
	// Rooms counts the rooms that the last full poll saw.
	Rooms int64
	PeriodUsage
}
