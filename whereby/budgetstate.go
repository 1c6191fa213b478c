package whereby

import (
	"slices"
	"time"
)

// Spending is the current state of a budget.
type Spending struct {
	// Spent is the number of points spent in the last minute, Allowed the number that may be
	// spent in one.
	Spent, Allowed int
}

// Spending returns what was spent in the last minute.
func (b *Budget) Spending() Spending {
	b.mu.Lock()
	defer b.mu.Unlock()
	allowed, window := Allowance(b.share, b.limit)
	s := Spending{Allowed: allowed}
	now := time.Now()
	for _, e := range b.spent {
		if now.Sub(e.at) < window {
			if e.open {
				s.Spent += b.costs.estimate(e.kind)
			} else {
				s.Spent += e.points
			}
		}
	}
	return s
}

// BudgetState is what one process passes on to the next.
type BudgetState struct {
	// Expenses are those of at least the last minute, oldest first.
	Expenses []Expense
	// BlockedUntil is the time until which a 429 asked to wait.
	BlockedUntil time.Time
	// BlockedSince is when it asked, or shortly before; zero if unknown.
	BlockedSince time.Time
}

// Resume continues from an earlier process, or a program that is restarted over and over
// would spend its share each time: it counts the points that were spent then, takes the
// organization's limit as it was known last, expects requests to cost what they did, and
// waits as a 429 said. What lies in the future is ignored, as a clock that was set back
// would hold all requests up; but a wait is believed up to a day.
func (b *Budget) Resume(state BudgetState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for _, e := range state.Expenses {
		if e.Limit > 0 {
			b.limit = e.Limit
		}
		if e.At.After(now) {
			continue
		}
		b.spent = append(b.spent, &expense{at: e.At, kind: kind{endpoint: e.Endpoint}, points: e.Points})
		if e.Endpoint != "" && e.Points > 0 {
			b.costs.of(kind{e.Endpoint, false}).resume(e.Points)
			b.costs.of(kind{e.Endpoint, true}).resume(e.Points)
		}
	}
	slices.SortFunc(b.spent, func(a, c *expense) int { return a.at.Compare(c.at) })
	if state.BlockedSince.After(now) {
		// The clock was ahead: how long the wait was is known, not when it began.
		state.BlockedUntil = now.Add(state.BlockedUntil.Sub(state.BlockedSince))
	}
	if wait := state.BlockedUntil.Sub(now); wait > 0 && wait <= longestBelievable {
		b.blockedUntil = state.BlockedUntil
	}
}

// resume takes what an earlier process was charged.
func (k *kindCost) resume(points int) {
	points = bounded(points)
	k.charges, k.observed = last(k.charges, charge{&points, points}, leastDoubted), last(k.observed, points, leastDoubted)
}
