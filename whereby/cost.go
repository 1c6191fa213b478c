package whereby

import (
	"slices"
	"time"
)

const (
	// MaxReadCost is the most points that a request costs: 1 to 10 by its complexity, as
	// Whereby's documentation says of rate limiting. What a request of an endpoint costs
	// is not documented, may depend on the data, and may change at any time.
	MaxReadCost = 10
	// doubted is the part of a minute's points, as requests of one point, for which a
	// request may have looked dear because production was busy all the time.
	doubted = 1.0 / 30
	// observed is how many observations an estimate rests on while points come back all
	// the time, and each may look too cheap.
	observed = 40
	// resetsApart is less than the time between two resets of a window of a minute.
	// Points that come back more often come back all the time.
	resetsApart = 55 * time.Second
	// returnsFor is how long points are taken to come back all the time after they were
	// seen to.
	returnsFor = 10 * time.Minute
	// watched is how often answers must come for a reset not to go unseen, and resetWithin
	// how long there can be none: if there is none for longer, points come back evenly.
	watched, resetWithin = 10 * time.Second, 70 * time.Second
)

// costs learns what requests cost from how far the organization's remaining points fall
// from one of our answers to the next. Production's requests in between make a request
// look dearer, and never cheaper. Points that come back in between make it look cheaper:
// Whereby does not say whether they do so once a minute or all the time.
type costs struct {
	fixed int // 0 if it is to be learnt
	kinds map[kind]*kindCost

	known    bool // whether there is an answer before, and what it said
	at       time.Time
	limit    int
	used     int
	returned time.Time // since when points may have come back last
	// unseen is since when answers have come one soon after the other without a return.
	unseen time.Time
	// returnsUntil is until when points are taken to come back all the time.
	returnsUntil time.Time
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
	observed []int
}

// charge is what a request is charged, which may be too high.
type charge struct {
	points *int
	// least is what the requests up to it cost at least, as far as is known: if all of
	// them were dear, it was not production.
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
func (c *costs) estimate(k kind, now time.Time) int {
	if c.fixed > 0 {
		return c.fixed
	}
	known := c.of(k)
	if now.Before(c.returnsUntil) {
		if len(known.observed) < observed {
			return MaxReadCost
		}
		return slices.Max(known.observed)
	}
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
func (c *costs) endpoint(endpoint string, now time.Time) int {
	first, more := kind{endpoint, false}, kind{endpoint, true}
	if len(c.of(more).charges) == 0 {
		return c.estimate(first, now)
	}
	return max(c.estimate(first, now), c.estimate(more, now))
}

// charge sets the points of a request that was answered with success, and is at least
// what it cost. Those of requests before may be lowered. alone is false if another request
// was under way at the same time, so that the fall is not the request's own.
func (c *costs) charge(points *int, k kind, r RateLimit, now time.Time, alone bool) {
	estimate, before := c.estimate(k, now), *c
	if r.LimitKnown && r.RemainingKnown {
		c.known, c.at, c.limit, c.used = true, now, r.Limit, max(0, r.Limit-r.Remaining)
	}
	switch {
	case c.fixed > 0, !r.LimitKnown, !r.RemainingKnown:
		*points = estimate
		return
	case !alone:
		*points = MaxReadCost
		return
	}
	// Whatever came back, what is used now was used by this request too.
	seen := bounded(c.used)
	if before.known && before.limit == c.limit {
		if fall := c.used - before.used; fall >= 1 {
			c.noteNone(before.at, now)
			seen = bounded(fall + c.returnedIn(now.Sub(before.at), now))
		} else {
			c.noteReturn(before.at, now)
		}
	}
	*points = seen
	known := c.of(k)
	known.observed = last(known.observed, seen, observed)
	if now.Before(c.returnsUntil) {
		*points = max(seen, estimate)
		known.charges = last(known.charges, charge{points, *points}, c.doubtful())
		return
	}
	// Production can only make a request look dearer, and is not always at work: if one
	// after it looks cheaper, it was cheaper too, unless all before it were as dear.
	for _, before := range known.charges {
		*before.points = min(*before.points, max(seen, before.least))
	}
	least := slices.Min(known.observed[max(0, len(known.observed)-c.doubtful()):])
	known.charges = last(known.charges, charge{points, least}, c.doubtful())
}

// last appends to a list of the last n.
func last[T any](list []T, item T, n int) []T {
	if len(list) >= n {
		list = list[len(list)-n+1:]
	}
	return append(slices.Clone(list), item)
}

// doubtful is how many requests back one may have looked dear for production's sake.
func (c *costs) doubtful() int { return min(max(int(doubted*float64(c.limit)), 3), observed) }

// returnedIn is how many points may have come back in a time, if they do so all the time.
func (c *costs) returnedIn(d time.Duration, now time.Time) int {
	if !now.Before(c.returnsUntil) {
		return 0
	}
	return int(float64(c.limit) * d.Minutes())
}

// noteReturn notes that points have come back between two times.
func (c *costs) noteReturn(from, to time.Time) {
	if !c.returned.IsZero() && to.Sub(c.returned) < resetsApart {
		c.returnsUntil = to.Add(returnsFor)
	}
	c.returned, c.unseen = from, time.Time{}
}

// noteNone notes that no points were seen to come back between two times.
func (c *costs) noteNone(from, to time.Time) {
	if c.unseen.IsZero() || to.Sub(from) > watched {
		c.unseen = from
	}
	if to.Sub(c.unseen) > resetWithin {
		c.returnsUntil = to.Add(returnsFor)
	}
}

func bounded(points int) int { return min(max(points, 1), MaxReadCost) }
