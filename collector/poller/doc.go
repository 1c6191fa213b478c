// Package poller reads the account's rooms from Insights into the ledger, on a
// schedule and within the points budget.
//
// A full poll reads every page. It opens the ledger, and is repeated once in a
// while in the background. In between, short polls read the rooms in the order
// of their last sessions, latest first, and stop where nothing can have changed:
// their cost follows what was used, not what exists.
//
// That Insights can sort on lastSessionStartedAt is not documented, so every poll
// checks the order of what came back. Where the order does not hold or the API
// refuses it, every poll is a full one.
package poller
