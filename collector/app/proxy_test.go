package app_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"whereby_exporter/collector/app"
	"whereby_exporter/whereby/wherebytest"
)

// childArguments names the variable with the arguments of a program that is another process:
// within one, the environment's proxies are read once.
const childArguments = "WHEREBY_TEST_ARGUMENTS"

// TestProxiesOfTheEnvironmentAreUsedOnlyIfAskedFor calls a simulated account past a proxy, or
// through it. Its address is 0.0.0.0, as loopback addresses are called past every proxy.
func TestProxiesOfTheEnvironmentAreUsedOnlyIfAskedFor(t *testing.T) {
	if arguments := os.Getenv(childArguments); arguments != "" {
		os.Exit(app.Main(t.Context(), strings.Split(arguments, "\n"), os.Stdout, os.Stderr))
	}
	account := wherebytest.New(wherebytest.Config{APIKey: apiKey})
	var past, through atomic.Int64
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		past.Add(1)
		account.ServeHTTP(w, r)
	}))
	defer api.Close()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through.Add(1)
		account.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	const note = "ignoring the proxy from the environment"
	for _, c := range []struct {
		name, config string
		through      bool
		note         bool
	}{
		{"no settings", "", false, true},
		{"other settings", "http_client: {enable_http2: false}", false, true},
		{"asked for", "http_client: {proxy_from_environment: true}", true, false},
		{"asked for, with other settings", "http_client: {proxy_from_environment: true, enable_http2: false}", true, false},
		{"a proxy of its own", "http_client: {proxy_url: " + proxy.URL + "}", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			past.Store(0)
			through.Store(0)
			file := filepath.Join(t.TempDir(), "config.yml")
			if err := os.WriteFile(file, []byte(c.config), 0o600); err != nil {
				t.Fatal(err)
			}
			url := strings.Replace(api.URL, "127.0.0.1", "0.0.0.0", 1) + "/v1"
			arguments := []string{"check", "--online", "--whereby.url=" + url, "--config.file=" + file}
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxiesOfTheEnvironmentAreUsedOnlyIfAskedFor$")
			child.Env = append(os.Environ(), childArguments+"="+strings.Join(arguments, "\n"), "WHEREBY_API_KEY="+apiKey,
				"HTTP_PROXY="+proxy.URL, "http_proxy="+proxy.URL, "NO_PROXY=", "no_proxy=")
			output, err := child.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, output)
			}
			if got := through.Load() > 0; got != c.through || past.Load() > 0 == c.through {
				t.Errorf("%d requests through the proxy and %d past it; want them through it: %t", through.Load(), past.Load(), c.through)
			}
			if got := strings.Contains(string(output), note); got != c.note {
				t.Errorf("it says that the proxy is not used: %t; want %t: %s", got, c.note, output)
			}
		})
	}
}

// TestTheKeyFollowsNoRedirect has the API's address answer with one to another server.
func TestTheKeyFollowsNoRedirect(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	var followed atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer other.Close()
	api := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer api.Close()
	p := start(t, "check", "--online", "--whereby.url="+api.URL)
	if code := p.wait(); code != 1 || !strings.Contains(p.stderr.String(), "307") || followed.Load() != 0 {
		t.Errorf("the exit status is %d, %d requests followed, and it says %q", code, followed.Load(), &p.stderr)
	}
}
