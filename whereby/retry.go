package whereby

import (
	"errors"
	"math/rand/v2"
	"time"
)

// RetryPolicy says how often and after which waits a failed attempt is repeated.
// The zero value is usable: 4 attempts, from 500 ms up to 15 s.
type RetryPolicy struct {
	// MaxAttempts counts the first attempt; 0 is 4, 1 never repeats. Answers 429
	// count apart from it, up to ten a call: they are an order to wait, not a failure.
	MaxAttempts int
	// BaseDelay is doubled for each repetition; 0 is 500 ms.
	BaseDelay time.Duration
	// MaxDelay caps the doubling; 0 is 15 s.
	MaxDelay time.Duration
	// MaxThrottleWait is the longest time that a call waits because of a 429;
	// when Whereby asks for more, the call fails at once with a ThrottledError,
	// and so do all others until then. 0 is 2 minutes, twice the minute by which
	// points are counted.
	MaxThrottleWait time.Duration
}

// maxThrottles ends a call that gets nothing but 429 although it waits as told.
const maxThrottles = 10

func (p RetryPolicy) maxThrottleWait() time.Duration {
	if p.MaxThrottleWait > 0 {
		return p.MaxThrottleWait
	}
	return 2 * time.Minute
}

// tally counts the failed attempts of one call.
type tally struct{ failures, throttles int }

// next counts err as the call's latest failure and says whether, and after which
// wait, another attempt follows.
func (p RetryPolicy) next(t *tally, err error) (wait time.Duration, again bool) {
	var (
		throttled *ThrottledError
		server    *ServerError
		malformed *MalformedError
	)
	switch {
	case errors.As(err, &throttled):
		t.throttles++
		wait = time.Until(throttled.RetryAt)
		// Jitter only adds: waiting less than told would be sooner than told.
		return wait + jitter(wait/10+250*time.Millisecond),
			!throttled.Local && t.throttles < maxThrottles && wait <= p.maxThrottleWait()
	case errors.As(err, &server):
		t.failures++
		wait = max(p.backoff(t.failures), server.RetryAfter)
		return wait, t.failures < p.maxAttempts() && server.RetryAfter <= p.maxThrottleWait()
	case errors.As(err, &malformed) && !malformed.final:
		t.failures++
		return p.backoff(t.failures), t.failures < p.maxAttempts()
	default:
		return 0, false
	}
}

func (p RetryPolicy) maxAttempts() int {
	if p.MaxAttempts > 0 {
		return p.MaxAttempts
	}
	return 4
}

// backoff returns the wait after the given number of failures: between half of and the
// whole capped exponential delay, so that clients that failed together do not
// return together.
func (p RetryPolicy) backoff(failures int) time.Duration {
	base, longest := p.BaseDelay, p.MaxDelay
	if base <= 0 {
		base = 500 * time.Millisecond
	}
	if longest <= 0 {
		longest = 15 * time.Second
	}
	delay := longest
	if shift := failures - 1; shift < 20 {
		delay = min(longest, base<<shift)
	}
	return delay/2 + jitter(delay/2)
}

func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}
