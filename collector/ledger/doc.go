// Package ledger turns readings of rooms into counters that never fall and never
// count twice.
//
// Insights gives lifetime totals a room. The ledger keeps the highest totals ever
// read of each room, and sums them by room prefix. "Highest" is a join: readings
// may come twice, in any order and from overlapping polls, and a room may vanish
// or shrink, without a counter being wrong.
//
// A [Poll] collects the readings of one walk over the pages. Nothing that it read
// is seen from outside before [Poll.Commit], which first makes it durable in the
// [Store] and then publishes one immutable [Snapshot].
//
// The package has no clock, no network and no logger.
package ledger
