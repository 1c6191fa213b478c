// Package collector turns what Whereby reports about an account into metrics. It only
// connects the parts, each of which is a package below it; docs/architecture.md describes
// them:
//
//	Insights API → poller → ledger → snapshot ─┐
//	                          ↕                ├→ publisher → families → exposition → /metrics
//	                        state              │
//	                          ↕                │
//	webhook request → webhook → feed → live ───┘
package collector
