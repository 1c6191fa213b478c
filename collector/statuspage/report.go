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

// Source provides what the pages show.
type Source interface {
	// Report returns the current state, without rooms.
	Report() Report
	// List returns rooms of a prefix. The error is rooms.ErrCursor for an invalid cursor.
	List(ctx context.Context, q rooms.Query) (rooms.Listing, error)
	// Room returns a room and the prefix under which it counts.
	Room(name string) (room rooms.Room, prefix string, ok bool, err error)
	// Sessions requests the newest sessions of a room from Insights, which costs a read.
	// The error is ErrNoPoint if no points are left, ErrNoAnswer if Insights takes too
	// long.
	Sessions(ctx context.Context, room string) (sessions []whereby.RoomSession, more bool, err error)
}

// Errors of [Source.Sessions] that do not mean that Insights failed.
var (
	ErrNoPoint  = errors.New("no point of the rate limit was to be had")
	ErrNoAnswer = errors.New("no answer from Insights in time")
)

// Report is the state of the exporter at one time.
type Report struct {
	Now, Started time.Time
	Version      string
	// Customers are all room prefixes, including those of the configuration file.
	Customers []Customer
	// Account is the whole account; it has no prefix.
	Account  Customer
	Polls    Polls
	Points   Points
	Webhooks *Webhooks // nil if they are off
	// LiveDamaged is true if webhooks are off because the live state is damaged.
	LiveDamaged bool
	Reloads     Reloads
	// DroppedPrefixes count under prefix.Other.
	DroppedPrefixes int
	// DashboardURL is the address of Grafana; "" if unknown.
	DashboardURL string
}

// Customer is a room prefix and its usage.
type Customer struct {
	Prefix string
	Name   string // "" if the configuration file does not name the prefix
	// Namesake is true if another customer has the same name.
	Namesake bool
	// Known is true after the first full poll.
	Known bool
	Rooms int64
	// PeriodUsage is the usage of the current billing period and of the one before.
	ledger.PeriodUsage
	Costs Costs
	// Transcribed is the length of transcriptions in the same periods. It is undefined
	// unless HasTranscribed is true.
	Transcribed    transcriptions.Usage
	HasTranscribed bool
	People         int64 // in rooms now; undefined if webhooks are off
	Quotas         config.Quotas
	NearRatio      float64
}

// Configured reports whether the configuration file names the prefix.
func (c Customer) Configured() bool { return c.Name != "" }

// Polls says how fresh the figures are.
type Polls struct {
	Interval time.Duration
	// AsOf is when the poll that the figures are from began; zero before the first one.
	// It may have been in an earlier process.
	AsOf time.Time
	// Succeeded is when the last successful poll of this process ended, FullPoll when the
	// last full one of any process ended. Zero means never.
	Succeeded, FullPoll time.Time
	// Err is the error of the last poll, nil if it succeeded. Failed is when it failed, and
	// Failing how many have failed since the last success.
	Err     error
	Failed  time.Time
	Failing int
	// LastErr and LastErrAt are those of the last poll that failed, even if others have
	// succeeded since.
	LastErr   error
	LastErrAt time.Time
	// Pages is the number of pages that the first poll has read while it is in progress.
	Pages int
}

// Points are what the exporter spends of the organization's rate limit.
type Points struct {
	// Spent is what was spent in the last minute, Allowed what may be spent in one.
	Spent, Allowed int
	// Limit and Remaining are the organization's, from a response at At; At is zero
	// before the first.
	Limit, Remaining int
	At               time.Time
}

// Webhooks is the state of event delivery.
type Webhooks struct {
	LastEvent          time.Time // zero before the first
	Events, Duplicates int64
	Rejected           []Rejected // in a fixed order, including zeros
	Corrections        int64
	People, Rooms      int64 // in all rooms now
}

// Rejected counts requests that were rejected for a reason.
type Rejected struct {
	Reason string
	N      int64
}

// Reloads says which configuration is in force.
type Reloads struct {
	// Loaded is when it was read. Failed is when a later one was refused, or zero.
	Loaded, Failed time.Time
}

// periodOver returns the share of a period that had passed at a time.
func periodOver(p billing.Period, at time.Time) float64 {
	whole := p.End.Sub(p.Start)
	if whole <= 0 {
		return 0
	}
	return float64(at.Sub(p.Start)) / float64(whole)
}
