package whereby

import (
	"testing"
	"time"
)

// answered is a reading of an answer that took no time.
type answered struct {
	after time.Duration // since the one before
	used  int
	want  int // the most that it may have cost
}

// TestARequestCountsAsTheMostItCanHaveCost has responses that fit one way in which points come
// back, or none.
func TestARequestCountsAsTheMostItCanHaveCost(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for name, tc := range map[string]struct {
		answers                       []answered
		notAtOnce, notEvenly, notEach bool
	}{
		"nothing known": {answers: []answered{{0, 40, 10}, {2 * s, 43, 10}}},
		"a reset": {
			answers:   []answered{{0, 40, 10}, {2 * s, 83, 10}, {2 * s, 3, 3}, {2 * s, 6, 3}, {20 * s, 8, 2}},
			notEvenly: true, notEach: true,
		},
		"two resets within a minute": {
			answers:   []answered{{0, 40, 10}, {2 * s, 83, 10}, {2 * s, 3, 3}, {2 * s, 60, 10}, {2 * s, 4, 4}, {s, 5, 5}},
			notAtOnce: true, notEvenly: true, notEach: true, // and so nothing is learned
		},
		"evenly": {
			answers:   []answered{{0, 10, 10}, {2 * s, 45, 10}, {2 * s, 43, 10}, {6 * s, 34, 1}, {1200 * ms, 33, 1}, {1200 * ms, 36, 5}},
			notAtOnce: true, notEach: true,
		},
		"a minute later": {
			answers:   []answered{{0, 50, 10}, {30 * s, 60, 10}, {40 * s, 60, 10}, {s, 11, 10}, {20 * s, 60, 10}, {s, 52, 10}},
			notAtOnce: true, notEvenly: true,
		},
		"a reset in a pause, no earlier than a minute after the one before": {
			answers: []answered{
				{0, 40, 10}, {2 * s, 83, 10}, {2 * s, 3, 3}, {26 * s, 30, 10}, // a reset within 2 s of the start
				{time.Minute, 5, 5}, {5 * s, 9, 4},
			},
			notEvenly: true, notEach: true,
		},
		"a request right behind another": {
			answers: []answered{{0, 40, 10}, {2 * s, 43, 10}, {0, 46, 3}, {10 * ms, 49, 3}, {10 * ms, 51, 3}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var l limiters
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for i, a := range tc.answers {
				now = now.Add(a.after)
				if got := l.most(reading{sent: now, received: now, limit: 100, used: a.used}, false); got != a.want {
					t.Errorf("answer %d: it may have cost %d points, want %d", i, got, a.want)
				}
			}
			if l.notAtOnce != tc.notAtOnce || l.notEvenly != tc.notEvenly || l.notEach != tc.notEach {
				t.Errorf("contradicted are: at once %v, evenly %v, each %v; want %v, %v, %v",
					l.notAtOnce, l.notEvenly, l.notEach, tc.notAtOnce, tc.notEvenly, tc.notEach)
			}
		})
	}
}

// TestLimitersAreBelievedAgain: after some minutes, in case there is another limiter now.
func TestLimitersAreBelievedAgain(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := limiters{notAtOnce: true, notEvenly: true, notEach: true}
	for range 12 {
		l.most(reading{sent: now, received: now, limit: 100, used: 20}, false)
		now = now.Add(time.Minute)
	}
	if l.notAtOnce || l.notEvenly || l.notEach || !l.none.IsZero() {
		t.Errorf("after %v: %+v", 12*time.Minute, l)
	}
}

// TestAPauseIsNoEvidenceOfExpensiveRequests: what looks expensive after a pause was production's, unless
// requests have followed nothing but pauses for long.
func TestAPauseIsNoEvidenceOfExpensiveRequests(t *testing.T) {
	for name, tc := range map[string]struct{ pauses, want int }{
		"a few pauses":        {leastDoubted, 1},
		"nothing but pauses":  {3 * leastDoubted, MaxReadCost},
		"no pause whatsoever": {0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := costs{limiters: limiters{notEvenly: true, notEach: true}}
			now, used := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 0
			var charged []*int
			read := func(after time.Duration, fall int) {
				now, used = now.Add(after), used+fall
				points := new(int)
				c.charge(points, kind{}, RateLimit{Limit: 300, Remaining: 300 - used, LimitKnown: true, RemainingKnown: true}, now, now, true)
				charged = append(charged, points)
			}
			for range 5 {
				read(0, 1)
			}
			for range tc.pauses {
				used = 0
				read(time.Minute, 20) // production spent 19 of them
			}
			read(0, 1)
			if got := c.estimate(kind{}); got != tc.want {
				t.Errorf("the next request is expected to cost %d points, want %d", got, tc.want)
			}
			for i, points := range charged {
				if *points < 1 {
					t.Errorf("request %d is charged %d points, and cost one", i, *points)
				}
			}
		})
	}
}
