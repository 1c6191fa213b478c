package wherebytest

import (
	"math"
	"time"
)

type fixedWindow struct {
	limit, used int
	ends        time.Time
}

func (w *fixedWindow) left(now time.Time) int {
	if !now.Before(w.ends) {
		return w.limit
	}
	return w.limit - w.used
}

func (w *fixedWindow) spend(now time.Time, points int) {
	if !now.Before(w.ends) {
		w.used, w.ends = 0, now.Add(window)
	}
	w.used += points
}

func (w *fixedWindow) wait(now time.Time, points int) time.Duration {
	if w.left(now) >= points {
		return 0
	}
	return w.ends.Sub(now)
}

func (w *fixedWindow) reset(now time.Time) time.Time {
	if now.After(w.ends) {
		return now
	}
	return w.ends
}

type slidingWindow struct {
	limit, used int
	spent       []expense // oldest first
}

// expense is points spent at one time.
type expense struct {
	at     time.Time
	points int
}

// expire forgets what was spent a window ago or longer.
func (w *slidingWindow) expire(now time.Time) {
	n := 0
	for n < len(w.spent) && now.Sub(w.spent[n].at) >= window {
		w.used -= w.spent[n].points
		n++
	}
	w.spent = w.spent[n:]
}

func (w *slidingWindow) left(now time.Time) int {
	w.expire(now)
	return w.limit - w.used
}

func (w *slidingWindow) spend(now time.Time, points int) {
	w.expire(now)
	if points == 0 {
		return
	}
	w.used += points
	w.spent = append(w.spent, expense{now, points})
}

func (w *slidingWindow) wait(now time.Time, points int) time.Duration {
	left := w.left(now)
	if left >= points {
		return 0
	}
	for _, e := range w.spent {
		if left += e.points; left >= points {
			return e.at.Add(window).Sub(now)
		}
	}
	return window
}

func (w *slidingWindow) reset(now time.Time) time.Time {
	w.expire(now)
	if len(w.spent) == 0 {
		return now
	}
	return w.spent[len(w.spent)-1].at.Add(window)
}

type tokenBucket struct {
	limit int
	used  float64 // as of then
	then  time.Time
}

// nearly is how much of a point may be missing for reasons of arithmetic.
const nearly = 1e-6

// usedAt returns the points that are not back yet.
func (b *tokenBucket) usedAt(now time.Time) float64 {
	back := float64(b.limit) * now.Sub(b.then).Seconds() / window.Seconds()
	return max(0, b.used-max(0, back))
}

func (b *tokenBucket) left(now time.Time) int {
	return int(math.Floor(float64(b.limit) - b.usedAt(now) + nearly))
}

func (b *tokenBucket) spend(now time.Time, points int) {
	b.used, b.then = b.usedAt(now)+float64(points), now
}

func (b *tokenBucket) wait(now time.Time, points int) time.Duration {
	return b.refills(b.usedAt(now) + float64(points-b.limit))
}

func (b *tokenBucket) reset(now time.Time) time.Time {
	return now.Add(b.refills(b.usedAt(now)))
}

// refills is how long it takes for so many points to come back.
func (b *tokenBucket) refills(points float64) time.Duration {
	return time.Duration(math.Ceil(max(0, points) / float64(b.limit) * float64(window)))
}
