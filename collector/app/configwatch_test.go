package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/logtest"
	"whereby_exporter/whereby"
)

// watched is a configuration file that is looked at, in fake time.
type watched struct {
	*testing.T
	file    string
	hangups chan os.Signal
	name    atomic.Value // the customer's, as read last
	log     logtest.Buffer
	metrics http.Handler
}

// watch runs a test on a file, which is put in force before.
func watch(t *testing.T, file string, test func(*watched)) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{T: t, file: file, hangups: make(chan os.Signal)}
		log := slog.New(slog.NewTextHandler(&w.log, nil))
		client, err := Whereby{URL: "http://127.0.0.1:1", RateLimitShare: 1}.client(whereby.StaticKey(apiKey), http.DefaultTransport)
		if err != nil {
			t.Fatal(err)
		}
		seen := fingerprint(file)
		load := func() (*config.Config, error) {
			parsed, err := Config{File: file}.load()
			if err == nil {
				name := ""
				for _, customer := range parsed.Customers {
					name = customer.Name
				}
				w.name.Store(name)
			}
			return parsed, err
		}
		parsed, err := load()
		if err != nil {
			t.Fatal(err)
		}
		c, err := collector.New(collector.Config{Client: client, File: parsed, PollInterval: time.Minute, FullPollInterval: time.Hour, Logger: log})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		w.metrics = c.Metrics()
		r := &reloader{
			file: file, seen: seen, load: load, collector: c, hangups: w.hangups, env: &Env{Log: log},
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.run(ctx) }()
		time.Sleep(time.Second) // between two looks
		w.expect("at first", "Acme", true)
		test(w)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// pass lets time pass, and what happens in it come to its end.
func (w *watched) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// put replaces the file.
func (w *watched) put(content string) {
	w.Helper()
	write(w.T, w.file+".new", content)
	if err := os.Rename(w.file+".new", w.file); err != nil {
		w.Fatal(err)
	}
}

func customerFile(name string) string {
	return "customers: [{room_prefix: acme-, name: " + name + "}]\n"
}

// expect compares which name is in force, whether the metrics tell of a success, and what
// has been logged since.
func (w *watched) expect(when, name string, successful bool, lines ...string) {
	w.Helper()
	answer := httptest.NewRecorder()
	w.metrics.ServeHTTP(answer, httptest.NewRequestWithContext(w.Context(), http.MethodGet, "/metrics", nil))
	body := answer.Body.String()
	success := map[bool]string{true: "1", false: "0"}[successful]
	if want := "\nwhereby_exporter_config_last_reload_successful " + success + "\n"; !strings.Contains(body, want) {
		w.Errorf("%s, the metrics do not hold %q", when, want)
	}
	if got := w.name.Load(); got != name {
		w.Errorf("%s, the customer is %q; want %q", when, got, name)
	}
	if got := w.log.Take(); !slices.EqualFunc(got, lines, strings.Contains) {
		w.Errorf("%s, the log is %q; want lines with %q", when, got, lines)
	}
}

const reloaded, refused = "configuration reloaded", "reloading the configuration failed; the previous one stays in force"

func TestAChangedConfigurationFileIsReadWithoutARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "whereby.yml")
	write(t, file, customerFile("Acme"))
	watch(t, file, func(w *watched) {
		w.pass(time.Hour)
		w.expect("while nothing changes", "Acme", true)
		w.put(customerFile("Globex"))
		w.pass(configInterval)
		w.expect("after a change", "Globex", true, reloaded)

		w.put("customers: [")
		w.pass(time.Hour)
		w.expect("with a mistake", "Globex", false, refused)
		w.put("customers: [{")
		w.pass(time.Hour)
		w.expect("with another mistake", "Globex", false, refused)
		if err := os.Remove(file); err != nil {
			w.Fatal(err)
		}
		w.pass(time.Hour)
		w.expect("without the file", "Globex", false, "file does not exist")
		w.put(customerFile("Globex"))
		w.pass(configInterval)
		w.expect("with the file from before", "Globex", true, reloaded)

		w.put("customers: {}")
		w.hangups <- os.Interrupt
		synctest.Wait()
		w.expect("after a SIGHUP", "Globex", false, refused)
		w.pass(time.Hour)
		w.expect("which has said it all", "Globex", false)
		w.hangups <- os.Interrupt
		synctest.Wait()
		w.expect("but says it to anybody who asks", "Globex", false, refused)
	})
}

// TestAConfigurationFileThatIsBeingWrittenIsLeftAlone empties the file at a look, as an
// editor does that writes into it. Empty, it would be a valid one, without customers.
func TestAConfigurationFileThatIsBeingWrittenIsLeftAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "whereby.yml")
	write(t, file, customerFile("Acme"))
	watch(t, file, func(w *watched) {
		write(t, file, "")
		w.pass(configInterval - time.Second + settleTime/2) // now it has been looked at once
		write(t, file, customerFile("Globex"))
		w.pass(settleTime)
		w.expect("while it is written", "Acme", true)
		w.pass(configInterval)
		w.expect("at the next look", "Globex", true, reloaded)
	})
}

// TestAConfigMapOfKubernetesIsReadWhenItIsSwapped does what the kubelet does: the file is
// a link through a link to a directory, and that one is replaced.
func TestAConfigMapOfKubernetesIsReadWhenItIsSwapped(t *testing.T) {
	dir := t.TempDir()
	put := func(version, content string) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, version, "whereby.yml"), content)
		if err := errors.Join(os.Symlink(version, filepath.Join(dir, "..data_tmp")),
			os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
	}
	put("..1", customerFile("Acme"))
	file := filepath.Join(dir, "whereby.yml")
	if err := os.Symlink("..data/whereby.yml", file); err != nil {
		t.Fatal(err)
	}
	watch(t, file, func(w *watched) {
		put("..2", customerFile("Globex"))
		if err := os.RemoveAll(filepath.Join(dir, "..1")); err != nil {
			w.Fatal(err)
		}
		w.pass(configInterval)
		w.expect("after a swap", "Globex", true, reloaded)
		w.pass(time.Hour)
		w.expect("later", "Globex", true)
	})
}

// TestFilesThatCannotBeReadAreSeenToChange: what is in the way of a file may go away.
func TestFilesThatCannotBeReadAreSeenToChange(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	seen := map[string]string{}
	look := func(what string) {
		t.Helper()
		now := fingerprint(file)
		if before, ok := seen[now]; ok {
			t.Errorf("%s is as %s", what, before)
		}
		seen[now] = what
	}
	look("no file")
	write(t, file, "")
	look("an empty file")
	write(t, file, "a")
	look("a file")
	if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700)); err != nil {
		t.Fatal(err)
	}
	look("a directory")
	file = ""
	look("no name of a file")
}
