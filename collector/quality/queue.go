package quality

import (
	"container/heap"
	"time"
)

// perRound is how many participants of a session are read before those of the next one: a
// session of hundreds must not represent its customer alone.
const perRound = 10

// queue holds the sessions to read, and says which is next.
//
// Points are divided by start-time fair queueing: every room prefix with something to read
// gets the same number of points, and one that needs fewer leaves the rest to the others. A
// prefix that had nothing to read does not save up points. Within a prefix, sessions go in
// rounds of perRound participants, the newest first.
type queue struct {
	prefixes map[string]*prefixQueue
	// later are sessions that are not due.
	later laterHeap
	// clock is the points of the prefix that was served last, when it was.
	clock float64
}

// prefixQueue is the part of the queue for one room prefix.
type prefixQueue struct {
	points float64
	ready  readyHeap
}

func newQueue() *queue { return &queue{prefixes: map[string]*prefixQueue{}} }

// add puts a session of a prefix into the queue, to be read at notBefore or later.
func (q *queue) add(s *session, label string, notBefore time.Time) {
	p := q.prefixes[label]
	if p == nil {
		p = &prefixQueue{}
		q.prefixes[label] = p
	}
	s.queue, s.notBefore = p, notBefore
	heap.Push(&q.later, s)
}

// remove takes a session out; one that is not in the queue is no error.
func (q *queue) remove(s *session) {
	switch {
	case s.queue == nil || s.index < 0:
	case s.index < len(s.queue.ready) && s.queue.ready[s.index] == s:
		heap.Remove(&s.queue.ready, s.index)
	default:
		heap.Remove(&q.later, s.index)
	}
	s.queue = nil
}

// next returns the session to read now, which stays in the queue. If there is none, it
// returns nil and when there will be one (zero if that is unknown).
func (q *queue) next(now time.Time) (*session, time.Time) {
	for len(q.later) > 0 && !q.later[0].notBefore.After(now) {
		s := heap.Pop(&q.later).(*session)
		if len(s.queue.ready) == 0 {
			s.queue.points = max(s.queue.points, q.clock)
		}
		heap.Push(&s.queue.ready, s)
	}
	var first *prefixQueue
	for _, p := range q.prefixes {
		if len(p.ready) > 0 && (first == nil || p.points < first.points ||
			p.points == first.points && before(p.ready[0], first.ready[0])) {
			first = p
		}
	}
	switch {
	case first != nil:
		q.clock = first.points
		return first.ready[0], time.Time{}
	case len(q.later) > 0:
		return nil, q.later[0].notBefore
	}
	return nil, time.Time{}
}

// charge records the points that a session's prefix cost.
func (q *queue) charge(s *session, points int) {
	if s.queue != nil {
		s.queue.points += float64(points)
	}
}

// reorder moves a session to its new place after it has changed.
func (q *queue) reorder(s *session) {
	if s.queue != nil && s.index < len(s.queue.ready) && s.queue.ready[s.index] == s {
		heap.Fix(&s.queue.ready, s.index)
	}
}

// restore puts a prefix in order after several of its sessions have changed.
func (p *prefixQueue) restore() {
	if p != nil {
		heap.Init(&p.ready)
	}
}

// postpone holds a session back until a time.
func (q *queue) postpone(s *session, until time.Time) {
	p := s.queue
	if p == nil {
		return
	}
	q.remove(s)
	s.queue, s.notBefore = p, until
	heap.Push(&q.later, s)
}

// before reports whether session a goes before b.
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
