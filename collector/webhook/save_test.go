package webhook

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/durable/durabletest"
	"whereby_exporter/collector/logtest"
)

// TestASaveThatKeepsFailingIsCountedAndLoggedOnce has the disk refuse the state for five
// minutes, and then take it.
func TestASaveThatKeepsFailingIsCountedAndLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		var logged logtest.Buffer
		a.state = &once{}
		l, err := openEventLog(a.fsys, eventsDir, a.state, slog.New(slog.NewTextHandler(&logged, nil)))
		if err != nil {
			t.Fatal(err)
		}
		var refuses atomic.Bool
		a.fsys.Fault = func(c durabletest.Call) (f durabletest.Fault) {
			if refuses.Load() && c.Path == durable.Temporary(l.statePath()) && c.Op == durabletest.Write {
				f.Err = errors.New("input/output error")
			}
			return f
		}
		refuses.Store(true)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		var failed atomic.Int64
		go func() { done <- l.Run(ctx, func() { failed.Add(1) }) }()
		time.Sleep(5*time.Minute + time.Second)
		if got := failed.Load(); got != 5 {
			t.Errorf("%d failed saves are counted, want 5", got)
		}
		refuses.Store(false)
		time.Sleep(2 * time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		text := logged.String()
		if failed.Load() != 5 || strings.Count(text, "saving the live state failed") != 1 || strings.Count(text, "succeeded again") != 1 {
			t.Errorf("%d failed saves are counted, and the log is\n%s", failed.Load(), text)
		}
	})
}
