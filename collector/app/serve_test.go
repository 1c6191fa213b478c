package app_test

import (
	"html"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"whereby_exporter/collector/metrics"
	"whereby_exporter/whereby/wherebytest"
)

func TestTheProgramServesTheAccountsTruth(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	account, api := newAPI(t, apiKey)
	account.Inject(wherebytest.Hang().Page(2).Times(1)) // holds the first poll
	p := start(t, arguments(api, t.TempDir())...)

	eventually(t, "the first poll is at page 2", func() bool { return account.Count(wherebytest.EndpointRooms) >= 2 })
	p.assertStatus("/-/healthy", http.StatusOK)
	p.assertStatus("/-/ready", http.StatusServiceUnavailable)
	p.assertStatus("/api/v1/rooms?room_prefix=acme-", http.StatusServiceUnavailable)
	p.assertUp(0)
	families := p.families()
	for name := range usage {
		if families[name] != nil {
			t.Errorf("%s is exposed before the first full poll", name)
		}
	}
	if code := p.stop(); code != 0 {
		t.Errorf("stopped during the first poll, the exit status is %d; want 0", code)
	}

	p = start(t, arguments(api, t.TempDir())...)
	p.waitUntilReady()
	if difference := p.difference(account); difference != "" {
		t.Error(difference)
	}
	p.assertUp(1)
	account.Use(roomName(7), wherebytest.Totals{Sessions: 1, ParticipantMinutes: 45, RecorderMinutes: 3}, time.Now())
	eventually(t, "a meeting is seen", func() bool { return p.difference(account) == "" })
	status, page := p.get("/api/v1/rooms?room_prefix=globex-&limit=1000")
	if status != http.StatusOK || strings.Count(page, `"room_name":"/globex-`) != 83 {
		t.Errorf("the rooms are answered with %d %s", status, page)
	}
	_, overview := p.get("/")
	links := regexp.MustCompile(`(?:href|src)="[.](/[^"]*)"`).FindAllStringSubmatch(overview, -1)
	if len(links) < 10 {
		t.Errorf("the status page has %d links", len(links))
	}
	for _, link := range links {
		p.assertStatus(html.UnescapeString(link[1]), http.StatusOK)
	}

	address := p.address()
	if code := p.stop(); code != 0 {
		t.Errorf("the exit status is %d; want 0", code)
	}
	if connection, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		connection.Close()
		t.Error("the port is open after the end")
	}
	if !strings.Contains(p.stderr.String(), "msg=stopped") {
		t.Error("the log does not say that the program stopped")
	}
}

func TestStateInMemoryOnlyIsWarnedOf(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	_, api := newAPI(t, apiKey)
	p := start(t, arguments(api, "")...)
	p.waitUntilReady()
	p.stop()
	if strings.Count(p.stderr.String(), "state is kept in memory only") != 1 {
		t.Error("the log does not warn once")
	}
}

func TestFiguresSurviveARestartWhileTheAPIIsDown(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	storage := t.TempDir()
	account, api := newAPI(t, apiKey)
	p := start(t, arguments(api, storage)...)
	p.waitUntilReady()
	p.stop()

	account.Inject(wherebytest.Drop())
	account.ResetRequests()
	p = start(t, arguments(api, storage)...)
	for range 2 {
		if difference := p.difference(account); difference != "" {
			t.Error(difference)
		}
		p.assertUp(0)
		p.assertStatus("/-/ready", http.StatusServiceUnavailable)
		p.assertStatus("/-/healthy", http.StatusOK)
		p.assertStatus("/api/v1/rooms?room_prefix=acme-", http.StatusOK)
		// And the same after a poll that got no answer.
		eventually(t, "a poll has failed", func() bool { return byPrefix(p.families()[metrics.Polls.Name])["error"] > 0 })
	}
	account.ClearFaults()
	p.waitUntilReady()
	p.assertUp(1)
	if difference := p.difference(account); difference != "" {
		t.Error(difference)
	}
}
