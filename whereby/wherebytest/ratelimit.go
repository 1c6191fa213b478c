package wherebytest

import (
	"net/http"
	"strconv"
	"time"
)

// window is how long an organization's points last.
const window = time.Minute

// limiter counts an organization's points. A window begins with the first
// request after the last one ended.
type limiter struct {
	limit int
	used  int
	ends  time.Time
}

func (l *limiter) catchUp(now time.Time) {
	if !now.Before(l.ends) {
		l.used, l.ends = 0, now.Add(window)
	}
}

// take spends a point and tells whether there was one.
func (l *limiter) take(now time.Time) bool {
	l.catchUp(now)
	if l.used >= l.limit {
		return false
	}
	l.used++
	return true
}

func (l *limiter) setHeaders(h http.Header) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(l.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, l.limit-l.used)))
	// Rounded up, so that whoever waits until then has waited long enough.
	h.Set("X-RateLimit-Reset", l.ends.UTC().Add(time.Millisecond-time.Nanosecond).Format(timeFormat))
}

// Spend takes points of the current minute, as the application does that shares
// them: a read is 1, a deletion 2, a write 3.
func (a *Account) Spend(points int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limiter.catchUp(time.Now())
	a.limiter.used += points
}

// Remaining gives the points left of the current minute.
func (a *Account) Remaining() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !time.Now().Before(a.limiter.ends) {
		return a.limiter.limit
	}
	return max(0, a.limiter.limit-a.limiter.used)
}
