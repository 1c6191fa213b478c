package whereby

import (
	"math"
	"time"
)

// limiters are the ways in which points may come back. Whereby does not say which of them it
// uses, so each is possible until an answer contradicts it. A request counts as the most that
// it can have cost in any way that is still possible, so points that come back between two
// answers do not make it look cheap.
//
//   - All at once, every minute or more rarely (a fixed window). Between two resets none
//     come back.
//   - Evenly, the limit in a minute (a token bucket). As many may come back, and one more
//     because Whereby reports whole points.
//   - Each a minute after it was spent (a sliding window). Any number may come back, because
//     production may have spent any number a minute ago. But everything that was seen to be
//     spent in the last minute must still be in use.
//
// If all are contradicted, nothing can be learned.
type limiters struct {
	notAtOnce, notEvenly, notEach bool

	before   reading
	plain    bool       // the last reading followed the one before it at once
	returned time.Time  // before the last return of points
	spent    []spending // that was seen in the last minute
	none     time.Time  // since when no limiter is possible
}

// reading is what an answer said of the points. They were counted after the request was
// sent, and before the answer was received.
type reading struct {
	kind           kind
	sent, received time.Time
	limit, used    int
	// crossed is true if another request was in progress at the same time: their answers
	// may have overtaken each other.
	crossed bool

	fall  int       // since the reading before
	since time.Time // when the request of the reading before was sent
}

// spending is points that were spent at a time or later.
type spending struct {
	since  time.Time
	points int
}

const (
	// leastWindow is a minute, less what clocks may differ by.
	leastWindow = 59 * time.Second
	// atOnce is so short a time that what production spends in it does not hide a reset: it
	// would have to be as much as all have spent in the minute before.
	atOnce = 2 * time.Second
	// together is so short a time that nothing comes back in it that production spent a
	// minute ago, as a rule.
	together = 50 * time.Millisecond
	// forgetAfter is when all limiters are possible again after all were contradicted, in case
	// Whereby has changed its own.
	forgetAfter = 10 * time.Minute
)

// most returns the most points that the request of a reading can have cost. Unless it must be
// sure, it neglects what production may have spent in a moment a minute ago.
func (l *limiters) most(r reading, sure bool) int {
	before := l.before
	comparable := before.limit == r.limit && !r.crossed && !before.crossed
	if comparable {
		r.fall, r.since = r.used-before.used, before.sent
	}
	l.before = r
	l.plain = comparable && r.sent.Sub(before.received) <= together
	l.contradict(r, comparable)
	switch {
	case r.crossed:
		return MaxReadCost
	case !comparable, !l.none.IsZero():
		return bounded(r.used) // whatever came back, its cost is in use
	}
	took, back := r.received.Sub(r.since), evenly(r, r.since)
	switch {
	case !l.notEach && (sure || took > together):
		return bounded(r.used)
	case !l.notAtOnce && (r.fall < 1 || took > atOnce && r.received.Sub(l.returned) >= leastWindow):
		return bounded(r.used)
	case l.notEvenly:
		back = 0
	case before.kind == r.kind && before.fall >= 1 && before.fall <= r.fall && evenly(r, before.since) == 1:
		back = 0 // a single point makes one of two equal requests look cheaper, not both
	}
	return bounded(min(r.fall+back, r.used))
}

// contradict finds what a reading contradicts. Every request costs at least a point.
func (l *limiters) contradict(r reading, comparable bool) {
	seen := spending{r.sent, 1}
	if comparable {
		if r.fall < 1 {
			if !l.returned.IsZero() && r.received.Sub(l.returned) < leastWindow {
				l.notAtOnce = true
			}
			l.returned = later(r.since, l.returned.Add(leastWindow))
		} else {
			seen = spending{r.since, r.fall}
		}
		if r.fall+evenly(r, r.since) < 1 {
			l.notEvenly = true
		}
	}
	sum, old := 0, 0
	l.spent = append(l.spent, seen)
	for i, s := range l.spent {
		if r.received.Sub(s.since) < leastWindow {
			sum += s.points
		} else {
			old = i + 1
		}
	}
	l.spent = append(l.spent[:0], l.spent[old:]...)
	if r.used < sum && !r.crossed {
		l.notEach = true
	}
	if l.notAtOnce && l.notEvenly && l.notEach && l.none.IsZero() {
		l.none = r.received
	}
	if !l.none.IsZero() && r.received.Sub(l.none) > forgetAfter {
		*l = limiters{before: r}
	}
}

// spread reports whether requests are better spread over the minute than sent one right
// after another. If answers come quickly, the latter shows what a request costs. If they are
// slow, a return of points within a minute must be seen first: it contradicts that each comes
// back a minute after it was spent.
func (l *limiters) spread() bool {
	return !l.notEach && l.before.received.Sub(l.before.sent) > together/4
}

// known reports whether at most one limiter is still possible.
func (l *limiters) known() bool {
	n := 0
	for _, not := range [...]bool{l.notAtOnce, l.notEvenly, l.notEach} {
		if !not {
			n++
		}
	}
	return n <= 1
}

// evenly is how many points may have come back from a time until a reading, if they do so
// evenly.
func evenly(r reading, since time.Time) int {
	return int(math.Ceil(float64(r.limit) * r.received.Sub(since).Minutes()))
}

func bounded(points int) int { return min(max(points, 1), MaxReadCost) }
