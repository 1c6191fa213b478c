package sidecar

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"whereby_exporter/collector/logtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a Prometheus that loads a directory.
type fake struct {
	t   *testing.T
	dir string

	mu     sync.Mutex
	status int // 0: there; others are answered to everything
	// forbidden has reloads be answered with 403, deaf with 200 and nothing done.
	forbidden, deaf bool
	// older has no time of the last reload, as servers that are not Prometheus have none.
	older    bool
	current  int // changes with each reload
	lastErr  string
	loaded   map[string]ruleFile // by path
	reloads  int
	rejected int
}

// ServeHTTP refuses files that hold the word broken, as Prometheus refuses a whole
// configuration for one rule.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.status != 0 {
		http.Error(w, "the answer", f.status)
		return
	}
	switch {
	case r.URL.Path == "/prometheus/api/v1/status/runtimeinfo":
		if f.older {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"status":"success","data":{"lastConfigTime":"time %d"}}`, f.current)
	case r.URL.Path == "/prometheus/-/reload" && f.forbidden:
		http.Error(w, "Lifecycle API is not enabled.", http.StatusForbidden)
	case r.URL.Path == "/prometheus/-/reload" && r.Method == http.MethodPost:
		f.reloads++
		if f.deaf {
			return
		}
		files := map[string]ruleFile{}
		paths, _ := filepath.Glob(filepath.Join(f.dir, "*.yml"))
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				f.t.Error(err)
			}
			if bytes.Contains(content, []byte("broken")) {
				f.rejected++
				http.Error(w, "failed to reload config:\n one or more errors", http.StatusInternalServerError)
				return
			}
			var file ruleFile
			if err := yaml.Unmarshal(content, &file); err != nil {
				f.t.Error(err)
			}
			files[path] = file
		}
		f.loaded = files
		f.current++
	case r.URL.Path == "/prometheus/api/v1/rules":
		var groups []map[string]any
		for path, file := range f.loaded {
			for _, g := range file.Groups {
				var rules []map[string]any
				for _, rule := range g.Rules {
					health := "ok"
					if f.lastErr != "" {
						health = "err"
					}
					rules = append(rules, map[string]any{"name": rule.Record + rule.Alert, "health": health, "lastError": f.lastErr})
				}
				groups = append(groups, map[string]any{"name": g.Name, "file": path, "rules": rules})
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"groups": groups}})
	default:
		f.t.Errorf("unexpected %s %s", r.Method, r.URL)
	}
}

func rules(names ...string) []byte {
	var b strings.Builder
	b.WriteString("groups:\n  - name: whereby_test\n    rules:\n")
	for _, name := range names {
		fmt.Fprintf(&b, "      - {alert: %s, expr: up == 0}\n", name)
	}
	return []byte(b.String())
}

func start(t *testing.T) (*fake, *Rules, *logtest.Buffer) {
	t.Helper()
	f := &fake{t: t, dir: t.TempDir()}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	log := &logtest.Buffer{}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r := New(Options{Dir: f.dir, Prefix: "whereby_", ReloadURL: server.URL + "/prometheus/-/reload", Client: client, Logger: slog.New(slog.NewTextHandler(log, nil))})
	r.prometheus.second = time.Millisecond
	t.Cleanup(func() { http.DefaultTransport.(*http.Transport).CloseIdleConnections() })
	return f, r, log
}

func expectFiles(t *testing.T, dir string, want map[string][]byte) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[entry.Name()] = string(content)
	}
	texts := map[string]string{}
	for name, content := range want {
		texts[name] = string(content)
	}
	if !maps.Equal(got, texts) {
		t.Errorf("the directory holds %v, want %v", got, texts)
	}
}

// markedFiles are files as they are in the directory.
func markedFiles(files map[string][]byte) map[string][]byte {
	all := map[string][]byte{}
	for name, content := range files {
		all[name] = marked(name, content)
	}
	return all
}

func look(t *testing.T, r *Rules, wantLoaded bool, wantError string) {
	t.Helper()
	loaded, err := r.look(t.Context())
	if loaded != wantLoaded || (err == nil) != (wantError == "") || err != nil && !strings.Contains(err.Error(), wantError) {
		t.Errorf("loaded: %t, error %v; want %t and %q", loaded, err, wantLoaded, wantError)
	}
}

func TestRulesAreWrittenReloadedAndReadBackOnce(t *testing.T) {
	f, r, _ := start(t)
	other := map[string][]byte{"somebody-elses.yml": []byte("groups: []\n")}
	for name, content := range other {
		if err := os.WriteFile(filepath.Join(f.dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	look(t, r, false, "") // nothing is wanted yet
	r.Set(map[string][]byte{"whereby_a.yml": rules("A", "B")})
	for range 3 {
		look(t, r, true, "")
	}
	if f.reloads != 1 {
		t.Errorf("%d reloads for one change", f.reloads)
	}
	expectFiles(t, f.dir, map[string][]byte{"whereby_a.yml": marked("whereby_a.yml", rules("A", "B")), "somebody-elses.yml": other["somebody-elses.yml"]})

	r.Set(map[string][]byte{"whereby_b.yml": rules("C")})
	look(t, r, true, "")
	expectFiles(t, f.dir, map[string][]byte{"whereby_b.yml": marked("whereby_b.yml", rules("C")), "somebody-elses.yml": other["somebody-elses.yml"]})
	if f.reloads != 2 {
		t.Errorf("%d reloads for two changes", f.reloads)
	}
}

func TestRefusedRulesAreTakenBack(t *testing.T) {
	f, r, _ := start(t)
	good := map[string][]byte{"whereby_a.yml": rules("A")}
	r.Set(good)
	look(t, r, true, "")
	r.Set(map[string][]byte{"whereby_a.yml": rules("broken"), "whereby_b.yml": rules("B")})
	look(t, r, false, "refused the rules: failed to reload config: one or more errors; the previous ones are back in place")
	expectFiles(t, f.dir, markedFiles(good))
	reloads := f.reloads
	look(t, r, false, "the previous ones are in place")
	if f.reloads != reloads {
		t.Error("refused rules are tried again")
	}
	r.Set(map[string][]byte{"whereby_a.yml": rules("A", "B")})
	look(t, r, true, "")
}

// TestOnlyItsOwnFilesAreTouched has files in the directory that somebody else put there.
func TestOnlyItsOwnFilesAreTouched(t *testing.T) {
	old := marked("whereby_old.yml", rules("Old"))
	for _, c := range []struct {
		name, file string
		content    []byte
		link       bool
		error      string // "" if the rules are written
		gone       bool
	}{
		{"rules of an operator's", "whereby_mine.yml", rules("Mine"), false, "", false},
		{"a copy of its own rules", "whereby_copy.yml", old, false, "", false},
		{"a file without its prefix", "old.yml", marked("old.yml", rules("Old")), false, "", false},
		{"rules that it kept before", "whereby_old.yml", old, false, "", true},
		{"rules of an operator's that it has the name for", "whereby_a.yml", rules("Mine"), false, "whereby_a.yml was not written by the exporter", false},
		{"a link that it has the name for", "whereby_a.yml", marked("whereby_a.yml", rules("A")), true, "whereby_a.yml was not written by the exporter", false},
		{"what a command wrote", "whereby_a.yml", rules("A"), false, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, r, log := start(t)
			path := filepath.Join(f.dir, c.file)
			if c.link {
				path = filepath.Join(t.TempDir(), c.file)
				if err := os.Symlink(path, filepath.Join(f.dir, c.file)); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(path, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			wanted := map[string][]byte{"whereby_a.yml": rules("A"), "whereby_b.yml": rules("B")}
			r.Set(wanted)
			look(t, r, c.error == "", c.error)
			want := map[string][]byte{}
			if c.error == "" {
				want = markedFiles(wanted)
			}
			if !c.gone {
				want[c.file] = c.content
			}
			expectFiles(t, f.dir, want)
			removed := strings.Contains(log.String(), "file removed")
			if want := c.file == "whereby_old.yml"; removed != want || removed && !strings.Contains(log.String(), path) {
				t.Errorf("the log says that a file was removed: %t; want %t: %s", removed, want, log)
			}
		})
	}
}

// TestWhatACommandWroteIsThereAgainAfterARefusal has Prometheus refuse the rules that took
// the place of a file without a mark.
func TestWhatACommandWroteIsThereAgainAfterARefusal(t *testing.T) {
	f, r, _ := start(t)
	if err := os.WriteFile(filepath.Join(f.dir, "whereby_a.yml"), rules("A"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.Set(map[string][]byte{"whereby_a.yml": rules("A"), "whereby_b.yml": rules("broken")})
	look(t, r, false, "the previous ones are back in place")
	expectFiles(t, f.dir, map[string][]byte{"whereby_a.yml": rules("A")})
}

func TestAnErrorElsewhereIsNotTheRulesFault(t *testing.T) {
	f, r, _ := start(t)
	elsewhere := filepath.Join(f.dir, "somebody-elses.yml")
	if err := os.WriteFile(elsewhere, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"whereby_a.yml": rules("A")}
	r.Set(files)
	look(t, r, false, "with the previous rules too")
	if err := os.WriteFile(elsewhere, []byte("groups: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	look(t, r, true, "")
}

// TestASuccessWithoutAReloadIsNone changes a rule and not its name, which the rules that are
// loaded do not show.
func TestASuccessWithoutAReloadIsNone(t *testing.T) {
	f, r, _ := start(t)
	r.Set(map[string][]byte{"whereby_a.yml": rules("A")})
	look(t, r, true, "")
	changed := bytes.Replace(rules("A"), []byte("up == 0"), []byte("up == 1"), 1)
	f.deaf = true
	r.Set(map[string][]byte{"whereby_a.yml": changed})
	for range 2 {
		look(t, r, false, "it answered with success, but did not reload since time 1")
	}
	// Another exporter process finds the files in place, and must not believe in them either.
	again := New(r.options)
	again.prometheus.second = time.Millisecond
	again.Set(map[string][]byte{"whereby_a.yml": changed})
	look(t, again, false, "did not reload")
	f.deaf = false
	look(t, r, true, "")
}

// TestAServerThatTellsNoTimeIsBelieved asks one that is no Prometheus, but has reloads and
// rules like one.
func TestAServerThatTellsNoTimeIsBelieved(t *testing.T) {
	f, r, _ := start(t)
	f.older = true
	r.Set(map[string][]byte{"whereby_a.yml": rules("A")})
	look(t, r, true, "")
	if f.reloads != 1 {
		t.Errorf("%d reloads", f.reloads)
	}
}

// TestWhatIsNoPrometheusHasReloadedNothing has others answer in its place.
func TestWhatIsNoPrometheusHasReloadedNothing(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s followed a redirect", r.Method, r.URL)
	}))
	defer elsewhere.Close()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a page to log in": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Log in</html>") },
			"this is not a response from Prometheus: <html>Log in</html>"},
		"another API": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") },
			"this is not a response from Prometheus: {}"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "HTTP 307: redirects are not followed; set --sidecar.reload-url to the final address"},
		"a redirect of the reload alone": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				http.Redirect(w, r, elsewhere.URL, http.StatusFound)
				return
			}
			http.NotFound(w, r)
		}, "reload Prometheus: HTTP 302: redirects are not followed"},
		"a password is wanted": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
			"HTTP 401: it requires a password; put it into a file, and set --sidecar.http.config.file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, r, _ := start(t)
			other := httptest.NewServer(c.answer)
			defer other.Close()
			r.prometheus.reloadURL = other.URL + "/-/reload"
			r.Set(map[string][]byte{"whereby_a.yml": rules("A")})
			look(t, r, false, c.want)
		})
	}
}

func TestAPrometheusThatIsDownGetsTheRulesLater(t *testing.T) {
	f, r, _ := start(t)
	f.status = http.StatusBadGateway
	files := map[string][]byte{"whereby_a.yml": rules("A")}
	r.Set(files)
	look(t, r, false, "HTTP 502")
	expectFiles(t, f.dir, markedFiles(files))
	look(t, r, false, "HTTP 502")
	f.status = 0
	look(t, r, true, "")
	f.loaded = nil // it was restarted, and had lost its files
	look(t, r, true, "")
	f.forbidden = true
	r.Set(map[string][]byte{"whereby_a.yml": rules("A", "B")})
	look(t, r, false, "--web.enable-lifecycle")
	f.forbidden = false
	look(t, r, true, "")
	f.lastErr = "many-to-many matching"
	look(t, r, false, "rule A fails: many-to-many matching")
}

func TestADirectoryThatCannotBeWrittenIsAnError(t *testing.T) {
	_, r, _ := start(t)
	r.directory.path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(r.directory.path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.Set(map[string][]byte{"whereby_a.yml": rules("A")})
	look(t, r, false, "make the directory")
}

func TestRunLooksWhenTheRulesChangeAndSaysAnErrorOnce(t *testing.T) {
	f, r, log := start(t)
	states := make(chan bool)
	r.options.OnLoaded = func(loaded bool) { states <- loaded }
	f.status = http.StatusBadGateway
	r.Set(map[string][]byte{"whereby_a.yml": rules("A")})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	for range 5 {
		if <-states {
			t.Error("rules are loaded by a Prometheus that is down")
		}
		r.Set(map[string][]byte{"whereby_a.yml": rules("A")})
	}
	f.mu.Lock()
	f.status = 0
	f.mu.Unlock()
	for !<-states {
		r.Set(map[string][]byte{"whereby_a.yml": rules("A", "B")})
	}
	cancel()
	go func() {
		for range states {
		}
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
	close(states)
	// Once that it can't reload, and once that it can't read back.
	if n := strings.Count(log.String(), "not in force"); n > 2 {
		t.Errorf("the errors are said %d times: %s", n, log)
	}
}

func TestReloadURLs(t *testing.T) {
	for text, ok := range map[string]bool{
		"http://localhost:9090/-/reload": true, "https://example.com/prometheus/-/reload": true,
		"": false, "localhost:9090/-/reload": false, "http://localhost:9090": false, "http:///-/reload": false,
		"ftp://localhost/-/reload": false, "http://user:password@localhost:9090/-/reload": false, "http://user@localhost:9090/-/reload": false, "http://localhost:9090/-/reload?x=1": false,
	} {
		if err := CheckURL(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
