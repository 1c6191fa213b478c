// Package store implements the stores of other packages, on disk and in memory.
//
// On disk, everything is in the storage directory:
//
//   - [Bolt] is whereby.db: the rooms and totals of the ledger, the transcriptions (see
//     [Bolt.Transcriptions]) and the last reading of stored recordings (see
//     [Bolt.Recordings]).
//   - [Records] is quality.db: which participants were sampled, and the results.
//   - [Costs] is costs.json: the applied prices and the cost counters.
//   - [Points] is points.log: when points were spent.
//
// whereby.db and quality.db change only by whole, synced transactions, so a process that is
// killed at any moment leaves the state of the last commit. Each row has a checksum, and all
// rows are read when a file is opened. A damaged file is refused, and never repaired or
// overwritten. costs.json is replaced as a whole, and has a checksum too. points.log is
// written without waiting for the disk, because its records are worthless after a minute.
//
// [Memory], [NoRecords], [MemoryCosts] and [TranscriptionsInMemory] keep the same without a
// disk, until the process ends.
package store
