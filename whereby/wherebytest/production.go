package wherebytest

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Production is the application that creates an organization's rooms, and uses the same points
// as a reader of Insights. It reads (1 point), writes (3) and deletes (2), as Whereby's
// documentation states for requests of one resource. It spends half of its share at a steady
// rate and, from time to time, all the rest in a burst.
//
// It knows its spending in advance, so it holds back a request that would exceed its share. A
// reader that keeps within the rest must never cause one of its requests to be rejected: that
// is the outage that an exporter could cause.
type Production struct {
	Account *Account
	// Share is the share of the limit that it spends at most in any 60 s; 0 means 0.75.
	Share float64
	// Seed makes its requests repeatable.
	Seed uint64

	mu       sync.Mutex
	requests []Request
}

// The endpoints of the application's requests, as [Production.Requests] names them.
const (
	EndpointReadMeeting   = "read meeting"
	EndpointCreateMeeting = "create meeting"
	EndpointDeleteMeeting = "delete meeting"
)

// errand is one kind of request that the application sends.
type errand struct {
	endpoint string
	cost     int
}

// errands are by how often they are sent.
var errands = [...]errand{
	{EndpointReadMeeting, 1}, {EndpointReadMeeting, 1}, {EndpointReadMeeting, 1}, {EndpointReadMeeting, 1},
	{EndpointReadMeeting, 1}, {EndpointReadMeeting, 1},
	{EndpointCreateMeeting, 3}, {EndpointCreateMeeting, 3}, {EndpointCreateMeeting, 3},
	{EndpointDeleteMeeting, 2},
}

// meanCost is the mean of what errands cost.
const meanCost = 1.7

const (
	steadyPart = 0.5              // of the share, that is spent at a steady rate
	burstEvery = 90 * time.Second // on average
	burstGap   = 20 * time.Millisecond
)

// Run sends requests until the context is done, and then returns nil.
func (p *Production) Run(ctx context.Context) error {
	share := p.Share
	if share == 0 {
		share = 0.75
	}
	// The little more than nothing keeps 0.29 × 100 from being 28.
	allowance := int(float64(p.Account.cfg.PointsPerMinute)*share + 1e-9)
	own := slidingWindow{limit: allowance}
	random := rand.New(rand.NewPCG(p.Seed, 0))
	after := func(mean float64) time.Duration { return time.Duration(random.ExpFloat64() * mean) }

	gap := float64(window) * meanCost / math.Max(1, steadyPart*float64(allowance))
	burst := time.Now().Add(after(float64(burstEvery)))
	for {
		next := after(gap)
		bursting := !time.Now().Before(burst)
		if bursting {
			next = burstGap
		}
		if !sleep(ctx, next) {
			return nil
		}
		e := errands[random.IntN(len(errands))]
		if own.left(time.Now()) < e.cost {
			if bursting {
				burst = time.Now().Add(after(float64(burstEvery)))
			}
			continue
		}
		request := p.Account.run(e)
		if !request.Refused {
			own.spend(request.Time, e.cost)
		}
		p.mu.Lock()
		p.requests = append(p.requests, request)
		p.mu.Unlock()
	}
}

// run answers a request of the application.
func (a *Account) run(e errand) Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	request := Request{Time: time.Now(), Endpoint: e.endpoint, Page: 1, Status: 200}
	a.points.arrive(request.Time)
	a.charge(&request, e.cost)
	if request.Refused {
		request.Status = 429
	}
	return request
}

// Requests returns the application's requests so far. They are not part of [Account.Requests].
func (p *Production) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Refused returns how many of its requests were rejected because no points were left.
func (p *Production) Refused() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, r := range p.requests {
		if r.Refused {
			n++
		}
	}
	return n
}
