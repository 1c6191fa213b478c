// Package poller reads the account's rooms from Insights into the ledger, on a
// schedule and within the points budget.
//
// A full poll reads every page. It opens the ledger, and is repeated once in a
// while in the background. In between, short polls read the rooms in the order
// of their last sessions, latest first, and stop where nothing can have changed:
// their cost follows what is in use, not what exists.
//
// # Where a short poll stops
//
// At the first page of known rooms that were last used 2 hours before the poll
// before began. Rooms further down whose totals rose within 2 hours, such as one
// with a meeting of days, are asked for by name, or the poll reads on to them,
// whichever takes fewer requests. Every 15 minutes, and after a start, a poll looks
// 24 hours back: for sessions that came late or were silent for hours.
//
// If rooms that were never used come first, a poll starts at a page that began with
// such a room before, and goes back to earlier ones if that page no longer does.
//
// # Failures
//
// A poll counts as a whole. A full one that fails is reported, keeps its place, and
// goes on from the page that failed when the next one is due. It starts again if
// Insights refuses the page's cursor, if pages lead nowhere, or after 6 hours.
//
// # Rooms that a full poll misses
//
// Rooms that are deleted while pages are read hide others. So rooms that were there before
// and that a full poll has not seen are asked for by name in the background, once each,
// unless the account is a single page. Until then the poll does not count as one that has
// read the whole account.
//
// # First figures
//
// What the first poll does not see nobody can ask for. So it reads all pages again until
// no old room appears that it has not seen. A single page needs no second look.
//
// # Order
//
// That Insights can sort on lastSessionStartedAt is not documented, so every poll
// checks the order of what came back. Rooms that move while pages are read break it
// too, so one poll proves nothing: it stops where it would have stopped, and makes a
// full poll due in the background. If several polls in a row find more than a few
// pages out of order, or if the API refuses the order, every poll is a full one in
// the background.
package poller
