package webhook

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestATimeoutEndsInTime takes a timeout every few milliseconds: each lasts about as long as it
// should, and never longer.
func TestATimeoutEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared timeouts
		different := map[context.Context]bool{}
		for range 100 {
			began, ctx := time.Now(), shared.next()
			different[ctx] = true
			ended := make(chan time.Duration, 1)
			context.AfterFunc(ctx, func() { ended <- time.Since(began) })
			time.AfterFunc(answerWithin, func() {
				synctest.Wait()
				if took := <-ended; took > answerWithin || took < answerWithin-timeoutShared {
					t.Errorf("it ended after %v", took)
				}
				if cause := context.Cause(ctx); !errors.Is(cause, errTooSlow) {
					t.Errorf("the cause is %v", cause)
				}
			})
			time.Sleep(3 * time.Millisecond)
		}
		if n := len(different); n > 10 {
			t.Errorf("%d timeouts are for 300 ms", n)
		}
		time.Sleep(2 * answerWithin)
	})
}
