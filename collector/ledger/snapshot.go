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
	// PollEnded is when the last page of the last poll was read; zero where no poll has
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
	Used   Totals
	// Known is false until it has been read, of every room that is older than the
	// period and was used in it, how much of its totals is older; and while there is a
	// room of which no row could ever be read.
	Known bool
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
