// Package collector turns what Whereby says of an account into metrics.
//
//	Insights API → poller → ledger → snapshot → exposition → /metrics
//	                          ↕
//	                        store
//
// The packages below it each know one part: poller the schedule and when a pass
// may stop, ledger what counts, store how that survives, exposition how it is
// served, metrics what it is called, rooms what stands behind a figure, and plan
// what it all costs. This package puts them together.
package collector
