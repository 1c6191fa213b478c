// Package transcriptions keeps the billable time of transcriptions, each counted once whether
// it was listed, announced by webhooks, or both, in whatever order and however often.
//
// A [Ledger] has a row for each transcription by its id, with the highest billable time that
// was seen. A [Reader] reads the listing, and the feed applies events. Both only add facts, so
// neither has to wait for the other. A deleted transcription keeps its row.
package transcriptions
