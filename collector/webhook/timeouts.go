package webhook

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// timeoutShared is how long a timeout is handed out to one request after another.
const timeoutShared = 50 * time.Millisecond

var errTooSlow = errors.New("the disk is too slow")

// timeouts returns contexts that end after [answerWithin], or a moment sooner. Requests that
// arrive at about the same time share one: at thousands a second, a timer for each costs more
// than verifying the event's signature.
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
	context.AfterFunc(ctx, cancel) // not sooner: other requests may use it
	t.newest.Store(&timeout{ctx, now})
	return ctx
}
