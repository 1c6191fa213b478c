package webhook

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby"
)

// TestRefusedEventsAreLoggedOnceAndCounted has a disk that is full for three and a half
// minutes, at 50 events a second.
func TestRefusedEventsAreLoggedOnceAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		full := errors.New("no space left on device")
		err := full
		h := handler(t, func(context.Context, whereby.Event) error { return err }, &log)
		lines := func() (n int) { return strings.Count(log.String(), "storing an event failed") }
		postFor := func(d time.Duration) (n int) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second / 50) {
				if status := post(t.Context(), t, h); status != http.StatusServiceUnavailable {
					t.Fatalf("the status is %d", status)
				}
				n++
			}
			return n
		}
		postFor(time.Second / 10)
		if lines() != 1 || !strings.Contains(log.String(), "count=1\n") {
			t.Errorf("at first the log is %q", log.String())
		}
		postFor(200 * time.Second)
		if n := lines(); n != 4 || !strings.Contains(log.String(), "count=3000\n") {
			t.Errorf("after more than three minutes there are %d lines: %q", n, log.String())
		}
		log.Reset()
		err = errors.New("the disk is gone")
		postFor(time.Second)
		if lines() != 1 || !strings.Contains(log.String(), "the disk is gone") {
			t.Errorf("after another error the log is %q", log.String())
		}
		log.Reset()
		err = nil
		for range 3 {
			if status := post(t.Context(), t, h); status != http.StatusNoContent {
				t.Errorf("the status is %d", status)
			}
		}
		if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "events are stored again") || !strings.Contains(got, "more_refused=49\n") {
			t.Errorf("when it goes on, the log is %q", got)
		}
		log.Reset()
		for i := range 1000 { // a disk that comes and goes
			err = nil
			if i%2 == 0 {
				err = full
			}
			post(t.Context(), t, h)
			time.Sleep(10 * time.Millisecond)
		}
		if n := strings.Count(log.String(), "\n"); n > 22 {
			t.Errorf("in 10 s that it comes and goes, there are %d lines", n)
		}
	})
}
