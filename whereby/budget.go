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
	// turn is how long a request keeps others from being sent. If several are in progress at
	// the same time, nobody can tell what each of them cost.
	turn = 2 * time.Second
)

// Budget holds requests to a share of an organization's points: in any minute, wherever it
// starts, no more than that share and one request is spent, whatever a request turns out to
// cost. A token bucket would allow a burst on top of its rate, so Budget remembers what was
// spent in the last minute, and when. What a request costs is learned from the answers; see
// [MaxReadCost].
//
// The zero value is not usable; make one with [NewBudget]. A Budget is safe for
// concurrent use and may be shared by several clients of one organization.
type Budget struct {
	// OnSpend, if not nil, is called before a request is sent. The function that it returns is
	// called with the actual cost, once that is known. OnBlock, if not nil, is called with the
	// time until which a 429 asked to wait. Both must be set before the budget is used, and
	// must be fast.
	OnSpend func(Expense) (settle func(points int))
	OnBlock func(until time.Time)

	share float64

	mu           sync.Mutex
	limit        int        // points a minute of the organization
	spent        []*expense // oldest first, within the window
	costs        costs
	blockedUntil time.Time // a 429 said to wait until then
	// others is the demand of all but spare requests, scans that of those in the
	// background alone.
	others, scans demand
	// waiting are the requests of each priority, and lowUntil says until when they hold
	// off for the organization's sake.
	waiting  [Spare + 1]int
	lowUntil [Spare + 1]time.Time
	last     [Spare + 1]time.Time // when the last request of each priority was sent
	changed  chan struct{}
}

// Expense is what a request costs.
type Expense struct {
	At time.Time
	// Endpoint is one of the Endpoint constants.
	Endpoint string
	// Points is the highest possible cost, until the response arrives.
	Points int
	// Limit is the organization's points per minute as known then, or 0 if unknown.
	Limit int
}

// expense is one that may be in progress.
type expense struct {
	at       time.Time
	priority Priority
	kind     kind
	points   int
	open     bool // in progress
	crossed  bool // another one was in progress at the same time
	settle   func(points int)
}

// NewBudget returns a budget of a share (above 0, at most 1) of the organization's points per
// minute. The organization's limit is learned from responses; until the first one, 100 points
// per minute are assumed.
func NewBudget(share float64) (*Budget, error) {
	if !(share > 0 && share <= 1) {
		return nil, fmt.Errorf("share of the rate limit must be above 0 and at most 1, not %v", share)
	}
	return &Budget{share: share, limit: assumedLimit, changed: make(chan struct{})}, nil
}

// SetReadCost sets what every request costs, 1 to [MaxReadCost] points, instead of learning
// it. It must be called before the budget is used.
func (b *Budget) SetReadCost(points int) error {
	if points < 1 || points > MaxReadCost {
		return fmt.Errorf("a read costs 1 to %d points, not %d", MaxReadCost, points)
	}
	b.costs.fixed = points
	return nil
}

// ReadCost returns the points that the next request to an endpoint is expected to cost.
func (b *Budget) ReadCost(endpoint string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.costs.endpoint(endpoint)
}

// Allowance returns how many points a share of an organization's limit is, and per how long a
// window. Points are whole numbers, so a share of less than one point per minute is one point
// in a longer window.
func Allowance(share float64, limit int) (points int, window time.Duration) {
	exact := share * float64(limit)
	if exact >= 1 {
		// The little more than nothing keeps 0.29 × 100 from being 28.
		return int(math.Floor(exact + 1e-9)), pointsWindow
	}
	return 1, time.Duration(float64(pointsWindow) / max(exact, 1e-3))
}

// BackgroundAllowance returns the part of an allowance that background requests may use: three
// quarters, so that a quarter is always left for the others. While background requests wait,
// the others leave them a quarter too. If the allowance is a single point, both kinds
// alternate.
func BackgroundAllowance(points int) int {
	return max(1, points-max(1, points/4))
}

// Wait blocks until a request may be sent, and spends its cost. Clients call it for each
// attempt. The error is the context's.
func (b *Budget) Wait(ctx context.Context, priority Priority) error {
	e, err := b.wait(ctx, priority, kind{}, math.MaxInt64)
	if err == nil {
		b.settle(e, RateLimit{}, false)
	}
	return err
}

// wait blocks until a request may be sent, which must be settled once it is over. It
// refuses with a ThrottledError if a 429 has asked for a longer wait than longest.
func (b *Budget) wait(ctx context.Context, priority Priority, k kind, longest time.Duration) (*expense, error) {
	b.addWaiting(priority, 1)
	defer b.addWaiting(priority, -1)
	for {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		b.mu.Lock()
		now := time.Now()
		if b.blockedUntil.Sub(now) > longest {
			until := b.blockedUntil
			b.mu.Unlock()
			return nil, &ThrottledError{RetryAt: until, Local: true}
		}
		at := b.next(now, priority, k)
		if !at.After(now) {
			e := b.spend(now, priority, k)
			b.mu.Unlock()
			return e, nil
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

// spend begins a request. Until it is over, it counts as the most that a request can cost.
func (b *Budget) spend(now time.Time, priority Priority, k kind) *expense {
	e := &expense{at: now, priority: priority, kind: k, points: MaxReadCost, open: true}
	if b.costs.fixed > 0 {
		e.points = b.costs.fixed
	}
	for _, other := range b.spent {
		if other.open {
			e.crossed, other.crossed = true, true
		}
	}
	b.spent = append(b.spent, e)
	b.last[priority] = now
	if b.OnSpend != nil {
		e.settle = b.OnSpend(Expense{At: now, Endpoint: k.endpoint, Points: e.points, Limit: b.limit})
	}
	return e
}

// settle ends a request. learn is true if it was answered with success.
func (b *Budget) settle(e *expense, r RateLimit, learn bool) (points int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	e.open = false
	if learn {
		allowed, _ := Allowance(b.share, b.limit)
		b.costs.patient = BackgroundAllowance(allowed) >= enoughToSpread
		b.costs.charge(&e.points, e.kind, r, e.at, now, !e.crossed)
	} else {
		e.points = b.costs.estimate(e.kind)
	}
	if e.settle != nil {
		e.settle(e.points)
	}
	b.noteDemand(now, e.priority)
	b.observe(r, now)
	b.wake()
	return e.points
}

// release ends a request that was not sent.
func (b *Budget) release(e *expense) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e.open, e.points = false, 0
	if e.settle != nil {
		e.settle(0)
	}
	b.wake()
}

// wake has those who wait look again.
func (b *Budget) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// noteDemand notes what foreground and background requests want.
func (b *Budget) noteDemand(now time.Time, priority Priority) {
	if priority == Spare {
		return
	}
	_, window := Allowance(b.share, b.limit)
	others, scans := 0, 0
	for _, e := range b.spent {
		switch {
		case now.Sub(e.at) >= window:
		case e.priority == Background:
			scans += e.points
			others += e.points
		case e.priority == Foreground:
			others += e.points
		}
	}
	b.others.note(now, others)
	b.scans.note(now, scans)
}

// next returns the earliest time at which a request may be sent. It forgets the
// expenses that no longer matter.
func (b *Budget) next(now time.Time, priority Priority, k kind) time.Time {
	allowed, window := Allowance(b.share, b.limit)
	cost := b.costs.estimate(k)
	own, ownWindow := BackgroundAllowance(allowed), window
	if allowed == 1 {
		ownWindow = 2 * window // a single point has no quarters: they take turns
	}
	kept := ownWindow
	if own < MaxReadCost {
		// Not by what this request costs: a more expensive one looks back further.
		kept *= mostWindows * MaxReadCost
	}
	gone := 0
	for gone < len(b.spent) && now.Sub(b.spent[gone].at) >= kept && !b.spent[gone].open {
		gone++
	}
	b.spent = append(b.spent[:0], b.spent[gone:]...)

	at := now
	if b.blockedUntil.After(at) {
		at = b.blockedUntil
	}
	at = later(at, b.lowUntil[priority])
	if b.costs.fixed == 0 {
		for _, e := range b.spent {
			if e.open {
				at = later(at, e.at.Add(turn))
			}
		}
	}
	all := func(*expense) bool { return true }
	at = later(at, b.free(cost, allowed, window, all))
	foreground := func(e *expense) bool { return e.priority == Foreground }
	behind := func(e *expense) bool { return e.priority != Foreground }
	switch {
	case priority == Foreground && b.waiting[Background] > 0:
		// Both kinds want points, so neither may have them all.
		at = later(at, b.free(cost, own, ownWindow, foreground))
	case priority != Foreground:
		at = later(at, b.free(cost, own, ownWindow, behind))
	}
	if idle := now.Sub(b.costs.limiters.before.received); priority != Spare && b.costs.fixed == 0 {
		share, some := own, behind
		if priority == Foreground {
			share, some = allowed, foreground
		}
		switch {
		case own >= enoughToSpread && !b.costs.limiters.known():
			// Answers spread over the minute show soonest how points come back: half of the
			// share is spent at once, and the rest evenly.
			if half := share / 2; !b.free(cost, half, window, some).IsZero() {
				at = later(at, b.evenly(priority, MaxReadCost, half, window))
			}
		case priority == Background && own < enoughToSpread && b.costs.limiters.spread():
			// A return of points is seen only while what was spent before is not a minute old.
			at = later(at, b.evenly(priority, cost, own, window))
		case priority == Background && idle > together:
			// Only a request that follows another one at once shows plainly what it costs, so
			// the first one waits until there is room for the next. After a pause, a request may
			// look as expensive as possible; a share that is smaller than that does not wait.
			at = later(at, b.free(min(2*cost, own), own, ownWindow, some))
			if room := cost + MaxReadCost; idle > atOnce && own > MaxReadCost {
				at = later(at, b.free(min(room, own), own, ownWindow, some))
				at = later(at, b.free(min(room, allowed), allowed, window, all))
			}
		}
	}
	if priority == Spare {
		// What the others may come back for is left to them.
		left := min(allowed-b.others.peak(now), own-b.scans.peak(now))
		if left <= 0 || b.waiting[Foreground]+b.waiting[Background] > 0 {
			return later(at, now.Add(spareLook))
		}
		return later(at, b.evenly(Spare, cost, left, window))
	}
	return at
}

// enoughToSpread are the fewest points with which requests are spread to learn how points
// come back: those of a few requests, however expensive they are.
const enoughToSpread = 4 * MaxReadCost

// evenly spreads requests of a priority over the window, so that others that come find
// points at once, and not a minute later.
func (b *Budget) evenly(priority Priority, cost, allowed int, window time.Duration) time.Time {
	if b.last[priority].IsZero() {
		return time.Time{}
	}
	return b.last[priority].Add(window * time.Duration(cost) / time.Duration(allowed))
}

// free returns when a request fits into an allowance with the expenses of some kind
// within the window; the zero time if it does now. A request that costs more than the
// allowance fits into that of several windows.
func (b *Budget) free(cost, allowed int, window time.Duration, some func(*expense) bool) time.Time {
	n := windows(cost, allowed)
	at := b.fits(cost, n*allowed, time.Duration(n)*window, some)
	if n == 1 {
		return at
	}
	for more := n + 1; more <= mostWindows*n; more++ {
		if other := b.fits(cost, more*allowed, time.Duration(more)*window, some); other.Before(at) {
			at = other
		}
	}
	return at
}

// windows is how many it takes for a request to fit.
func windows(cost, allowed int) int { return max(1, (cost+allowed-1)/allowed) }

// mostWindows is how many times as long a request that costs more than the allowance may
// look back: the others may leave little in each window.
const mostWindows = 3

// fits is when a request fits into an allowance of a window.
func (b *Budget) fits(cost, allowed int, window time.Duration, some func(*expense) bool) time.Time {
	sum := cost
	for _, e := range slices.Backward(b.spent) {
		if !some(e) {
			continue
		}
		if sum += e.points; sum > allowed {
			return e.at.Add(window)
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

// observe takes what an answer's headers say of the organization.
func (b *Budget) observe(r RateLimit, now time.Time) {
	if r.LimitKnown && r.Limit > 0 {
		b.limit = r.Limit
	}
	if !r.RemainingKnown {
		return
	}
	// No matter who spends them, the points run low: the rest is production's.
	until := now.Add(pointsWindow)
	for priority, least := range [...]int{Foreground: b.limit / 20, Background: b.limit / 10, Spare: b.limit / 5} {
		if r.Remaining < least {
			b.lowUntil[priority] = until
		}
	}
}

// block holds all requests back until the given time.
func (b *Budget) block(until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until.After(b.blockedUntil) {
		b.blockedUntil = until
		b.lowUntil[Spare] = until.Add(pointsWindow)
		if b.OnBlock != nil {
			b.OnBlock(until)
		}
	}
}

// Limit returns the organization's points per minute from the last response, or the assumed
// 100 before the first.
func (b *Budget) Limit() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limit
}
