// Package cost computes what usage costs according to a price list.
//
// A minute is charged to its session or transcription, at the price of the day on which
// that started. So the cost of a session depends only on its start: not on the prefix or
// customer that it counts under, nor on a billing period. Sums over prefixes equal the
// account's. Data flows like this:
//
//	config.Prices ──► Tariff ──► Marks ──► ledger: usage since each mark
//	                    │  └──► Rates ──► transcriptions: what each costs
//	                    │                        │
//	                    └───────► Charge ◄── the snapshots of both
//	                                 │
//	                                 └──► Figures ──► families, status page
//
// Let p0 be the first prices, and p1, p2, … those from the marks m1, m2, … on. The cost of
// all sessions is p0·T + Σ (pi − pi−1)·S(mi), where T are the lifetime totals, and S(m) is
// the usage of sessions that started at m or later: T minus the opening balance at m. The
// ledger knows opening balances at marks as it knows those of billing periods. Costs are
// whole numbers of sixtieths of a millionth of the currency's unit; only the exposition
// uses floats. The start of each transcription is known, so its cost is computed directly.
//
// A [Book] keeps the tariff that was charged and the values of the counters, in a file of
// its own:
//
//   - An edited price list applies from the start of the account's current billing period.
//     Earlier periods keep the tariff that applied then.
//   - A counter shows the highest cost ever computed. It is on disk before it is exposed, so
//     that it does not fall after a restart.
package cost
