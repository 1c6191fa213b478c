// Package collector turns what Whereby says of an account into metrics. It only puts the
// parts together; each is a package below it, and docs/architecture.md leads through them:
//
//	Insights API → poller → ledger → snapshot ─┐
//	                          ↕                ├→ publisher → families → exposition → /metrics
//	                        state              │
//	                          ↕                │
//	webhook request → webhook → feed → live ───┘
package collector
