// Package families builds metric families: usage and quotas from the ledger's snapshot,
// live figures from the tracker's view, and call quality from the sampler's.
//
// Its functions only read their arguments, and return no family for a source that is off.
package families
