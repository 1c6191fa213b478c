package transcriptions_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/logtest"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/transcriptions"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// bench reads an account after a poll each minute.
type bench struct {
	t       *testing.T
	account *wherebytest.Account
	ledger  *transcriptions.Ledger
	log     logtest.Buffer
	counted map[string]bool
}

func newBench(t *testing.T, config wherebytest.Config) *bench {
	config.APIKey, config.PointsPerMinute = "key", 1<<30
	b := &bench{t: t, account: wherebytest.New(config)}
	b.ledger = open(t, store.NewTranscriptionsInMemory(), label)
	b.account.AddRoom(wherebytest.Room{Name: "/acme-1", CreatedAt: time.Now()})
	return b
}

// polls runs a reader for some polls, and returns how many requests each led to.
func (b *bench) polls(n int) (requests []int) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	client := &whereby.Client{APIKey: whereby.StaticKey("key"), HTTPClient: &http.Client{Transport: b.account.RoundTripper()}}
	reader := transcriptions.New(client, b.ledger, transcriptions.Config{
		Interval: time.Minute, FullInterval: 6 * time.Hour, OnRead: func() {},
		Counted: func() map[string]bool { return b.counted },
		Logger:  slog.New(slog.NewTextHandler(&b.log, nil)),
	})
	done := make(chan error, 1)
	go func() { done <- reader.Run(ctx) }()
	for range n {
		before := b.account.Count(wherebytest.EndpointTranscriptions)
		reader.Look()
		time.Sleep(time.Minute)
		synctest.Wait()
		requests = append(requests, b.account.Count(wherebytest.EndpointTranscriptions)-before)
	}
	cancel()
	if err := <-done; err != nil {
		b.t.Error(err)
	}
	return requests
}

func (b *bench) transcribe(n int, before time.Duration) {
	for i := range n {
		start := time.Now().Add(-before - time.Duration(i)*time.Minute)
		b.account.Transcribe("/acme-1", wherebytest.Transcription{Start: start, End: start.Add(30 * time.Second), Billable: time.Minute})
	}
}

func (b *bench) expectTruth() {
	b.t.Helper()
	truth := b.account.TranscriptionTruth(label, time.Time{}, time.Time{})["acme"]
	s := snapshot(b.t, b.ledger, &transcriptions.Periods{})
	if len(s.Prefixes) != 1 || s.Prefixes[0].Billable != truth.Billable || s.Prefixes[0].ByStatus[transcriptions.Finished] != truth.Finished {
		b.t.Errorf("there are %+v, want %+v", s.Prefixes, truth)
	}
}

func TestASteadyReadingIsOnePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.transcribe(1000, 25*time.Hour)
		requests := fmt.Sprint(b.polls(40))
		// The first reading sees all pages twice; nothing is younger than a day.
		if want := "[20" + strings.Repeat(" 1", 39) + "]"; requests != want {
			t.Errorf("requests a poll are %v, want %v", requests, want)
		}
		b.expectTruth()
		// What is new leads on as far as it goes.
		b.transcribe(130, 0)
		if requests := fmt.Sprint(b.polls(4)); requests != "[3 2 1 1]" { // the newest still runs in the first
			t.Errorf("requests a poll are %v", requests)
		}
		b.expectTruth()
	})
}

func TestAReadingThatFailsIsMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.transcribe(50, time.Hour)
		b.polls(2)
		b.transcribe(250, 0)
		b.account.Inject(wherebytest.Status(502).On(wherebytest.EndpointTranscriptions).Page(3).Times(2))
		b.polls(10)
		b.expectTruth()
		if n := strings.Count(b.log.String(), "reading transcriptions failed"); n != 1 {
			t.Errorf("it failed %d times:\n%s", n, &b.log)
		}
	})
}

func TestTheListingNeedNotBeSorted(t *testing.T) {
	for name, fault := range map[string]wherebytest.Fault{"ignored": wherebytest.SortIgnored(), "refused": wherebytest.SortRefused()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				b.account.Inject(fault)
				b.transcribe(250, time.Hour)
				b.polls(2)
				b.transcribe(120, 0)
				b.polls(20)
				b.expectTruth()
			})
		})
	}
}

// TestAnUpgradeCountsNoTranscriptionTwice has webhooks have counted before: what is listed
// then may be among those, and only what comes later counts by status.
func TestAnUpgradeCountsNoTranscriptionTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.counted = map[string]bool{"acme": true}
		b.transcribe(20, time.Hour)
		b.polls(2)
		b.transcribe(3, 5*time.Minute)
		b.polls(5)
		s := snapshot(t, b.ledger, &transcriptions.Periods{})
		if p := s.Prefixes[0]; p.ByStatus.Ended() != 3 || p.Billable != 23*time.Minute {
			t.Errorf("there are %+v", p)
		}
	})
}
