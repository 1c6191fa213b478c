// Package state is the one door to what survives a restart: the ledger, what is known of
// call quality, the live state with its event log, and the points that were spent. It is
// kept in a directory, or in memory only.
package state
