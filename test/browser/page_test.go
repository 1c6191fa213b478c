package browser_test

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

func (s *site) roomAddress(name string) string {
	return s.base + "/status/room?" + url.Values{"name": {name}}.Encode()
}

// pages returns the addresses of every kind of page.
func (s *site) pages() []string {
	return []string{
		s.base + "/",
		s.base + "/?q=nobody",
		s.base + "/status/rooms?room_prefix=acme-",
		s.base + "/status/rooms?room_prefix=_none",
		s.base + "/status/rooms?room_prefix=nobody-",
		s.roomAddress(roomName("acme-", 0)),
		s.roomAddress(hostileRoom),
	}
}

func TestPagesLoadWithoutAComplaint(t *testing.T) {
	s := startSite(t).ready()
	s.join(roomName("acme-", 0), 3)
	b := openTab(t)
	for _, page := range s.pages() {
		b.open(page)
		if eval[string](b, "document.querySelector('h1').textContent") == "" {
			t.Errorf("%s has no heading", page)
		}
		if n := eval[int](b, "document.scripts.length"); n != 1 {
			t.Errorf("%s has %d scripts; want ours alone", page, n)
		}
	}
	// A page that does not exist answers 404, which the browser tells of.
	b.mu.Lock()
	b.problems = slices.DeleteFunc(b.problems, func(problem string) bool { return strings.Contains(problem, "nobody-") })
	b.mu.Unlock()
	b.clean()

	// What is asserted would be seen.
	b.open(s.base + "/")
	eval[any](b, `document.body.append(Object.assign(document.createElement("script"), {textContent: "window.broken = 1"})), null`)
	eval[any](b, `document.body.setAttribute("style", "color: red"), null`)
	programs.Eventually(t, time.Minute, "the browser tells of what the policy forbids", func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.problems) < 2 {
			return fmt.Errorf("%q", b.problems)
		}
		return nil
	})
	if eval[bool](b, "'broken' in window") {
		t.Error("a script that was put into the page ran")
	}
}

func TestSortingAndFilteringWithoutScripts(t *testing.T) {
	s := startSite(t).ready()
	b := openTab(t)
	b.withoutScripts()
	b.open(s.base + "/")
	if rows := b.rows(); !strings.HasPrefix(rows, "globex acme initech ") {
		t.Errorf("the first rows are %.60s; want the one over its quota first", rows)
	}
	if got := eval[string](b, `document.querySelector("meta[http-equiv=refresh]").content`); got != "30" {
		t.Errorf("the page reloads after %q s", got)
	}
	b.run(chromedp.Click(chromedp.CSS("#sort-minutes")))
	b.holds("sorted by minutes", `document.querySelector("th[aria-sort=descending] a")?.id === "sort-minutes"`)
	if rows := b.rows(); !strings.HasPrefix(rows, "globex small-129 small-128 ") {
		t.Errorf("by minutes the first rows are %.60s", rows)
	}
	b.run(chromedp.Click(chromedp.CSS("#next")))
	b.holds("the second page", `location.search.includes("page=2") && document.querySelectorAll("tbody tr").length === 34`)
	b.run(chromedp.SendKeys(chromedp.CSS("#q"), "small-01"+kb.Enter))
	b.holds("filtered, and still sorted", `location.search.includes("q=small-01") && location.search.includes("sort=minutes")`)
	if rows, want := b.rows(), "small-019 small-018 small-017 small-016 small-015 small-014 small-013 small-012 small-011 small-010"; rows != want {
		t.Errorf("filtered, the rows are %s; want %s", rows, want)
	}
	b.run(chromedp.Click(chromedp.CSS("#clear")))
	b.holds("all again", `document.querySelectorAll("tbody tr").length === 100`)
	b.run(chromedp.Click(chromedp.CSS("[data-key=state-over] a")))
	b.holds("those over their quota", `document.querySelectorAll("tbody tr").length === 1`)
	if eval[bool](b, `document.getElementById("pause").checkVisibility()`) {
		t.Error("there is a button that needs scripts")
	}
	b.clean()
}

func TestRoomsOnAPhoneWithoutScripts(t *testing.T) {
	s := startSite(t).ready()
	s.account.Use(roomName("acme-", 77), wherebytest.Totals{Sessions: 1, ParticipantMinutes: 500}, time.Now())
	b := openTab(t)
	b.size(360, 800)
	b.withoutScripts()
	const first = `document.querySelector("tbody tr").dataset.key`
	programs.Eventually(t, time.Minute, "the room that was used most is first", func() error {
		b.open(s.base + "/status/rooms?room_prefix=acme-")
		if got := eval[string](b, first); got != "room-"+roomName("acme-", 77) {
			return errors.New(got)
		}
		return nil
	})
	// With each room on 466 cards below one another, it was 20,000.
	if height := eval[int](b, "document.documentElement.scrollHeight"); height > 11_000 {
		t.Errorf("the page is %d pixels high", height)
	}
	if width := eval[int](b, "document.documentElement.scrollWidth"); width > 360 {
		t.Errorf("the page is %d pixels wide", width)
	}
	b.run(chromedp.Click(chromedp.CSS("#sort-sessions")))
	b.holds("sorted by sessions", `document.querySelector("th[aria-sort=descending] a")?.id === "sort-sessions" && `+first+` === "room-`+roomName("acme-", 77)+`"`)
	b.run(chromedp.Click(chromedp.CSS("#all")))
	b.holds("all by name", `document.querySelector("th[aria-sort=ascending] a")?.id === "sort-name" && `+first+` === "room-`+roomName("acme-", 0)+`"`)
	for _, rooms := range []int{50, 20} {
		b.run(chromedp.Click(chromedp.CSS("#next")))
		b.holds("the next page", fmt.Sprintf(`location.search.includes("cursor=") && document.querySelectorAll("tbody tr").length === %d`, rooms))
	}
	b.clean()
}

func TestSortingAndFilteringWithScripts(t *testing.T) {
	s := startSite(t).ready()
	b := openTab(t)
	b.open(s.base + "/")
	eval[any](b, "window.marker = 1, null")
	b.run(chromedp.Focus(chromedp.CSS("#q")), chromedp.SendKeys(chromedp.CSS("#q"), "SMALL-01"))
	b.holds("filtered while typing", `document.querySelectorAll("tbody tr").length === 10 && location.search === "?q=SMALL-01"`)
	if got := eval[string](b, `document.getElementById("found").textContent`); got != "10 of 134 customers" {
		t.Errorf("a screen reader hears %q", got)
	}
	b.run(chromedp.Click(chromedp.CSS("#sort-customer")))
	b.holds("sorted", `location.search.includes("sort=customer") && document.querySelector("tbody tr").dataset.key === "row-small-010-"`)
	b.run(chromedp.Click(chromedp.CSS("#sort-customer")))
	b.holds("sorted the other way", `document.querySelector("tbody tr").dataset.key === "row-small-019-"`)
	if got := eval[string](b, "document.activeElement.id"); got != "sort-customer" {
		t.Errorf("after sorting, the focus is on %q", got)
	}
	if eval[int](b, "window.marker") != 1 {
		t.Error("the page was loaded again")
	}
	b.run(chromedp.NavigateBack())
	b.holds("back", `document.querySelector("tbody tr")?.dataset.key === "row-small-010-"`)
	b.run(chromedp.Click(chromedp.CSS("#clear")))
	b.holds("all again", `document.querySelectorAll("tbody tr").length === 100 && document.getElementById("q").value === ""`)
	b.clean()
}

func TestARefreshKeepsFilterFocusAndScroll(t *testing.T) {
	s := startSite(t).ready()
	b := openTab(t)
	b.size(1400, 400)
	b.open(s.base + "/?q=e")
	eval[any](b, `window.marker = document.querySelector("[data-key='row-acme-'] a"), marker.focus(), scrollTo(0, 150), null`)
	const place = `document.getElementById("q").getBoundingClientRect().top`
	before := eval[float64](b, place)
	if scroll := eval[float64](b, "scrollY"); scroll != 150 || before < 0 {
		t.Fatalf("scrolled to %v, the filter is at %v", scroll, before)
	}
	// acme- goes over its quota further than globex-, so that its row moves up.
	s.account.Use(roomName("acme-", 0), wherebytest.Totals{Sessions: 1, ParticipantMinutes: 5000}, time.Now())
	b.holds("the page is up to date", `document.querySelector("tbody tr").dataset.key === "row-acme-"`)
	if !eval[bool](b, "document.activeElement === marker && marker.isConnected") {
		t.Error("the focus is on another element")
	}
	// The line above is gone that says by how much the only one is over. What is looked
	// at stays where it is nevertheless.
	if got := eval[float64](b, place); math.Abs(got-before) > 1 {
		t.Errorf("the filter has moved on the screen from %v to %v", before, got)
	}
	if got := eval[string](b, `document.getElementById("q").value + location.search`); got != "e?q=e" {
		t.Errorf("the filter is %q", got)
	}

	// Half-typed words stay, and so does what is selected of them.
	eval[any](b, `(() => { const q = document.getElementById("q"); q.focus({preventScroll: true}); q.value = "half"; q.setSelectionRange(1, 3); })(), null`)
	s.join(roomName("globex-", 0), 4)
	b.holds("a second refresh", `document.querySelector("[data-key='row-globex-']").textContent.includes("Live 4")`)
	if got := eval[string](b, `(q => q.value + q.selectionStart + q.selectionEnd + (q === document.activeElement))(document.getElementById("q"))`); got != "half13true" {
		t.Errorf("the field has %q", got)
	}
	b.clean()
}

func TestPausing(t *testing.T) {
	s := startSite(t).ready()
	b := openTab(t)
	b.open(s.base + "/")
	b.run(chromedp.Click(chromedp.CSS("#pause")))
	if eval[string](b, `document.getElementById("pause").ariaPressed`) != "true" {
		t.Error("the button does not tell that it is pressed")
	}
	// Anybody who comes back to a page that is not paused gets a fresh one at once.
	const comeBack = `(() => { let n = 0; const was = window.fetch; window.fetch = (...a) => (n++, was(...a)); document.dispatchEvent(new Event("visibilitychange")); window.fetch = was; return n; })()`
	if n := eval[int](b, comeBack); n != 0 {
		t.Error("a paused page loads again")
	}
	s.join(roomName("acme-", 0), 7)
	b.run(chromedp.Click(chromedp.CSS("#pause")))
	b.holds("the page is up to date again", `document.querySelector("[data-key='row-acme-']").textContent.includes("Live 7")`)
	if n := eval[int](b, comeBack); n != 1 {
		t.Errorf("after the pause, coming back loads the page %d times; want once", n)
	}
	b.clean()
}

func TestSessionsAreReadAtAButton(t *testing.T) {
	s := startSite(t).ready()
	// By its other name the browser takes the exporter for an insecure site, and sends
	// no Sec-Fetch-Site.
	for i, base := range []string{s.base, strings.Replace(s.base, "127.0.0.1", otherName, 1)} {
		t.Run(base, func(t *testing.T) {
			room := roomName("acme-", i)
			b := openTab(t)
			b.open(base + "/")
			b.run(chromedp.Click(chromedp.CSS("[data-key='row-acme-'] a")))
			b.holds("the rooms", `document.querySelectorAll("tbody tr").length === 50`)
			b.run(chromedp.Click(chromedp.CSS(fmt.Sprintf("[data-key='room-%s'] a", room))))
			b.holds("the room", `document.getElementById("read")`)
			if n := s.readings(room); n != 0 {
				t.Errorf("its sessions were read %d times before anybody asked", n)
			}
			b.run(chromedp.Click(chromedp.CSS("#read button")))
			b.holds("its sessions", `document.querySelectorAll("tbody tr").length === 1 && document.getElementById("sessions")`)
			b.run(chromedp.Reload())
			b.holds("its sessions again", `document.querySelectorAll("tbody tr").length === 1 && document.getElementById("sessions")`)
			if n := s.readings(room); n != 1 {
				t.Errorf("its sessions were read %d times; want once", n)
			}
			b.clean()
		})
	}
}

// readings counts how often a room's sessions were read.
func (s *site) readings(room string) int {
	n := 0
	for _, request := range s.account.Requests() {
		if request.Query.Get("roomName") == room {
			n++
		}
	}
	return n
}

func TestBehindAPassword(t *testing.T) {
	const web = "basic_auth_users:\n  prometheus: $2a$04$iXDbrvSNiV1ajQLJuEFhGOwBZ9yQ1BbluTEGpsYtkHRqZLMI0.zZW\n"
	s := startSite(t, "--web.config.file="+writeFile(t, "web.yml", web))
	b := openTab(t)
	address := "http://prometheus:planted-password-51c2@" + s.address + "/"
	programs.Eventually(t, time.Minute, "the first poll", func() error {
		if err := chromedp.Do(b, chromedp.Navigate(address)); err != nil {
			return err
		}
		if rows := b.rows(); !strings.HasPrefix(rows, "globex") {
			return fmt.Errorf("rows %.40q", rows)
		}
		return nil
	})
	b.run(chromedp.SendKeys(chromedp.CSS("#q"), "acme"))
	b.holds("the script may read the page too", `document.querySelectorAll("tbody tr").length === 1`)
	b.clean()
}
