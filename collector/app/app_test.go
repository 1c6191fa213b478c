package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"whereby_exporter/collector/server"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// apiKey is planted, and looked for in everything that is printed.
const apiKey = "planted-key-2e8d"

// environment is an Env whose output can be looked at.
type environment struct {
	Env
	out, log bytes.Buffer
}

func newEnvironment(t *testing.T, key string) *environment {
	t.Helper()
	e := &environment{}
	e.Env = Env{Context: t.Context(), Stdout: &e.out, Log: slog.New(slog.NewTextHandler(&e.log, nil)), Getenv: func(name string) string {
		if name == keyVariable {
			return key
		}
		return ""
	}}
	t.Cleanup(func() {
		// The commands use the default client, whose idle connections have goroutines.
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if strings.Contains(e.out.String()+e.log.String(), apiKey) {
			t.Errorf("the API key was printed:\n%s%s", &e.out, &e.log)
		}
	})
	return e
}

// flags are those of run with their defaults, on another address.
func flags(url string) Flags {
	return Flags{
		Whereby: Whereby{URL: url, RateLimitShare: 0.25},
		Poll:    Poll{Interval: time.Minute, FullPollInterval: 6 * time.Hour},
		Webhook: Webhook{Path: "/webhook", MaxAge: 5 * time.Minute},
		Web:     server.Options{ListenAddress: []string{"127.0.0.1:0"}, TelemetryPath: "/metrics"},
	}
}

// write writes a file.
func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// filesIn returns what writes a file into a directory, and says where it is.
func filesIn(t *testing.T, dir string) func(name, content string) string {
	return func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		write(t, path, content)
		return path
	}
}

// utf16 returns a text of ASCII in UTF-16, the low bytes first.
func utf16(ascii string) string {
	var b strings.Builder
	for _, c := range []byte(ascii) {
		b.Write([]byte{c, 0})
	}
	return b.String()
}

// assertError wants an error that holds want, or none where want is empty.
func assertError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("got %v; want no error", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v; want %q", err, want)
	}
	if err != nil && strings.Contains(err.Error(), apiKey) {
		t.Errorf("the error holds the API key: %v", err)
	}
}

func TestTheKeyIsFoundAndCheckedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	file := filesIn(t, dir)
	missing := filepath.Join(dir, "missing")
	for _, c := range []struct {
		name, variable, file string
		want                 string // in the error; "" is no error
	}{
		{"the variable is enough", apiKey, "", ""},
		{"a line break after the variable's key is no part of it", apiKey + "\n", "", ""},
		{"the file is enough", "", file("key", apiKey), ""},
		{"a line break after the file's key is no part of it", "", file("line", apiKey+"\r\n"), ""},
		{"a byte-order mark is no part of it", "", file("mark", "\ufeff"+apiKey+"\r\n"), ""},
		{"UTF-16, as PowerShell writes it", "", file("utf16", "\xff\xfe"+utf16(apiKey+"\r\n")), `utf16" is UTF-16, as older PowerShells write files; save it as UTF-8`},
		{"UTF-16 in the other order", "", file("utf16be", "\xfe\xff\x00"+utf16(apiKey)[:2*len(apiKey)-1]), "is UTF-16"},
		{"UTF-16 without a mark", "", file("utf16plain", utf16(apiKey)), "is UTF-16"},
		{"the file wins over the variable", "another", file("wins", apiKey), ""},
		{"neither", "", "", "no API key: set WHEREBY_API_KEY, or --whereby.api-key-file=FILE; to try the exporter without a key, run: whereby_exporter demo"},
		{"a variable of blanks", " \n", "", "no API key"},
		{"a variable with two words", "Bearer " + apiKey, "", "WHEREBY_API_KEY: the API key contains a space"},
		{"a file that is not there", apiKey, missing, fmt.Sprintf("--whereby.api-key-file: file %q does not exist", missing)},
		{"a file below a file", "", file("not-a-directory", "") + "/key", "not a directory"},
		{"a directory", "", dir, fmt.Sprintf("--whereby.api-key-file: %q is not a regular file", dir)},
		{"a device", "", os.DevNull, "is not a regular file"},
		{"an empty file", "", file("empty", ""), "is empty"},
		{"a file of blanks", "", file("blanks", " \n\n"), "is empty"},
		{"a file of two lines", "", file("lines", apiKey+"\n"+apiKey), "the API key contains a space, a line break"},
		{"a file that is no text", "", file("binary", "\x00\x01\xff"), "or another character that no key has"},
		{"a file that is too large", "", file("large", strings.Repeat("x", maxSecretFile+1)), "is too large to be an API key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, err := Whereby{APIKeyFile: c.file}.key(newEnvironment(t, c.variable).Getenv)
			assertError(t, err, c.want)
			if err != nil {
				return
			}
			if got, err := key(); got != apiKey || err != nil {
				t.Errorf("the key is %q, %v", got, err)
			}
		})
	}
}

func TestTheKeyFileIsReadAnewEachTime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	key, err := Whereby{APIKeyFile: file}.key(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	write("second")
	if got, err := key(); got != "second" || err != nil {
		t.Errorf("after a rotation the key is %q, %v", got, err)
	}
	write("")
	_, err = key()
	assertError(t, err, fmt.Sprintf("file %q is empty", file))
}

func TestFlagsAreChecked(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Flags)
		want   []string // in the error; none is no error
	}{
		{"the defaults are fine", func(*Flags) {}, nil},
		{"an address without TLS is fine", func(f *Flags) { f.Whereby.URL = "http://localhost:8080" }, nil},
		{"an address without a scheme", func(f *Flags) { f.Whereby.URL = "api.whereby.dev/v1" }, []string{"--whereby.url: must be an address such as https://api.whereby.dev/v1"}},
		{"an address of another kind", func(f *Flags) { f.Whereby.URL = "ftp://api.whereby.dev" }, []string{"--whereby.url: must be an address"}},
		{"an address without a host", func(f *Flags) { f.Whereby.URL = "https://:443/v1" }, []string{"--whereby.url: must be an address"}},
		{"the key as the address", func(f *Flags) { f.Whereby.URL = apiKey }, []string{"--whereby.url: must be an address"}},
		{"an address with a password", func(f *Flags) { f.Whereby.URL = "https://user:" + apiKey + "@host/v1" }, []string{"--whereby.url: must not contain a user, query or fragment"}},
		{"a broken address with a password", func(f *Flags) { f.Whereby.URL = "https://user:" + apiKey + "@host:x/v1" }, []string{"--whereby.url: must be an address"}},
		{"an address with a query", func(f *Flags) { f.Whereby.URL = "https://host/v1?key=" + apiKey }, []string{"must not contain a user, query or fragment"}},
		{"a share of nothing", func(f *Flags) { f.Whereby.RateLimitShare = 0 }, []string{"--whereby.rate-limit-share=0: must be above 0 and at most 1"}},
		{"a share in percent", func(f *Flags) { f.Whereby.RateLimitShare = 25 }, []string{"--whereby.rate-limit-share=25: must be above 0 and at most 1"}},
		{"the whole share is fine", func(f *Flags) { f.Whereby.RateLimitShare = 1 }, nil},
		{"an interval below a second", func(f *Flags) { f.Poll.Interval = 999 * time.Millisecond }, []string{"--poll.interval=999ms: must be at least 1s"}},
		{"full polls more often than polls", func(f *Flags) { f.Poll.FullPollInterval = time.Second }, []string{"--poll.full-scan-interval=1s: must be at least --poll.interval=1m0s"}},
		{"full polls as often as polls are fine", func(f *Flags) { f.Poll.FullPollInterval = time.Minute }, nil},
		{"several mistakes are told at once", func(f *Flags) { f.Whereby.URL, f.Poll.Interval, f.Web.TelemetryPath = "", 0, "x" },
			[]string{"--whereby.url: ", "--poll.interval=0s: ", "--web.telemetry-path=\"x\": "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := flags(whereby.DefaultBaseURL)
			c.change(&f)
			err := f.validate()
			if len(c.want) == 0 {
				assertError(t, err, "")
			}
			for _, want := range c.want {
				assertError(t, err, want)
			}
			// No command does anything before its flags are checked.
			if err != nil {
				e := newEnvironment(t, apiKey)
				assertError(t, (&Run{Flags: f}).Run(&e.Env), err.Error())
				assertError(t, (&Check{Flags: f}).Run(&e.Env), err.Error())
				if e.out.Len() > 0 {
					t.Errorf("printed %s", &e.out)
				}
			}
		})
	}
}

// atMost is what a read cost, as far as a first answer tells.
var atMost = regexp.MustCompile(`cost [0-9]+`)

func TestCheck(t *testing.T) {
	account := wherebytest.New(wherebytest.Config{APIKey: apiKey, PointsPerMinute: 1000})
	api := httptest.NewServer(account)
	defer api.Close()
	unused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unreachable := "http://" + unused.Addr().String() + "/v1"
	unused.Close()

	const (
		ok      = "configuration: ok\ncustomers: none, without --config.file\n"
		offline = ok + "next: add --online to test the API key with one call\n"
		start   = "next: start the exporter with whereby_exporter run and the same flags\n"
	)
	for _, c := range []struct {
		name, url, key string
		online         bool
		fault          *wherebytest.Fault
		out            string
		want           string // in the error; "" is no error
		requests       int
	}{
		{"offline nobody is asked", api.URL, apiKey, false, nil, offline, "", 0},
		{"offline the key may be wrong", api.URL, "wrong", false, nil, offline, "", 0},
		{"offline no key is needed", api.URL, "", false, nil, offline, "", 0},
		{"online a key is needed, and the file is judged before", api.URL, "", true, nil, ok, "no API key", 0},
		{"online", api.URL, apiKey, true, nil,
			ok + "online: ok, " + api.URL + " answers and accepts the API key\nrate limit: 1000 points a minute for the organization, 999 left now\ncost: this read cost N of them at most\n" + start, "", 1},
		{"online without headers", api.URL, apiKey, true, fault(wherebytest.NoRateLimitHeaders()),
			ok + "online: ok, " + api.URL + " answers and accepts the API key\n" + start, "", 1},
		{"online with a wrong key", api.URL, "wrong", true, nil, ok,
			api.URL + ": read /insights/rooms page 1: Whereby refused the API key (HTTP 401); check that it is whole, not revoked, and of this organization", 1},
		{"online with nobody there", unreachable, apiKey, true, nil, ok, unreachable + ": read /insights/rooms page 1: no answer: ", 0},
		{"online while the points are used up", api.URL, apiKey, true, fault(wherebytest.Throttled(wherebytest.RetryAfterSeconds, time.Minute)), ok,
			"rate limited (HTTP 429) until ", 1},
		{"online while the API fails, which is not repeated", api.URL, apiKey, true, fault(wherebytest.StatusHTML(502)), ok, "HTTP 502 Bad Gateway", 1},
		{"online with another server at the address", api.URL, apiKey, true, fault(wherebytest.StatusHTML(302)), ok, "HTTP 302 instead of 200; check the API's address", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			account.ClearFaults()
			account.ResetRequests()
			if c.fault != nil {
				account.Inject(*c.fault)
			}
			account.Inject(wherebytest.Status(418).After(1)) // nothing should come a second time
			before := account.Remaining()
			e := newEnvironment(t, c.key)
			check := &Check{Online: c.online, Flags: flags(c.url)}
			err := check.Run(&e.Env)
			assertError(t, err, c.want)
			out := strings.ReplaceAll(e.out.String(), fmt.Sprintf(" %d left", before-1), " 999 left")
			out = atMost.ReplaceAllString(out, "cost N")
			if out != c.out {
				t.Errorf("printed %q; want %q", out, c.out)
			}
			if n := len(account.Requests()); n != c.requests {
				t.Errorf("%d requests; want %d", n, c.requests)
			}
		})
	}
}

// TestCheckSaysWhatItRead has a person notice that a file names nobody.
func TestCheckSaysWhatItRead(t *testing.T) {
	for content, want := range map[string]string{
		"{}": "0 room prefixes, 0 quotas",
		"customers: [{room_prefix: acme-, quotas: {sessions: 5}}]":                                                                "1 room prefix, 1 quota",
		"organization: {quotas: {sessions: 9}}\ncustomers: [{room_prefix: acme-, quotas: {sessions: 5}}, {room_prefix: globex-}]": "2 room prefixes, 2 quotas",
	} {
		e, c := newEnvironment(t, ""), &Check{Flags: flags("http://127.0.0.1")}
		c.Config.File = filepath.Join(t.TempDir(), "whereby.yml")
		if err := os.WriteFile(c.Config.File, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		assertError(t, c.Run(&e.Env), "")
		if want := "customers: " + want + " in " + c.Config.File + "\n"; !strings.Contains(e.out.String(), want) {
			t.Errorf("printed %q; want %q", e.out.String(), want)
		}
	}
}

func fault(f wherebytest.Fault) *wherebytest.Fault { return &f }

func TestCheckPlan(t *testing.T) {
	number := func(n int) *int { return &n }
	for _, c := range []struct {
		name, plan string
		rooms      int
		active     *int
		out, want  string
	}{
		{"a Build account", "build", 1000, number(50), "An account of 1000 rooms, 50 of them used in the last 24 hours, at 100 points a minute", ""},
		{"a Grow account", "enterprise", 20_000, number(500), "An account of 20000 rooms, 500 of them used in the last 24 hours, at 1000 points a minute", ""},
		{"as many active rooms as are usual", "enterprise", 20_000, nil, "20000 rooms, 100 of them", ""},
		{"no more active rooms than there are", "enterprise", 10, nil, "10 rooms, 10 of them", ""},
		{"an empty account", "build", 0, nil, "0 rooms, 0 of them", ""},
		{"an unknown plan", "huge", 1000, nil, "", "--plan=huge: must be build or enterprise"},
		{"a negative number of rooms", "enterprise", -1, nil, "", "--rooms=-1: must not be negative"},
		{"a negative number of active rooms", "enterprise", 10, number(-1), "", "--active=-1: must not be negative, nor above --rooms=10"},
		{"more active rooms than there are", "enterprise", 10, number(11), "", "--active=11: must not be negative, nor above --rooms=10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEnvironment(t, "") // needs no key
			check := &Check{Plan: c.plan, Rooms: c.rooms, Active: c.active, Flags: flags(whereby.DefaultBaseURL)}
			assertError(t, check.Run(&e.Env), c.want)
			if !strings.Contains(e.out.String(), c.out) || c.out == "" && e.out.Len() > 0 {
				t.Errorf("printed %q; want %q", &e.out, c.out)
			}
		})
	}
}

func TestCheckPlanChecksTheFlagsItUses(t *testing.T) {
	e := newEnvironment(t, "")
	check := &Check{Plan: "enterprise", Rooms: 10, Flags: flags(whereby.DefaultBaseURL)}
	check.Whereby.RateLimitShare, check.Poll.Interval = 0, 0
	err := check.Run(&e.Env)
	assertError(t, err, "--whereby.rate-limit-share=0")
	assertError(t, err, "--poll.interval=0s")
}

func TestHealthcheck(t *testing.T) {
	status := http.StatusOK
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer exporter.Close()
	unused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down := "http://" + unused.Addr().String() + "/-/healthy"
	unused.Close()
	withPassword := strings.Replace(exporter.URL, "http://", "http://user:"+apiKey+"@", 1)
	for _, c := range []struct {
		name, url string
		status    int
		want      string // in the error; "" is healthy
	}{
		{"an answer is healthy", exporter.URL, http.StatusOK, ""},
		{"being asked for a password is healthy", exporter.URL, http.StatusUnauthorized, ""},
		{"an error is not", exporter.URL, http.StatusServiceUnavailable, "not healthy: " + exporter.URL + " answered 503 Service Unavailable"},
		{"another page is not", exporter.URL, http.StatusNotFound, "answered 404 Not Found"},
		{"a password in the address is refused, and not printed", withPassword, http.StatusOK, "--url: must not contain a password"},
		{"nobody there is not", down, http.StatusOK, "not healthy: Get \"" + down + "\": dial tcp"},
		{"an address without a scheme", "localhost:10036", http.StatusOK, "--url: must be an address such as http://"},
		{"no address", "", http.StatusOK, "--web.listen-address: must be an address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status = c.status
			e := newEnvironment(t, "")
			assertError(t, (&Healthcheck{URL: c.url}).Run(&e.Env), c.want)
		})
	}
}

// TestTheHealthcheckFindsWhatRunServes has the addresses that variables give, with
// certificates for other names.
func TestTheHealthcheckFindsWhatRunServes(t *testing.T) {
	status := http.StatusOK
	var asked atomic.Value
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.Path)
		w.WriteHeader(status)
	})
	plain := httptest.NewServer(handler)
	defer plain.Close()
	secure := httptest.NewTLSServer(handler)
	defer secure.Close()
	mutual := httptest.NewUnstartedServer(handler)
	mutual.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	mutual.StartTLS()
	defer mutual.Close()
	// Nobody asks them for what is on this machine.
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")

	port := func(s *httptest.Server) string { return strings.TrimPrefix(s.Listener.Addr().String(), "127.0.0.1") }
	for _, c := range []struct {
		name, address string
		status        int
		want          string // in the error; "" is healthy
	}{
		{"another port", port(plain), http.StatusOK, ""},
		{"all addresses of IPv4", "0.0.0.0" + port(plain), http.StatusOK, ""},
		{"all addresses", "[::]" + port(plain), http.StatusOK, ""},
		{"one address", "127.0.0.1" + port(plain), http.StatusOK, ""},
		{"a password", port(plain), http.StatusUnauthorized, ""},
		{"TLS, with a certificate for another name", port(secure), http.StatusOK, ""},
		{"TLS and a password", port(secure), http.StatusUnauthorized, ""},
		{"TLS that wants a certificate", port(mutual), http.StatusOK, ""},
		{"an error", port(plain), http.StatusServiceUnavailable, "answered 503"},
		{"an error behind TLS", port(secure), http.StatusServiceUnavailable, "https://127.0.0.1" + port(secure) + "/-/healthy answered 503"},
		{"a server with TLS that finds requests bad", port(secure), http.StatusBadRequest, "answered 400"},
		{"nobody", "127.0.0.1:1", http.StatusOK, "not healthy: "},
		{"no port", "localhost", http.StatusOK, "--web.listen-address=localhost: is not an address that can be queried"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status = c.status
			e := newEnvironment(t, "")
			assertError(t, (&Healthcheck{ListenAddress: []string{c.address}}).Run(&e.Env), c.want)
		})
	}
	e := newEnvironment(t, "")
	assertError(t, (&Healthcheck{URL: secure.URL}).Run(&e.Env), "")
	assertError(t, (&Healthcheck{Ready: true, ListenAddress: []string{port(secure)}}).Run(&e.Env), "")
	if got := asked.Load(); got != "/-/ready" {
		t.Errorf("with --ready, it asks for %s", got)
	}
	assertError(t, (&Healthcheck{Ready: true, URL: secure.URL}).Run(&e.Env), "--url and --ready exclude each other")
}

func TestAHealthcheckEndsWithItsContext(t *testing.T) {
	asked := make(chan struct{})
	release := make(chan struct{})
	exporter := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-release
	}))
	defer exporter.Close()
	defer close(release)
	e := newEnvironment(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	e.Context = ctx
	go func() {
		<-asked
		cancel()
	}()
	assertError(t, (&Healthcheck{URL: exporter.URL}).Run(&e.Env), "context canceled")
}

func TestTheDemosAddressesCanBeOpened(t *testing.T) {
	for _, c := range []struct {
		name string
		addr net.Addr
		want string
	}{
		{"an address of this machine", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 10036}, "127.0.0.1:10036"},
		{"all addresses", &net.TCPAddr{IP: net.IPv6unspecified, Port: 10036}, "localhost:10036"},
		{"all addresses of version 4", &net.TCPAddr{IP: net.IPv4zero, Port: 10036}, "localhost:10036"},
		{"no address", &net.TCPAddr{Port: 10036}, "localhost:10036"},
		{"an address of version 6", &net.TCPAddr{IP: net.IPv6loopback, Port: 10036}, "[::1]:10036"},
		{"something else", &net.UnixAddr{Name: "/run/exporter", Net: "unix"}, "/run/exporter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := localAddress(c.addr); got != c.want {
				t.Errorf("got %s; want %s", got, c.want)
			}
		})
	}
}
