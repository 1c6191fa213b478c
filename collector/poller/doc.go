// Package poller reads the account's rooms from Insights into the ledger, on a schedule and
// within the points budget.
//
// A full poll reads every page. The first one opens the ledger; later ones run in the
// background from time to time. In between, short polls read the rooms by the time of their
// last session, latest first, and stop where nothing can have changed. So their cost depends
// on how many rooms are in use, not on how many exist.
//
// # Where a short poll stops
//
// A short poll stops at the first page of known rooms that were last used 2 hours before
// the previous poll began. Rooms further down whose totals rose in the last 2 hours, such as
// a room with a meeting that lasts for days, are read as well: by name, or by reading on to
// them, whichever takes fewer requests. Every 15 minutes, and after startup, a poll looks
// back 24 hours, for sessions that arrived late or showed no change for hours.
//
// If rooms that were never used come first, a poll starts at a page that began with such a
// room before. If the page no longer does, it goes back to earlier pages.
//
// # Failures
//
// A poll counts as a whole. A full poll that fails is reported, keeps its position, and
// continues from the failed page when the next full poll is due. It starts over if Insights
// rejects the page's cursor, if pages lead nowhere, or after 6 hours.
//
// # Rooms that a full poll misses
//
// If rooms are deleted while pages are being read, other rooms move to pages that were
// already read. So rooms that existed before and that a full poll has not seen are asked for
// by name in the background, once each, unless the account is a single page. Until then, the
// poll does not count as having read the whole account.
//
// # First figures
//
// There is no earlier poll to compare the first one with. So the first poll reads all pages
// again, until no old room appears that it has not seen. A single page is read once.
//
// # Order
//
// That Insights can sort by lastSessionStartedAt is not documented, so every poll checks the
// order of the rows. Rooms that move while pages are being read also break the order, so one
// poll proves nothing: it stops where it would have stopped, and makes a full poll due in
// the background. If several polls in a row find more than a few pages out of order, or if
// the API rejects the order, every poll is a full one in the background.
package poller
