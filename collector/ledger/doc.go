// Package ledger turns readings of rooms into counters that never fall and never count
// anything twice.
//
// Insights reports lifetime totals for each room. The ledger keeps the highest totals ever
// read for each room, and sums them by room prefix. Taking the maximum is commutative and
// idempotent: readings may repeat, arrive in any order, or come from overlapping polls, and
// a room may shrink or disappear, and the counters stay correct.
//
// A [Poll] collects the readings of one walk over the pages. Nothing of it is visible before
// [Poll.Commit], which first makes it durable in the [Store] and then publishes it as one
// immutable [Snapshot].
//
// The package has no network and no logger. Only [Ledger.Run] reads a clock.
package ledger
