// Package backfill writes an account's past usage as OpenMetrics text, from which
// promtool makes blocks for Prometheus.
//
// The series are the exporter's lifetime counters, so that they join the live ones. At
// any time their value is the sum over the sessions that had started by then, each with
// all its minutes: as in a billing period, a session belongs to the moment at which it
// started. Two things hold a counter to what the exporter shows from the end of the
// history on:
//
//   - A session that was not over by [SeamAge] before the end is left out, with its start:
//     it is the live counter that brings it. So the history does not end above the first
//     live sample, which would look like a counter that was reset.
//   - What a room's lifetime totals hold beyond its listed sessions stands in the first
//     sample already, so that no day gets it. Where the sessions exceed the totals, the
//     oldest are cut.
//
// To follow the data, read run.go: the rooms are listed (rooms.go), then the sessions of
// those that need it (listing.go), then, where asked for, their participants (people.go).
// All goes to files in a work directory (work.go), so that a run can be stopped and goes
// on where it was. What they hold is sorted on disk (sorter.go, changes.go) and written
// (emit.go).
package backfill
