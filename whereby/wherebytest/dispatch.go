package wherebytest

import (
	"cmp"
	"container/heap"
	"context"
	"net/http"
	"time"
)

// dispatch is a Run of a Sender. It owns all deliveries but for those in flight,
// each of which is with a goroutine for one attempt.
type dispatch struct {
	sender   *Sender
	feed     feed
	max      int
	inFlight int
	ready    chan delivery // back from an attempt
	queue    queue
	numbered int64
}

// delivery is an event on its way.
type delivery struct {
	event   Event
	body    []byte
	due     time.Time
	no      int64 // of deliveries that are due at the same time, the first goes first
	attempt int   // that have been made
	status  int   // of the last attempt
	err     error
}

// failed reports whether the last attempt may be made again. Source: the webhook
// reference on retries.
func (d delivery) failed() bool {
	return d.err != nil || d.status >= http.StatusInternalServerError
}

func newDispatch(s *Sender) *dispatch {
	most := cmp.Or(s.MaxInFlight, 64)
	return &dispatch{
		sender: s,
		feed:   newFeed(s.Account, s.Since),
		max:    most,
		ready:  make(chan delivery, most),
	}
}

func (d *dispatch) run(ctx context.Context) {
	changed := d.sender.Account.changes()
	for ctx.Err() == nil {
		select {
		case <-changed:
			// Asked for before looking, so that no change is missed that comes after.
			changed = d.sender.Account.changes()
			d.feed.stale = true
		default:
		}
		d.start(ctx)
		timer := time.NewTimer(time.Until(d.wake()))
		due, wake := timer.C, changed
		if d.inFlight == d.max {
			due, wake = nil, nil
		}
		select {
		case <-ctx.Done():
		case <-due:
		case <-wake:
		case back := <-d.ready:
			d.inFlight--
			d.settle(back)
		}
		timer.Stop()
	}
	for ; d.inFlight > 0; d.inFlight-- {
		if back := <-d.ready; back.failed() {
			d.sender.counts.aborted.Add(1)
		} else {
			d.settle(back)
		}
	}
	d.sender.counts.aborted.Add(int64(len(d.queue)))
}

// start sends what is due as far as there is room. Events are taken from the
// account only as they can be sent, so a receiver that is slow costs no memory.
func (d *dispatch) start(ctx context.Context) {
	now := time.Now()
	for d.inFlight < d.max {
		if len(d.queue) > 0 && !d.queue[0].due.After(now) {
			next := heap.Pop(&d.queue).(delivery)
			d.inFlight++
			go d.attempt(ctx, next)
			continue
		}
		event, ok := d.feed.next(now)
		if !ok {
			return
		}
		d.plan(event, now)
	}
}

// wake returns the time at which there is something to do.
func (d *dispatch) wake() time.Time {
	at := d.feed.wake()
	if len(d.queue) > 0 && d.queue[0].due.Before(at) {
		at = d.queue[0].due
	}
	return at
}

// plan decides what becomes of an event.
func (d *dispatch) plan(e Event, now time.Time) {
	counts := &d.sender.counts
	counts.events.Add(1)
	fate := d.sender.Faults.fate(e.ID)
	if fate.withhold {
		counts.withheld.Add(1)
		d.done(e, 0, ErrWithheld)
		return
	}
	body, err := e.MarshalJSON()
	if err != nil {
		panic(err) // it returns none
	}
	if fate.delay > 0 {
		counts.delayed.Add(1)
	}
	d.enqueue(delivery{event: e, body: body, due: now.Add(fate.delay)})
	if fate.duplicate {
		counts.duplicates.Add(1)
		d.enqueue(delivery{event: e, body: body, due: now.Add(fate.duplicateDelay)})
	}
}

func (d *dispatch) enqueue(next delivery) {
	d.numbered++
	next.no = d.numbered
	heap.Push(&d.queue, next)
}

func (d *dispatch) attempt(ctx context.Context, next delivery) {
	next.attempt++
	next.status, next.err = d.sender.post(ctx, next.body)
	d.ready <- next // has room for all in flight
}

// settle decides what follows an attempt.
func (d *dispatch) settle(back delivery) {
	counts := &d.sender.counts
	switch {
	case !back.failed() && back.status/100 == 2:
		counts.acknowledged.Add(1)
	case !back.failed():
		counts.refused.Add(1)
	case back.attempt < maxAttempts:
		counts.retries.Add(1)
		wait := cmp.Or(d.sender.Backoff, firstBackoff) << (back.attempt - 1)
		back.due = time.Now().Add(wait)
		d.enqueue(back)
		return
	default:
		counts.lost.Add(1)
	}
	d.done(back.event, back.status, back.err)
}

func (d *dispatch) done(e Event, status int, err error) {
	if d.sender.OnDone != nil {
		d.sender.OnDone(e, status, err)
	}
}

// queue is a heap of deliveries, the first to be made first.
type queue []delivery

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return cmp.Or(q[i].due.Compare(q[j].due), cmp.Compare(q[i].no, q[j].no)) < 0
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(delivery)) }
func (q *queue) Pop() any {
	old := *q
	last := len(old) - 1
	d := old[last]
	old[last] = delivery{}
	*q = old[:last]
	return d
}
