package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"whereby_exporter/collector"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/server"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// writerFunc is an [io.Writer].
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestASIGHUPDuringTheStartIsServedAfterIt sends one that would end the process, or be
// lost, if it were taken only once all runs.
func TestASIGHUPDuringTheStartIsServedAfterIt(t *testing.T) {
	api := httptest.NewServer(wherebytest.New(wherebytest.Config{APIKey: apiKey}))
	defer api.Close()
	web := server.Options{ListenAddress: []string{"127.0.0.1:0"}, TelemetryPath: "/metrics"}
	for _, c := range []struct {
		name    string
		command interface{ Run(*Env) error }
	}{
		{"run", &Run{Flags: flags(api.URL)}}, // asks for the key before it does anything else
		{"demo", &Demo{Web: web}},            // prints where to look before anything runs
	} {
		t.Run(c.name, func(t *testing.T) {
			delivered, stop := hangups() // also keeps this process alive
			defer stop()
			hangup := sync.OnceFunc(func() {
				self, err := os.FindProcess(os.Getpid())
				if err == nil {
					err = self.Signal(syscall.SIGHUP)
				}
				if err != nil {
					t.Fatal(err)
				}
				<-delivered
			})
			e := newEnvironment(t, apiKey)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			e.Context = ctx
			getenv := e.Getenv
			e.Getenv = func(name string) string { hangup(); return getenv(name) }
			e.Stdout = writerFunc(func(p []byte) (int, error) { hangup(); return len(p), nil })
			e.Log = slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
				if bytes.Contains(p, []byte("configuration reloaded")) {
					cancel()
				}
				return e.log.Write(p)
			}), nil))
			assertError(t, c.command.Run(&e.Env), "")
			if !errors.Is(ctx.Err(), context.Canceled) {
				t.Errorf("the SIGHUP was lost:\n%s", &e.log)
			}
		})
	}
}

// TestWhoSeesAReloadInTheMetricsFindsItInTheLog looks at the metrics whenever a line is
// logged: they still tell of the reload before.
func TestWhoSeesAReloadInTheMetricsFindsItInTheLog(t *testing.T) {
	e := newEnvironment(t, apiKey)
	client, err := Whereby{URL: "http://127.0.0.1:1", RateLimitShare: 1}.client(whereby.StaticKey(apiKey), http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	c, err := collector.New(collector.Config{Client: client, PollInterval: time.Minute, FullPollInterval: time.Hour, Logger: e.Log})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	successful := func(want string) {
		t.Helper()
		answer := httptest.NewRecorder()
		c.Metrics().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		if line := "\nwhereby_exporter_config_last_reload_successful " + want + "\n"; !strings.Contains(answer.Body.String(), line) {
			t.Errorf("the metrics do not hold %q", line)
		}
	}
	before := "1" // from the start
	lines := 0
	e.Log = slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		lines++
		successful(before)
		return len(p), nil
	}), nil))
	var mistake error
	r := &reloader{load: func() (*config.Config, error) { return config.Default(), mistake }, collector: c, env: &e.Env}
	mistake = errors.New("mistake")
	assertError(t, r.reload(), "mistake")
	successful("0")
	before, mistake = "0", nil
	assertError(t, r.reload(), "")
	successful("1")
	if lines != 2 {
		t.Errorf("%d lines were logged; want 2", lines)
	}
}
