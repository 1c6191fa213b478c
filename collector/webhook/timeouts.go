package webhook

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// timeoutShared is for how long a timeout is given to one request after another.
const timeoutShared = 50 * time.Millisecond

var errTooSlow = errors.New("the disk is too slow")

// timeouts gives requests contexts that end after [answerWithin], or a moment sooner: those
// that come at about the same time share one, since with thousands a second a timer for each
// costs more than the event's signature.
type timeouts struct{ newest atomic.Pointer[timeout] }

type timeout struct {
	ctx   context.Context
	began time.Time
}

func (t *timeouts) next() context.Context {
	now := time.Now()
	if newest := t.newest.Load(); newest != nil && now.Sub(newest.began) < timeoutShared {
		return newest.ctx
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), answerWithin, errTooSlow)
	context.AfterFunc(ctx, cancel) // not sooner: others may have it
	t.newest.Store(&timeout{ctx, now})
	return ctx
}
