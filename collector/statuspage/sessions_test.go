package statuspage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/rooms"
	"whereby_exporter/whereby"
)

func parseAddress(t *testing.T, address string) query {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parseQuery(u.Query())
}

// visit is a room's page and what visitors do with it.
type visit struct {
	t *testing.T
	f *fake
	h *Handler
}

func newVisit(t *testing.T) visit {
	f := &fake{report: running(), rooms: []rooms.Room{}}
	f.report.Now = time.Time{} // the bubble's
	for i := range 200 {
		f.rooms = append(f.rooms, rooms.Room{RoomName: fmt.Sprintf("/acme-%03d", i)})
	}
	return visit{t, f, newHandler(t, f)}
}

func (v visit) press(room string) {
	v.t.Helper()
	w := ask(v.h, http.MethodPost, "/status/room", "name="+room)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "room?name="+url.QueryEscape(room) {
		v.t.Errorf("pressing the button answers %d, %s", w.Code, w.Header().Get("Location"))
	}
}

func (v visit) page(room string) string {
	v.t.Helper()
	return get(v.t, v.h, "/status/room?name="+room)
}

func (v visit) says(room, text string, want bool) {
	v.t.Helper()
	if page := v.page(room); strings.Contains(page, text) != want {
		v.t.Errorf("that the page says %q is %v; want %v", text, !want, want)
	}
}

func TestSessionsCostAPointOnlyWhereSomebodyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVisit(t)
		began := time.Now().Add(-time.Hour)
		v.f.sessions = func(context.Context, string) ([]whereby.RoomSession, bool, error) {
			session := whereby.RoomSession{ID: "s", StartedAt: began, EndedAt: began.Add(50 * time.Minute), Rating: whereby.Rating{Mean: 4.25, Count: 3}}
			session.ParticipantMinutes, session.UniqueParticipants = 1234, 7
			return []whereby.RoomSession{session, {ID: "running", StartedAt: time.Now().Add(-time.Minute)}}, true, nil
		}
		v.says("/acme-001", "Read the newest sessions", true)
		if n := v.f.requests(); n != 0 {
			t.Fatalf("loading the page made %d requests", n)
		}
		v.press("/acme-001")
		for _, text := range []string{"1,234", "50 min", "4.2 of 5 (3)", "running", "Read again", "The 100 newest sessions"} {
			v.says("/acme-001", text, true)
		}
		v.says("/acme-002", "1,234", false)
		v.press("/acme-001")
		if n := v.f.requests(); n != 1 {
			t.Errorf("%d requests within a minute; want 1", n)
		}
		time.Sleep(fresh)
		v.says("/acme-001", "1,234", true) // still there to look at
		v.press("/acme-001")
		if n := v.f.requests(); n != 2 {
			t.Errorf("%d requests after a minute; want 2", n)
		}
		time.Sleep(keptFor)
		v.says("/acme-001", "1,234", false)
	})
}

func TestVisitorsShareAFewPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVisit(t)
		for i := range 2 * perMinute {
			v.press(v.f.rooms[i].RoomName)
		}
		if n := v.f.requests(); n != perMinute {
			t.Errorf("%d requests in a minute; want %d", n, perMinute)
		}
		v.says(v.f.rooms[perMinute].RoomName, "which is its limit", true)
		time.Sleep(time.Minute)
		v.says(v.f.rooms[perMinute].RoomName, "which is its limit", false)
		v.press(v.f.rooms[perMinute].RoomName)
		if n := v.f.requests(); n != perMinute+1 {
			t.Errorf("%d requests after a minute; want %d", n, perMinute+1)
		}
	})
}

func TestAFailedReadingSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name, want string
		err        error
	}{
		{"No point of the rate limit was free", "No point of the rate limit was free", ErrNoPoint},
		{"no answer", "did not respond within 8 s", &whereby.Error{Endpoint: "room-sessions", Err: ErrNoAnswer}},
		{"deleted", "it was deleted", &whereby.RequestError{StatusCode: 404}},
		{"the key", "does not accept the API key", &whereby.AuthError{StatusCode: 401}},
		{"server", "HTTP 503", &whereby.ServerError{StatusCode: 503}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVisit(t)
				session := whereby.RoomSession{ID: "kept", StartedAt: time.Now()}
				var err error
				v.f.sessions = func(context.Context, string) ([]whereby.RoomSession, bool, error) {
					return []whereby.RoomSession{session}, false, err
				}
				v.press("/acme-001")
				time.Sleep(fresh)
				err = c.err
				v.press("/acme-001")
				v.says("/acme-001", c.want, true)
				v.says("/acme-001", "session-kept", true) // what was read before is still there
				time.Sleep(fresh)
				v.says("/acme-001", c.want, false)
			})
		})
	}
}

func TestTwoWhoAskForTheSameRoomWaitForOneReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVisit(t)
		v.f.sessions = func(ctx context.Context, _ string) ([]whereby.RoomSession, bool, error) {
			<-ctx.Done() // Insights never answer
			return nil, false, context.Cause(ctx)
		}
		began := time.Now()
		var visitors sync.WaitGroup
		for range 20 {
			visitors.Go(func() { v.press("/acme-001") })
		}
		visitors.Wait()
		if took := time.Since(began); took != answerWithin {
			t.Errorf("an answer took %v; want %v", took, answerWithin)
		}
		if n := v.f.requests(); n != 1 {
			t.Errorf("%d requests; want 1", n)
		}
		v.says("/acme-001", "did not respond", true)
	})
}

func TestReadingsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVisit(t)
		for i := range 2 * kept {
			v.press(v.f.rooms[i].RoomName)
			time.Sleep(time.Minute / perMinute)
		}
		if n := len(v.h.reader.readings); n != kept {
			t.Errorf("%d readings are kept; want %d", n, kept)
		}
		if v.h.reader.last(v.f.rooms[0].RoomName).at != (time.Time{}) {
			t.Error("the oldest reading is still there")
		}
		if v.h.reader.last(v.f.rooms[2*kept-1].RoomName).at.IsZero() {
			t.Error("the newest reading is gone")
		}
	})
}

func TestAVisitorWhoLeavesDoesNotWasteThePoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVisit(t)
		v.f.sessions = func(ctx context.Context, _ string) ([]whereby.RoomSession, bool, error) {
			if err := ctx.Err(); err != nil {
				return nil, false, err
			}
			return []whereby.RoomSession{{ID: "s", StartedAt: time.Now()}}, false, nil
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("gone"))
		v.h.reader.read(ctx, "/acme-001")
		v.says("/acme-001", "session-s", true)
	})
}
