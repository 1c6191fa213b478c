// Package families lays out what is known as metric families: usage and quotas from the
// ledger's snapshot, live figures from the tracker's view, and call quality from the
// sample.
//
// Its functions only read what they are given, and give no family for a source that is
// off.
package families
