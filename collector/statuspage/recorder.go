package statuspage

import (
	"net/http"
	"sync"
	"time"

	"whereby_exporter/collector/poller"
	"whereby_exporter/whereby"
)

// Recorder records polls, requests and reloads for the status page. It is safe for
// concurrent use.
type Recorder struct {
	mu      sync.Mutex
	started time.Time
	polls   Polls
	points  Points
	reloads Reloads
	polled  bool
}

// NewRecorder returns a recorder of a process that starts now.
func NewRecorder() *Recorder {
	now := time.Now()
	return &Recorder{started: now, reloads: Reloads{Loaded: now}}
}

// OnPoll records the result of a poll.
func (r *Recorder) OnPoll(result poller.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.polls.Pages = 0
	if result.Err != nil {
		r.polls.Err, r.polls.Failed = result.Err, result.Ended
		r.polls.LastErr, r.polls.LastErrAt = result.Err, result.Ended
		r.polls.Failing++
		return
	}
	r.polled = true
	r.polls.Err, r.polls.Failed, r.polls.Failing = nil, time.Time{}, 0
	r.polls.Succeeded = result.Ended
}

// OnExchange records a request to Insights.
func (r *Recorder) OnExchange(e whereby.Exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Until the first poll has succeeded there is no other reader of rooms.
	if !r.polled && e.Endpoint == whereby.EndpointRooms && e.StatusCode == http.StatusOK {
		r.polls.Pages++
	}
	if e.RateLimit.LimitKnown && e.RateLimit.RemainingKnown {
		r.points.Limit, r.points.Remaining, r.points.At = e.RateLimit.Limit, e.RateLimit.Remaining, time.Now()
	}
}

// OnReload records that a configuration file is in force.
func (r *Recorder) OnReload() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reloads = Reloads{Loaded: time.Now()}
}

// OnReloadFailed records that a configuration file was refused.
func (r *Recorder) OnReloadFailed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reloads.Failed = time.Now()
}

// report returns a report with what was recorded.
func (r *Recorder) report() Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Report{Started: r.started, Polls: r.polls, Points: r.points, Reloads: r.reloads}
}
