package rooms_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"whereby_exporter/collector/golden"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/prefix"
	"whereby_exporter/collector/rooms"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// account is a ledger with a handler on it.
type account struct {
	t       *testing.T
	ledger  *ledger.Ledger
	handler *rooms.Handler
}

func classify(name string) string {
	label, ok := whereby.RoomPrefix(name)
	if !ok || label == "" {
		return prefix.None
	}
	return label
}

// newAccount returns a ledger after one full poll over the rows.
func newAccount(t *testing.T, rows []ledger.Row) *account {
	t.Helper()
	s := store.NewMemory()
	l, err := ledger.Open(s, ledger.Options{Prefixes: prefix.Options{Classify: classify, Limit: 3}})
	if err != nil {
		t.Fatal(err)
	}
	a := &account{t: t, ledger: l, handler: &rooms.Handler{
		Source: s, Label: l.Label, Known: func() bool { return l.Snapshot() != nil },
	}}
	a.read(rows)
	return a
}

// read runs a full poll over the rows, in pages of 100.
func (a *account) read(rows []ledger.Row) {
	a.t.Helper()
	poll := a.ledger.Begin()
	for from := 0; from < len(rows); from += 100 {
		if _, err := poll.Add(rows[from:min(from+100, len(rows))]); err != nil {
			a.t.Fatal(err)
		}
	}
	if err := poll.Commit(ledger.Completion{Started: time.Now(), Ended: time.Now(), Complete: true}); err != nil {
		a.t.Fatal(err)
	}
}

func (a *account) do(method, target string) *httptest.ResponseRecorder {
	a.t.Helper()
	answer := httptest.NewRecorder()
	a.handler.ServeHTTP(answer, httptest.NewRequestWithContext(a.t.Context(), method, target, nil))
	return answer
}

// all pages through a prefix and returns its rooms and the number of pages.
func (a *account) all(prefix string, limit int) (list []rooms.Room, pages int) {
	a.t.Helper()
	query := url.Values{"room_prefix": {prefix}, "limit": {fmt.Sprint(limit)}}
	for {
		answer := a.do(http.MethodGet, "/?"+query.Encode())
		if answer.Code != http.StatusOK {
			a.t.Fatalf("%s answers %d %s", query.Encode(), answer.Code, answer.Body)
		}
		var page rooms.Page
		if err := json.Unmarshal(answer.Body.Bytes(), &page); err != nil {
			a.t.Fatal(err)
		}
		if page.RoomPrefix != prefix {
			a.t.Fatalf("asked for %q, got %q", prefix, page.RoomPrefix)
		}
		if len(page.Rooms) > limit {
			a.t.Fatalf("a page of at most %d has %d rooms", limit, len(page.Rooms))
		}
		if page.NextCursor != nil && len(page.Rooms) < limit {
			a.t.Fatal("a page that is not full is not the last one")
		}
		list = append(list, page.Rooms...)
		pages++
		if page.NextCursor == nil {
			return list, pages
		}
		query.Set("cursor", *page.NextCursor)
	}
}

// manyRows are rooms of three admitted prefixes, two of which begin alike, of two
// prefixes beyond the limit, and of none.
func manyRows() []ledger.Row {
	random := rand.New(rand.NewPCG(1, 2))
	var rows []ledger.Row
	add := func(prefix string, n int) {
		for range n {
			name := fmt.Sprintf("/%s%08x-0000-4000-8000-%012x", prefix, random.Uint32(), len(rows))
			rows = append(rows, ledger.Row{Name: name, FirstSession: 1_700_000_000, LastSession: 1_700_000_000 + int64(len(rows)),
				Totals: ledger.Totals{ParticipantMinutes: random.Int64N(1000), RecorderMinutes: random.Int64N(100),
					StreamerMinutes: random.Int64N(10), Sessions: 1 + random.Int64N(9)}})
		}
	}
	add("acme-", 230)
	add("acme-eu-", 45)
	add("globex-", 100)
	add("initech-", 30) // beyond the limit
	add("umbrella-", 25)
	add("", 40)
	for _, name := range []string{"/standup", "/acme-standup", "/_other", "/zoo"} {
		rows = append(rows, ledger.Row{Name: name, Totals: ledger.Totals{Sessions: 1, ParticipantMinutes: 7}, FirstSession: 1, LastSession: 2})
	}
	return rows
}

func TestPagesHoldEachRoomOnceAndSumToTheCounters(t *testing.T) {
	rows := manyRows()
	a := newAccount(t, rows)
	for _, limit := range []int{1, 7, 100, 1000} {
		t.Run(fmt.Sprintf("%d rooms a page", limit), func(t *testing.T) {
			seen := map[string]bool{}
			for _, usage := range a.ledger.Snapshot().Prefixes {
				list, pages := a.all(usage.Prefix, limit)
				if want := max(1, (len(list)+limit-1)/limit); pages != want {
					t.Errorf("%s: %d rooms came in %d pages; want %d", usage.Prefix, len(list), pages, want)
				}
				var sum ledger.Totals
				for i, room := range list {
					if seen[room.RoomName] {
						t.Errorf("%s came twice", room.RoomName)
					}
					seen[room.RoomName] = true
					if i > 0 && room.RoomName <= list[i-1].RoomName {
						t.Errorf("%s comes after %s", room.RoomName, list[i-1].RoomName)
					}
					sum = sum.Add(ledger.Totals{ParticipantMinutes: room.ParticipantMinutes, RecorderMinutes: room.RecorderMinutes,
						StreamerMinutes: room.StreamerMinutes, Sessions: room.Sessions})
				}
				if sum != usage.Totals {
					t.Errorf("%s: the rooms come to %+v and the counters to %+v", usage.Prefix, sum, usage.Totals)
				}
				if int64(len(list)) != usage.Rooms {
					t.Errorf("%s: %d rooms are listed and %d counted", usage.Prefix, len(list), usage.Rooms)
				}
			}
			if len(seen) != len(rows) {
				t.Errorf("%d rooms were listed; the account has %d", len(seen), len(rows))
			}
		})
	}
}

func TestReservedPrefixesListTheirRooms(t *testing.T) {
	a := newAccount(t, manyRows())
	for label, want := range map[string]int{prefix.None: 44, prefix.Other: 55} {
		if list, _ := a.all(label, 100); len(list) != want {
			t.Errorf("%s lists %d rooms; want %d", label, len(list), want)
		}
	}
}

func TestADeletedRoomIsStillListedWithItsHighestFigures(t *testing.T) {
	rows := manyRows()
	a := newAccount(t, rows)
	gone := rows[0]
	lowered := rows[1]
	lowered.ParticipantMinutes = 0
	a.read(append([]ledger.Row{lowered}, rows[2:]...))
	found := map[string]int64{}
	list, _ := a.all("acme-", 1000)
	for _, room := range list {
		found[room.RoomName] = room.ParticipantMinutes
	}
	for _, row := range []ledger.Row{gone, rows[1]} {
		if minutes, ok := found[row.Name]; !ok || minutes != row.ParticipantMinutes {
			t.Errorf("%s: listed %v with %d minutes; want %d", row.Name, ok, minutes, row.ParticipantMinutes)
		}
	}
}

// TestAPageThatIsReadWhileRoomsAreAddedRepeatsNone: rows only ever come in between.
func TestAPageThatIsReadWhileRoomsAreAddedRepeatsNone(t *testing.T) {
	rows := manyRows()
	a := newAccount(t, rows[:100])
	first := a.do(http.MethodGet, "/?room_prefix=acme-&limit=60")
	var page rooms.Page
	if err := json.Unmarshal(first.Body.Bytes(), &page); err != nil || page.NextCursor == nil {
		t.Fatalf("%v: %s", err, first.Body)
	}
	a.read(rows)
	seen := map[string]bool{}
	for _, room := range page.Rooms {
		seen[room.RoomName] = true
	}
	second := a.do(http.MethodGet, "/?room_prefix=acme-&limit=1000&cursor="+*page.NextCursor)
	if err := json.Unmarshal(second.Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	for _, room := range page.Rooms {
		if seen[room.RoomName] {
			t.Errorf("%s is on both pages", room.RoomName)
		}
		seen[room.RoomName] = true
	}
	for _, row := range rows[:100] {
		if !seen[row.Name] {
			t.Errorf("%s is on no page", row.Name)
		}
	}
}

func TestUnknownPrefixesHaveNoRooms(t *testing.T) {
	a := newAccount(t, manyRows())
	for _, prefix := range []string{"nobody-", "acme", "zzz-", "initech-", "/acme-", "ACME-"} {
		if list, pages := a.all(prefix, 10); len(list) != 0 || pages != 1 {
			t.Errorf("%q lists %d rooms on %d pages", prefix, len(list), pages)
		}
	}
	if body := a.do(http.MethodGet, "/?room_prefix=nobody-").Body.String(); body != `{"room_prefix":"nobody-","rooms":[],"next_cursor":null}`+"\n" {
		t.Errorf("an empty list is written as %s", body)
	}
}

func TestRequestsThatCannotBeAnswered(t *testing.T) {
	a := newAccount(t, manyRows())
	for _, c := range []struct {
		name, method, target string
		status               int
		want                 string
	}{
		{"without a prefix", http.MethodGet, "/", 400, "room_prefix is missing"},
		{"with an empty prefix", http.MethodGet, "/?room_prefix=", 400, "room_prefix is missing"},
		{"a limit of 0", http.MethodGet, "/?room_prefix=acme-&limit=0", 400, "limit must be a whole number from 1 to 1000"},
		{"a negative limit", http.MethodGet, "/?room_prefix=acme-&limit=-1", 400, "limit must be a whole number from 1 to 1000"},
		{"a limit above the highest", http.MethodGet, "/?room_prefix=acme-&limit=1001", 400, "limit must be a whole number from 1 to 1000"},
		{"a limit that is no number", http.MethodGet, "/?room_prefix=acme-&limit=all", 400, "limit must be a whole number from 1 to 1000"},
		{"a limit that no number holds", http.MethodGet, "/?room_prefix=acme-&limit=99999999999999999999", 400, "limit must be a whole number"},
		{"a cursor from elsewhere", http.MethodGet, "/?room_prefix=acme-&cursor=%21%21", 400, "cursor is not one that this endpoint gave"},
		{"another method", http.MethodPost, "/?room_prefix=acme-", 405, "use GET"},
		{"a deletion", http.MethodDelete, "/?room_prefix=acme-", 405, "use GET"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := a.do(c.method, c.target)
			if answer.Code != c.status {
				t.Errorf("answered %d; want %d", answer.Code, c.status)
			}
			assertError(t, answer, c.want)
			if c.status == http.StatusMethodNotAllowed && answer.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("allows %q", answer.Header().Get("Allow"))
			}
		})
	}
}

func assertError(t *testing.T, answer *httptest.ResponseRecorder, want string) {
	t.Helper()
	var body struct{ Error string }
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil || !strings.Contains(body.Error, want) {
		t.Errorf("the error is %s; want %q", answer.Body, want)
	}
	if contentType := answer.Header().Get("Content-Type"); contentType != "application/json" {
		t.Errorf("the error is of type %q", contentType)
	}
}

func TestNothingIsListedBeforeTheFirstFullPoll(t *testing.T) {
	s := store.NewMemory()
	l, err := ledger.Open(s, ledger.Options{Prefixes: prefix.Options{Classify: classify}})
	if err != nil {
		t.Fatal(err)
	}
	a := &account{t: t, ledger: l, handler: &rooms.Handler{Source: s, Label: l.Label, Known: func() bool { return l.Snapshot() != nil }}}
	answer := a.do(http.MethodGet, "/?room_prefix=acme-")
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
		t.Errorf("answered %d, Retry-After %q; want 503 with a time", answer.Code, answer.Header().Get("Retry-After"))
	}
	assertError(t, answer, "the account has not been read completely yet")
	a.read(manyRows())
	if answer := a.do(http.MethodGet, "/?room_prefix=acme-"); answer.Code != http.StatusOK {
		t.Errorf("after the poll: answered %d", answer.Code)
	}
}

// brokenSource gives one row and then an error.
type brokenSource struct{}

func (brokenSource) Rows(string) iter.Seq2[ledger.Row, error] {
	return func(yield func(ledger.Row, error) bool) {
		if yield(ledger.Row{Name: "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd"}, nil) {
			yield(ledger.Row{}, errors.New("input/output error in /var/lib/secret"))
		}
	}
}

func TestAStoreThatCannotBeReadIsAnErrorAndNoHalfAList(t *testing.T) {
	a := &account{t: t, handler: &rooms.Handler{Source: brokenSource{}, Label: classify, Known: func() bool { return true }}}
	answer := a.do(http.MethodGet, "/?room_prefix=acme-")
	if answer.Code != http.StatusInternalServerError {
		t.Errorf("answered %d; want 500", answer.Code)
	}
	assertError(t, answer, "the rooms could not be read")
	if strings.Contains(answer.Body.String(), "/var/lib") {
		t.Errorf("the answer tells of the machine: %s", answer.Body)
	}
}

func TestAReaderWhoHasGoneEndsTheReading(t *testing.T) {
	a := newAccount(t, manyRows())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	answer := httptest.NewRecorder()
	a.handler.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, http.MethodGet, "/?room_prefix=acme-", nil))
	if answer.Code != http.StatusInternalServerError {
		t.Errorf("answered %d; want 500", answer.Code)
	}
}

func TestHeadAnswersLikeGetWithoutABody(t *testing.T) {
	server := httptest.NewServer(newAccount(t, manyRows()).handler)
	defer server.Close()
	resp, err := server.Client().Head(server.URL + "/?room_prefix=acme-")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" || len(body) != 0 {
		t.Errorf("HEAD answers %d, %q, %q, %v", resp.StatusCode, resp.Header.Get("Content-Type"), body, err)
	}
}

func TestAPageLooksLikeThis(t *testing.T) {
	var rows []ledger.Row
	for i := range 3 {
		rows = append(rows, ledger.Row{
			Name:         fmt.Sprintf("/acme-793e9ec1-c686-423d-9043-9b7a10c553f%d", i),
			Totals:       ledger.Totals{ParticipantMinutes: int64(100 * i), RecorderMinutes: int64(10 * i), StreamerMinutes: int64(i), Sessions: int64(2 * i)},
			FirstSession: int64(i) * 1_750_000_000, LastSession: int64(i) * 1_750_003_600,
		})
	}
	answer := newAccount(t, rows).do(http.MethodGet, "/?room_prefix=acme-&limit=2")
	var got bytes.Buffer
	if err := json.Indent(&got, answer.Body.Bytes(), "", "  "); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/page.json", got.String())
	if header := answer.Header().Get("X-Content-Type-Options"); header != "nosniff" {
		t.Errorf("X-Content-Type-Options is %q", header)
	}
}
