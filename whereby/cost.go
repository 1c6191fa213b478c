package whereby

import (
	"slices"
	"time"
)

const (
	// MaxReadCost is the highest number of points that a request costs. According to Whereby's
	// documentation of rate limiting, it is 1 to 10, depending on complexity. The cost of each
	// endpoint is not documented, may depend on the data, and may change at any time.
	MaxReadCost = 10
	// doubted is the part of a minute's points, as requests of one point, for which requests
	// may have looked expensive because production was busy all the time, and leastDoubted
	// the fewest such requests.
	doubted, leastDoubted = 1.0 / 30, 10
)

// costs learns what requests cost from how far the organization's remaining points fall
// from one of our answers to the next. Production's requests in between make a request look
// more expensive, never cheaper. Points that come back in between make it look cheaper;
// limiters knows how many these may be.
type costs struct {
	fixed    int // 0 if it is to be learned
	kinds    map[kind]*kindCost
	limit    int
	limiters limiters
	// patient is true if there are enough points to find out first how they come back, and
	// then what requests cost. With few points, the former may take an hour.
	patient bool
}

// kind is a kind of requests that are likely to cost the same.
type kind struct {
	endpoint string
	// more is true for the pages after the first.
	more bool
}

// kindCost is what is known of a kind.
type kindCost struct {
	charges  []charge // of the last requests, oldest first
	observed []int    // that they can have cost at most, less of those after a pause
	paused   int      // requests after a pause, since the last that followed another at once
}

// charge is what a request is charged, which may be too high.
type charge struct {
	points *int
	// least is what the requests up to it cost at least, as far as is known: if all of
	// them looked expensive, that was not production.
	least int
}

func (c *costs) of(k kind) *kindCost {
	known := c.kinds[k]
	if known == nil {
		if c.kinds == nil {
			c.kinds = map[kind]*kindCost{}
		}
		known = &kindCost{}
		c.kinds[k] = known
	}
	return known
}

// estimate is what the next request of a kind is expected to cost. A request may cost
// more; then it is charged more.
func (c *costs) estimate(k kind) int {
	if c.fixed > 0 {
		return c.fixed
	}
	known := c.of(k)
	if len(known.charges) == 0 {
		return MaxReadCost
	}
	most := 0
	for i, charge := range known.charges {
		if newest := len(known.charges) - i; newest <= c.doubtful()/2 {
			most = max(most, charge.least) // production may be in the rest
		} else {
			most = max(most, *charge.points)
		}
	}
	return most
}

// endpoint is what the next request of an endpoint is expected to cost, whatever page.
func (c *costs) endpoint(endpoint string) int {
	first, more := kind{endpoint, false}, kind{endpoint, true}
	if len(c.of(more).charges) == 0 {
		return c.estimate(first)
	}
	return max(c.estimate(first), c.estimate(more))
}

// charge sets the points of a request that was answered with success, and is at least
// what it cost. Those of requests before may be lowered. alone is false if another request
// was in progress at the same time, so that the fall is not the request's own.
func (c *costs) charge(points *int, k kind, r RateLimit, sent, now time.Time, alone bool) {
	if c.fixed > 0 || !r.LimitKnown || !r.RemainingKnown {
		*points = c.estimate(k)
		return
	}
	c.limit = r.Limit
	seen := c.limiters.most(reading{
		kind: k, sent: sent, received: now, crossed: !alone,
		limit: r.Limit, used: max(0, r.Limit-r.Remaining),
	}, c.patient)
	*points = seen
	if !alone {
		return
	}
	known := c.of(k)
	if known.paused++; c.limiters.plain {
		known.paused = 0
	}
	// After a pause a request looks expensive for what production spent in it. That is no evidence
	// that requests are expensive, unless there has been no other for long.
	if len(known.observed) == 0 || known.paused == 0 || known.paused > c.doubtful() {
		known.observed = last(known.observed, seen, c.doubtful())
	}
	// Production can only make a request look more expensive, and is not always at work: if one
	// after it looks cheaper, it was cheaper too, unless all before it were as expensive.
	for _, before := range known.charges {
		*before.points = min(*before.points, max(seen, before.least))
	}
	known.charges = last(known.charges, charge{points, min(seen, slices.Min(known.observed))}, c.doubtful())
}

// last appends to a list of the last n.
func last[T any](list []T, item T, n int) []T {
	if len(list) >= n {
		list = list[len(list)-n+1:]
	}
	return append(slices.Clone(list), item)
}

// doubtful is how many requests back one may have looked expensive for production's sake.
func (c *costs) doubtful() int { return max(int(doubted*float64(c.limit)), leastDoubted) }
