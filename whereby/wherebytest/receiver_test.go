package wherebytest_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

const secret = "not so secret"

// arrival is a request that a receiver got.
type arrival struct {
	at    time.Time
	event whereby.Event
}

// receiver takes webhooks, verifies and parses each, and answers as it is told.
type receiver struct {
	t      testing.TB
	answer func(n int, w http.ResponseWriter, r *http.Request) // n counts from 1; nil: 204

	mu       sync.Mutex
	arrivals []arrival
	now, max int // requests being answered
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	arrived := time.Now()
	body, err := io.ReadAll(req.Body)
	if err != nil || req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("%s of %q: %v", req.Method, req.Header.Get("Content-Type"), err)
	}
	verifier, err := whereby.NewVerifier(time.Second, secret)
	if err != nil {
		r.t.Error(err)
	}
	if err := verifier.Verify(req.Header.Get(whereby.SignatureHeader), body, arrived); err != nil {
		r.t.Error(err)
	}
	event, err := whereby.ParseEvent(body)
	if err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	r.arrivals = append(r.arrivals, arrival{arrived, event})
	n := len(r.arrivals)
	r.now++
	r.max = max(r.max, r.now)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.now--
	}()
	if r.answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	r.answer(n, w, req)
}

// discard acknowledges everything and looks at nothing.
type discard struct{}

func (discard) ServeHTTP(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// got returns the arrivals so far.
func (r *receiver) got() []arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.arrivals)
}

// most returns the highest number of requests at a time.
func (r *receiver) most() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.max
}

// ids returns the IDs of arrivals, each once, in order of the first arrival.
func ids(arrivals []arrival) (ids []string) {
	seen := map[string]bool{}
	for _, a := range arrivals {
		if !seen[a.event.ID] {
			ids = append(ids, a.event.ID)
		}
		seen[a.event.ID] = true
	}
	return ids
}

func idsOf(events []wherebytest.Event) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

// sending runs a sender and gives what ends it.
func sending(t testing.TB, s *wherebytest.Sender, r http.Handler) (stop func() wherebytest.SenderStats) {
	s.URL, s.Secret = "http://exporter.example.com/webhook", secret
	s.Client = &http.Client{Transport: wherebytest.HandlerTransport(r)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return func() wherebytest.SenderStats {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		stats := s.Stats()
		if stats.Events+stats.Duplicates != stats.Withheld+stats.Acknowledged+stats.Refused+stats.Lost+stats.Aborted {
			t.Errorf("%+v does not add up", stats)
		}
		return stats
	}
}

// pair returns a session of two people from now on for ten minutes: six events.
func pair() wherebytest.Session {
	return wherebytest.Session{Start: time.Now(), End: time.Now().Add(10 * time.Minute), Participants: make([]wherebytest.Participant, 2)}
}
