package wherebytest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

func TestEventsAreSentAsTheyHappen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(day))
		a := wherebytest.New(wherebytest.Config{})
		a.AddRoom(wherebytest.Room{Name: acme(1)})
		a.Schedule(acme(1), consultation())
		r := &receiver{t: t}
		stop := sending(t, &wherebytest.Sender{Account: a, MaxInFlight: 1}, r)
		time.Sleep(time.Hour)
		// Sent as soon as they are scheduled.
		a.Schedule(acme(1), pair())
		synctest.Wait()
		if n := len(r.got()); n < 17 || n > 19 {
			t.Errorf("%d events with the first three of the second meeting, want 17 and those of a transcription", n)
		}
		time.Sleep(time.Hour)
		stats := stop()
		events := a.Events(day, time.Now())
		for i, got := range r.got() {
			if i < len(events) && (got.event.ID != events[i].ID || !got.at.Equal(events[i].CreatedAt)) {
				t.Errorf("%s of %v arrives at %v, want %+v", got.event.Type, got.event.CreatedAt, got.at, events[i])
			}
		}
		if n := int64(len(events)); stats != (wherebytest.SenderStats{Events: n, Acknowledged: n, Requests: n}) {
			t.Errorf("%+v, want %d sent and acknowledged", stats, n)
		}
	})
}

func TestASessionThatIsEndedEarlyIsSentSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := wherebytest.New(wherebytest.Config{})
		a.AddRoom(wherebytest.Room{Name: acme(1)})
		r := &receiver{t: t}
		stop := sending(t, &wherebytest.Sender{Account: a}, r)
		time.Sleep(3 * time.Hour)
		s := pair()
		s.ID, s.End = "s", time.Time{}
		a.Schedule(acme(1), s)
		time.Sleep(5 * time.Hour)
		s.End = time.Now()
		a.Schedule(acme(1), s)
		synctest.Wait()
		got := r.got()
		if len(got) != 6 || !slices.Equal(slices.Sorted(slices.Values(ids(got))), slices.Sorted(slices.Values(idsOf(a.Events(s.Start, s.End.Add(1)))))) {
			t.Errorf("%d events, want 6", len(got))
		}
		// A little into the past, as the clock of a test goes on.
		late := pair()
		late.Start = late.Start.Add(-20 * time.Second)
		a.Schedule(acme(1), late)
		synctest.Wait()
		if n := len(r.got()); n != 9 {
			t.Errorf("%d events, want 9", n)
		}
		time.Sleep(time.Hour)
		if stats := stop(); stats.Events != 12 || stats.Requests != 12 {
			t.Errorf("%+v, want 12 events", stats)
		}
	})
}

func TestDeliveryIsRetriedAsWherebyDoes(t *testing.T) {
	status := func(codes ...int) func(int, http.ResponseWriter, *http.Request) {
		return func(n int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(codes[min(n, len(codes))-1]) }
	}
	hang := func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	seconds := func(all ...int) (times []time.Duration) {
		for _, n := range all {
			times = append(times, time.Duration(n)*time.Second)
		}
		return times
	}
	for _, test := range []struct {
		name   string
		answer func(int, http.ResponseWriter, *http.Request)
		times  []time.Duration // of the attempts
		want   wherebytest.SenderStats
		status int
	}{
		{"acknowledged", status(204), seconds(0), wherebytest.SenderStats{Acknowledged: 1}, 204},
		{"acknowledged otherwise", status(200), seconds(0), wherebytest.SenderStats{Acknowledged: 1}, 200},
		{"refused", status(401), seconds(0), wherebytest.SenderStats{Refused: 1}, 401},
		{"refused with too many", status(429), seconds(0), wherebytest.SenderStats{Refused: 1}, 429},
		{"unmodified", status(304), seconds(0), wherebytest.SenderStats{Refused: 1}, 304},
		{"down for a while", status(503, 500, 204), seconds(0, 1, 3), wherebytest.SenderStats{Acknowledged: 1, Retries: 2}, 204},
		{"down for once", status(502, 204), seconds(0, 1), wherebytest.SenderStats{Acknowledged: 1, Retries: 1}, 204},
		{"then refused", status(502, 400), seconds(0, 1), wherebytest.SenderStats{Refused: 1, Retries: 1}, 400},
		{"down for good", status(503), seconds(0, 1, 3), wherebytest.SenderStats{Lost: 1, Retries: 2}, 503},
		{"no answer", hang, seconds(0, 6, 13), wherebytest.SenderStats{Lost: 1, Retries: 2}, 0},
		{"a broken connection", func(int, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			seconds(0, 1, 3), wherebytest.SenderStats{Lost: 1, Retries: 2}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := wherebytest.New(wherebytest.Config{})
				a.AddRoom(wherebytest.Room{Name: acme(1)})
				begin := time.Now()
				a.Schedule(acme(1), wherebytest.Session{Start: begin, Participants: make([]wherebytest.Participant, 1)})
				r := &receiver{t: t, answer: test.answer}
				ends := 0
				s := &wherebytest.Sender{Account: a, OnDone: func(_ wherebytest.Event, status int, err error) {
					ends++
					if status != test.status || (err == nil) != (status != 0) {
						t.Errorf("ends with status %d and %v, want %d", status, err, test.status)
					}
				}}
				stop := sending(t, s, r)
				time.Sleep(time.Hour)
				got := stop()
				var times []time.Duration
				for _, a := range r.got() {
					times = append(times, a.at.Sub(begin))
				}
				test.want.Events, test.want.Requests = 1, int64(len(test.times))
				if !slices.Equal(times, test.times) || got != test.want || ends != 1 {
					t.Errorf("attempts at %v, want %v; %+v, want %+v; %d ends", times, test.times, got, test.want, ends)
				}
			})
		})
	}
}

func TestAReceiverThatIsDownLosesWhatHappensThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		a := wherebytest.Demo(2, begin, wherebytest.DemoOptions{History: time.Hour})
		down, up := begin.Add(10*time.Minute), begin.Add(15*time.Minute)
		r := &receiver{t: t, answer: func(_ int, w http.ResponseWriter, _ *http.Request) {
			if now := time.Now(); now.After(down) && now.Before(up) {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(http.StatusNoContent)
		}}
		lost := map[string]bool{}
		stop := sending(t, &wherebytest.Sender{Account: a, OnDone: func(e wherebytest.Event, status int, _ error) {
			lost[e.ID] = status != http.StatusNoContent
		}}, r)
		time.Sleep(30 * time.Minute)
		stats := stop()
		n := 0
		for _, e := range a.Events(begin, time.Now()) {
			// The third attempt is 3 s after the first.
			gone := e.CreatedAt.After(down) && e.CreatedAt.Before(up.Add(-3*time.Second))
			if is, told := lost[e.ID]; is != gone || !told {
				t.Errorf("%s at %v: lost %t, want %t", e.Type, e.CreatedAt.Sub(begin), is, gone)
			}
			if gone {
				n++
			}
		}
		if n < 50 || stats.Lost != int64(n) {
			t.Errorf("%+v, want %d lost", stats, n)
		}
	})
}

func TestFaultsHappenAsOftenAsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seed = 7
		t.Logf("seed %d", seed)
		begin := time.Now()
		a := wherebytest.Demo(seed, begin, wherebytest.DemoOptions{History: time.Hour})
		faults := wherebytest.DeliveryFaults{Seed: seed, Withheld: 0.1, Delayed: 0.2, Duplicated: 0.3, MaxDelay: 40 * time.Second}
		r := &receiver{t: t}
		withheld := map[string]bool{}
		stop := sending(t, &wherebytest.Sender{Account: a, Faults: faults, OnDone: func(e wherebytest.Event, _ int, err error) {
			if errors.Is(err, wherebytest.ErrWithheld) {
				withheld[e.ID] = true
			}
		}}, r)
		time.Sleep(2 * time.Hour)
		last := time.Now()
		time.Sleep(time.Minute)
		stats := stop()
		t.Logf("%+v", stats)
		share := func(name string, n, of int64, want float64) {
			if got := float64(n) / float64(of); got < want-0.02 || got > want+0.02 {
				t.Errorf("%s: %.3f of %d, want %.2f", name, got, of, want)
			}
		}
		sent := stats.Events - stats.Withheld
		share("withheld", stats.Withheld, stats.Events, 0.1)
		share("delayed", stats.Delayed, sent, 0.2)
		share("duplicates", stats.Duplicates, sent, 0.3)
		if stats.Lost+stats.Refused+stats.Retries > 0 || stats.Requests != sent+stats.Duplicates-stats.Aborted {
			t.Errorf("%+v", stats)
		}
		disorder, late := 0, time.Duration(0)
		arrived := map[string]bool{}
		var before time.Time
		for _, got := range r.got() {
			arrived[got.event.ID] = true
			if got.event.CreatedAt.Before(before) {
				disorder++
			}
			before = got.event.CreatedAt
			late = max(late, got.at.Sub(got.event.CreatedAt))
		}
		if disorder < 50 || late > 40*time.Second || late < 35*time.Second {
			t.Errorf("%d out of order, up to %v late", disorder, late)
		}
		for _, e := range a.Events(begin, last) {
			if arrived[e.ID] == withheld[e.ID] {
				t.Errorf("%+v: arrived %t, withheld %t", e, arrived[e.ID], withheld[e.ID])
			}
		}
	})
}

func TestASlowReceiverGetsSoManyAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := wherebytest.New(wherebytest.Config{})
		for i := range 20 {
			a.AddRoom(wherebytest.Room{Name: acme(i)})
			a.Schedule(acme(i), pair())
		}
		begin := time.Now()
		r := &receiver{t: t, answer: func(_ int, w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(2 * time.Second):
				w.WriteHeader(http.StatusNoContent)
			case <-r.Context().Done():
			}
		}}
		stop := sending(t, &wherebytest.Sender{Account: a, MaxInFlight: 4}, r)
		time.Sleep(5 * time.Minute)
		if got := r.got(); len(got) != 60 || !got[59].at.Equal(begin.Add(28*time.Second)) {
			t.Errorf("%d events arrived, want 60, the last after 28 s", len(got))
		}
		// The last ones are cut short.
		time.Sleep(5*time.Minute + 3*time.Second)
		stats := stop()
		if most := r.most(); most != 4 || stats.Acknowledged != 64 || stats.Aborted != 4 {
			t.Errorf("%d at a time, %+v; want 4, 64 acknowledged and 4 aborted", most, stats)
		}
	})
}

// TestASessionScheduledWhileAllAreTakenIsSent schedules it while no further request may
// be made, as happens after a receiver was slow.
func TestASessionScheduledWhileAllAreTakenIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := wherebytest.New(wherebytest.Config{})
		for i := range 3 {
			a.AddRoom(wherebytest.Room{Name: acme(i)})
		}
		r := &receiver{t: t, answer: func(_ int, w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			w.WriteHeader(http.StatusNoContent)
		}}
		stop := sending(t, &wherebytest.Sender{Account: a, MaxInFlight: 1}, r)
		for i := range 3 {
			a.Schedule(acme(i), wherebytest.Session{Start: time.Now(), Participants: make([]wherebytest.Participant, 1)})
			synctest.Wait()
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if n := len(r.got()); n != 3 {
			t.Errorf("%d events, want the 3 that happened", n)
		}
		stop()
	})
}

func TestDeliverSendsOnce(t *testing.T) {
	a := wherebytest.New(wherebytest.Config{})
	a.AddRoom(wherebytest.Room{Name: acme(1)})
	a.Schedule(acme(1), consultation())
	e := a.Events(day, at(time.Hour))[1]
	r := &receiver{t: t, answer: func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, strings.Repeat("x", 100_000))
	}}
	server := httptest.NewServer(r)
	defer server.Close()
	s := &wherebytest.Sender{Account: a, URL: server.URL, Secret: secret, Client: server.Client(), Faults: wherebytest.DeliveryFaults{Withheld: 1}}
	if status, err := s.Deliver(t.Context(), e); status != http.StatusServiceUnavailable || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if status, err := s.Deliver(ctx, e); status != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: status %d, %v", status, err)
	}
	if got := r.got(); len(got) != 1 || got[0].event.ID != e.ID || s.Stats() != (wherebytest.SenderStats{Requests: 2}) {
		t.Errorf("%d requests arrived, %+v", len(got), s.Stats())
	}
}

func TestEventsAreSentOverTheNetwork(t *testing.T) {
	a := wherebytest.New(wherebytest.Config{})
	a.AddRoom(wherebytest.Room{Name: acme(1)})
	third := make(chan struct{})
	r := &receiver{t: t, answer: func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 3 {
			close(third)
		}
		w.WriteHeader(http.StatusNoContent)
	}}
	server := httptest.NewServer(r)
	defer server.Close()
	s := &wherebytest.Sender{Account: a, URL: server.URL, Secret: secret, Client: server.Client()}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	a.Schedule(acme(1), pair())
	select {
	case <-third:
	case <-ctx.Done():
		t.Errorf("only %d events arrived", len(r.got()))
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestASenderIsCheckedBeforeItRuns(t *testing.T) {
	a := wherebytest.New(wherebytest.Config{})
	for name, s := range map[string]*wherebytest.Sender{
		"no account":    {URL: "http://example.com", Secret: secret},
		"no secret":     {Account: a, URL: "http://example.com"},
		"no URL":        {Account: a, Secret: secret},
		"no host":       {Account: a, URL: "http:///webhook", Secret: secret},
		"a share":       {Account: a, URL: "http://example.com", Secret: secret, Faults: wherebytest.DeliveryFaults{Withheld: 1.5}},
		"a delay of 0":  {Account: a, URL: "http://example.com", Secret: secret, Faults: wherebytest.DeliveryFaults{Delayed: 0.5}},
		"a bound below": {Account: a, URL: "http://example.com", Secret: secret, MaxInFlight: -1},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := s.Run(ctx); err == nil || ctx.Err() != nil {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}
