package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// limited is a server with low limits.
type limited struct {
	t        *testing.T
	listener *limitListener
	// hold, if a request asks for it, keeps the answer back until something is sent.
	hold chan struct{}
}

func newLimited(t *testing.T, maxConns, maxBytes int) *limited {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &limited{t: t, listener: newLimitListener(listener, maxConns, maxBytes), hold: make(chan struct{})}
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			if r.URL.Path == "/hold" {
				<-c.hold
			}
			w.WriteHeader(http.StatusNoContent)
		}),
	}
	reportRequests(server)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(c.listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return c
}

// client says what it says byte by byte.
type client struct {
	net.Conn
	t    *testing.T
	read *bufio.Reader
}

// dial connects and says something.
func (c *limited) dial(say string) *client {
	c.t.Helper()
	conn, err := net.Dial("tcp", c.listener.Addr().String())
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		c.t.Fatal(err)
	}
	v := &client{Conn: conn, t: c.t, read: bufio.NewReader(conn)}
	v.say(say)
	return v
}

func (v *client) say(text string) {
	v.t.Helper()
	if _, err := io.WriteString(v, text); err != nil {
		v.t.Fatal(err)
	}
}

// answer is the status of the next answer; 0 if the connection was closed instead.
func (v *client) answer() int {
	v.t.Helper()
	resp, err := http.ReadResponse(v.read, nil)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// expect waits until the listener is in a state.
func (c *limited) expect(what string, holds func(*limitListener) bool) {
	c.t.Helper()
	eventually(c.t, what, func() bool {
		c.listener.mu.Lock()
		defer c.listener.mu.Unlock()
		return holds(c.listener)
	})
}

// conn returns the listener's side of a client's connection, or nil if there is none.
func (v *client) conn(l *limitListener) *limitedConn {
	for g := range l.conns {
		if g.RemoteAddr().String() == v.LocalAddr().String() {
			return g
		}
	}
	return nil
}

func (c *limited) expectConnected(v *client) {
	c.t.Helper()
	c.expect("the client is connected", func(l *limitListener) bool { return v.conn(l) != nil })
}

const (
	halfAHead = "POST / HTTP/1.1\r\nHost: x\r\n"
	whole     = halfAHead + "Content-Length: 2\r\n\r\nok"
)

func TestTheSlowestConnectionIsEvicted(t *testing.T) {
	c := newLimited(t, 4, 1<<20)
	slow := []*client{c.dial(""), c.dial("P"), c.dial(halfAHead), c.dial(halfAHead + "Content-Length: 2\r\n\r\no")}
	for _, v := range slow {
		c.expectConnected(v)
	}
	for range 2 {
		if status := c.dial(whole).answer(); status != http.StatusNoContent {
			t.Errorf("an honest request was answered %d", status)
		}
	}
	for i, v := range slow[:2] { // they were there first
		if status := v.answer(); status != 0 {
			t.Errorf("slow client %d was answered %d", i, status)
		}
	}
	slow[2].say("Content-Length: 2\r\n\r\nok")
	slow[3].say("k")
	for i, v := range slow[2:] {
		if status := v.answer(); status != http.StatusNoContent {
			t.Errorf("slow client %d, which was within the limit, was answered %d", 2+i, status)
		}
	}
}

func TestARequestThatHasArrivedIsAnswered(t *testing.T) {
	c := newLimited(t, 2, 1<<20)
	held := strings.Replace(whole, "/", "/hold", 1)
	first, second := c.dial(held), c.dial(held)
	c.expect("both have arrived", func(l *limitListener) bool {
		a, b := first.conn(l), second.conn(l)
		return a != nil && b != nil && a.arrived && b.arrived
	})
	third := c.dial(whole) // no connection can be evicted
	c.hold <- struct{}{}
	if status := third.answer(); status != http.StatusNoContent {
		t.Errorf("the client that had to wait was answered %d", status)
	}
	c.hold <- struct{}{}
	for i, v := range []*client{first, second} {
		if status := v.answer(); status != http.StatusNoContent {
			t.Errorf("client %d, whose request had arrived, was answered %d", i, status)
		}
	}
}

// TestAnAnswerIsOnItsWayUntilItWasSent: the handler is done before that.
func TestAnAnswerIsOnItsWayUntilItWasSent(t *testing.T) {
	c := newLimited(t, 2, 1<<20).listener
	g := &limitedConn{listener: c}
	c.conns[g] = struct{}{}
	for _, step := range []struct {
		what      string
		do        func()
		evictable bool
	}{
		{"a request is waited for", func() {}, true},
		{"some of it is here", func() { g.received(10, false) }, true},
		{"all of it is here", func() { g.received(10, true) }, false},
		{"the handler is done", g.handled, false},
		{"the answer was sent", g.answered, true},
	} {
		step.do()
		if got := c.slowest(0) == g; got != step.evictable {
			t.Errorf("when %s, it can be evicted: %v", step.what, got)
		}
	}
	if c.bytes != 0 {
		t.Errorf("%d bytes are held", c.bytes)
	}
}

func TestAConnectionThatIsUsedAgainWaitsFromThenOn(t *testing.T) {
	c := newLimited(t, 2, 1<<20)
	old := c.dial(whole)
	if status := old.answer(); status != http.StatusNoContent {
		t.Fatal(status)
	}
	slow := c.dial(halfAHead)
	c.expectConnected(slow)
	before := time.Now()
	old.say(halfAHead)
	c.expect("the next request has begun", func(l *limitListener) bool {
		g := old.conn(l)
		return g != nil && g.since.After(before)
	})
	if status := c.dial(whole).answer(); status != http.StatusNoContent {
		t.Errorf("an honest request was answered %d", status)
	}
	if status := slow.answer(); status != 0 {
		t.Errorf("the slow one was answered %d", status)
	}
	old.say("Content-Length: 2\r\n\r\nok")
	if status := old.answer(); status != http.StatusNoContent {
		t.Errorf("the connection that was used again was answered %d", status)
	}
}

func TestBodiesAreBoundedTogether(t *testing.T) {
	const limit = 100_000
	c := newLimited(t, 100, limit)
	part := func(n, of int) string {
		return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", halfAHead, of, strings.Repeat("x", n))
	}
	idle := c.dial("") // has sent nothing, so it has nothing to give
	c.expectConnected(idle)
	slow := c.dial(part(60_000, 90_000))
	c.expect("it is there", func(l *limitListener) bool { return l.bytes == 60_000 })
	later := c.dial(part(30_000, 31_000))
	c.expect("so is another", func(l *limitListener) bool { return l.bytes == 90_000 })
	if status := c.dial(part(20_000, 20_000)).answer(); status != http.StatusNoContent {
		t.Errorf("an honest request was answered %d", status)
	}
	if status := slow.answer(); status != 0 {
		t.Errorf("the slow one was answered %d", status)
	}
	later.say(strings.Repeat("x", 1000))
	if status := later.answer(); status != http.StatusNoContent {
		t.Errorf("the one within the limit was answered %d", status)
	}
	idle.say(whole)
	if status := idle.answer(); status != http.StatusNoContent {
		t.Errorf("the one that had sent nothing was answered %d", status)
	}
	c.expect("nothing is held any more", func(l *limitListener) bool { return l.bytes == 0 })
	if status := c.dial(part(limit+1, limit+2)).answer(); status != 0 {
		t.Errorf("a body that is too large by itself was answered %d", status)
	}
	c.expect("nothing is held any more", func(l *limitListener) bool { return l.bytes == 0 })
}

func TestTheListenerClosesThoughNothingCanBeEvicted(t *testing.T) {
	c := newLimited(t, 1, 1<<20)
	held := c.dial(strings.Replace(whole, "/", "/hold", 1))
	c.expect("it has arrived", func(l *limitListener) bool {
		g := held.conn(l)
		return g != nil && g.arrived
	})
	waiting := c.dial(whole)
	if err := c.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) { // the server closes it too
		t.Error(err)
	}
	if status := waiting.answer(); status != 0 {
		t.Errorf("the client that came too late was answered %d", status)
	}
	c.hold <- struct{}{}
	if status := held.answer(); status != http.StatusNoContent {
		t.Errorf("the client whose request had arrived was answered %d", status)
	}
}

// TestTheWebhookOverTLS fills the address with connections that say nothing, to its limit
// and beyond.
func TestTheWebhookOverTLS(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, r.Proto)
	})
	server, err := NewWebhook(WebhookOptions{
		ListenAddress: []string{"127.0.0.1:0"}, Path: "/webhook", ConfigFile: writeTLS(t),
	}, handler, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- server.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-result; err != nil {
			t.Error(err)
		}
	}()

	address := server.Addrs()[0].String()
	for range maxWebhookConnections + 50 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
	resp, err := client.Post("https://"+address+"/webhook", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "HTTP/1.1" {
		t.Errorf("the answer is %q, %v; want HTTP/1.1", body, err)
	}
}

// TestTheWebhooksPortKnowsIdleConnections has a connection get its answer and then be
// idle: if it still counted as being answered, it could never be evicted.
func TestTheWebhooksPortKnowsIdleConnections(t *testing.T) {
	options := WebhookOptions{ListenAddress: []string{"127.0.0.1:0"}, Path: "/webhook"}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	s, err := NewWebhook(options, handler, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	c := &limited{t: t, listener: s.listeners[0].(*limitListener)}
	v := c.dial(strings.Replace(whole, "/", "/webhook", 1))
	if status := v.answer(); status != http.StatusNoContent {
		t.Fatal(status)
	}
	c.expect("the connection is idle", func(l *limitListener) bool {
		g := v.conn(l)
		return g != nil && g.idle && !g.arrived
	})
	if n := s.connections.Load(); n != 1 {
		t.Errorf("%d connections are counted", n)
	}
}
