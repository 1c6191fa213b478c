package whereby

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

const (
	// pointsWindow is the minute over which Whereby counts points, and a second
	// more: requests sent a minute apart arrive less than a minute apart when the
	// first was slow on its way.
	pointsWindow = time.Minute + time.Second
	// assumedLimit is Whereby's smallest plan; it holds until the first answer
	// tells the organization's own limit.
	assumedLimit = 100
	// spareLook is how often a spare request looks whether the others still wait.
	spareLook = time.Second
)

// Budget holds requests to a share of an organization's points: in any minute,
// wherever it starts, no more than that share is spent. A token bucket would
// allow a burst on top of its rate, so Budget remembers when each point of the
// last minute was spent instead. Every Insights endpoint is a read, and a read
// costs one point.
//
// The zero value is not usable; make one with [NewBudget]. A Budget is safe for
// concurrent use and may be shared by several clients of one organization.
type Budget struct {
	// OnSpend, where not nil, is told when a point is spent, before its request is
	// sent, and the organization's limit as it is known then. It must be set before the
	// budget is used, and must be quick.
	OnSpend func(at time.Time, limit int)

	share float64

	mu           sync.Mutex
	limit        int       // points a minute of the organization
	spent        []point   // oldest first, within the window
	blockedUntil time.Time // a 429 said to wait until then
	// others is the demand of all but spare requests, background that of those in the
	// background alone.
	others, background demand
	// waiting are the requests of each priority, and lowUntil says until when they hold
	// off for the organization's sake.
	waiting  [Spare + 1]int
	lowUntil [Spare + 1]time.Time
	changed  chan struct{}
}

// point is one that was spent.
type point struct {
	at       time.Time
	priority Priority
}

// NewBudget returns a budget of share (above 0, at most 1) of the organization's
// points per minute. The organization's limit is learnt from the answers; until
// the first one, 100 points a minute are assumed.
func NewBudget(share float64) (*Budget, error) {
	if !(share > 0 && share <= 1) {
		return nil, fmt.Errorf("share of the rate limit must be above 0 and at most 1, not %v", share)
	}
	return &Budget{share: share, limit: assumedLimit, changed: make(chan struct{})}, nil
}

// Resume goes on from an earlier process: it counts the points that were spent
// then, or a program that is restarted over and over would spend its share each
// time; and it takes the organization's limit as it was known last, or those points
// would be held against the smallest plan's. A limit of 0 is unknown. Times may come
// in any order; those in the future are ignored, as a clock that was set back would
// hold all requests up.
func (b *Budget) Resume(limit int, spent []time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if limit > 0 {
		b.limit = limit
	}
	now := time.Now()
	for _, at := range spent {
		if !at.After(now) {
			b.spent = append(b.spent, point{at: at})
		}
	}
	slices.SortFunc(b.spent, func(a, c point) int { return a.at.Compare(c.at) })
}

// Allowance is how many points a share of an organization's limit comes to, and
// in how long a window: whole points, so a share of less than one point a minute
// is one point in more than a minute.
func Allowance(share float64, limit int) (points int, window time.Duration) {
	exact := share * float64(limit)
	if exact >= 1 {
		// The little more than nothing keeps 0.29 × 100 from being 28.
		return int(math.Floor(exact + 1e-9)), pointsWindow
	}
	return 1, time.Duration(float64(pointsWindow) / max(exact, 1e-3))
}

// BackgroundAllowance is the part of an allowance that background requests may
// use up: three quarters, so that the others always find a quarter. While
// background requests wait, the others leave them a quarter too. Of an allowance
// of a single point each kind has every second one.
func BackgroundAllowance(points int) int {
	return max(1, points-max(1, points/4))
}

// Wait blocks until a point may be spent, and spends it.
//
// The error is the context's. Clients call Wait for each attempt by themselves.
func (b *Budget) Wait(ctx context.Context, priority Priority) error {
	return b.wait(ctx, priority, math.MaxInt64)
}

// wait is Wait, but refuses with a ThrottledError where a 429 has asked for a
// longer wait than longest.
func (b *Budget) wait(ctx context.Context, priority Priority, longest time.Duration) error {
	b.addWaiting(priority, 1)
	defer b.addWaiting(priority, -1)
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		b.mu.Lock()
		now := time.Now()
		if b.blockedUntil.Sub(now) > longest {
			until := b.blockedUntil
			b.mu.Unlock()
			return &ThrottledError{RetryAt: until, Local: true}
		}
		at := b.next(now, priority)
		if !at.After(now) {
			b.spend(now, priority)
			limit := b.limit
			b.mu.Unlock()
			if b.OnSpend != nil {
				b.OnSpend(now, limit)
			}
			return nil
		}
		changed := b.changed
		b.mu.Unlock()

		timer := time.NewTimer(at.Sub(now))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-changed:
		}
		timer.Stop()
	}
}

// spend notes a point.
func (b *Budget) spend(now time.Time, priority Priority) {
	b.spent = append(b.spent, point{now, priority})
	if priority == Spare {
		return
	}
	_, window := Allowance(b.share, b.limit)
	others, background := 0, 0
	for _, p := range b.spent {
		switch {
		case now.Sub(p.at) >= window:
		case p.priority == Background:
			background++
			others++
		case p.priority == Foreground:
			others++
		}
	}
	b.others.note(now, others)
	b.background.note(now, background)
}

// next returns the earliest time at which a point may be spent. It forgets the
// points that no longer matter.
func (b *Budget) next(now time.Time, priority Priority) time.Time {
	allowed, window := Allowance(b.share, b.limit)
	own, ownWindow := BackgroundAllowance(allowed), window
	if allowed == 1 {
		ownWindow = 2 * window // a single point has no quarters: they take turns
	}
	gone := 0
	for gone < len(b.spent) && now.Sub(b.spent[gone].at) >= ownWindow {
		gone++
	}
	b.spent = append(b.spent[:0], b.spent[gone:]...)

	at := now
	if b.blockedUntil.After(at) {
		at = b.blockedUntil
	}
	at = later(at, b.lowUntil[priority])
	at = later(at, b.free(allowed, window, func(point) bool { return true }))
	foreground := func(p point) bool { return p.priority == Foreground }
	behind := func(p point) bool { return p.priority != Foreground }
	switch {
	case priority == Foreground && b.waiting[Background] > 0:
		// Both kinds want points, so neither may have them all.
		at = later(at, b.free(own, ownWindow, foreground))
	case priority != Foreground:
		at = later(at, b.free(own, ownWindow, behind))
	}
	if priority == Spare {
		// What the others may come back for is left to them.
		left := min(allowed-b.others.peak(now), own-b.background.peak(now))
		if left <= 0 || b.waiting[Foreground]+b.waiting[Background] > 0 {
			return later(at, now.Add(spareLook))
		}
		at = later(at, b.free(left, window, func(p point) bool { return p.priority == Spare }))
		// Evenly, so that others who come find points at once, and not a minute later.
		for _, p := range slices.Backward(b.spent) {
			if p.priority == Spare {
				return later(at, p.at.Add(window/time.Duration(left)))
			}
		}
	}
	return at
}

// free returns when fewer than allowed of some points will be in the window; the
// zero time if they are now.
func (b *Budget) free(allowed int, window time.Duration, some func(point) bool) time.Time {
	n := 0
	for i := len(b.spent) - 1; i >= 0; i-- {
		if !some(b.spent[i]) {
			continue
		}
		if n++; n == allowed {
			return b.spent[i].at.Add(window)
		}
	}
	return time.Time{}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// addWaiting counts requests that wait. The others need not be told when there are
// fewer: they look again before they spend.
func (b *Budget) addWaiting(priority Priority, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting[priority] += n
}

// observe learns from an answer's headers.
func (b *Budget) observe(r RateLimit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.LimitKnown && r.Limit > 0 && r.Limit != b.limit {
		b.limit = r.Limit
		close(b.changed) // those who wait reckon again
		b.changed = make(chan struct{})
	}
	if !r.RemainingKnown {
		return
	}
	// Whoever spends them, the points run low: the rest is production's.
	until := time.Now().Add(pointsWindow)
	if r.Remaining < b.limit/10 {
		b.lowUntil[Background] = until
	}
	if r.Remaining < b.limit/5 {
		b.lowUntil[Spare] = until
	}
}

// block holds all requests back until the given time.
func (b *Budget) block(until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until.After(b.blockedUntil) {
		b.blockedUntil = until
		b.lowUntil[Spare] = until.Add(pointsWindow)
	}
}

// Limit is the organization's points per minute, as last told by an answer; the
// assumed 100 before the first.
func (b *Budget) Limit() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limit
}
