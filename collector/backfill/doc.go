// Package backfill writes an account's past usage as OpenMetrics text, from which promtool
// creates blocks for Prometheus.
//
// The series are the exporter's lifetime counters, so that the history joins the live
// series. The value of a counter at a time is the sum over the sessions that had started
// by then, each with all its minutes. As in a billing period, a session counts at the
// moment it started. Two rules make the end of the history match what the exporter shows
// from then on:
//
//   - A session that had not ended by [SeamAge] before the end is left out entirely: the
//     live counter adds it. So the history does not end above the first live sample, which
//     would look like a counter reset.
//   - The part of a room's lifetime totals that its listed sessions do not explain is in the
//     first sample, so that no day gets it. If the sessions exceed the totals, the oldest
//     are cut.
//
// To follow the data, read run.go: it lists the rooms (rooms.go), then the sessions of the
// rooms that need it (listing.go), then, if requested, their participants (people.go).
// All of it goes to files in a work directory (work.go), so that a stopped run continues
// where it was. The files are sorted on disk (sorter.go, changes.go) and written out
// (emit.go).
package backfill
