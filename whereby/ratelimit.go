package whereby

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RateLimit is what a response's headers say about the organization's points per minute, which
// all its keys share.
type RateLimit struct {
	// Limit and Remaining are points; Known is false if a header was absent or
	// not a whole number.
	Limit, Remaining           int
	LimitKnown, RemainingKnown bool
}

func rateLimitOf(h http.Header) RateLimit {
	var r RateLimit
	r.Limit, r.LimitKnown = points(h.Get("X-RateLimit-Limit"))
	r.Remaining, r.RemainingKnown = points(h.Get("X-RateLimit-Remaining"))
	return r
}

func points(s string) (int, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
	if err != nil || n < 0 {
		return 0, false
	}
	return int(n), true
}

const (
	// unknownThrottleWait is for a 429 that does not say how long: points are
	// counted by the minute.
	unknownThrottleWait = time.Minute
	// longestBelievable is the longest wait taken at its word. Points come back
	// every minute, so anything beyond is a broken clock or a broken header.
	longestBelievable = 24 * time.Hour
)

// throttleWait says how long a 429 asks to wait: the longest of what its header
// Retry-After, its header X-RateLimit-Reset and its body's msLeft say.
func throttleWait(h http.Header, body []byte, now time.Time) time.Duration {
	wait, known := retryAfter(h, now)
	if reset, ok := untilDate(h.Get("X-RateLimit-Reset"), h, now); ok {
		wait, known = max(wait, reset), true
	}
	var answer struct {
		Data struct {
			MsLeft float64 `json:"msLeft"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.Data.MsLeft > 0 {
		if left, ok := believable(answer.Data.MsLeft / 1000); ok {
			wait, known = max(wait, left), true
		}
	}
	if !known {
		return unknownThrottleWait
	}
	return wait
}

// retryAfter reads the header Retry-After: seconds, or a date (RFC 9110).
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		return believable(seconds)
	}
	return untilDate(value, h, now)
}

// untilDate reads a point in time in one of the forms in use for rate limits and
// gives the time until then by the server's clock, which the answer's Date tells.
func untilDate(value string, h http.Header, now time.Time) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0, false
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		switch {
		case n > 1e11: // milliseconds since 1970
			return believable(n/1000 - float64(now.UnixMilli())/1000)
		case n > 1e8: // seconds since 1970
			return believable(n - float64(now.UnixMilli())/1000)
		}
		return believable(n) // seconds from now
	}
	for _, layout := range []string{time.RFC3339Nano, http.TimeFormat, time.RFC1123, time.RFC850, time.ANSIC} {
		if at, err := time.Parse(layout, value); err == nil {
			return believable(at.Sub(now).Seconds())
		}
	}
	return 0, false
}

func believable(seconds float64) (time.Duration, bool) {
	if math.IsNaN(seconds) || seconds < 0 || seconds > longestBelievable.Seconds() {
		return 0, false
	}
	return time.Duration(math.Ceil(seconds*1000)) * time.Millisecond, true
}
