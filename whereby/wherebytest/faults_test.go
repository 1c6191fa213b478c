package wherebytest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

func TestFaultsThatChangeAnswers(t *testing.T) {
	tests := []struct {
		name  string
		fault wherebytest.Fault
		query []string
		check func(t *testing.T, got answer)
	}{
		{"a status has a JSON error", wherebytest.Status(502), nil, func(t *testing.T, got answer) {
			if got.StatusCode != 502 || errorOf(t, got.body) != "Bad Gateway" {
				t.Errorf("status %d, body %s", got.StatusCode, got.body)
			}
		}},
		{"or a page of HTML", wherebytest.StatusHTML(503), nil, func(t *testing.T, got answer) {
			if got.StatusCode != 503 || json.Valid(got.body) || !strings.Contains(got.Header.Get("Content-Type"), "html") {
				t.Errorf("status %d, body %s", got.StatusCode, got.body)
			}
		}},
		{"malformed is no JSON", wherebytest.Malformed(), nil, func(t *testing.T, got answer) {
			if got.StatusCode != 200 || json.Valid(got.body) {
				t.Errorf("status %d, body %s", got.StatusCode, got.body)
			}
		}},
		{"truncated breaks off, with a length that is right", wherebytest.Truncated(), nil, func(t *testing.T, got answer) {
			if json.Valid(got.body) || got.ContentLength != int64(len(got.body)) || !strings.HasPrefix(string(got.body), `{"cursor":`) {
				t.Errorf("length %d, body %s", got.ContentLength, got.body)
			}
		}},
		{"oversized is large and valid", wherebytest.Oversized(1 << 20), nil, func(t *testing.T, got answer) {
			if len(got.body) < 1<<20 || len(got.listing(t).Results) != 10 {
				t.Errorf("%d bytes", len(got.body))
			}
		}},
		{"wrong types are strings for numbers and numbers for times", wherebytest.WrongTypes(), nil, func(t *testing.T, got answer) {
			row := got.listing(t).Results[1]
			if row["totalSessions"] != "1" || row["createdAt"] != float64(day.UnixMilli()) {
				t.Errorf("row %v", row)
			}
		}},
		{"a missing field is in no row", wherebytest.MissingField("totalSessions"), nil, func(t *testing.T, got answer) {
			for _, row := range got.listing(t).Results {
				if _, ok := row["totalSessions"]; ok || row["roomName"] == nil {
					t.Errorf("row %v", row)
				}
			}
		}},
		{"the rows may be missing", wherebytest.MissingField("results"), nil, func(t *testing.T, got answer) {
			if strings.Contains(string(got.body), "results") {
				t.Errorf("body %s", got.body)
			}
		}},
		{"extra fields leave the rest alone", wherebytest.ExtraFields(), nil, func(t *testing.T, got answer) {
			row := got.listing(t).Results[0]
			if row["xObject"] == nil || row["roomName"] != acme(0) {
				t.Errorf("row %v", row)
			}
		}},
		{"every row twice", wherebytest.DuplicateRows(), []string{"limit", "2"}, func(t *testing.T, got answer) {
			want := []string{acme(0), acme(0), acme(1), acme(1)}
			if rows := got.listing(t).column("roomName"); !slices.Equal(rows, want) {
				t.Errorf("rows %v, want %v", rows, want)
			}
		}},
		{"no rate limit headers", wherebytest.NoRateLimitHeaders(), nil, func(t *testing.T, got answer) {
			for name := range got.Header {
				if strings.HasPrefix(strings.ToLower(name), "x-ratelimit") {
					t.Errorf("header %s", name)
				}
			}
		}},
		{"sorting by the last session is refused", wherebytest.SortRefused(), []string{"sortBy", "lastSessionStartedAt:desc"}, func(t *testing.T, got answer) {
			if got.StatusCode != 400 {
				t.Errorf("status %d, want 400", got.StatusCode)
			}
		}},
		{"other sorting is not", wherebytest.SortRefused(), []string{"sortBy", "totalSessions:desc"}, func(t *testing.T, got answer) {
			if got.StatusCode != 200 {
				t.Errorf("status %d, want 200", got.StatusCode)
			}
		}},
		{"sorting is ignored", wherebytest.SortIgnored(), []string{"sortBy", "createdAt:desc"}, func(t *testing.T, got answer) {
			if first := got.listing(t).Results[0]["roomName"]; first != acme(0) {
				t.Errorf("%v comes first", first)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := withRooms(30, wherebytest.Config{})
			a.Inject(test.fault.Times(1))
			test.check(t, call(t, a, "rooms", test.query...))
			a.ClearFaults()
			if got := call(t, a, "rooms"); len(got.listing(t).Results) != 10 {
				t.Error("the fault outlasts its end")
			}
		})
	}
}

func TestThrottleStyles(t *testing.T) {
	const wait = 2500 * time.Millisecond
	tests := []struct {
		name              string
		style             wherebytest.ThrottleStyle
		retryAfter, reset string
		body              string
	}{
		{"seconds", wherebytest.RetryAfterSeconds, "3", "", ""},
		{"a date as in JSON", wherebytest.ResetRFC3339, "", "2000-01-01T00:00:02.5Z", ""},
		{"a date as in HTTP", wherebytest.ResetHTTPDate, "", "Sat, 01 Jan 2000 00:00:03 GMT", ""},
		{"milliseconds in the body", wherebytest.MillisLeftBody, "", "", `,"data":{"msLeft":2500}`},
		{"nothing", wherebytest.NoHint, "", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := wherebytest.New(wherebytest.Config{})
				a.Inject(wherebytest.Throttled(test.style, wait))
				got := call(t, a, "rooms")
				if got.StatusCode != 429 || got.Header.Get("Retry-After") != test.retryAfter || got.Header.Get("X-RateLimit-Reset") != test.reset {
					t.Errorf("status %d, headers %v", got.StatusCode, got.Header)
				}
				if want := `{"error":"Rate limit active for throttle key: organization:1"` + test.body + `}`; string(got.body) != want {
					t.Errorf("body %s, want %s", got.body, want)
				}
			})
		})
	}
}

func TestFaultsOfPaging(t *testing.T) {
	follow := func(t *testing.T, fault wherebytest.Fault) (cursors, rows []string) {
		a := withRooms(25, wherebytest.Config{})
		a.Inject(fault)
		query := []string{"limit", "10"}
		for range 5 {
			l := call(t, a, "rooms", query...).listing(t)
			rows = append(rows, strings.Join(l.column("roomName"), " "))
			if l.Cursor == nil {
				break
			}
			cursors = append(cursors, *l.Cursor)
			query = []string{"limit", "10", "cursor", *l.Cursor}
		}
		return cursors, rows
	}
	different := func(texts []string) int { return len(slices.Compact(slices.Sorted(slices.Values(texts)))) }

	t.Run("a repeated cursor leads to itself", func(t *testing.T) {
		cursors, rows := follow(t, wherebytest.RepeatCursor())
		if len(cursors) != 5 || different(cursors) != 1 || different(rows) != 2 {
			t.Errorf("cursors %v, rows %v", cursors, rows)
		}
	})
	t.Run("endless pages bring the same rows with ever other cursors", func(t *testing.T) {
		cursors, rows := follow(t, wherebytest.EndlessPages())
		if len(cursors) != 5 || different(cursors) != 5 || different(rows) != 1 || rows[0] == "" {
			t.Errorf("cursors %v, rows %v", cursors, rows)
		}
	})
	t.Run("empty pages have ever other cursors", func(t *testing.T) {
		cursors, rows := follow(t, wherebytest.EmptyPagesForever())
		if len(cursors) != 5 || different(cursors) != 5 || different(rows) != 1 || rows[0] != "" {
			t.Errorf("cursors %v, rows %v", cursors, rows)
		}
	})
	t.Run("overlapping pages share a row", func(t *testing.T) {
		_, rows := follow(t, wherebytest.OverlappingPages())
		if len(rows) != 3 || !strings.HasSuffix(rows[0], acme(9)) || !strings.HasPrefix(rows[1], acme(9)) ||
			!strings.HasSuffix(rows[1], acme(18)) || !strings.HasPrefix(rows[2], acme(18)) || !strings.HasSuffix(rows[2], acme(24)) {
			t.Errorf("rows %v", rows)
		}
	})
	t.Run("a fault may be on one page alone", func(t *testing.T) {
		a := withRooms(25, wherebytest.Config{})
		a.Inject(wherebytest.Status(500).Page(2))
		first := call(t, a, "rooms").listing(t)
		if got := call(t, a, "rooms", "cursor", *first.Cursor); got.StatusCode != 500 {
			t.Errorf("page 2 has status %d, want 500", got.StatusCode)
		}
		if got := call(t, a, "rooms"); got.StatusCode != 200 {
			t.Errorf("page 1 has status %d, want 200", got.StatusCode)
		}
	})
}

func TestFaultsAreLimitedAndCombine(t *testing.T) {
	a := withRooms(5, wherebytest.Config{})
	a.Inject(wherebytest.Status(500).On(wherebytest.EndpointRooms).After(1).Times(2))
	a.Inject(wherebytest.Status(503).Times(1))
	a.Inject(wherebytest.MissingField("endAt").Times(1))
	a.Inject(wherebytest.ExtraFields().Times(1))
	a.Inject(wherebytest.NoRateLimitHeaders())
	var statuses []int
	for range 5 {
		got := call(t, a, "rooms")
		statuses = append(statuses, got.StatusCode)
		if got.Header.Get("X-RateLimit-Limit") != "" {
			t.Error("headers of the rate limit in spite of the fault")
		}
		if len(statuses) == 4 && !strings.Contains(string(got.body), "xObject") {
			t.Errorf("the first answer with rows has no extra fields: %s", got.body)
		}
		if len(statuses) == 5 && strings.Contains(string(got.body), "xObject") {
			t.Errorf("the second has: %s", got.body)
		}
	}
	if want := []int{503, 500, 500, 200, 200}; !slices.Equal(statuses, want) {
		t.Errorf("statuses %v, want %v", statuses, want)
	}
}

func TestHangsEndWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := wherebytest.New(wherebytest.Config{})
		a.Inject(wherebytest.Hang().Times(1))
		a.Inject(wherebytest.SlowBody(10 * time.Second).Times(2))
		begin := time.Now()
		for _, want := range []time.Duration{2 * time.Second, 2 * time.Second} {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			_, err := try(ctx, a, "rooms")
			cancel()
			if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took != want {
				t.Errorf("error %v after %v, want the deadline's after %v", err, took, want)
			}
			begin = time.Now()
		}
		a.ClearFaults()
		a.Inject(wherebytest.SlowBody(10 * time.Second))
		begin = time.Now()
		call(t, a, "rooms").listing(t)
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("a slow body took %v, want 10s", took)
		}
	})
}

func TestBrokenConnections(t *testing.T) {
	a := withRooms(30, wherebytest.Config{})
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	transports := map[string]func() (*http.Response, error){
		"within the process": func() (*http.Response, error) { return a.RoundTripper().RoundTrip(request(t, server.URL)) },
		"over the network":   func() (*http.Response, error) { return http.DefaultTransport.RoundTrip(request(t, server.URL)) },
	}
	for name, send := range transports {
		t.Run("a dropped request has no answer "+name, func(t *testing.T) {
			a.ClearFaults()
			a.Inject(wherebytest.Drop())
			resp, err := send()
			if err == nil {
				resp.Body.Close()
				t.Fatalf("status %d", resp.StatusCode)
			}
			if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("error %v", err)
			}
		})
		t.Run("a reset answer breaks off "+name, func(t *testing.T) {
			a.ClearFaults()
			a.Inject(wherebytest.Reset().Times(1))
			resp, err := send()
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if !errors.Is(err, io.ErrUnexpectedEOF) || int64(len(body)) != resp.ContentLength/2 {
				t.Errorf("%d of %d bytes, error %v", len(body), resp.ContentLength, err)
			}
		})
		t.Run("a slow answer is whole in the end "+name, func(t *testing.T) {
			a.ClearFaults()
			a.Inject(wherebytest.SlowBody(20 * time.Millisecond))
			resp, err := send()
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); err != nil || !json.Valid(body) {
				t.Errorf("error %v, body %s", err, body)
			}
		})
		t.Run("a hanging request can be given up "+name, func(t *testing.T) {
			a.ClearFaults()
			a.Inject(wherebytest.Hang())
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			req := request(t, server.URL).WithContext(ctx)
			transport := http.DefaultTransport
			if name == "within the process" {
				transport = a.RoundTripper()
			}
			resp, err := transport.RoundTrip(req)
			if err == nil {
				resp.Body.Close()
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v, want the deadline's", err)
			}
		})
	}
}

func request(t *testing.T, server string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server+"/v1/insights/rooms", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer test-key")
	return req
}
