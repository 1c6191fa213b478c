package statuspage

import (
	"context"
	"errors"
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/rooms"
	"whereby_exporter/collector/transcriptions"
	"whereby_exporter/whereby"
)

// Source knows what the pages show.
type Source interface {
	// Report returns all that is known now but for rooms.
	Report() Report
	// List finds rooms of a prefix. A cursor that it did not give is rooms.ErrCursor.
	List(ctx context.Context, q rooms.Query) (rooms.Listing, error)
	// Room finds a room and the prefix under which it counts.
	Room(name string) (room rooms.Room, prefix string, ok bool, err error)
	// Sessions asks Insights for the newest sessions of a room; it costs a read.
	// The error is ErrNoPoint if there was none to be had, ErrNoAnswer where Insights
	// took too long.
	Sessions(ctx context.Context, room string) (sessions []whereby.RoomSession, more bool, err error)
}

// Errors of [Source.Sessions] that say nothing bad of Insights.
var (
	ErrNoPoint  = errors.New("no point of the rate limit was to be had")
	ErrNoAnswer = errors.New("no answer from Insights in time")
)

// Report is what the exporter knows at one time.
type Report struct {
	Now, Started time.Time
	Version      string
	// Customers are all room prefixes, those of the configuration file too.
	Customers []Customer
	// Account is the whole account; it has no prefix.
	Account  Customer
	Polls    Polls
	Points   Points
	Webhooks *Webhooks // nil if they are off
	// LiveDamaged is true if they are off because the live state is damaged.
	LiveDamaged bool
	Reloads     Reloads
	// DroppedPrefixes count under prefix.Other.
	DroppedPrefixes int
	// DashboardURL is where Grafana is; "" if that is not known.
	DashboardURL string
}

// Customer is a room prefix and its use of the billing period.
type Customer struct {
	Prefix string
	Name   string // "" if the configuration file does not name the prefix
	// Namesake is true if another customer has the same name.
	Namesake bool
	// Known is true once a full poll has been.
	Known bool
	Rooms int64
	// What was used in the period, and in the one before.
	ledger.PeriodUsage
	Costs Costs
	// Transcribed is of transcriptions in the same periods; it is meaningless unless
	// HasTranscribed.
	Transcribed    transcriptions.Usage
	HasTranscribed bool
	People         int64 // in rooms now; meaningless where webhooks are off
	Quotas         config.Quotas
	NearRatio      float64
}

// Configured reports whether the configuration file names the prefix.
func (c Customer) Configured() bool { return c.Name != "" }

// Polls is how fresh the figures are.
type Polls struct {
	Interval time.Duration
	// AsOf is when the poll began that the figures are of; zero before the first. It
	// may have been in an earlier process.
	AsOf time.Time
	// Succeeded is when the last successful poll of this process ended, FullPoll when
	// the last complete one of any process did. Zero is never.
	Succeeded, FullPoll time.Time
	// Err is why the last poll failed, nil if it did not; Failed is when it did,
	// Failing how many failed since the last success.
	Err     error
	Failed  time.Time
	Failing int
	// LastErr and LastErrAt are of the last poll that failed, even where others have
	// succeeded since.
	LastErr   error
	LastErrAt time.Time
	// Pages have been read of the first poll, and are of no use before it is over.
	Pages int
}

// Points are what the exporter spends of the organization's rate limit.
type Points struct {
	// Spent is of the last minute, Allowed what may be spent in one.
	Spent, Allowed int
	// Limit and Remaining are the organization's, as an answer told them at At; At is
	// zero if none has yet.
	Limit, Remaining int
	At               time.Time
}

// Webhooks is how event delivery goes.
type Webhooks struct {
	LastEvent          time.Time // zero before the first
	Events, Duplicates int64
	Rejected           []Rejected // in a fixed order, zeros too
	Corrections        int64
	People, Rooms      int64 // in all rooms now
}

// Rejected counts requests that were rejected for a reason.
type Rejected struct {
	Reason string
	N      int64
}

// Reloads is what configuration is in force.
type Reloads struct {
	// Loaded is when it was read; Failed when one that came later was refused, zero
	// if none was.
	Loaded, Failed time.Time
}

// periodOver is which share of a period had passed at a time.
func periodOver(p billing.Period, at time.Time) float64 {
	whole := p.End.Sub(p.Start)
	if whole <= 0 {
		return 0
	}
	return float64(at.Sub(p.Start)) / float64(whole)
}
