package wherebytest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

func TestRefusals(t *testing.T) {
	server := httptest.NewServer(wherebytest.New(wherebytest.Config{APIKey: "right", ResetAlways: true}))
	t.Cleanup(server.Close)
	tests := []struct {
		name    string
		method  string
		path    string
		key     string
		status  int
		message string // part of it
	}{
		{name: "a listing is answered", path: "/v1/insights/rooms", status: 200},
		{name: "the base path does not matter", path: "/insights/rooms", status: 200},
		{name: "a missing key is refused", path: "/v1/insights/rooms", key: "-", status: 401, message: "missing or invalid"},
		{name: "a wrong key is refused", path: "/v1/insights/rooms", key: "Bearer wrong", status: 401, message: "missing or invalid"},
		{name: "a key without its scheme is refused", path: "/v1/insights/rooms", key: "right", status: 401, message: "missing or invalid"},
		{name: "nothing can be posted", method: "POST", path: "/v1/insights/rooms", status: 405, message: "not allowed"},
		{name: "an unknown endpoint is not found", path: "/v1/insights/rooms/x", status: 404, message: "Not found"},
		{name: "other parts of the API are not found", path: "/v1/meetings", status: 404, message: "Not found"},
		{name: "limit 0 is refused", path: "/v1/insights/rooms?limit=0", status: 400, message: "limit"},
		{name: "limit 101 is refused", path: "/v1/insights/rooms?limit=101", status: 400, message: "limit"},
		{name: "a limit must be a number", path: "/v1/insights/rooms?limit=ten", status: 400, message: "limit"},
		{name: "an empty limit is refused", path: "/v1/insights/rooms?limit=", status: 400, message: "limit"},
		{name: "limit 100 is answered", path: "/v1/insights/rooms?limit=100", status: 200},
		{name: "an unknown sort field is refused", path: "/v1/insights/rooms?sortBy=colour:asc", status: 400, message: "colour"},
		{name: "an unknown sort direction is refused", path: "/v1/insights/rooms?sortBy=totalSessions:up", status: 400, message: "direction"},
		{name: "a sort needs a direction", path: "/v1/insights/rooms?sortBy=totalSessions", status: 400, message: "direction"},
		{name: "a date filter must be a date", path: "/v1/insights/rooms?createdAt[from]=today", status: 400, message: "createdAt[from]"},
		{name: "the other date filter too", path: "/v1/insights/rooms?createdAt[to]=1", status: 400, message: "createdAt[to]"},
		{name: "an unknown cursor is refused", path: "/v1/insights/rooms?cursor=8f4031bfc7640c5f267b11b6fe0c2507", status: 400, message: "cursor"},
		{name: "sessions need a room", path: "/v1/insights/room-sessions", status: 400, message: "roomName"},
		{name: "participants need a session", path: "/v1/insights/participants", status: 400, message: "roomSessionId"},
		{name: "participants sort by their times alone", path: "/v1/insights/participants?roomSessionId=x&sortBy=rating:asc", status: 400, message: "rating"},
		{name: "a participant needs a session", path: "/v1/insights/participant?participantId=x", status: 400, message: "roomSessionId"},
		{name: "a participant needs an ID", path: "/v1/insights/participant?roomSessionId=x", status: 400, message: "participantId"},
		{name: "sessions of an unknown room are none", path: "/v1/insights/room-sessions?roomName=/x", status: 200},
		{name: "participants of an unknown session are none", path: "/v1/insights/participants?roomSessionId=x", status: 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			method := test.method
			if method == "" {
				method = http.MethodGet
			}
			req, err := http.NewRequestWithContext(t.Context(), method, server.URL+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			switch test.key {
			case "":
				req.Header.Set("Authorization", "Bearer right")
			case "-":
			default:
				req.Header.Set("Authorization", test.key)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != test.status {
				t.Fatalf("status %d, want %d; body %s", resp.StatusCode, test.status, body)
			}
			if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
				t.Errorf("Content-Type %q", got)
			}
			for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
				if resp.Header.Get(name) == "" {
					t.Errorf("header %s is missing", name)
				}
			}
			if test.message != "" && !strings.Contains(errorOf(t, body), test.message) {
				t.Errorf("error %s does not mention %q", body, test.message)
			}
		})
	}
}

func TestPointsLastAMinuteFromTheFirstRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := wherebytest.New(wherebytest.Config{PointsPerMinute: 3})
		time.Sleep(17 * time.Second)
		begin := time.Now()
		expect := func(status int, remaining string) http.Header {
			t.Helper()
			got := call(t, a, "rooms")
			if got.StatusCode != status || got.Header.Get("X-RateLimit-Remaining") != remaining {
				t.Fatalf("after %v: status %d, %s points left; want %d and %s",
					time.Since(begin), got.StatusCode, got.Header.Get("X-RateLimit-Remaining"), status, remaining)
			}
			if got.Header.Get("X-RateLimit-Limit") != "3" {
				t.Errorf("limit %s, want 3", got.Header.Get("X-RateLimit-Limit"))
			}
			return got.Header
		}
		expect(200, "2")
		a.Spend(1)
		expect(200, "0")
		time.Sleep(20*time.Second + 500*time.Millisecond)
		throttled := call(t, a, "rooms")
		if got := throttled.Header.Get("Retry-After"); got != "40" {
			t.Errorf("Retry-After %q, want the 39.5 s that are left, rounded up", got)
		}
		if want := `{"error":"Rate limit active for throttle key: organization:1","data":{"msLeft":39500}}`; string(throttled.body) != want {
			t.Errorf("body %s, want %s", throttled.body, want)
		}
		reset, err := time.Parse(time.RFC3339, throttled.Header.Get("X-RateLimit-Reset"))
		if err != nil || !reset.Equal(begin.Add(time.Minute)) {
			t.Errorf("reset %v (%v), want %v", reset, err, begin.Add(time.Minute))
		}
		time.Sleep(39*time.Second + 499*time.Millisecond)
		expect(429, "0")
		if got := a.Remaining(); got != 0 {
			t.Errorf("%d points remain, want 0", got)
		}
		time.Sleep(time.Millisecond)
		if got := a.Remaining(); got != 3 {
			t.Errorf("%d points remain in the next minute, want 3", got)
		}
		expect(200, "2")
		time.Sleep(time.Hour)
		a.Spend(100)
		expect(429, "0")
	})
}

func TestRefusedRequestsCostNoPoint(t *testing.T) {
	a := wherebytest.New(wherebytest.Config{APIKey: "other", PointsPerMinute: 5})
	if got := call(t, a, "rooms"); got.StatusCode != 401 || got.Header.Get("X-RateLimit-Remaining") != "5" {
		t.Errorf("status %d, %s points left; want 401 and 5", got.StatusCode, got.Header.Get("X-RateLimit-Remaining"))
	}
}

func TestRequestsAreLoggedAndCounted(t *testing.T) {
	a := wherebytest.New(wherebytest.Config{})
	var hooked []int
	a.OnRequest(func(n int, _ *http.Request) { hooked = append(hooked, n) })
	call(t, a, "rooms", "limit", "7")
	call(t, a, "room-sessions")
	call(t, a, "elsewhere")
	a.Inject(wherebytest.Drop().Times(1))
	if _, err := try(t.Context(), a, "rooms"); err == nil {
		t.Error("a dropped request has an answer")
	}
	got := a.Requests()
	want := []wherebytest.Request{
		{Endpoint: "rooms", Status: 200, Page: 1},
		{Endpoint: "room-sessions", Status: 400, Page: 1},
		{Endpoint: "", Status: 404, Page: 1},
		{Endpoint: "rooms", Status: 0, Page: 1},
	}
	if len(got) != len(want) {
		t.Fatalf("%d requests logged, want %d", len(got), len(want))
	}
	for i, w := range want {
		if g := got[i]; g.Endpoint != w.Endpoint || g.Status != w.Status || g.Page != w.Page || g.Time.IsZero() {
			t.Errorf("request %d is logged as %+v, want %+v", i+1, g, w)
		}
	}
	if got[0].Query.Get("limit") != "7" {
		t.Errorf("query %v, want limit 7", got[0].Query)
	}
	if a.Count(wherebytest.EndpointRooms) != 2 || a.Count("") != 1 {
		t.Errorf("counts %d and %d, want 2 and 1", a.Count(wherebytest.EndpointRooms), a.Count(""))
	}
	a.ResetRequests()
	if len(a.Requests()) != 0 || a.Count(wherebytest.EndpointRooms) != 0 {
		t.Error("requests are left after a reset")
	}
	call(t, a, "rooms")
	if n := len(hooked); n != 5 || hooked[4] != 5 {
		t.Errorf("the hook saw %v, want 1 to 5", hooked)
	}
}
