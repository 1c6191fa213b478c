package backfill

import (
	"bytes"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/whereby/wherebytest"
)

func TestProgressAtATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen, log bytes.Buffer
		p := &progress{terminal: &screen, log: slog.New(slog.NewTextHandler(&log, nil))}
		p.begin("rooms' sessions", 200)
		p.done(100) // by an earlier run
		for range 50 {
			time.Sleep(time.Second)
			p.done(1)
		}
		lines := strings.Split(screen.String(), "\r")
		want := "[######################........]  75%  rooms' sessions: 150 of 200, about 50s left"
		if got := strings.TrimSpace(lines[len(lines)-1]); got != want || log.Len() > 0 {
			t.Errorf("got %q, want %q; log: %s", got, want, &log)
		}
		p.end()
		if !strings.HasSuffix(screen.String(), "\r"+strings.Repeat(" ", len(want))+"\r") {
			t.Errorf("the line is left: %q", screen.String())
		}
	})
}

func TestProgressInALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := &progress{log: slog.New(slog.NewTextHandler(&log, nil))}
		p.begin("rooms' sessions", 200)
		for range 100 {
			time.Sleep(time.Second)
			p.done(1)
		}
		if n := strings.Count(log.String(), "\n"); n != 3 || !strings.Contains(log.String(), "done=90 of=200 left=1m51s") {
			t.Errorf("%d lines:\n%s", n, &log)
		}
	})
}

// TestARunThatWasKilledWhileItMovedItsFiles has some of them in their place already.
func TestARunThatWasKilledWhileItMovedItsFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.options.fileLines = 1000
		b.furnish(60, 20)
		b.options.End = time.Now().Add(-HeadAge)
		_, want := b.mustRun()

		b.account.Inject(wherebytest.Status(401).After(4))
		if _, err := b.run(t.Context()); err == nil {
			t.Fatal("no error")
		}
		partial := b.options.Output + ".partial/"
		for i, content := range want {
			path := partial + outputFile + "." + strconv.Itoa(i)
			if i > len(want)/2 {
				path = b.options.Output + "." + strconv.Itoa(i)
			}
			os.WriteFile(path, []byte(content), 0o600)
		}
		os.WriteFile(partial+readyFile, []byte(`{"Files":`+strconv.Itoa(len(want))+`}`), 0o600)
		b.account.ResetRequests()
		s, err := b.run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := b.take(s); len(got) != len(want) || strings.Join(got, "") != strings.Join(want, "") {
			t.Errorf("%d files, want %d, or others", len(got), len(want))
		}
		if n := len(b.account.Requests()); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestPrefixesAreThoseOfTheExporter has customers, and more prefixes than the limit.
func TestPrefixesAreThoseOfTheExporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		file, err := config.Parse("test.yml", []byte("room_prefixes: {limit: 2}\ncustomers: [{room_prefix: acme-, name: Acme}, {room_prefix: zzz-, name: Z}]\n"), config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b.options.File = file
		// In the order of the listing: a-, b-, and all others.
		for i, prefix := range []string{"a-", "b-", "c-", "d-", "acme-eu-", "acme-", ""} {
			b.account.Use(b.room(prefix), wherebytest.Totals{Sessions: 1, ParticipantMinutes: 1 << i}, time.Now().Add(-time.Duration(5+i)*day))
		}
		_, files := b.mustRun()
		for prefix, want := range map[string]int64{"a-": 1, "b-": 2, "_other": 4 + 8, "acme-": 16 + 32, "_none": 64} {
			samples := parse(t, files)[`whereby_participant_minutes_total{room_prefix="`+prefix+`"}`]
			if len(samples) == 0 || samples[len(samples)-1].value != want {
				t.Errorf("%s: %d samples, want the last to be %d", prefix, len(samples), want)
			}
		}
	})
}
