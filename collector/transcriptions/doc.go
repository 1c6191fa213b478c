// Package transcriptions keeps the billable time of transcriptions. Each one counts once,
// whether it was listed, announced by a webhook, or both, in any order and any number of
// times.
//
// A [Ledger] has a row for each transcription ID, with the highest billable time seen. A
// [Reader] reads the list, and the feed applies events. Both only add facts, so neither has
// to wait for the other. A deleted transcription keeps its row.
package transcriptions
