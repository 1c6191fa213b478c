package feed_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
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
	mu      sync.Mutex // guards what follows
	// refused are the rooms that every request about is answered for with a status.
	refused map[string]int
	// about counts the requests of each room.
	about map[string]int
}

// RoundTrip implements [http.RoundTripper].
func (r *reconciling) RoundTrip(request *http.Request) (*http.Response, error) {
	query := request.URL.Query()
	room := query.Get("roomName") + query.Get("roomName[exact]")
	r.mu.Lock()
	r.about[room]++
	status := r.refused[room]
	r.mu.Unlock()
	answer, err := r.account.RoundTripper().RoundTrip(request)
	if status != 0 && err == nil {
		_ = answer.Body.Close()
		answer.StatusCode, answer.Status = status, http.StatusText(status)
		answer.Body, answer.ContentLength = io.NopCloser(strings.NewReader(`{"error":"no"}`)), -1
	}
	return answer, err
}

func newReconciling(t *testing.T, share float64) *reconciling {
	t.Helper()
	r := &reconciling{
		bench:   newBench(t, &usage{}, nil),
		account: wherebytest.New(wherebytest.Config{APIKey: apiKey, PointsPerMinute: 100}),
		log:     &logtest.Buffer{},
		refused: map[string]int{},
		about:   map[string]int{},
	}
	var err error
	if r.budget, err = whereby.NewBudget(share); err == nil {
		err = r.budget.SetReadCost(1)
	}
	if err != nil {
		t.Fatal(err)
	}
	client := &whereby.Client{
		APIKey: whereby.StaticKey(apiKey), HTTPClient: &http.Client{Transport: r}, Budget: r.budget,
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

// refuse has requests about a room be answered for with a status from now on; 0 is none.
func (r *reconciling) refuse(room string, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused[room] = status
}

// askedAbout is how many requests there were about a room.
func (r *reconciling) askedAbout(room string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.about[room]
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

// restart saves the state, lets time pass, and continues with it.
func (r *reconciling) restart(after time.Duration) {
	r.Helper()
	state, err := r.AppendBinary(nil)
	if err != nil {
		r.Fatal(err)
	}
	time.Sleep(after)
	if err := r.UnmarshalBinary(state); err != nil {
		r.Fatal(err)
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
		// alone has one person be there instead of two, and knocked a visitor at the door.
		alone, knocked bool
		// ended and left are further events; after is how long they are ago.
		ended, left bool
		after       time.Duration
		// restarted has the state be restored after an hour, when events were missed.
		restarted bool

		people, waiting int64
		corrections     map[live.Correction]int64
		asked           int
	}{
		"a silent room in which a session runs": {
			after: silence + 2*time.Minute, people: 2, asked: 1,
		},
		"a silent room that is doubted again": {
			after: 2*silence + 2*time.Minute, people: 2, asked: 2,
		},
		"a silent room whose session ended": {
			length: time.Hour, after: silence + 2*time.Minute, corrections: map[live.Correction]int64{live.Stale: 1}, asked: 1,
		},
		"a silent room that Insights knows without a session": {
			length: -1, after: silence + 2*time.Minute, corrections: map[live.Correction]int64{live.Stale: 1}, asked: 1,
		},
		"two are left of a session that ended": {
			length: time.Minute, ended: true, after: whereby.InsightsDelay + 2*time.Minute,
			corrections: map[live.Correction]int64{live.SessionEnded: 1}, asked: 1,
		},
		"one is left of a session that ended": {
			length: time.Minute, alone: true, ended: true, after: silence - time.Minute, people: 1,
		},
		"one is left of a session that ended, and a visitor knocks": {
			length: time.Minute, alone: true, knocked: true, ended: true, after: silence - time.Minute, people: 1, waiting: 1,
		},
		"one is left of a session that ended, and nothing is heard for hours": {
			length: time.Minute, alone: true, ended: true, after: silence + 2*time.Minute,
			corrections: map[live.Correction]int64{live.Stale: 1}, asked: 1,
		},
		"Insights still shows the session that ended": {
			ended: true, after: whereby.InsightsDelay + 2*time.Minute, people: 2, asked: 2,
		},
		"Insights has long shown the session that ended": {
			ended: true, after: whereby.InsightsDelay + time.Hour, people: 2, asked: 6, // after 0, 1, 3, 7, 15, 31 minutes
		},
		"one is there after a restart": {
			length: time.Minute, alone: true, knocked: true, restarted: true, after: time.Hour, people: 1, waiting: 1, asked: 1,
		},
		"two are there after a restart, in a session": {
			restarted: true, after: time.Hour, people: 2, asked: 1,
		},
		"two are there after a restart, of a session that ended": {
			length: time.Minute, restarted: true, after: time.Hour, corrections: map[live.Correction]int64{live.Stale: 1}, asked: 1,
		},
		"too early for Insights to know": {
			length: time.Minute, ended: true, after: whereby.InsightsDelay - time.Minute, people: 2,
		},
		"nobody is in the room": {
			length: time.Minute, alone: true, ended: true, left: true, after: 2 * silence,
		},
		"a room that is not in doubt": {
			after: silence - 2*time.Minute, people: 2,
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
				if !tc.alone {
					r.send(whereby.ClientJoined, room, "b", "visitor", 2)
				}
				if tc.knocked {
					r.send(whereby.ClientKnocked, room, "c", "", -1)
				}
				time.Sleep(time.Second)
				if tc.left {
					r.send(whereby.ClientLeft, room, "a", "visitor", 0)
				}
				if tc.ended {
					r.send(whereby.SessionEnded, room, "", "", -1)
				}
				if tc.restarted {
					r.restart(time.Hour)
				}
				time.Sleep(tc.after)
				r.expect(tc.people, tc.corrections, tc.asked)
				for _, p := range r.View(nil).Prefixes {
					if p.Waiting != tc.waiting {
						t.Errorf("%d wait at the door; want %d", p.Waiting, tc.waiting)
					}
				}
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
		r.SetEnds([]whereby.Room{{Name: room}}) // as a poll does
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

// TestAnErrorThatIsNoRoomsEndsTheRound: the next request would fail too.
func TestAnErrorThatIsNoRoomsEndsTheRound(t *testing.T) {
	for name, tc := range map[string]struct {
		fault wherebytest.Fault
		// asked is how many requests there are then, and a minute later; the client sends
		// some of them again.
		asked, later int
		log          string
	}{
		"the key is refused":   {wherebytest.Status(http.StatusUnauthorized), 2, 4, "401"},
		"a request is refused": {wherebytest.Status(http.StatusGone), 3, 4, "410"}, // of one room
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReconciling(t, 0.5)
				defer r.stop()
				r.rooms(3)
				r.account.Inject(tc.fault.On(wherebytest.EndpointRoomSessions).After(1).Times(1))
				time.Sleep(2 * time.Second)
				r.expect(3, nil, tc.asked)
				lines := r.log.Take()
				if len(lines) != 1 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[0], tc.log) {
					t.Errorf("logged %q", lines)
				}
				time.Sleep(time.Minute)
				r.expect(3, nil, tc.later)
				if lines := r.log.Take(); len(lines) > 0 {
					t.Errorf("logged %q", lines)
				}
			})
		})
	}
}

// TestARoomThatIsRefusedDelaysNoOther has a room refused forever, with each
// status that it may, and others be ghosts.
func TestARoomThatIsRefusedDelaysNoOther(t *testing.T) {
	for _, status := range []int{400, 403, 409, 410, 422, 451, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReconciling(t, 0.5)
				defer r.stop()
				for i := range 12 {
					room := fmt.Sprintf("/acme-%02d", i)
					r.meet(room, time.Minute)
					r.send(whereby.ClientJoined, room, "a", "visitor", 1)
					r.send(whereby.ClientJoined, room, "b", "visitor", 2)
					r.SetEnds([]whereby.Room{{Name: room}})
				}
				const first = "/acme-00"
				r.refuse(first, status)
				time.Sleep(silence + 10*time.Minute)
				synctest.Wait()
				if got := r.people()["acme-"]; got != 2 {
					t.Errorf("%d people are in rooms; want the 2 of the room that is refused", got)
				}
				time.Sleep(24*time.Hour - 10*time.Minute)
				synctest.Wait()
				tries := r.askedAbout(first)
				// After 0, 1, 3, 7, 15, … minutes, and then every 4 hours: 13 in a day, some of
				// two or more requests.
				if tries < 13 || tries > 13*4 {
					t.Errorf("the room that is refused cost %d requests in a day", tries)
				}
				if lines := r.log.Take(); len(lines) != 1 || !strings.Contains(lines[0], "room="+first) {
					t.Errorf("logged %q", lines)
				}
				r.refuse(first, 0)
				time.Sleep(4*time.Hour + time.Minute)
				r.expect(0, map[live.Correction]int64{live.Stale: 12}, r.asked())
			})
		})
	}
}

// TestACheckReadsOnePage is of a room with more sessions than a page holds.
func TestACheckReadsOnePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReconciling(t, 0.5)
		defer r.stop()
		r.account.AddRoom(wherebytest.Room{
			Name: "/acme-1", Totals: wherebytest.Totals{Sessions: 3000, ParticipantMinutes: 6000}, CreatedAt: time.Now().AddDate(-1, 0, 0),
			FirstSession: time.Now().AddDate(-1, 0, 0), LastSession: time.Now().Add(-time.Hour),
		})
		r.send(whereby.ClientJoined, "/acme-1", "a", "visitor", 1)
		r.send(whereby.ClientJoined, "/acme-1", "b", "visitor", 2)
		time.Sleep(silence + 2*time.Minute)
		r.expect(0, map[live.Correction]int64{live.Stale: 1}, 1)
	})
}

// TestTheEndOfARoomIsAskedFor has rooms of which no poll tells, since nobody has met there.
func TestTheEndOfARoomIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReconciling(t, 0.5)
		defer r.stop()
		ends := time.Now().Add(time.Hour)
		r.account.AddRoom(wherebytest.Room{Name: "/acme-1", EndAt: ends})
		r.account.AddRoom(wherebytest.Room{Name: "/acme-2"})
		for _, room := range []string{"/acme-1", "/acme-2", "/acme-3"} { // one that Insights does not show
			r.send(whereby.ClientJoined, room, "a", "visitor", 1)
		}
		time.Sleep(2*time.Hour - time.Second)
		r.expect(3, nil, 0)
		time.Sleep(time.Second)
		r.expect(2, nil, 0)
		for room, want := range map[string]int{"/acme-1": 1, "/acme-2": 1, "/acme-3": 7} {
			if got := r.askedAbout(room); got != want {
				t.Errorf("Insights was asked %d times for %s; want %d", got, room, want)
			}
		}
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
