package wherebytest

import (
	"net/url"
	"slices"
	"time"
)

// The endpoints, as [Request] and [Fault.On] name them.
const (
	EndpointRooms        = "rooms"
	EndpointRoomSessions = "room-sessions"
	EndpointParticipants = "participants"
	EndpointParticipant  = "participant"

	EndpointTranscriptions = "transcriptions"
	EndpointRecordings     = "recordings"
)

// Request is a request that the account received.
type Request struct {
	Time     time.Time
	Endpoint string // one of the endpoint constants; "" for any other path
	Query    url.Values
	Page     int // of the listing, from 1
	Status   int // of the answer; 0 if a fault let none come
	Cost     int // points that were spent on it
	// Refused is set if too few points were left. A 429 from a fault does not count.
	Refused bool
}

// MostPoints returns the highest cost of requests within any period of the given length. The
// requests must be in chronological order.
func MostPoints(requests []Request, within time.Duration) int {
	most, sum, first := 0, 0, 0
	for _, r := range requests {
		for r.Time.Sub(requests[first].Time) >= within {
			sum -= requests[first].Cost
			first++
		}
		sum += r.Cost
		most = max(most, sum)
	}
	return most
}

type requestLog struct {
	off     bool
	total   int // since the account was made: OnRequest's n
	entries []Request
	count   map[string]int
}

func (l *requestLog) add(r Request) {
	l.count[r.Endpoint]++
	if !l.off {
		l.entries = append(l.entries, r)
	}
}

// Requests returns the requests answered since the last reset, in the order of their
// responses. A request is recorded before its response is sent.
func (a *Account) Requests() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.requests.entries)
}

// Count returns the number of requests to an endpoint since the last reset, or with "" those
// to no endpoint.
func (a *Account) Count(endpoint string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.requests.count[endpoint]
}

// ResetRequests empties the log and the counts.
func (a *Account) ResetRequests() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests.entries = nil
	clear(a.requests.count)
}
