package wherebytest

import (
	"fmt"
	"net/http"
	"time"
)

// Status responds with a status and a small JSON body.
func Status(code int) Fault {
	return Fault{replace: func(a *Account, _ *query) *answer {
		return a.refuse(code, http.StatusText(code))
	}}
}

// StatusHTML responds with a status and an HTML page, as a proxy in between does.
func StatusHTML(code int) Fault {
	return Fault{replace: func(a *Account, _ *query) *answer {
		return a.html(code, fmt.Sprintf("%d %s", code, http.StatusText(code)))
	}}
}

// Malformed responds with status 200 and something that is not JSON.
func Malformed() Fault {
	return Fault{replace: func(a *Account, _ *query) *answer {
		return a.html(http.StatusOK, "Scheduled maintenance")
	}}
}

func (a *Account) html(code int, title string) *answer {
	ans := a.reply(code, []byte("<!DOCTYPE html>\n<html><head><title>"+title+"</title></head><body><h1>"+title+"</h1></body></html>\n"))
	ans.header.Set("Content-Type", "text/html; charset=utf-8")
	return ans
}

// ThrottleStyle determines how a 429 gives the time to wait.
type ThrottleStyle int

// The styles of a 429. Each is the only hint in the answer.
const (
	RetryAfterSeconds ThrottleStyle = iota // header Retry-After in seconds, rounded up
	ResetRFC3339                           // header X-RateLimit-Reset, RFC 3339
	ResetHTTPDate                          // header X-RateLimit-Reset, an HTTP date, rounded up to seconds
	MillisLeftBody                         // data.msLeft in the body
	NoHint
)

// Throttled responds with 429 and a time to wait.
func Throttled(style ThrottleStyle, wait time.Duration) Fault {
	return Fault{replace: func(a *Account, _ *query) *answer {
		ans := a.throttled(wait)
		ans.header.Del("Retry-After")
		ans.header.Del("X-RateLimit-Reset")
		ans.header.Set("X-RateLimit-Remaining", "0")
		until := time.Now().UTC().Add(wait)
		switch style {
		case RetryAfterSeconds:
			ans.header.Set("Retry-After", seconds(wait))
		case ResetRFC3339:
			ans.header.Set("X-RateLimit-Reset", until.Format(time.RFC3339Nano))
		case ResetHTTPDate:
			ans.header.Set("X-RateLimit-Reset", until.Add(time.Second-time.Nanosecond).Format(http.TimeFormat))
		case MillisLeftBody:
			return ans
		}
		ans.body = errorBody("Rate limit active for throttle key: organization:1", nil)
		return ans
	}}
}

// SortRefused responds with 400 to requests for rooms sorted by lastSessionStartedAt.
func SortRefused() Fault {
	return Fault{when: sortsByLastSession, replace: func(a *Account, _ *query) *answer {
		return a.refuse(http.StatusBadRequest, "Invalid sortBy")
	}}.On(EndpointRooms)
}

// Hang does not respond until the client gives up.
func Hang() Fault {
	return Fault{replace: func(*Account, *query) *answer { return &answer{header: make(http.Header), hang: true} }}
}

// Drop closes the connection before responding.
func Drop() Fault {
	return Fault{replace: func(*Account, *query) *answer { return &answer{header: make(http.Header), drop: true} }}
}

// Reset closes the connection in the middle of the body.
func Reset() Fault {
	return Fault{kind: changesAny, spoil: func(_ *query, x *answer) { x.reset = true }}
}

// SlowBody sends the body slowly, over a duration.
func SlowBody(d time.Duration) Fault {
	return Fault{kind: changesAny, spoil: func(_ *query, x *answer) { x.slow = d }}
}

// NoRateLimitHeaders omits the X-RateLimit headers.
func NoRateLimitHeaders() Fault {
	return Fault{kind: changesAny, spoil: func(_ *query, x *answer) {
		for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
			x.header.Del(name)
		}
	}}
}
