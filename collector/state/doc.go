// Package state opens and closes everything that survives a restart: the ledger, with
// transcriptions and stored recordings, the call quality samples, what was charged, the live
// state with its event log, and the record of spent points. It is kept in a directory, or in
// memory only.
package state
