package whereby_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"whereby_exporter/whereby"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "sk-very-secret-key"

// answer is one scripted answer.
type answer struct {
	status int
	header map[string]string
	body   string
	err    error
	delay  time.Duration
	broken bool // the connection breaks after the body
}

// script answers requests in order, repeating its last answer, and notes them.
type script struct {
	answers  []answer
	requests []*http.Request
	times    []time.Time
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	a := s.answers[min(len(s.requests), len(s.answers)-1)]
	s.requests = append(s.requests, r)
	s.times = append(s.times, time.Now())
	if a.delay > 0 {
		select {
		case <-time.After(a.delay):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if a.err != nil {
		return nil, a.err
	}
	header := http.Header{}
	for name, value := range a.header {
		header.Set(name, value)
	}
	var body io.Reader = strings.NewReader(a.body)
	if a.broken {
		body = io.MultiReader(body, brokenReader{})
	}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(body), Request: r}, nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func client(s *script) *whereby.Client {
	return &whereby.Client{
		BaseURL:    "http://whereby.example.com/v1/",
		APIKey:     whereby.StaticKey(secret),
		HTTPClient: &http.Client{Transport: s},
	}
}

const (
	room = `{"roomName":"/acme-1","createdAt":"2025-01-01T00:00:00.000Z","totalParticipantMinutes":124,"totalRecorderMinutes":20,` +
		`"totalStreamerMinutes":10,"totalUniqueParticipants":4,"totalUniqueRecorders":2,"totalUniqueStreamers":1,"totalSessions":2,` +
		`"firstSessionStartedAt":"2025-01-01T00:15:00.000Z","lastSessionStartedAt":"2025-01-01T00:45:00.000Z"}`
	onePage = `{"cursor":null,"results":[` + room + `]}`
)

func names(t *testing.T, c *whereby.Client) ([]string, error) {
	t.Helper()
	var names []string
	for room, err := range whereby.Rows(c.Rooms(t.Context(), whereby.RoomsQuery{})) {
		if err != nil {
			return names, err
		}
		names = append(names, room.Name)
	}
	return names, nil
}

func TestARoomIsReadWithAllItsFields(t *testing.T) {
	s := &script{answers: []answer{{status: 200, body: `{"results":[{"roomName":"/acme-1","createdAt":"2025-01-01T00:00:00.000Z",
		"endAt":"2025-01-01T01:00:00+01:00","firstSessionStartedAt":"2025-01-01T00:15:00Z","lastSessionStartedAt":"2025-01-01T00:45:00.5Z",
		"totalParticipantMinutes":124,"totalRecorderMinutes":20.0,"totalStreamerMinutes":1e1,"totalUniqueParticipants":4,
		"totalUniqueRecorders":2,"totalUniqueStreamers":1,"totalSessions":2,"rating":4.5,"totalRatings":3,"someday":{"new":[1]}}]}`}}}
	var got []whereby.Room
	for page, err := range client(s).Rooms(t.Context(), whereby.RoomsQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page.Rows...)
	}
	want := whereby.Room{
		Name:                  "/acme-1",
		CreatedAt:             time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		EndAt:                 time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		FirstSessionStartedAt: time.Date(2025, 1, 1, 0, 15, 0, 0, time.UTC),
		LastSessionStartedAt:  time.Date(2025, 1, 1, 0, 45, 0, 5e8, time.UTC),
		Usage: whereby.Usage{ParticipantMinutes: 124, RecorderMinutes: 20, StreamerMinutes: 10,
			UniqueParticipants: 4, UniqueRecorders: 2, UniqueStreamers: 1},
		Sessions: 2,
		Rating:   whereby.Rating{Mean: 4.5, Count: 3},
	}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestARequestIsWhatTheDocumentationSays(t *testing.T) {
	s := &script{answers: []answer{{status: 200, body: onePage}}}
	c := client(s)
	c.UserAgent = "test/1"
	query := whereby.RoomsQuery{NameStartsWith: "/acme-", CreatedFrom: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), SortBy: "totalSessions:asc", PageSize: 500}
	for _, err := range c.Rooms(t.Context(), query) {
		if err != nil {
			t.Fatal(err)
		}
	}
	r := s.requests[0]
	want := "http://whereby.example.com/v1/insights/rooms?createdAt%5Bfrom%5D=2025-01-01T00%3A00%3A00.000Z&limit=100" +
		"&roomName%5BstartsWith%5D=%2Facme-&sortBy=totalSessions%3Aasc"
	if got := r.URL.String(); got != want {
		t.Errorf("the address is %s, want %s", got, want)
	}
	if r.Method != "GET" || r.Header.Get("Authorization") != "Bearer "+secret || r.Header.Get("User-Agent") != "test/1" {
		t.Errorf("method %s, headers of %d names", r.Method, len(r.Header))
	}
}

func TestPagesFollowTheCursorAndStopWithIt(t *testing.T) {
	page := func(cursor string) answer {
		return answer{status: 200, body: `{"cursor":` + cursor + `,"results":[` + room + `]}`}
	}
	for name, last := range map[string]answer{
		"null":   page("null"),
		"empty":  page(`""`),
		"absent": {status: 200, body: `{"results":[` + room + `]}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: []answer{page(`"a"`), page(`"b"`), last}}
			pages := client(s).Rooms(t.Context(), whereby.RoomsQuery{})
			for range 2 { // the iterator can be used again
				s.requests = nil
				numbers := ""
				for page, err := range pages {
					if err != nil {
						t.Fatal(err)
					}
					numbers += fmt.Sprint(page.Number, page.Last, " ")
				}
				if numbers != "1 false 2 false 3 true " {
					t.Errorf("pages: %s", numbers)
				}
				cursors := ""
				for _, r := range s.requests {
					cursors += r.URL.Query().Get("cursor") + ";"
				}
				if cursors != ";a;b;" {
					t.Errorf("cursors: %s", cursors)
				}
			}
		})
	}
}

func TestAListingThatLeadsNowhereEndsWithAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{{status: 200, body: `{"cursor":"again","results":[` + room + `]}`}}}
		_, err := names(t, client(s))
		if err == nil || err.Error() != "read /insights/rooms page 2: the cursor repeats, so the listing would never end" {
			t.Errorf("the error is %v", err)
		}
		if !whereby.Endless(err) {
			t.Errorf("%v is not known to be of an endless listing", err)
		}
		if len(s.requests) != 2 {
			t.Errorf("%d requests, want 2", len(s.requests))
		}

		var empty []answer
		for i := range 100 {
			empty = append(empty, answer{status: 200, body: fmt.Sprintf(`{"cursor":"c%d","results":[]}`, i)})
		}
		s = &script{answers: empty}
		if _, err = names(t, client(s)); err == nil || !strings.Contains(err.Error(), "10 empty pages in a row") {
			t.Errorf("the error is %v", err)
		}
	})
}

// TestFailures holds what each kind of bad answer comes to: the error's type and
// text, the attempts made, and that a good answer after it is taken.
func TestFailures(t *testing.T) {
	type is func(error) bool
	var (
		auth      is = func(err error) bool { var e *whereby.AuthError; return errors.As(err, &e) }
		server    is = func(err error) bool { var e *whereby.ServerError; return errors.As(err, &e) }
		malformed is = func(err error) bool { var e *whereby.MalformedError; return errors.As(err, &e) }
		throttled is = func(err error) bool { var e *whereby.ThrottledError; return errors.As(err, &e) }
		request   is = func(err error) bool { var e *whereby.RequestError; return errors.As(err, &e) }
	)
	ok := func(body string) answer { return answer{status: 200, body: body} }
	with := func(field, value string) answer {
		name, rest, _ := strings.Cut(room, `"`+field+`":`)
		_, rest, _ = strings.Cut(rest, ",")
		return ok(`{"results":[` + name + `"` + field + `":` + value + "," + rest + `]}`)
	}
	for name, tc := range map[string]struct {
		answer   answer
		is       is
		attempts int
		says     string
	}{
		"key refused":           {answer{status: 401}, auth, 1, "refused the API key (HTTP 401)"},
		"key of another kind":   {answer{status: 403}, auth, 1, "refused the API key (HTTP 403)"},
		"bad request":           {answer{status: 400, body: `{"error":"sortBy\nis bad"}`}, request, 1, "HTTP 400: sortBy is bad"},
		"bad request in HTML":   {answer{status: 404, body: `<html>`}, request, 1, "HTTP 404 Not Found"},
		"redirect":              {answer{status: 304}, malformed, 4, "HTTP 304 instead of 200"},
		"server error":          {answer{status: 500, body: "oops"}, server, 4, "HTTP 500 Internal Server Error"},
		"bad gateway":           {answer{status: 502, body: "<html>"}, server, 4, "HTTP 502 Bad Gateway"},
		"request timeout":       {answer{status: 408}, server, 4, "HTTP 408"},
		"no connection":         {answer{err: errors.New("connection refused")}, server, 4, "no answer: connection refused"},
		"no answer in time":     {answer{status: 200, body: onePage, delay: time.Hour}, server, 4, "no complete answer within 30s"},
		"broken off":            {answer{status: 200, body: onePage[:40], broken: true}, server, 4, "broke off after 40 bytes"},
		"throttled for ever":    {answer{status: 429, header: map[string]string{"Retry-After": "1"}}, throttled, 10, "rate limited (HTTP 429)"},
		"throttled for an hour": {answer{status: 429, header: map[string]string{"Retry-After": "3600"}}, throttled, 1, "rate limited (HTTP 429) until 2000-01-01T01:00:00Z"},
		"unavailable for an hour": {answer{status: 503, header: map[string]string{"Retry-After": "3600"}}, server, 1,
			"HTTP 503"},
		"empty":                    {ok(""), malformed, 4, "the answer is empty"},
		"truncated JSON":           {ok(onePage[:len(onePage)-9]), malformed, 4, fmt.Sprintf("truncated JSON at byte %d", len(onePage)-9)},
		"HTML":                     {ok("<html></html>"), malformed, 4, "invalid JSON at byte 1"},
		"two documents":            {ok(onePage + "{}"), malformed, 4, fmt.Sprintf("invalid JSON at byte %d", len(onePage)+1)},
		"an array":                 {ok("[]"), malformed, 4, "the answer is of a wrong type"},
		"no results":               {ok(`{"cursor":null}`), malformed, 4, `no "results"`},
		"null results":             {ok(`{"results":null}`), malformed, 4, `no "results"`},
		"a row that is a string":   {ok(`{"results":["x"]}`), malformed, 4, "results[0]: the answer is of a wrong type"},
		"minutes as a string":      {with("totalParticipantMinutes", `"124"`), malformed, 4, "not a number"},
		"minutes missing":          {ok(`{"results":[` + strings.Replace(room, "totalParticipantMinutes", "other", 1) + `]}`), malformed, 4, "results[0]: totalParticipantMinutes is missing"},
		"minutes null":             {with("totalRecorderMinutes", "null"), malformed, 4, "totalRecorderMinutes is missing"},
		"negative minutes":         {with("totalStreamerMinutes", "-1"), malformed, 4, "negative, fractional or too large"},
		"fractional minutes":       {with("totalParticipantMinutes", "1.5"), malformed, 4, "negative, fractional or too large"},
		"minutes beyond a float64": {with("totalParticipantMinutes", "1e300"), malformed, 4, "negative, fractional or too large"},
		"no name":                  {with("roomName", `""`), malformed, 4, "roomName is missing"},
		"a name without end":       {with("roomName", `"`+strings.Repeat("a", 2000)+`"`), malformed, 4, "longer than 1024 bytes"},
		"a time as a number":       {with("firstSessionStartedAt", "1735689600"), malformed, 4, "a time is not a string"},
		"a time of another form":   {with("firstSessionStartedAt", `"yesterday"`), malformed, 4, "a time is not in the form"},
		"over 16 MiB":              {ok(strings.Repeat(" ", 16<<20) + onePage), malformed, 4, "larger than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []answer{tc.answer}}
				c := client(s)
				exchanges := 0
				c.OnExchange = func(whereby.Exchange) { exchanges++ }
				_, err := names(t, c)
				if err == nil {
					t.Fatal("no error")
				}
				text := err.Error()
				if !tc.is(err) || !strings.HasPrefix(text, "read /insights/rooms page 1: ") || !strings.Contains(text, tc.says) {
					t.Errorf("the error is %T %q, want %q in it", err, text, tc.says)
				}
				if len(s.requests) != tc.attempts || exchanges != tc.attempts {
					t.Errorf("%d requests and %d exchanges, want %d", len(s.requests), exchanges, tc.attempts)
				}
				if strings.Contains(text, secret) || strings.Contains(text, "\n") {
					t.Errorf("the error holds the key or a second line: %q", text)
				}
				if tc.attempts == 1 {
					return
				}
				s = &script{answers: []answer{tc.answer, {status: 200, body: onePage}}}
				if got, err := names(t, client(s)); err != nil || len(got) != 1 || len(s.requests) != 2 {
					t.Errorf("after a good answer: %v, %v, %d requests", got, err, len(s.requests))
				}
			})
		})
	}
}

func TestARoomThatWasNeverUsedMayHaveNoTotals(t *testing.T) {
	s := &script{answers: []answer{{status: 200, body: `{"results":[{"roomName":"/a","totalParticipantMinutes":null,"lastSessionStartedAt":null}]}`}}}
	if got, err := names(t, client(s)); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestA429IsNeverRetriedSoonerThanTold(t *testing.T) {
	at := func(d time.Duration) time.Time { return time.Now().Add(d).UTC() }
	for name, tc := range map[string]struct {
		answer func() answer
		told   time.Duration
	}{
		"Retry-After in seconds": {func() answer { return answer{header: map[string]string{"Retry-After": "38"}} }, 38 * time.Second},
		"Retry-After as a date": {func() answer {
			return answer{header: map[string]string{"Retry-After": at(40 * time.Second).Format(http.TimeFormat)}}
		}, 40 * time.Second},
		"reset as ISO 8601": {func() answer {
			return answer{header: map[string]string{"X-RateLimit-Reset": at(41500 * time.Millisecond).Format("2006-01-02T15:04:05.000Z")}}
		}, 41500 * time.Millisecond},
		"reset as an HTTP date": {func() answer {
			return answer{header: map[string]string{"X-RateLimit-Reset": at(20 * time.Second).Format(http.TimeFormat)}}
		}, 20 * time.Second},
		"reset in Unix seconds": {func() answer {
			return answer{header: map[string]string{"X-RateLimit-Reset": fmt.Sprint(at(30 * time.Second).Unix())}}
		}, 30 * time.Second},
		"reset in Unix ms": {func() answer {
			return answer{header: map[string]string{"X-RateLimit-Reset": fmt.Sprint(at(30 * time.Second).UnixMilli())}}
		}, 30 * time.Second},
		"by the server's clock": {func() answer {
			return answer{header: map[string]string{"Date": at(-time.Hour).Format(http.TimeFormat), "X-RateLimit-Reset": at(-time.Hour + 50*time.Second).Format(http.TimeFormat)}}
		}, 50 * time.Second},
		"msLeft in the body": {func() answer { return answer{body: `{"error":"x","data":{"msLeft":38689}}`} }, 38689 * time.Millisecond},
		"the longest of all": {func() answer {
			return answer{header: map[string]string{"Retry-After": "3"}, body: `{"data":{"msLeft":70000}}`}
		}, 70 * time.Second},
		"nothing": {func() answer { return answer{} }, time.Minute},
		"nonsense": {func() answer {
			return answer{header: map[string]string{"Retry-After": "soon", "X-RateLimit-Reset": "-5"}, body: `{"data":{"msLeft":"x"}}`}
		}, time.Minute},
		"a reset in the future of another century": {func() answer { return answer{header: map[string]string{"X-RateLimit-Reset": "2199-01-01T00:00:00Z"}} }, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := tc.answer()
				a.status = 429
				s := &script{answers: []answer{a, {status: 200, body: onePage}}}
				if _, err := names(t, client(s)); err != nil {
					t.Fatal(err)
				}
				waited := s.times[1].Sub(s.times[0])
				if waited < tc.told || waited > tc.told*11/10+time.Second {
					t.Errorf("waited %v, told %v", waited, tc.told)
				}
			})
		})
	}
}

func TestBackoffGrowsIsCappedAndJittered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := map[time.Duration]bool{}
		for range 20 {
			s := &script{answers: []answer{{status: 500}}}
			c := client(s)
			c.Retry = whereby.RetryPolicy{MaxAttempts: 6, BaseDelay: time.Second, MaxDelay: 5 * time.Second}
			if _, err := names(t, c); err == nil {
				t.Fatal("no error")
			}
			for i, most := range []time.Duration{1, 2, 4, 5, 5} {
				waited := s.times[i+1].Sub(s.times[i])
				if most *= time.Second; waited < most/2 || waited > most {
					t.Errorf("wait %d is %v, want from %v to %v", i, waited, most/2, most)
				}
				waits[waited] = true
			}
		}
		if len(waits) < 50 {
			t.Errorf("only %d different waits of 100", len(waits))
		}
	})
}

func TestACancelledContextEndsACallAtOnce(t *testing.T) {
	for name, a := range map[string]answer{
		"while waiting for an answer": {status: 200, delay: time.Hour},
		"while backing off":           {status: 500},
		"while throttled":             {status: 429},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
				start := time.Now()
				for _, err := range client(&script{answers: []answer{a}}).Rooms(ctx, whereby.RoomsQuery{}) {
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("the error is %v", err)
					}
				}
				if took := time.Since(start); took > 250*time.Millisecond {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestKeysThatCannotWorkAreNotSent(t *testing.T) {
	for name, key := range map[string]whereby.KeyFunc{
		"none":           nil,
		"empty":          whereby.StaticKey(""),
		"two words":      whereby.StaticKey("Bearer " + secret),
		"a line break":   whereby.StaticKey(secret + "\n"),
		"not ASCII":      whereby.StaticKey(secret + "é"),
		"unreadable now": func() (string, error) { return "", errors.New("open key: permission denied") },
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: []answer{{status: 200, body: onePage}}}
			c := client(s)
			c.APIKey = key
			_, err := names(t, c)
			var auth *whereby.AuthError
			if !errors.As(err, &auth) || auth.StatusCode != 0 || len(s.requests) != 0 {
				t.Errorf("error %v after %d requests", err, len(s.requests))
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error holds the key: %v", err)
			}
		})
	}
}

func TestPrintingAClientDoesNotPrintTheKey(t *testing.T) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%v %+v %#v", client(&script{}), client(&script{}), client(&script{}))
	if strings.Contains(b.String(), secret) {
		t.Error("the key is in it")
	}
}

func TestSessionsTakeEitherPairOfTimes(t *testing.T) {
	started, ended := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 1, 1, 1, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		times string
		ended time.Time
	}{
		"started and ended":         {`"startedAt":"2025-01-01T00:00:00Z","endedAt":"2025-01-01T01:00:00Z"`, ended},
		"created and end":           {`"createdAt":"2025-01-01T00:00:00Z","endAt":"2025-01-01T01:00:00Z"`, ended},
		"running, null":             {`"startedAt":"2025-01-01T00:00:00Z","endedAt":null`, time.Time{}},
		"running, absent":           {`"startedAt":"2025-01-01T00:00:00Z"`, time.Time{}},
		"both, created another day": {`"startedAt":"2025-01-01T00:00:00Z","createdAt":"2024-01-01T00:00:00Z","endedAt":"2025-01-01T01:00:00Z"`, ended},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: []answer{{status: 200, body: `{"results":[{"roomSessionId":"s1","roomName":"/acme-1",` + tc.times +
				`,"totalParticipantMinutes":3,"totalRecorderMinutes":0,"totalStreamerMinutes":0}]}`}}}
			n := 0
			for session, err := range whereby.Rows(client(s).RoomSessions(t.Context(), whereby.RoomSessionsQuery{RoomName: "/acme-1"})) {
				if err != nil {
					t.Fatal(err)
				}
				n++
				if session.ID != "s1" || session.RoomName != "/acme-1" || session.ParticipantMinutes != 3 ||
					!session.StartedAt.Equal(started) || !session.EndedAt.Equal(tc.ended) {
					t.Errorf("got %+v", session)
				}
			}
			if n != 1 || s.requests[0].URL.Query().Get("roomName") != "/acme-1" {
				t.Errorf("%d sessions of %s", n, s.requests[0].URL)
			}
		})
	}
}

func TestParticipantsLeaveOutWhatNamesPeople(t *testing.T) {
	s := &script{answers: []answer{{status: 200, body: `{"results":[{"participantId":"p1","roomSessionId":"s1","roleName":"host",
		"displayName":"Planted Name","comment":"Planted Comment","joinedAt":"2025-01-01T00:00:00Z","leftAt":null,"rating":5,"tags":["audio-quality"]}]}`}}}
	for p, err := range whereby.Rows(client(s).Participants(t.Context(), whereby.ParticipantsQuery{RoomSessionID: "s1"})) {
		if err != nil {
			t.Fatal(err)
		}
		if p.ID != "p1" || p.Role != "host" || p.Stars != 5 || len(p.Tags) != 1 || !p.LeftAt.IsZero() {
			t.Errorf("got %+v", p)
		}
		if strings.Contains(fmt.Sprintf("%+v", p), "Planted") {
			t.Errorf("%+v holds a person's text", p)
		}
	}
}

func TestQualitySamplesKeepTheirGaps(t *testing.T) {
	s := &script{answers: []answer{{status: 200, body: `[{"displayName":"x","userRole":"host","timeStamp":"2025-01-01T00:00:00Z","sampleRateMs":2000,
		"samples":{"packetLossSend":[0,null,3.5,"NaN",-1],"bitrateSend":[]}},{}]`}}}
	got, err := client(s).Participant(t.Context(), "s1", "p1")
	if err != nil || len(got) != 2 {
		t.Fatalf("%v, %v", got, err)
	}
	c := got[0]
	if fmt.Sprint(c.PacketLossSend) != "[0 NaN 3.5 NaN NaN]" || c.PacketLossRecv != nil || len(c.BitrateSend) != 0 || c.SampleRate != 2*time.Second {
		t.Errorf("got %+v", c)
	}
	if query := s.requests[0].URL.Query(); query.Get("roomSessionId") != "s1" || query.Get("participantId") != "p1" {
		t.Errorf("asked %v", query)
	}
	for name, body := range map[string]string{"null": "null", "an object": "{}", "a time that is none": `[{"timeStamp":"now"}]`} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{{status: 200, body: body}}}
			if _, err := client(s).Participant(t.Context(), "s", "p"); err == nil {
				t.Errorf("%s was accepted", name)
			}
		})
	}
}

// TestABadTraceCostsOnlyWhatIsBad: the other arrays and the other connections of the
// answer are read nevertheless.
func TestABadTraceCostsOnlyWhatIsBad(t *testing.T) {
	good := `{"userAgent":"a","sampleRateMs":2000,"samples":{"packetLossRecv":[1]}}`
	for name, tc := range map[string]struct{ bad, want string }{
		"a rate below 0":        {`{"sampleRateMs":-1,"samples":{"packetLossRecv":[1]}}`, "0s [1] []"},
		"a rate of years":       {`{"sampleRateMs":1e300,"samples":{"packetLossRecv":[1]}}`, "0s [1] []"},
		"a rate as text":        {`{"sampleRateMs":"2000","samples":{"packetLossRecv":[1]}}`, "0s [1] []"},
		"a rate of null":        {`{"sampleRateMs":null,"samples":{"packetLossRecv":[1]}}`, "0s [1] []"},
		"an array as text":      {`{"sampleRateMs":1000,"samples":{"packetLossRecv":"NaN","bitrateRecv":[5]}}`, "1s [] [5]"},
		"an array of null":      {`{"samples":{"packetLossRecv":null,"bitrateRecv":[5]}}`, "0s [] [5]"},
		"arrays in an array":    {`{"samples":{"packetLossRecv":[[1],2],"bitrateRecv":[true,{},1e400]}}`, "0s [NaN 2] [NaN NaN NaN]"},
		"samples as text":       {`{"samples":"none"}`, "0s [] []"},
		"samples of null":       {`{"samples":null}`, "0s [] []"},
		"samples in an array":   {`{"samples":[1,2]}`, "0s [] []"},
		"no samples":            {`{}`, "0s [] []"},
		"an agent that is none": {`{"userAgent":7,"samples":{"packetLossRecv":[2]}}`, "0s [2] []"},
		"unequal lengths":       {`{"samples":{"packetLossRecv":[2],"bitrateRecv":[1,2,3]}}`, "0s [2] [1 2 3]"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: []answer{{status: 200, body: "[" + tc.bad + "," + good + "]"}}}
			got, err := client(s).Participant(t.Context(), "s1", "p1")
			if err != nil || len(got) != 2 {
				t.Fatalf("%v, %v", got, err)
			}
			if bad := fmt.Sprint(got[0].SampleRate, got[0].PacketLossRecv, got[0].BitrateRecv); bad != tc.want {
				t.Errorf("got %s, want %s", bad, tc.want)
			}
			if got[1].UserAgent != "a" || fmt.Sprint(got[1].PacketLossRecv) != "[1]" {
				t.Errorf("the other connection is %+v", got[1])
			}
		})
	}
}
