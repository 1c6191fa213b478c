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

// crowded is a server whose listener is a small crowd.
type crowded struct {
	t     *testing.T
	crowd *crowd
	// hold, where a request asks for it, keeps the answer back until something is sent.
	hold chan struct{}
}

func newCrowded(t *testing.T, maxGuests, maxBytes int) *crowded {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &crowded{t: t, crowd: newCrowd(listener, maxGuests, maxBytes), hold: make(chan struct{})}
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
	watchGuests(server)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(c.crowd) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return c
}

// visitor is a client that says what it says byte by byte.
type visitor struct {
	net.Conn
	t    *testing.T
	read *bufio.Reader
}

// visit connects and says something.
func (c *crowded) visit(say string) *visitor {
	c.t.Helper()
	conn, err := net.Dial("tcp", c.crowd.Addr().String())
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		c.t.Fatal(err)
	}
	v := &visitor{Conn: conn, t: c.t, read: bufio.NewReader(conn)}
	v.say(say)
	return v
}

func (v *visitor) say(text string) {
	v.t.Helper()
	if _, err := io.WriteString(v, text); err != nil {
		v.t.Fatal(err)
	}
}

// answer is the status of the next answer; 0 where the connection was closed instead.
func (v *visitor) answer() int {
	v.t.Helper()
	resp, err := http.ReadResponse(v.read, nil)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// expect waits until the crowd is in a state.
func (c *crowded) expect(what string, holds func(*crowd) bool) {
	c.t.Helper()
	eventually(c.t, what, func() bool {
		c.crowd.mu.Lock()
		defer c.crowd.mu.Unlock()
		return holds(c.crowd)
	})
}

// here tells whether a visitor has a place.
func (v *visitor) here(c *crowd) *guest {
	for g := range c.guests {
		if g.RemoteAddr().String() == v.LocalAddr().String() {
			return g
		}
	}
	return nil
}

func (c *crowded) expectHere(v *visitor) {
	c.t.Helper()
	c.expect("the visitor has a place", func(crowd *crowd) bool { return v.here(crowd) != nil })
}

const (
	halfAHead = "POST / HTTP/1.1\r\nHost: x\r\n"
	whole     = halfAHead + "Content-Length: 2\r\n\r\nok"
)

func TestWhoIsSlowMakesWay(t *testing.T) {
	c := newCrowded(t, 4, 1<<20)
	slow := []*visitor{c.visit(""), c.visit("P"), c.visit(halfAHead), c.visit(halfAHead + "Content-Length: 2\r\n\r\no")}
	for _, v := range slow {
		c.expectHere(v)
	}
	for range 2 {
		if status := c.visit(whole).answer(); status != http.StatusNoContent {
			t.Errorf("an honest request was answered %d", status)
		}
	}
	for i, v := range slow[:2] { // they were there first
		if status := v.answer(); status != 0 {
			t.Errorf("slow visitor %d was answered %d", i, status)
		}
	}
	slow[2].say("Content-Length: 2\r\n\r\nok")
	slow[3].say("k")
	for i, v := range slow[2:] {
		if status := v.answer(); status != http.StatusNoContent {
			t.Errorf("slow visitor %d, for whom there was room, was answered %d", 2+i, status)
		}
	}
}

func TestWhoHasArrivedIsAnswered(t *testing.T) {
	c := newCrowded(t, 2, 1<<20)
	held := strings.Replace(whole, "/", "/hold", 1)
	first, second := c.visit(held), c.visit(held)
	c.expect("both have arrived", func(crowd *crowd) bool {
		a, b := first.here(crowd), second.here(crowd)
		return a != nil && b != nil && a.arrived && b.arrived
	})
	third := c.visit(whole) // there is nobody who could make way
	c.hold <- struct{}{}
	if status := third.answer(); status != http.StatusNoContent {
		t.Errorf("who had to wait was answered %d", status)
	}
	c.hold <- struct{}{}
	for i, v := range []*visitor{first, second} {
		if status := v.answer(); status != http.StatusNoContent {
			t.Errorf("visitor %d, who had arrived, was answered %d", i, status)
		}
	}
}

// TestAnAnswerIsOnItsWayUntilItWasSent: the handler is done before that.
func TestAnAnswerIsOnItsWayUntilItWasSent(t *testing.T) {
	c := newCrowded(t, 2, 1<<20).crowd
	g := &guest{crowd: c}
	c.guests[g] = struct{}{}
	for _, step := range []struct {
		what     string
		do       func()
		makesWay bool
	}{
		{"a request is waited for", func() {}, true},
		{"some of it is here", func() { g.took(10, false) }, true},
		{"all of it is here", func() { g.took(10, true) }, false},
		{"the handler is done", g.handled, false},
		{"the answer was sent", g.answered, true},
	} {
		step.do()
		if got := c.slowest(0) == g; got != step.makesWay {
			t.Errorf("when %s, it makes way: %v", step.what, got)
		}
	}
	if c.bytes != 0 {
		t.Errorf("%d bytes are held", c.bytes)
	}
}

func TestAConnectionThatIsUsedAgainWaitsFromThenOn(t *testing.T) {
	c := newCrowded(t, 2, 1<<20)
	old := c.visit(whole)
	if status := old.answer(); status != http.StatusNoContent {
		t.Fatal(status)
	}
	slow := c.visit(halfAHead)
	c.expectHere(slow)
	before := time.Now()
	old.say(halfAHead)
	c.expect("the next request has begun", func(crowd *crowd) bool {
		g := old.here(crowd)
		return g != nil && g.since.After(before)
	})
	if status := c.visit(whole).answer(); status != http.StatusNoContent {
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
	c := newCrowded(t, 100, limit)
	part := func(n, of int) string {
		return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", halfAHead, of, strings.Repeat("x", n))
	}
	idle := c.visit("") // has sent nothing, so it has nothing to give
	c.expectHere(idle)
	slow := c.visit(part(60_000, 90_000))
	c.expect("it is there", func(crowd *crowd) bool { return crowd.bytes == 60_000 })
	later := c.visit(part(30_000, 31_000))
	c.expect("so is another", func(crowd *crowd) bool { return crowd.bytes == 90_000 })
	if status := c.visit(part(20_000, 20_000)).answer(); status != http.StatusNoContent {
		t.Errorf("an honest request was answered %d", status)
	}
	if status := slow.answer(); status != 0 {
		t.Errorf("the slow one was answered %d", status)
	}
	later.say(strings.Repeat("x", 1000))
	if status := later.answer(); status != http.StatusNoContent {
		t.Errorf("the one for whom there was room was answered %d", status)
	}
	idle.say(whole)
	if status := idle.answer(); status != http.StatusNoContent {
		t.Errorf("the one that had sent nothing was answered %d", status)
	}
	c.expect("nothing is held any more", func(crowd *crowd) bool { return crowd.bytes == 0 })
	if status := c.visit(part(limit+1, limit+2)).answer(); status != 0 {
		t.Errorf("a body that is too large by itself was answered %d", status)
	}
	c.expect("nothing is held any more", func(crowd *crowd) bool { return crowd.bytes == 0 })
}

func TestACrowdIsClosedThoughNobodyMakesWay(t *testing.T) {
	c := newCrowded(t, 1, 1<<20)
	held := c.visit(strings.Replace(whole, "/", "/hold", 1))
	c.expect("it has arrived", func(crowd *crowd) bool {
		g := held.here(crowd)
		return g != nil && g.arrived
	})
	waiting := c.visit(whole)
	if err := c.crowd.Close(); err != nil && !errors.Is(err, net.ErrClosed) { // the server closes it too
		t.Error(err)
	}
	if status := waiting.answer(); status != 0 {
		t.Errorf("who came too late was answered %d", status)
	}
	c.hold <- struct{}{}
	if status := held.answer(); status != http.StatusNoContent {
		t.Errorf("who had arrived was answered %d", status)
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

// TestTheWebhooksPortKnowsWhoIsIdle holds that whoever got an answer on the webhook's port
// is waited for again: a connection that stayed as if it was being answered would never
// make way.
func TestTheWebhooksPortKnowsWhoIsIdle(t *testing.T) {
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
	c := &crowded{t: t, crowd: s.listeners[0].(*crowd)}
	v := c.visit(strings.Replace(whole, "/", "/webhook", 1))
	if status := v.answer(); status != http.StatusNoContent {
		t.Fatal(status)
	}
	c.expect("the connection is idle", func(crowd *crowd) bool {
		g := v.here(crowd)
		return g != nil && g.idle && !g.arrived
	})
	if n := s.connections.Load(); n != 1 {
		t.Errorf("%d connections are counted", n)
	}
}
