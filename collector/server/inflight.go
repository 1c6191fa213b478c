package server

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Reasons for which the web address refuses a client or cuts it off, as its metric names
// them.
const (
	// RefusedBusy is for a request that was answered with 503: too many were in flight.
	RefusedBusy = "busy"
	// RefusedStalled is for an answer that was cut off in favor of another request because its
	// client read nothing.
	RefusedStalled = "stalled"
	// RefusedConnection is for a connection that was closed in favor of another one.
	RefusedConnection = "connection"
)

const (
	// maxInFlight is how many scrapes are answered at once, since each may hold everything that
	// is exposed; and likewise how many pages. Prometheus scrapes one at a time.
	maxInFlight = 6
	// maxFromAddress is how many of them one address may have, so another always finds a
	// place.
	maxFromAddress = 4
	// stalledAfter is how long a client may read nothing while others wait.
	stalledAfter = time.Second
)

// inFlight limits how many requests are answered at once. Beyond that, a client that
// does not read its answer loses it; if there is none, the request is answered 503.
type inFlight struct {
	max, fromAddress int
	stalledAfter     time.Duration
	refused          func(reason string)

	mu      sync.Mutex
	answers map[*answer]netip.Prefix
}

func newInFlight(refused func(reason string)) *inFlight {
	return &inFlight{
		max: maxInFlight, fromAddress: maxFromAddress, stalledAfter: stalledAfter, refused: refused,
		answers: map[*answer]netip.Prefix{},
	}
}

// limit limits the requests to a handler whose responses are answers.
func (f *inFlight) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := w.(*answer)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		from, _ := netip.ParseAddrPort(r.RemoteAddr) // a Unix socket has none
		if !f.admit(a, networkOf(from.Addr())) {
			f.refused(RefusedBusy)
			w.Header().Set("Retry-After", "1")
			http.Error(w, "Too many requests are in flight. Try again.", http.StatusServiceUnavailable)
			return
		}
		defer f.leave(a)
		next.ServeHTTP(w, r)
	})
}

func (f *inFlight) leave(a *answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.answers, a)
}

// admit reports whether a request may be answered.
func (f *inFlight) admit(a *answer, from netip.Prefix) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	count := map[netip.Prefix]int{}
	for _, address := range f.answers {
		count[address]++
	}
	full := count[from] >= f.fromAddress
	if full || len(f.answers) >= f.max {
		var stalled *answer
		var longest time.Duration
		for other, address := range f.answers {
			if full && address != from {
				continue // that would not help
			}
			if blocked := other.blockedFor(); blocked >= f.stalledAfter && blocked > longest {
				stalled, longest = other, blocked
			}
		}
		if stalled == nil {
			return false
		}
		stalled.turnOut()
		delete(f.answers, stalled)
		f.refused(RefusedStalled)
	}
	f.answers[a] = from
	return true
}
