// Package store keeps the ledger: [Bolt] in a file, [Memory] in memory.
//
// The file is whereby.db in the storage directory. It is only ever changed by
// whole, synced transactions, so a process killed at any moment leaves the state
// of its last commit. Every row carries a checksum, and all rows are read when the
// file is opened: a damaged file is refused, never repaired or overwritten.
package store
