package server

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// webServer is one with short times. Its metrics are too many to fit in buffers.
type webServer struct {
	*http.Server
	t         *testing.T
	address   string
	scrapes   *inFlight
	answering atomic.Int64
	mu        sync.Mutex
	refused   map[string]int
}

func newWeb(t *testing.T, stalled time.Duration) *webServer {
	t.Helper()
	v := &webServer{t: t, refused: map[string]int{}}
	v.scrapes = newInFlight(func(reason string) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.refused[reason]++
	})
	many := bytes.Repeat([]byte("metric 1\n"), 2<<20)
	mux := http.NewServeMux()
	mux.Handle("/metrics", v.scrapes.limit(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		v.answering.Add(1)
		defer v.answering.Add(-1)
		_, _ = w.Write(many)
	})))
	mux.HandleFunc("/", healthy)
	v.Server = &http.Server{Handler: withAnswer(stalled, mux), ReadTimeout: 300 * time.Millisecond, WriteTimeout: stalled, IdleTimeout: 300 * time.Millisecond}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v.address = listener.Addr().String()
	done := make(chan struct{})
	go func() { defer close(done); _ = v.Serve(listener) }()
	t.Cleanup(func() {
		_ = v.Close()
		<-done
	})
	return v
}

// say sends a request from a loopback address.
func (v *webServer) say(from, text string) *client {
	v.t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := dialer.Dial("tcp", v.address)
	if err != nil {
		v.t.Skipf("connect from %s: %v", from, err) // not everywhere is all of 127.0.0.0/8 loopback
	}
	v.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		v.t.Fatal(err)
	}
	g := &client{Conn: conn, t: v.t, read: bufio.NewReader(conn)}
	g.say(text)
	return g
}

const scrape = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

// read reads a whole scrape and returns the status; 0 if it was cut off.
func (v *client) readAll() int {
	v.t.Helper()
	resp, err := http.ReadResponse(v.read, nil)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0
	}
	return resp.StatusCode
}

func (v *webServer) expectRefused(reason string, want int) {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if got := v.refused[reason]; got != want {
		v.t.Errorf("%d are counted as %s, want %d", got, reason, want)
	}
}

// TestScrapesThatNobodyReads has 60 clients scrape and not read.
func TestScrapesThatNobodyReads(t *testing.T) {
	v := newWeb(t, 2*time.Second)
	v.scrapes.stalledAfter = time.Hour
	for range maxFromAddress {
		v.say("127.0.0.1", scrape)
	}
	eventually(t, "all of them are being answered", func() bool { return v.answering.Load() == maxFromAddress })
	for i := range 60 - maxFromAddress {
		g := v.say("127.0.0.1", scrape)
		resp, err := http.ReadResponse(g.read, nil)
		if err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
			t.Fatalf("scrape %d beyond the limit: %v, %v", i, resp, err)
		}
		_ = g.Close()
	}
	v.expectRefused(RefusedBusy, 60-maxFromAddress)
	if status := v.say("127.0.0.2", scrape).readAll(); status != http.StatusOK {
		t.Errorf("a scrape from another address was answered %d", status)
	}
	eventually(t, "those that nobody reads have ended", func() bool { return v.answering.Load() == 0 })
	v.expectRefused(RefusedStalled, 0)
	if status := v.say("127.0.0.1", scrape).readAll(); status != http.StatusOK {
		t.Errorf("after that a scrape was answered %d", status)
	}
}

func TestAScrapeThatNobodyReadsMakesRoom(t *testing.T) {
	v := newWeb(t, time.Hour)
	v.scrapes.stalledAfter = 200 * time.Millisecond
	for range maxFromAddress {
		v.say("127.0.0.1", scrape)
	}
	eventually(t, "all of them are stalled", func() bool {
		v.scrapes.mu.Lock()
		defer v.scrapes.mu.Unlock()
		stalled := 0
		for a := range v.scrapes.answers {
			if a.blockedFor() > v.scrapes.stalledAfter {
				stalled++
			}
		}
		return stalled == maxFromAddress
	})
	for range 3 {
		if status := v.say("127.0.0.1", scrape).readAll(); status != http.StatusOK {
			t.Errorf("a scrape was answered %d", status)
		}
	}
	v.expectRefused(RefusedStalled, 1) // its place is free again each time
	eventually(t, "it has ended", func() bool { return v.answering.Load() == maxFromAddress-1 })
}

// TestAnAddressEvictsItsOwn has the most answers from one address, and two from another.
func TestAnAddressEvictsItsOwn(t *testing.T) {
	refused := 0
	f := newInFlight(func(string) { refused++ })
	long := func() *answer {
		return &answer{controller: http.NewResponseController(nil), blocked: time.Now().Add(-time.Hour)}
	}
	ours, theirs := networkOf(netip.MustParseAddr("192.0.2.1")), networkOf(netip.MustParseAddr("192.0.2.2"))
	longest := &answer{controller: http.NewResponseController(nil), blocked: time.Now().Add(-2 * time.Hour)}
	f.answers[longest] = theirs
	f.answers[long()] = theirs
	for range maxFromAddress {
		f.answers[long()] = ours
	}
	if !f.admit(long(), ours) || longest.cut {
		t.Error("an address with all its places did not give up one of its own")
	}
	if !f.admit(long(), theirs) || !longest.cut {
		t.Error("another one did not get the place of the answer that nobody has read for longest")
	}
	if len(f.answers) != maxInFlight || refused != 2 {
		t.Errorf("%d are in flight, %d were turned out", len(f.answers), refused)
	}
}

// TestNothingStaysForEver has clients of the web address that do not go on.
func TestNothingStaysForEver(t *testing.T) {
	v := newWeb(t, 300*time.Millisecond)
	pipelined := strings.Repeat("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", 100)
	for name, text := range map[string]string{
		"nothing":         "",
		"half a head":     "POST / HTTP/1.1\r\nHost:",
		"half a body":     "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
		"an idle one":     "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"many, then idle": pipelined,
		"a large body":    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", maxWebBody+1),
	} {
		began := time.Now()
		n, err := io.Copy(io.Discard, v.say("127.0.0.1", text))
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%s: closed after %v, %d bytes, %v", name, took, n, err)
		}
	}
}

// TestALongAnswerTakesItsTime has a client that reads slowly, and longer than any timeout.
func TestALongAnswerTakesItsTime(t *testing.T) {
	v := newWeb(t, 500*time.Millisecond)
	g := v.say("127.0.0.1", "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok")
	resp, err := http.ReadResponse(g.read, nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for err == nil {
		_, err = io.CopyN(io.Discard, resp.Body, 2<<20)
		time.Sleep(100 * time.Millisecond)
	}
	if !errors.Is(err, io.EOF) || time.Since(began) < 800*time.Millisecond {
		t.Errorf("it ended after %v: %v", time.Since(began), err)
	}
}

// TestTheWebAddressHasLimits looks at what the server is made with.
func TestTheWebAddressHasLimits(t *testing.T) {
	r := start(t, 1, "", handlers())
	s := r.server.servers[0]
	if s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout <= 600*time.Second || s.MaxHeaderBytes == 0 {
		t.Errorf("a timeout or limit is missing: %+v", s)
	}
	for range 3 * maxWebConnections / 2 {
		conn, err := net.Dial("tcp", r.address(0))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if status, body := r.get("/metrics"); status != http.StatusOK {
		t.Errorf("behind many connections a scrape gets %d %q", status, body)
	}
	eventually(t, "no more connections are open than may be", func() bool {
		return r.server.connections.Load() <= maxWebConnections
	})
}

// TestPathsAreLimited: the health endpoints answer whatever is in flight.
func TestPathsAreLimited(t *testing.T) {
	hold, held := make(chan struct{}), make(chan struct{}, 100)
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		held <- struct{}{}
		<-hold
		fmt.Fprintln(w, "slow")
	})
	h := handlers()
	h.Metrics, h.Rooms, h.Status = slow, slow, slow
	var refused atomic.Int64
	h.Refused = func(string) { refused.Add(1) }
	r := start(t, 1, "", h)
	var wg sync.WaitGroup
	for range maxFromAddress {
		for _, path := range []string{"/metrics", "/api/v1/rooms"} {
			wg.Go(func() {
				resp, err := r.client.Get("http://" + r.address(0) + path)
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("%s: %v, %v", path, resp, err)
					return
				}
				_ = resp.Body.Close()
			})
			<-held
		}
	}
	for path, want := range map[string]int{"/metrics": 503, "/api/v1/rooms": 503, "/": 503, "/-/healthy": 200, "/-/ready": 200} {
		if status, body := r.get(path); status != want {
			t.Errorf("%s is answered %d %q, want %d", path, status, body, want)
		}
	}
	if n := refused.Load(); n != 3 {
		t.Errorf("%d were counted as refused", n)
	}
	close(hold)
	wg.Wait()
}

// TestABodyReachesTheHandler has a form, as the status page does.
func TestABodyReachesTheHandler(t *testing.T) {
	h := withAnswer(time.Minute, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.PostFormValue("name"))
	}))
	r := httptest.NewRequest(http.MethodPost, "/room/sessions", strings.NewReader("name=%2Facme-1"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if got := w.Body.String(); got != "/acme-1" {
		t.Errorf("the handler got %q", got)
	}
}
