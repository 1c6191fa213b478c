// Package scrape serves /metrics when most of it changes far less often than it
// is read.
//
// Usage may be hundreds of thousands of series, and changes once a poll. So it is
// handed over as a [Rendered] snapshot, whose bytes are made once for each format
// and compression that scrapes ask for. A scrape is then those bytes, followed by
// the few series of an ordinary registry, gathered and encoded anew.
//
// Formats, their negotiation and the encoding itself are client_golang's: every
// byte comes from its encoders. Only compression is put together here.
package scrape
