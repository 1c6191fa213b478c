package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/whereby/wherebytest"
)

func TestTheDemoWritesItsHistoryOnce(t *testing.T) {
	now := time.Now()
	account := wherebytest.New(wherebytest.Config{APIKey: demoKey})
	for _, c := range demoCustomers(now) {
		c.addTo(account, now)
	}
	h := DemoHistory{File: filepath.Join(t.TempDir(), "usage.om"), Label: []string{"job=whereby"}}
	// What is left of another demo's, which was killed.
	if err := os.MkdirAll(h.File+".partial/sessions", 0o750); err != nil {
		t.Fatal(err)
	}
	write := func() (content string) {
		t.Helper()
		o, err := h.options(now)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.write(t.Context(), o, config.Default(), account.RoundTripper(), slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(h.File)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := write()
	for _, c := range demoCustomers(now) {
		if !strings.Contains(first, `whereby_participant_minutes_total{job="whereby",room_prefix="`+c.Prefix+`"}`) {
			t.Errorf("%s has no history", c.Prefix)
		}
	}
	account.AddRoom(wherebytest.Room{Name: "/late-00000000-0000-4000-8000-000000000000", CreatedAt: now})
	requests := len(account.Requests())
	if write() != first || len(account.Requests()) != requests {
		t.Error("a history that is there is written again")
	}
}

func TestMistakesInTheHistoryOfADemo(t *testing.T) {
	for _, c := range []struct {
		history DemoHistory
		want    string
	}{
		{DemoHistory{}, ""},
		{DemoHistory{File: "usage.om"}, ""},
		{DemoHistory{Label: []string{"job=whereby"}}, "--history.label needs --history.file"},
		{DemoHistory{File: "usage.om", Label: []string{"job"}}, "--history.label=job: must be NAME=VALUE"},
		{DemoHistory{File: "usage.om", Label: []string{"room_prefix=acme-"}}, "--history.label: --label=room_prefix"},
	} {
		_, err := c.history.options(time.Now())
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v; want %q", c.history, err, c.want)
		}
	}
}
