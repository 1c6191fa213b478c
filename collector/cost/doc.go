// Package cost works out what usage costs by a price list.
//
// A minute is charged to the session or transcription that it belongs to, at the price of
// the day on which that started. So what a session costs depends on nothing but its start:
// not on the prefix or the customer that it counts under, nor on anybody's billing period,
// and sums over prefixes equal the account's. The data flow:
//
//	config.Prices ──► Tariff ──► Marks ──► ledger: usage since each mark
//	                    │  └──► Rates ──► transcriptions: what each costs
//	                    │                        │
//	                    └───────► Charge ◄── the snapshots of both
//	                                 │
//	                                 └──► Figures ──► families, status page
//
// With prices p0 since ever and p1, p2, … from the marks m1, m2, … on, the sum over all
// sessions is p0·T + Σ (pi − pi−1)·S(mi): T are the lifetime totals, and S(m) is what
// sessions used that started at m or later, which is T less the opening balance at m. The
// ledger knows that balance as it knows those of billing periods. It is a sum of whole
// numbers in sixtieths of a millionth of the currency's unit; only the exposition has
// floats. Of each transcription the start is known, so its cost is worked out by itself.
//
// A [Book] keeps, in a file of its own, the tariff by which was charged and what the
// counters showed:
//
//   - An edited price list holds from the start of the account's current billing period
//     on. For earlier periods, the tariff that was in force then holds for good.
//   - A counter shows the highest cost that was ever worked out. It is on disk before it
//     is exposed, so that it does not fall over a restart either.
package cost
