package whereby

import "time"

// Spending is how a budget stands.
type Spending struct {
	// Spent are the points of the last minute, Allowed those that may be spent in one.
	Spent, Allowed int
}

// Spending tells what was spent in the last minute.
func (b *Budget) Spending() Spending {
	b.mu.Lock()
	defer b.mu.Unlock()
	allowed, window := Allowance(b.share, b.limit)
	s := Spending{Allowed: allowed}
	now := time.Now()
	for _, p := range b.spent {
		if now.Sub(p.at) < window {
			s.Spent++
		}
	}
	return s
}
