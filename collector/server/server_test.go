package server

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"whereby_exporter/collector/logtest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	user     = "prometheus"
	password = "planted-password-51c2"
	// passwordHash is bcrypt's, of the lowest cost.
	passwordHash = "$2a$04$iXDbrvSNiV1ajQLJuEFhGOwBZ9yQ1BbluTEGpsYtkHRqZLMI0.zZW"
)

// running is a server under test.
type running struct {
	t      *testing.T
	server *Server
	client *http.Client
	cancel context.CancelFunc
	result chan error
	log    *logtest.Buffer
}

func said(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, text) })
}

func handlers() Handlers {
	return Handlers{Metrics: said("the metrics"), Rooms: said("the rooms"), Status: said("the status"), Ready: func() bool { return true }}
}

// start runs a server on as many loopback ports as addresses are to be had.
func start(t *testing.T, addresses int, configFile string, h Handlers) *running {
	t.Helper()
	o := Options{ConfigFile: configFile, TelemetryPath: "/metrics"}
	for range addresses {
		o.ListenAddress = append(o.ListenAddress, "127.0.0.1:0")
	}
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, result: make(chan error, 1), log: &logtest.Buffer{}}
	server, err := New(o, h, slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	r.server = server
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	r.client = &http.Client{Transport: transport, Timeout: 10 * time.Second}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { r.result <- server.Run(ctx) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		r.stop()
		if strings.Contains(r.log.String(), password) {
			t.Error("the log holds the password")
		}
	})
	return r
}

// stop ends the server and returns what Run returned. Later calls do nothing.
func (r *running) stop() error {
	r.t.Helper()
	r.cancel()
	select {
	case err, ok := <-r.result:
		if ok {
			close(r.result)
		}
		return err
	case <-time.After(5 * time.Second):
		r.t.Fatal("the server was still there 5 s after its context was done")
		return nil
	}
}

func (r *running) address(i int) string { return r.server.Addrs()[i].String() }

// get asks the first address over HTTP.
func (r *running) get(path string) (int, string) {
	r.t.Helper()
	return r.getURL("http://"+r.address(0)+path, "")
}

func (r *running) getURL(url, withPassword string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if withPassword != "" {
		req.SetBasicAuth(user, withPassword)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestEachPathIsServedByItsHandler(t *testing.T) {
	var ready atomic.Bool
	h := handlers()
	h.Ready = ready.Load
	r := start(t, 1, "", h)
	for _, c := range []struct {
		name, path string
		ready      bool
		status     int
		body       string
	}{
		{"metrics", "/metrics", true, http.StatusOK, "the metrics"},
		{"rooms", "/api/v1/rooms?room_prefix=acme-", true, http.StatusOK, "the rooms"},
		{"status page", "/", false, http.StatusOK, "the status"},
		{"pages next to it", "/status/rooms?room_prefix=acme-", true, http.StatusOK, "the status"},
		{"healthy although not ready", "/-/healthy", false, http.StatusOK, "is healthy"},
		{"not ready before the first poll", "/-/ready", false, http.StatusServiceUnavailable, "no poll has succeeded"},
		{"ready after the first poll", "/-/ready", true, http.StatusOK, "is ready"},
		{"unknown path", "/nope", true, http.StatusNotFound, ""},
		{"unknown path below a known one", "/metrics/nope", true, http.StatusNotFound, ""},
		{"no profiling", "/debug/pprof/", true, http.StatusNotFound, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ready.Store(c.ready)
			status, body := r.get(c.path)
			if status != c.status || !strings.Contains(body, c.body) {
				t.Errorf("%s answers %d %q; want %d %q", c.path, status, body, c.status, c.body)
			}
		})
	}
}

func TestTheMetricsMayHaveAnotherPath(t *testing.T) {
	mux := newMux("/usage/metrics", handlers(), slog.New(slog.DiscardHandler))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	defer func() { server.Close(); <-done }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]int{"/usage/metrics": http.StatusOK, "/metrics": http.StatusNotFound} {
		resp, err := client.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s answers %d; want %d", path, resp.StatusCode, want)
		}
	}
}

func TestTwoAddressesServeTheSame(t *testing.T) {
	r := start(t, 2, "", handlers())
	if r.address(0) == r.address(1) {
		t.Fatal("two addresses are one")
	}
	for i := range 2 {
		if status, body := r.getURL("http://"+r.address(i)+"/metrics", ""); status != http.StatusOK || !strings.Contains(body, "the metrics") {
			t.Errorf("address %d answers %d %q", i, status, body)
		}
	}
	if err := r.stop(); err != nil {
		t.Errorf("Run returned %v; want nil", err)
	}
	for i := range 2 {
		assertClosed(t, r.address(i))
	}
}

func assertClosed(t *testing.T, address string) {
	t.Helper()
	connection, err := net.DialTimeout("tcp", address, time.Second)
	if err == nil {
		connection.Close()
		t.Errorf("%s still takes connections", address)
	}
}

// TestTLSAndBasicAuthentication uses two addresses, because the exporter-toolkit
// changes the server that it is given: the race detector tells if they share one.
func TestTLSAndBasicAuthentication(t *testing.T) {
	r := start(t, 2, webConfig(t, true), handlers())
	for i := range 2 {
		for _, c := range []struct {
			name, scheme, password, path string
			status                       int
		}{
			{"the right password is let in", "https", password, "/metrics", http.StatusOK},
			{"a wrong password is not", "https", "wrong", "/metrics", http.StatusUnauthorized},
			{"nobody comes in without one", "https", "", "/metrics", http.StatusUnauthorized},
			{"the rooms are protected too", "https", "", "/api/v1/rooms?room_prefix=acme-", http.StatusUnauthorized},
			{"the status page is protected too", "https", "", "/", http.StatusUnauthorized},
			{"so are the pages next to it", "https", "wrong", "/status/room?name=/acme-1", http.StatusUnauthorized},
			{"and what they load", "https", "", "/status/script.js", http.StatusUnauthorized},
			{"the status page opens with the password", "https", password, "/", http.StatusOK},
			{"the health endpoint is protected too", "https", "", "/-/healthy", http.StatusUnauthorized},
			{"HTTP without TLS is refused", "http", password, "/metrics", http.StatusBadRequest},
		} {
			t.Run(fmt.Sprintf("%s on address %d", c.name, i+1), func(t *testing.T) {
				status, body := r.getURL(c.scheme+"://"+r.address(i)+c.path, c.password)
				if status != c.status {
					t.Errorf("answered %d %q; want %d", status, body, c.status)
				}
				if status != http.StatusOK && strings.Contains(body, "the ") && !strings.Contains(body, "HTTPS") {
					t.Errorf("an answer of %d shows %q", status, body)
				}
			})
		}
	}
	if err := r.stop(); err != nil {
		t.Errorf("Run returned %v; want nil", err)
	}
}

func TestBasicAuthenticationWithoutTLS(t *testing.T) {
	r := start(t, 1, webConfig(t, false), handlers())
	url := "http://" + r.address(0) + "/metrics"
	if status, _ := r.getURL(url, ""); status != http.StatusUnauthorized {
		t.Errorf("without a password: %d; want 401", status)
	}
	if status, _ := r.getURL(url, password); status != http.StatusOK {
		t.Errorf("with the password: %d; want 200", status)
	}
}

// webConfig writes a web config file with a user, and with a certificate made for
// the test.
func webConfig(t *testing.T, withTLS bool) string {
	t.Helper()
	config := fmt.Sprintf("basic_auth_users:\n  %s: %s\n", user, passwordHash)
	if withTLS {
		return writeTLS(t, config)
	}
	file := filepath.Join(t.TempDir(), "web.yml")
	write(t, file, []byte(config))
	return file
}

// writeTLS writes a web config file with a certificate made for the test, and with more.
func writeTLS(t *testing.T, more ...string) string {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
	write(t, filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	file := filepath.Join(dir, "web.yml")
	write(t, file, []byte(strings.Join(more, "")+"tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"))
	return file
}

// TestTheWebConfigFileIsReadAnew takes the users out of the file of a server that runs,
// and replaces the certificate.
func TestTheWebConfigFileIsReadAnew(t *testing.T) {
	file := webConfig(t, true)
	r := start(t, 1, file, handlers())
	url := "https://" + r.address(0) + "/metrics"
	certificate := func() []byte {
		conn, err := tls.Dial("tcp", r.address(0), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Raw
	}
	before := certificate()
	if status, _ := r.getURL(url, ""); status != http.StatusUnauthorized {
		t.Errorf("without a password: %d; want 401", status)
	}
	other := writeTLS(t)
	for _, name := range []string{"key.pem", "cert.pem", filepath.Base(file)} {
		if err := os.Rename(filepath.Join(filepath.Dir(other), name), filepath.Join(filepath.Dir(file), name)); err != nil {
			t.Fatal(err)
		}
	}
	if status, _ := r.getURL(url, ""); status != http.StatusOK {
		t.Errorf("where nobody needs a password any more: %d; want 200", status)
	}
	if bytes.Equal(certificate(), before) {
		t.Error("the certificate is the old one")
	}
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestARequestUnderWayEndsBeforeTheServerDoes(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	h := handlers()
	h.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		fmt.Fprintln(w, "late, but whole")
	})
	r := start(t, 1, "", h)
	answer := make(chan string, 1)
	go func() {
		resp, err := r.client.Get("http://" + r.address(0) + "/metrics")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answer <- string(body)
	}()
	<-entered
	r.cancel()
	eventually(t, "the port is closed to new connections", func() bool {
		connection, err := net.DialTimeout("tcp", r.address(0), time.Second)
		if err == nil {
			connection.Close()
		}
		return err != nil
	})
	select {
	case err := <-r.result:
		t.Fatalf("Run returned %v while a request was under way", err)
	default:
	}
	close(release)
	if got := <-answer; got != "late, but whole\n" {
		t.Errorf("the slow request got %q", got)
	}
	if err := r.stop(); err != nil {
		t.Errorf("Run returned %v; want nil", err)
	}
	if strings.Contains(r.log.String(), "cut off") {
		t.Error("the log says that a request was cut off")
	}
}

// TestARequestOnItsWayIsAnswered stops the server while it has read nothing, or a part,
// of a request that comes over a connection it has accepted.
func TestARequestOnItsWayIsAnswered(t *testing.T) {
	const request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for name, sent := range map[string]int{"nothing is read": 0, "a part is read": len(request) / 2} {
		t.Run(name, func(t *testing.T) {
			r := start(t, 1, "", handlers())
			connection, err := net.Dial("tcp", r.address(0))
			if err != nil {
				t.Fatal(err)
			}
			defer connection.Close()
			if _, err := io.WriteString(connection, request[:sent]); err != nil {
				t.Fatal(err)
			}
			r.get(healthyPath) // is accepted after it, and kept open
			r.cancel()
			eventually(t, "the port is closed to new connections", func() bool {
				another, err := net.DialTimeout("tcp", r.address(0), time.Second)
				if err == nil {
					another.Close()
				}
				return err != nil
			})
			if _, err := io.WriteString(connection, request[sent:]); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(connection)
			if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") || !strings.Contains(string(answer), "the metrics") {
				t.Errorf("it is answered %q (%v)", answer, err)
			}
			if err := r.stop(); err != nil {
				t.Errorf("Run returned %v; want nil", err)
			}
			if strings.Contains(r.log.String(), "cut off") {
				t.Error("the log says that a request was cut off")
			}
		})
	}
}

func TestARequestThatNeverEndsIsCutOff(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	h := handlers()
	h.Metrics = http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		close(entered)
		<-req.Context().Done()
	})
	r := start(t, 1, "", h)
	failed := make(chan error, 1)
	go func() {
		resp, err := r.client.Get("http://" + r.address(0) + "/metrics")
		if err == nil {
			resp.Body.Close()
		}
		failed <- err
	}()
	<-entered
	if err := r.stop(); err != nil {
		t.Errorf("Run returned %v; want nil", err)
	}
	if err := <-failed; err == nil {
		t.Error("a request that never ended was answered")
	}
	if !strings.Contains(r.log.String(), "requests were cut off at shutdown") {
		t.Errorf("the log does not say that a request was cut off:\n%s", r.log)
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func TestAServerThatIsStoppedBeforeItServesClosesItsPort(t *testing.T) {
	server, err := New(Options{ListenAddress: []string{"127.0.0.1:0"}, TelemetryPath: "/metrics"}, handlers(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := server.Run(ctx); err != nil {
		t.Errorf("Run returned %v; want nil", err)
	}
	assertClosed(t, server.Addrs()[0].String())
}

func TestAConfigFileThatBreaksAfterTheCheckStopsEveryAddress(t *testing.T) {
	file := webConfig(t, true)
	server, err := New(Options{ListenAddress: []string{"127.0.0.1:0", "127.0.0.1:0"}, ConfigFile: file, TelemetryPath: "/metrics"},
		handlers(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, []byte("tls_server_config: ["))
	if err := server.Run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "serve: ") {
		t.Errorf("Run returned %v; want an error that begins with serve", err)
	}
	for _, address := range server.Addrs() {
		assertClosed(t, address.String())
	}
}

func TestSystemdSocketActivationNeedsASocket(t *testing.T) {
	_, err := New(Options{SystemdSocket: true, TelemetryPath: "/metrics"}, handlers(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "systemd passed no socket") {
		t.Errorf("New returned %v", err)
	}
}

func TestAnAddressThatCannotBeListenedOnIsNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct{ name, address, want string }{
		{"a port that is taken", taken.Addr().String(),
			"listen on " + taken.Addr().String() + ": the address is already in use; stop what uses it, or choose another with --web.listen-address"},
		{"no port", "localhost", "listen on localhost: address localhost: missing port in address; choose another with --web.listen-address"},
		{"a port that is none", "127.0.0.1:99999", "listen on 127.0.0.1:99999: address 99999: invalid port; choose another with --web.listen-address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			free, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			first := free.Addr().String()
			free.Close()
			_, err = New(Options{ListenAddress: []string{first, c.address}, TelemetryPath: "/metrics"}, handlers(), slog.New(slog.DiscardHandler))
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			assertClosed(t, first)
		})
	}
}

func TestOptionsAreCheckedBeforeListening(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "web.yml")
	write(t, broken, []byte("tls_server_conf: {}\n"))
	path := func(p string) Options { return Options{ListenAddress: []string{":0"}, TelemetryPath: p} }
	const badPath = "must begin with a slash and be a path of its own"
	for _, c := range []struct {
		name    string
		options Options
		want    string // "" is no error
	}{
		{"the default path is fine", path("/metrics"), ""},
		{"a longer path is fine", path("/whereby/v1.0/metrics_all~x-y"), ""},
		{"a path without a slash", path("metrics"), badPath},
		{"the status page's path", path("/"), badPath},
		{"a path among the status pages", path("/status/metrics"), badPath},
		{"the status pages' own path", path("/status"), badPath},
		{"an empty path", path(""), badPath},
		{"the path of the rooms", path("/api/v1/rooms"), badPath},
		{"a path of the health endpoints", path("/-/healthy"), badPath},
		{"a path that ends in a slash", path("/metrics/"), badPath},
		{"a path with two slashes", path("//metrics"), badPath},
		{"a path that climbs", path("/x/../metrics"), badPath},
		{"a path with a blank", path("/my metrics"), badPath},
		{"a path with a wildcard", path("/{metrics}"), badPath},
		{"a path with half a wildcard", path("/{metrics"), badPath},
		{"no address", Options{TelemetryPath: "/metrics"}, "--web.listen-address: must be an address such as :10036"},
		{"an empty address", Options{ListenAddress: []string{""}, TelemetryPath: "/metrics"}, "--web.listen-address: must be an address such as :10036"},
		{"no address with systemd's sockets is fine", Options{SystemdSocket: true, TelemetryPath: "/metrics"}, ""},
		{"a config file that is not there", Options{ListenAddress: []string{":0"}, TelemetryPath: "/metrics", ConfigFile: "nowhere.yml"},
			"--web.config.file=nowhere.yml: open nowhere.yml: no such file or directory"},
		{"a config file with an unknown field", Options{ListenAddress: []string{":0"}, TelemetryPath: "/metrics", ConfigFile: broken},
			"line 1: field tls_server_conf not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.options.Check()
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v; want no error", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v; want %q", err, c.want)
			}
			if c.want == "" {
				newMux(c.options.TelemetryPath, handlers(), slog.New(slog.DiscardHandler)) // panics where paths collide
			}
		})
	}
}

// TestIdleConnectionsOutlastBalancers: a connection that the exporter closes first may just be
// used for an event, which is lost then as a 502.
func TestIdleConnectionsOutlastBalancers(t *testing.T) {
	webhook, err := NewWebhook(WebhookOptions{ListenAddress: []string{"127.0.0.1:0"}, Path: "/webhook"}, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer webhook.Close()
	const longest = 600 * time.Second // of the usual defaults: 60 s, 75 s, 350 s, 600 s
	for _, s := range webhook.servers {
		if s.IdleTimeout <= longest {
			t.Errorf("idle connections are closed after %v, want more than %v", s.IdleTimeout, longest)
		}
	}
}
