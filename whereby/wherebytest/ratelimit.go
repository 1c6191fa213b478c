package wherebytest

import (
	"net/http"
	"strconv"
	"time"
)

// window is how long an organization's points last.
const window = time.Minute

// Limiter determines how an organization's points come back. Whereby documents points per
// minute, but not how it counts them, so a reader must keep within its share in every case.
type Limiter int

// The ways to count points.
const (
	// FixedWindow returns all points at once, a minute after the first request since the last
	// time.
	FixedWindow Limiter = iota
	// SlidingWindow returns each point a minute after it was spent.
	SlidingWindow
	// TokenBucket returns points evenly. So more than the limit can be spent in a minute that
	// follows a quiet one.
	TokenBucket
)

// points is what an organization has to spend. Its limit holds for all that share
// the account.
type points struct {
	limit int
	model limiter
	at    time.Time // of the request that is being answered
}

// limiter counts points in one of the ways of [Limiter]. Times do not go back.
type limiter interface {
	// left returns the points that are left, which is negative when more was spent than
	// there was.
	left(now time.Time) int
	spend(now time.Time, points int)
	// wait is the time until that many points are left.
	wait(now time.Time, points int) time.Duration
	// reset is when all points are back if nothing else is spent.
	reset(now time.Time) time.Time
}

func newPoints(model Limiter, limit int) points {
	p := points{limit: limit}
	switch model {
	case SlidingWindow:
		p.model = &slidingWindow{limit: limit}
	case TokenBucket:
		p.model = &tokenBucket{limit: limit}
	default:
		p.model = &fixedWindow{limit: limit}
	}
	return p
}

// arrive begins a request.
func (p *points) arrive(now time.Time) {
	p.at = now
	p.model.spend(now, 0) // a fixed window begins even with a request that costs nothing
}

// take spends the cost of a request and reports whether the points sufficed.
func (p *points) take(cost int) bool {
	if p.model.left(p.at) < p.affordable(cost) {
		return false
	}
	p.model.spend(p.at, cost)
	return true
}

// wait returns the time until a request of that cost succeeds.
func (p *points) wait(cost int) time.Duration {
	return p.model.wait(p.at, p.affordable(cost))
}

// affordable keeps a request that costs more than the limit from being refused for
// ever: it needs all points.
func (p *points) affordable(cost int) int { return min(cost, p.limit) }

func (p *points) setHeaders(h http.Header) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(p.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, p.model.left(p.at))))
}

// setReset writes when points come back.
func setReset(h http.Header, at time.Time) {
	// Rounded up, so that waiting until then is waiting long enough.
	h.Set("X-RateLimit-Reset", at.UTC().Add(time.Millisecond-time.Nanosecond).Format(timeFormat))
}

// Spend spends points as the application that shares them does, whether there are enough or
// not. [Production] is such an application.
func (a *Account) Spend(points int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.points.model.spend(time.Now(), points)
}

// Remaining returns the points that are left.
func (a *Account) Remaining() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return max(0, a.points.model.left(time.Now()))
}
