package statuspage

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/golden"
	"whereby_exporter/collector/rooms"
	"whereby_exporter/collector/transcriptions"
	"whereby_exporter/whereby"
)

// versions are of the files that a page loads; they change with every edit of those.
var versions = regexp.MustCompile(`\?v=[0-9a-f]{12}`)

// comparePage compares a page with a file, whatever the versions in it.
func comparePage(t *testing.T, name, page string) {
	t.Helper()
	golden.Compare(t, "testdata/"+name+".html", versions.ReplaceAllString(page, "?v=VERSION"))
}

func TestTheFirstPageOfEachState(t *testing.T) {
	failing := running()
	failing.Polls.AsOf, failing.Polls.Succeeded = now.Add(-2*time.Hour), now.Add(-2*time.Hour)
	failing.Polls.Err = &whereby.Error{Endpoint: whereby.EndpointRooms, Page: 1, Err: &whereby.AuthError{StatusCode: 401}}
	failing.Polls.LastErr, failing.Polls.Failed, failing.Polls.LastErrAt, failing.Polls.Failing = failing.Polls.Err, now.Add(-5*time.Second), now.Add(-5*time.Second), 120
	failing.Reloads.Failed = now.Add(-time.Minute)

	throttled := starting()
	throttled.Polls.Pages = 0
	throttled.Polls.Err = &whereby.ThrottledError{RetryAt: now.Add(40 * time.Second)}
	throttled.Polls.LastErr, throttled.Polls.Failed, throttled.Polls.LastErrAt, throttled.Polls.Failing = throttled.Polls.Err, now.Add(-time.Second), now.Add(-time.Second), 1

	quiet := running()
	quiet.Webhooks = nil

	unnamed := running()
	unnamed.Customers = unnamed.Customers[7:]
	unnamed.Account.Quotas = nil
	unnamed.Polls.LastErr, unnamed.Polls.LastErrAt = &whereby.ServerError{StatusCode: 502}, now.Add(-time.Hour)

	empty := running()
	empty.Customers = nil

	for name, report := range map[string]Report{
		"starting": starting(), "running": running(), "failing": failing, "throttled": throttled,
		"without-webhooks": quiet, "without-configuration": unnamed, "without-rooms": empty, "hostile": hostile(),
	} {
		t.Run(name, func(t *testing.T) {
			comparePage(t, name, get(t, newHandler(t, &fake{report: report}), "/"))
		})
	}
}

const evil = `<script>alert(1)</script>"'&{{.}}`

// hostile has names that would be code if they were not escaped.
func hostile() Report {
	r := running()
	r.Customers = []Customer{customer(evil, evil, 2000, minutesQuota(1000)), customer("javascript:alert(1)", "", 1, nil)}
	r.Polls.Err, r.Polls.Failed = &whereby.RequestError{StatusCode: 400, Message: evil}, now
	r.Polls.LastErr, r.Polls.LastErrAt = r.Polls.Err, now
	r.Version = evil
	return r
}

func TestNothingHostileGetsThrough(t *testing.T) {
	name := "/" + evil
	f := &fake{report: hostile(), rooms: []rooms.Room{{RoomName: name}}}
	h := newHandler(t, f)
	query := "?" + strings.NewReplacer("<", "%3C", ">", "%3E", `"`, "%22", "&", "%26", "{", "%7B", "}", "%7D", "'", "%27", "/", "%2F").
		Replace("q="+evil) + "&sort=%3Cscript%3E&state=%22%3E&order=%3C&page=9e9"
	for _, target := range []string{
		"/", "/" + query, "/status/rooms?room_prefix=%3Cscript%3Ealert(1)%3C%2Fscript%3E%22'%26%7B%7B.%7D%7D",
		"/status/room?name=%2F%3Cscript%3Ealert(1)%3C%2Fscript%3E%22'%26%7B%7B.%7D%7D",
	} {
		page := get(t, h, target)
		if strings.Contains(page, "<script>") || strings.Contains(page, evil) {
			t.Errorf("%s lets markup through", target)
		}
		if strings.Contains(page, `href="javascript:`) {
			t.Errorf("%s has a link that is code", target)
		}
		if strings.Contains(page, "ZgotmplZ") {
			t.Errorf("%s has a value that the template refused", target)
		}
		for _, inline := range []string{" style=", "<style", " onclick=", "http://", "https://"} {
			if strings.Contains(page, inline) {
				t.Errorf("%s holds %q, which the policy does not allow", target, inline)
			}
		}
	}
}

func TestTenThousandPrefixesStaySmall(t *testing.T) {
	h := newHandler(t, &fake{report: many(10_000)})
	page := get(t, h, "/")
	if n := strings.Count(page, `data-key="row-`); n != pageSize {
		t.Errorf("the page has %d rows, want %d", n, pageSize)
	}
	if len(page) > 150<<10 {
		t.Errorf("the page has %d KiB", len(page)>>10)
	}
	if at := strings.Index(page, "Globex"); at < 0 || at > strings.Index(page, `id="filter"`) {
		t.Error("the one over its quota is not named at the head of the page")
	}
	if page := get(t, h, "/?page=100000000000"); strings.Count(page, `data-key="row-`) != pageSize {
		t.Error("a page beyond the last one is not the last one")
	}
}

func TestPagesShowEveryCustomerOnce(t *testing.T) {
	h := newHandler(t, &fake{report: many(1050)})
	seen := map[string]int{}
	rows := regexp.MustCompile(`data-key="row-([^"]*)"`)
	pages := 0
	for next := "./?sort=customer"; next != ""; pages++ {
		page := get(t, h, strings.ReplaceAll(strings.TrimPrefix(next, "."), "&amp;", "&"))
		for _, row := range rows.FindAllStringSubmatch(page, -1) {
			seen[row[1]]++
		}
		next = ""
		if link := regexp.MustCompile(`href="([^"]*)" id="next"`).FindStringSubmatch(page); link != nil {
			next = link[1]
		}
	}
	if pages != 11 || len(seen) != 1050 {
		t.Errorf("%d pages show %d customers, want 11 and 1050", pages, len(seen))
	}
	for key, n := range seen {
		if n != 1 {
			t.Errorf("%s is on %d pages", key, n)
		}
	}
}

// rowsOf returns the rows of a page in their order.
func rowsOf(page string) string {
	var keys []string
	for _, row := range regexp.MustCompile(`data-key="row-([^"]*)"`).FindAllStringSubmatch(page, -1) {
		keys = append(keys, strings.TrimSuffix(row[1], "-"))
	}
	return strings.Join(keys, " ")
}

func TestCustomersAreSortedAndFiltered(t *testing.T) {
	h := newHandler(t, &fake{report: running()})
	for _, c := range []struct{ name, query, want string }{
		{"worst first", "", "zero live acme heading acme-eu unknown within free _none"},
		{"by name", "?sort=customer", "acme acme-eu free heading live unknown within _none zero"},
		{"by name, the other way round", "?sort=customer&order=desc", "zero _none within unknown live heading free acme acme-eu"},
		{"by minutes", "?sort=minutes", "free acme-eu acme heading unknown within live _none zero"},
		{"by what is gone of a quota", "?sort=used", "zero live acme acme-eu heading unknown within free _none"},
		{"by people", "?sort=live&q=li", "live"},
		{"by the end of the period", "?sort=end&order=desc&q=acme", "acme-eu acme"},
		{"a name, whatever its case", "?q=ACME", "acme acme-eu"},
		{"a part of a prefix", "?q=me-e", "acme-eu"},
		{"a state", "?state=over", "zero live"},
		{"a state and a name", "?state=over&q=live", "live"},
		{"what is not understood is left out", "?sort=nonsense&order=sideways&state=lost&page=-3", "zero live acme heading acme-eu unknown within free _none"},
		{"nothing", "?q=nobody", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := get(t, h, "/"+c.query)
			if got := rowsOf(page); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if c.want == "" && !strings.Contains(page, "No customer matches.") {
				t.Error("the page does not say that there is none")
			}
		})
	}
}

func TestFiguresOfUnreadRoomsAreAtLeast(t *testing.T) {
	over := customer("acme-", "Acme", 1200, config.Quotas{config.ParticipantMinutes: 1000, config.RecorderMinutes: 0})
	over.Unread = 1
	account := customer("", "", 4500, minutesQuota(10_000))
	account.Unread = 2
	report := running()
	report.Customers, report.Account = []Customer{over}, account
	page := get(t, newHandler(t, &fake{report: report}), "/")
	for _, text := range []string{
		"Participant minutes: at least 1,200 used; the quota is 1,000.",
		`aria-valuetext="at least 1,200 of 1,000, ≥ 120%: over quota, 1 room unread"`,
		`aria-valuetext="at least 0 of 0, 0%: not known yet, 1 room unread"`,
		"<strong>at least 4,500</strong> 2 rooms unread",
		`aria-valuetext="at least 4,500 of 10,000, ≥ 45%: not known yet, 2 rooms unread"`,
	} {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not say %q", text)
		}
	}
}

func TestPeriodsOfACustomer(t *testing.T) {
	of := customer("acme-", "Acme", 1200, nil)
	of.Used.RecorderMinutes = 30
	unread, moving, unreadBefore, transcribed, untold := of, of, of, of, of
	unread.Unread = 1
	moving.Previous.Final = false
	unreadBefore.Previous.Unread, unreadBefore.Previous.Final = 3, false
	transcribed.HasTranscribed = true
	transcribed.Transcribed = transcriptions.Usage{Used: 90 * time.Minute, Previous: time.Minute, Known: true}
	untold.HasTranscribed, untold.Transcribed = true, transcriptions.Usage{Used: 90 * time.Minute}
	const (
		now      = "<strong>1,200 participant minutes, 30 recorder minutes, 20 sessions</strong></dd>"
		previous = "<strong>2,400 participant minutes, 40 sessions</strong> "
	)
	for _, c := range []struct {
		name     string
		customer Customer
		want     []string // of the customer's page
		account  string   // what the account's card says, of the same figures
	}{
		{"final", of, []string{now, previous + `<span class="soft">final</span>`}, "2,400 participant minutes, 40 sessions: final"},
		{"moving", moving, []string{now, previous + `<span class="soft">may still change</span>`}, "2,400 participant minutes, 40 sessions: may still change"},
		{"unread", unread, []string{"at least 1,200 participant minutes", `<span class="soft">1 room unread</span>`}, "2,400 participant minutes, 40 sessions: final"},
		{"unread before", unreadBefore, []string{now, `<dd> <span class="soft">not known yet, 3 rooms unread</span>`}, "<dd>not known yet, 3 rooms unread"},
		{"with transcriptions", transcribed, []string{
			"1,200 participant minutes, 30 recorder minutes, 90 transcription minutes, 20 sessions", "2,400 participant minutes, 1 transcription minute, 40 sessions",
		}, "2,400 participant minutes, 1 transcription minute, 40 sessions: final"},
		{"with transcriptions of which some are unread", untold, []string{now, previous}, "2,400 participant minutes, 40 sessions: final"},
		{"before the first full poll", Customer{Prefix: "acme-", Name: "Acme"}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			report := running()
			report.Customers, report.Account = []Customer{c.customer}, c.customer
			h := newHandler(t, &fake{report: report})
			page := get(t, h, "/status/rooms?room_prefix=acme-")
			for _, text := range c.want {
				if !strings.Contains(page, text) {
					t.Errorf("the customer's page does not say %q", text)
				}
			}
			if there := strings.Contains(page, "Previous period, "); there != (c.want != nil) {
				t.Errorf("the customer's page has a previous period: %v", there)
			}
			if first := get(t, h, "/"); !strings.Contains(first, c.account) || strings.Contains(first, "Previous period") != (c.account != "") {
				t.Errorf("the account's card does not say %q", c.account)
			}
		})
	}
}

func TestAFailureIsToldOnce(t *testing.T) {
	lasting := running()
	lasting.Polls.Err = &whereby.ServerError{StatusCode: 502}
	lasting.Polls.LastErr, lasting.Polls.Failed, lasting.Polls.LastErrAt = lasting.Polls.Err, now, now
	over := lasting
	over.Polls.Err = nil
	for name, report := range map[string]Report{"lasting": lasting, "over": over} {
		page := get(t, newHandler(t, &fake{report: report}), "/")
		if n := strings.Count(page, "Whereby does not respond as expected"); n != 1 {
			t.Errorf("%s: told %d times", name, n)
		}
	}
}

func TestThereIsNoFilterOverNothing(t *testing.T) {
	report := running()
	for _, some := range []bool{true, false} {
		if !some {
			report.Customers = nil
		}
		page := get(t, newHandler(t, &fake{report: report}), "/")
		for _, text := range []string{`id="filter"`, `class="states"`, `id="found"`} {
			if strings.Contains(page, text) != some {
				t.Errorf("with customers %v, that the page has %s is %v", some, text, !some)
			}
		}
	}
}

// TestCustomersOfOneNameAreToldApart wherever the page names them.
func TestCustomersOfOneNameAreToldApart(t *testing.T) {
	report := running()
	report.Customers = []Customer{
		customer("acme-", "Acme", 2000, minutesQuota(1000)), customer("acme-eu-", "ACME", 3000, minutesQuota(1000)),
		customer("globex-", "Globex", 4000, minutesQuota(1000)),
	}
	h := newHandler(t, &fake{report: report, rooms: []rooms.Room{{RoomName: "/acme-1"}}})
	for target, want := range map[string][]string{
		"/": {
			"<bdi>Acme (acme-)</bdi>", "<bdi>ACME (acme-eu-)</bdi>", "<bdi>Globex</bdi>", "Participant minutes of Acme (acme-)",
			`<bdi>Acme</bdi> <code dir="auto">acme-</code></a>`, `<bdi>Globex</bdi></a> <code dir="auto">globex-</code>`,
		},
		"/status/rooms?room_prefix=acme-eu-": {"Rooms of <bdi>ACME (acme-eu-)</bdi>"},
		"/status/room?name=/acme-1":          {"<bdi>Acme (acme-)</bdi>"},
	} {
		page := get(t, h, target)
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("%s does not have %s", target, text)
			}
		}
	}
}

func TestPagesLeadToTheirDashboardAndRooms(t *testing.T) {
	f := &fake{report: running(), rooms: []rooms.Room{{RoomName: "/acme-1"}}}
	const toRooms = `<a href="../api/v1/rooms?room_prefix=acme-">Rooms as JSON</a>`
	overview := "/d/whereby-overview\">Dashboard</a>"
	ofCustomer := "/d/whereby-customer?var-room_prefix=acme-\">Dashboard</a>"
	for _, c := range []struct {
		target, json, dashboard string
	}{
		{"/", "", overview},
		{"/status/rooms?room_prefix=acme-", toRooms, ofCustomer},
		{"/status/room?name=/acme-1", toRooms, ofCustomer},
	} {
		for configured, begin := range map[string]string{
			"": "", "https://grafana.example.com/": `<a href="https://grafana.example.com`, "http://example.com/grafana": `<a href="http://example.com/grafana`,
		} {
			f.report.DashboardURL = configured
			page := get(t, newHandler(t, f), c.target)
			if strings.Contains(page, "Rooms as JSON") != (c.json != "") || !strings.Contains(page, c.json) {
				t.Errorf("%s does not lead to %q", c.target, c.json)
			}
			if configured == "" && strings.Contains(page, "Dashboard") || configured != "" && !strings.Contains(page, begin+c.dashboard) {
				t.Errorf("%s with dashboards at %q does not lead to %q", c.target, configured, begin+c.dashboard)
			}
		}
	}
}

// TestRoomsComeByMinutes: the question is which room used a quota up.
func TestRoomsComeByMinutes(t *testing.T) {
	f := &fake{report: running()}
	for i := range 120 {
		f.rooms = append(f.rooms, rooms.Room{RoomName: fmt.Sprintf("/acme-%03d", i), ParticipantMinutes: int64(i)})
	}
	h := newHandler(t, f)
	row := regexp.MustCompile(`data-key="room-/acme-(\d+)"`)
	read := func(target string) (page, first, last string) {
		page = get(t, h, target)
		rows := row.FindAllStringSubmatch(page, -1)
		if len(rows) == 0 || len(rows) > roomsLimit {
			t.Fatalf("%s has %d rooms", target, len(rows))
		}
		return page, rows[0][1], rows[len(rows)-1][1]
	}
	page, first, last := read("/status/rooms?room_prefix=acme-")
	if first != "119" || last != "070" {
		t.Errorf("the rooms are %s to %s", first, last)
	}
	for _, text := range []string{
		"The 50 highest of 120 rooms.", `href="../status/rooms?room_prefix=acme-&amp;sort=name" id="all"`,
		`aria-sort="descending"><a href="../status/rooms?room_prefix=acme-" id="sort-period"`,
		`<span class="label">Minutes this period</span> 118<`, `<span class="label">Minutes this period</span> at least 119<`,
	} {
		if !strings.Contains(page, text) {
			t.Errorf("the page has no %s", text)
		}
	}
	for _, order := range rooms.Orders() {
		address := sortedRooms("/", "acme-", order, "")
		if !strings.Contains(page, `href="..`+html.EscapeString(address)+`" id="sort-`) {
			t.Errorf("no head leads to %s", address)
		}
		if q := parseRoomsQuery(mustParse(t, address)); q.Order != order {
			t.Errorf("%s is in the order %s", address, q.Order)
		}
	}
	seen := 0
	for next := "../status/rooms?room_prefix=acme-&sort=name"; next != ""; {
		page, _, _ := read(strings.ReplaceAll(strings.TrimPrefix(next, ".."), "&amp;", "&"))
		seen += len(row.FindAllString(page, -1))
		next = ""
		if link := regexp.MustCompile(`href="([^"]*)" id="next"`).FindStringSubmatch(page); link != nil {
			next = link[1]
		}
	}
	if seen != 120 {
		t.Errorf("by name there are %d rooms", seen)
	}
	if _, first, _ := read("/status/rooms?room_prefix=acme-&sort=nonsense"); first != "119" {
		t.Errorf("an order that nobody knows begins with %s", first)
	}
}

func mustParse(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func TestNobodyIsNotTheSameAsNotKnown(t *testing.T) {
	report := running()
	report.Webhooks = nil
	page := get(t, newHandler(t, &fake{report: report}), "/")
	for _, text := range []string{"People live now", "sort=live", "Live participants"} {
		if strings.Contains(page, text) {
			t.Errorf("without webhooks the page speaks of %q", text)
		}
	}
	if !strings.Contains(page, "WHEREBY_WEBHOOK_SECRET") {
		t.Error("the page does not say how to turn webhooks on")
	}
}

func TestAnswers(t *testing.T) {
	f := &fake{report: running(), rooms: []rooms.Room{{RoomName: "/acme-1"}}}
	h := newHandler(t, f)
	for _, c := range []struct {
		name, method, target, form string
		header                     []string
		status                     int
	}{
		{"the first page", "GET", "/", "", nil, 200},
		{"HEAD of the first page", "HEAD", "/", "", nil, 200},
		{"nothing can be posted to it", "POST", "/", "", nil, 405},
		{"rooms", "GET", "/status/rooms?room_prefix=acme-", "", nil, 200},
		{"rooms of a prefix that is not named", "GET", "/status/rooms", "", nil, 400},
		{"rooms of a prefix that nobody knows", "GET", "/status/rooms?room_prefix=nobody-", "", nil, 404},
		{"a cursor that no page gave", "GET", "/status/rooms?room_prefix=acme-&cursor=!", "", nil, 400},
		{"a room", "GET", "/status/room?name=/acme-1", "", nil, 200},
		{"a room that nobody knows", "GET", "/status/room?name=/acme-2", "", nil, 404},
		{"sessions of a room", "POST", "/status/room", "name=/acme-1", nil, 303},
		{"sessions, from the page itself", "POST", "/status/room", "name=/acme-1", []string{"Sec-Fetch-Site", "same-origin"}, 303},
		{"sessions of a room that nobody knows", "POST", "/status/room", "name=/acme-2", nil, 404},
		{"sessions, from another site", "POST", "/status/room", "name=/acme-1", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"sessions, from another site and an old browser", "POST", "/status/room", "name=/acme-1", []string{"Origin", "http://example.net"}, 403},
		{"no room", "POST", "/status/room", "", nil, 404},
		{"a form that is too large", "POST", "/status/room", "name=" + strings.Repeat("a", maxForm), nil, 404},
		{"the style", "GET", "/status/style.css", "", nil, 200},
		{"the script", "HEAD", "/status/script.js", "", nil, 200},
		{"the icon", "GET", "/status/icon.svg", "", nil, 200},
		{"no list of files", "GET", "/status/", "", nil, 404},
		{"nothing else", "GET", "/status/frame.html", "", nil, 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(h, c.method, c.target, c.form, c.header...)
			if w.Code != c.status {
				t.Errorf("answered %d; want %d", w.Code, c.status)
			}
			for header, want := range map[string]string{
				"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			} {
				if got := w.Header().Get(header); got != want {
					t.Errorf("%s is %q; want %q", header, got, want)
				}
			}
		})
	}
	if n := f.requests(); n != 1 {
		t.Errorf("%d requests to Insights; want one: two for the same room within a minute are one, and all others none", n)
	}
}

func TestAnErrorOfTheStoreIsNotShown(t *testing.T) {
	h := newHandler(t, &fake{report: running()})
	h.options.Source = broken{h.options.Source}
	w := ask(h, http.MethodGet, "/status/room?name=/acme-1", "")
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "planted") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

type broken struct{ Source }

func (broken) Room(string) (rooms.Room, string, bool, error) {
	return rooms.Room{}, "", false, errors.New("planted")
}

// TestTextFromOutsideTurnsNothingAround: each text in another direction stands in an
// element that keeps it from what follows, such as the figures of the same row.
func TestTextFromOutsideTurnsNothingAround(t *testing.T) {
	const name, prefix, room = "חברה (בע\"מ)", "خانه-", "/خانه-1"
	r := running()
	r.Customers = []Customer{customer(prefix, name, 2000, minutesQuota(1000)), customer("שלום-", "", 1, nil)}
	r.Polls.Err, r.Polls.Failed = &whereby.RequestError{StatusCode: 400, Message: "שגיאה"}, now
	r.Polls.LastErr, r.Polls.LastErrAt = r.Polls.Err, now
	h := newHandler(t, &fake{report: r, rooms: []rooms.Room{{RoomName: room}}})
	isolated := regexp.MustCompile(`(?s)<title>.*?</title>|<bdi>[^<]*</bdi>|<code dir="auto">[^<]*</code>|<p class="message" dir="auto">[^<]*</p>|<[^>]*>`)
	rightToLeft := regexp.MustCompile(`[\p{Hebrew}\p{Arabic}].{0,40}`)
	for target, want := range map[string]string{
		"/": name, "/?q=שלום": "שלום", "/status/rooms?room_prefix=" + prefix: room, "/status/room?name=" + room: room,
	} {
		page := get(t, h, target)
		if !strings.Contains(html.UnescapeString(page), want) {
			t.Errorf("%s does not show %s", target, want)
		}
		for _, text := range rightToLeft.FindAllString(isolated.ReplaceAllString(page, ""), -1) {
			t.Errorf("%s: nothing holds %q", target, text)
		}
	}
	if page := get(t, h, "/?q=שלום"); !strings.Contains(page, `name="q" dir="auto" value="שלום"`) {
		t.Error("what is searched for has no direction of its own")
	}
}
