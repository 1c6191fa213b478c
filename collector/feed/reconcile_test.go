package feed_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/feed"
	"whereby_exporter/collector/live"
	"whereby_exporter/collector/logtest"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

const apiKey = "key-of-a-test"

// reconciling is a feed with a reconciler that runs until stop.
type reconciling struct {
	*bench
	account *wherebytest.Account
	budget  *whereby.Budget
	log     *logtest.Buffer
	stop    func()
}

func newReconciling(t *testing.T, share float64) *reconciling {
	t.Helper()
	r := &reconciling{
		bench:   newBench(t, &usage{}, nil),
		account: wherebytest.New(wherebytest.Config{APIKey: apiKey, PointsPerMinute: 100}),
		log:     &logtest.Buffer{},
	}
	var err error
	if r.budget, err = whereby.NewBudget(share); err == nil {
		err = r.budget.SetReadCost(1)
	}
	if err != nil {
		t.Fatal(err)
	}
	client := &whereby.Client{
		APIKey: whereby.StaticKey(apiKey), HTTPClient: &http.Client{Transport: r.account.RoundTripper()}, Budget: r.budget,
	}
	reconciler := feed.NewReconciler(client, r.Feed, slog.New(slog.NewTextHandler(r.log, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- reconciler.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	}
	return r
}

// meet has a session of the account begin now; after a length of 0 it runs on.
func (r *reconciling) meet(room string, length time.Duration) {
	r.account.AddRoom(wherebytest.Room{Name: room})
	s := wherebytest.Session{Start: time.Now(), Participants: []wherebytest.Participant{{}, {}}}
	if length > 0 {
		s.End = s.Start.Add(length)
	}
	r.account.Schedule(room, s)
}

func (r *reconciling) asked() int { return r.account.Count(wherebytest.EndpointRoomSessions) }

// expect compares who is in rooms of acme-, the corrections and the requests.
func (r *reconciling) expect(people int64, corrections map[live.Correction]int64, asked int) {
	r.Helper()
	synctest.Wait()
	if got := r.people()["acme-"]; got != people {
		r.Errorf("%d people are in rooms; want %d", got, people)
	}
	for _, c := range r.View(nil).Corrections {
		if c.N != corrections[c.Reason] {
			r.Errorf("%d corrections are %s; want %d", c.N, c.Reason, corrections[c.Reason])
		}
	}
	if got := r.asked(); got != asked {
		r.Errorf("Insights was asked %d times; want %d", got, asked)
	}
}

// silence is for how long the tracker believes a room without asking.
const silence = 6 * time.Hour

// TestRoomsInDoubtAreChecked applies what came of a meeting, and lets time pass.
func TestRoomsInDoubtAreChecked(t *testing.T) {
	const room = "/acme-1"
	for name, tc := range map[string]struct {
		// length is the account's session's, 0 runs on; below 0 there is none.
		length time.Duration
		// ended and left are further events; after is how long they are ago.
		ended, left bool
		after       time.Duration

		people      int64
		corrections map[live.Correction]int64
		asked       int
	}{
		"a silent room in which a session runs": {
			after: silence + 2*time.Minute, people: 1, asked: 1,
		},
		"a silent room that is doubted again": {
			after: 2*silence + 2*time.Minute, people: 1, asked: 2,
		},
		"a silent room whose session ended": {
			length: time.Hour, after: silence + 2*time.Minute, corrections: map[live.Correction]int64{live.Stale: 1}, asked: 1,
		},
		"a silent room that Insights knows without a session": {
			length: -1, after: silence + 2*time.Minute, corrections: map[live.Correction]int64{live.Stale: 1}, asked: 1,
		},
		"somebody is left of a session that ended": {
			length: time.Minute, ended: true, after: whereby.InsightsDelay + 2*time.Minute,
			corrections: map[live.Correction]int64{live.SessionEnded: 1}, asked: 1,
		},
		"somebody is in the next session": {
			ended: true, after: whereby.InsightsDelay + 2*time.Minute, people: 1, asked: 1,
		},
		"too early for Insights to know": {
			length: time.Minute, ended: true, after: whereby.InsightsDelay - time.Minute, people: 1,
		},
		"nobody is in the room": {
			length: time.Minute, ended: true, left: true, after: 2 * silence,
		},
		"a room that is not in doubt": {
			after: silence - 2*time.Minute, people: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReconciling(t, 0.5)
				defer r.stop()
				if tc.length >= 0 {
					r.meet(room, tc.length)
				} else {
					r.account.AddRoom(wherebytest.Room{Name: room})
				}
				r.send(whereby.ClientJoined, room, "a", "visitor", 1)
				time.Sleep(time.Second)
				if tc.left {
					r.send(whereby.ClientLeft, room, "a", "visitor", 0)
				}
				if tc.ended {
					r.send(whereby.SessionEnded, room, "", "", -1)
				}
				time.Sleep(tc.after)
				r.expect(tc.people, tc.corrections, tc.asked)
				if text := r.log.String(); text != "" {
					t.Errorf("logged %s", text)
				}
			})
		})
	}
}

// rooms has sessions run in n rooms in which somebody is, and waits until they are in
// doubt, just before the round that sees it.
func (r *reconciling) rooms(n int) {
	for i := range n {
		room := fmt.Sprintf("/acme-%d", i)
		r.meet(room, 0)
		r.send(whereby.ClientJoined, room, "a", "visitor", 1)
	}
	time.Sleep(silence - time.Second)
}

func TestARoundChecksFiveRooms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReconciling(t, 0.5)
		defer r.stop()
		r.rooms(12)
		r.expect(12, nil, 0)
		for _, asked := range []int{5, 10, 12, 12} {
			time.Sleep(time.Minute)
			r.expect(12, nil, asked)
		}
	})
}

// TestChecksYieldToPolls has a round that wants more points than there are.
func TestChecksYieldToPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReconciling(t, 0.04) // of 100 points, and a poll finds one of these four
		defer r.stop()
		r.rooms(5)
		time.Sleep(2 * time.Second)
		r.expect(5, nil, 3)
		begin := time.Now()
		if err := r.budget.Wait(context.Background(), whereby.Foreground); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(begin); waited > 0 {
			t.Errorf("a poll waited %v for its point", waited)
		}
		time.Sleep(2 * time.Minute)
		r.expect(5, nil, 5)
	})
}

// TestAnErrorEndsTheRound: the next request would fail too, and a minute later all may be
// well.
func TestAnErrorEndsTheRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReconciling(t, 0.5)
		defer r.stop()
		r.rooms(3)
		r.account.Inject(wherebytest.Status(http.StatusBadRequest).On(wherebytest.EndpointRoomSessions).After(1).Times(1))
		time.Sleep(2 * time.Second)
		r.expect(3, nil, 2)
		lines := r.log.Take()
		if len(lines) != 1 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[0], "400") {
			t.Errorf("logged %q", lines)
		}
		time.Sleep(time.Minute)
		r.expect(3, nil, 4)
		if lines := r.log.Take(); len(lines) > 0 {
			t.Errorf("logged %q", lines)
		}
	})
}

// TestAStopIsNoError stops in the middle of a request.
func TestAStopIsNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReconciling(t, 0.5)
		r.rooms(1)
		r.account.Inject(wherebytest.Hang().On(wherebytest.EndpointRoomSessions))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		r.stop()
		if lines := r.log.Take(); len(lines) > 0 {
			t.Errorf("logged %q", lines)
		}
	})
}
