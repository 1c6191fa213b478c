package quality

import (
	"container/heap"
	"time"
)

// perRound is how many participants of a session are read before those of the next
// one: a session of hundreds must not stand for its customer alone.
const perRound = 10

// agenda says what to read next.
//
// Points are shared out by start-time fair queueing: every room prefix that has
// something to read gets the same number of points, and one that needs fewer leaves
// the rest to the others. A prefix that had nothing to read has saved up nothing.
// Within a prefix sessions go in rounds of perRound participants, the newest first.
type agenda struct {
	queues map[string]*queue
	// later are sessions that are not due.
	later laterHeap
	// clock is the points of the queue that was served last, when it was.
	clock float64
}

// queue is a room prefix's.
type queue struct {
	points float64
	ready  readyHeap
}

func newAgenda() *agenda { return &agenda{queues: map[string]*queue{}} }

// add takes a session of a prefix, to be read from a time on.
func (a *agenda) add(s *session, label string, notBefore time.Time) {
	q := a.queues[label]
	if q == nil {
		q = &queue{}
		a.queues[label] = q
	}
	s.queue, s.notBefore = q, notBefore
	heap.Push(&a.later, s)
}

// remove takes a session off; one that is not on is no error.
func (a *agenda) remove(s *session) {
	switch {
	case s.queue == nil || s.index < 0:
	case s.index < len(s.queue.ready) && s.queue.ready[s.index] == s:
		heap.Remove(&s.queue.ready, s.index)
	default:
		heap.Remove(&a.later, s.index)
	}
	s.queue = nil
}

// next returns the session to read now, which stays on the agenda; nil if there is
// none, and then when there will be (zero: not as things are).
func (a *agenda) next(now time.Time) (*session, time.Time) {
	for len(a.later) > 0 && !a.later[0].notBefore.After(now) {
		s := heap.Pop(&a.later).(*session)
		if len(s.queue.ready) == 0 {
			s.queue.points = max(s.queue.points, a.clock)
		}
		heap.Push(&s.queue.ready, s)
	}
	var first *queue
	for _, q := range a.queues {
		if len(q.ready) > 0 && (first == nil || q.points < first.points ||
			q.points == first.points && before(q.ready[0], first.ready[0])) {
			first = q
		}
	}
	switch {
	case first != nil:
		a.clock = first.points
		return first.ready[0], time.Time{}
	case len(a.later) > 0:
		return nil, a.later[0].notBefore
	}
	return nil, time.Time{}
}

// charge notes the points that a session's prefix cost.
func (a *agenda) charge(s *session, points int) {
	if s.queue != nil {
		s.queue.points += float64(points)
	}
}

// reorder finds a session its new place once it has changed.
func (a *agenda) reorder(s *session) {
	if s.queue != nil && s.index < len(s.queue.ready) && s.queue.ready[s.index] == s {
		heap.Fix(&s.queue.ready, s.index)
	}
}

// restore puts a queue in order after several of its sessions have changed.
func (q *queue) restore() {
	if q != nil {
		heap.Init(&q.ready)
	}
}

// postpone takes a session up again at a time.
func (a *agenda) postpone(s *session, until time.Time) {
	q := s.queue
	if q == nil {
		return
	}
	a.remove(s)
	s.queue, s.notBefore = q, until
	heap.Push(&a.later, s)
}

// before tells which of two sessions goes first.
func before(a, b *session) bool {
	if roundA, roundB := len(a.Read)/perRound, len(b.Read)/perRound; roundA != roundB {
		return roundA < roundB
	}
	if a.newest() != b.newest() {
		return a.newest() > b.newest()
	}
	return a.Room < b.Room
}

// readyHeap has the session to read next on top.
type readyHeap []*session

func (h readyHeap) Len() int           { return len(h) }
func (h readyHeap) Less(i, j int) bool { return before(h[i], h[j]) }
func (h readyHeap) Swap(i, j int)      { swap(h, i, j) }
func (h *readyHeap) Push(x any)        { push((*[]*session)(h), x) }
func (h *readyHeap) Pop() any          { return pop((*[]*session)(h)) }

// laterHeap has the session that is due first on top.
type laterHeap []*session

func (h laterHeap) Len() int           { return len(h) }
func (h laterHeap) Less(i, j int) bool { return h[i].notBefore.Before(h[j].notBefore) }
func (h laterHeap) Swap(i, j int)      { swap(h, i, j) }
func (h *laterHeap) Push(x any)        { push((*[]*session)(h), x) }
func (h *laterHeap) Pop() any          { return pop((*[]*session)(h)) }

func swap(h []*session, i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func push(h *[]*session, x any) {
	s := x.(*session)
	s.index = len(*h)
	*h = append(*h, s)
}

func pop(h *[]*session) any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	s.index = -1
	return s
}
