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
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
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
	c := &limited{t: t, listener: newLimitListener(listener, maxConns, maxBytes, nil), hold: make(chan struct{})}
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: oneRequest(proving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			if r.URL.Path == "/hold" {
				<-c.hold
			}
			if r.Header.Get("Signature") == "forged" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		}))),
	}
	reportConns(server)
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

// answer returns the status of the next answer; 0 if the connection was closed instead.
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
		return a != nil && b != nil && a.requests == 1 && b.requests == 1
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
		{"the handler is done", func() { g.handled(true) }, false},
		{"the answer was sent", g.answered, true},
	} {
		step.do()
		if got := c.firstToEvict(0) == g; got != step.evictable {
			t.Errorf("when %s, it can be evicted: %v", step.what, got)
		}
	}
	if c.bytes != 0 {
		t.Errorf("%d bytes are held", c.bytes)
	}
}

// TestWhoIsEvicted has connections wait at the limit, the first one for longest, and one
// more come.
func TestWhoIsEvicted(t *testing.T) {
	type conn struct {
		from   string
		proven bool
	}
	for _, c := range []struct {
		name  string
		conns []conn
		// earlier are addresses that a proven connection came from.
		earlier []string
		evicted int
	}{
		{"from one address, the slowest", []conn{{"192.0.2.1", false}, {"192.0.2.1", false}, {"192.0.2.1", false}, {"192.0.2.1", false}}, nil, 0},
		{"a proven one is kept", []conn{{"192.0.2.1", true}, {"192.0.2.1", false}, {"192.0.2.1", false}, {"192.0.2.1", false}}, nil, 1},
		{"but not more than half are", []conn{{"192.0.2.1", false}, {"192.0.2.1", true}, {"192.0.2.1", true}, {"192.0.2.1", true}}, nil, 1},
		{"of the address with the most", []conn{{"192.0.2.1", false}, {"192.0.2.2", false}, {"192.0.2.3", false}, {"192.0.2.2", false}}, nil, 1},
		{"of the IPv6 network with the most", []conn{{"2001:db8:1::1", false}, {"2001:db8:2::1", false}, {"2001:db8:2::2", false}, {"2001:db8:3::1", false}}, nil, 1},
		{"of an address that nothing genuine came from", []conn{{"192.0.2.1", false}, {"192.0.2.1", false}, {"192.0.2.1", false}, {"192.0.2.2", false}}, []string{"192.0.2.1"}, 3},
		{"proven, from a known address, over half", []conn{{"192.0.2.1", true}, {"192.0.2.1", true}, {"192.0.2.2", true}, {"192.0.2.2", false}}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var told []bool
			l := newLimitListener(nil, len(c.conns), 1<<20, func(proven bool) { told = append(told, proven) })
			var conns []*limitedConn
			add := func(from string, proven bool, since time.Time) *limitedConn {
				ours, theirs := net.Pipe()
				t.Cleanup(func() { _ = theirs.Close() })
				g := &limitedConn{Conn: ours, listener: l, from: networkOf(netip.MustParseAddr(from)), since: since}
				l.conns[g] = struct{}{}
				l.from[g.from]++
				if proven {
					g.prove()
				}
				return g
			}
			for _, from := range c.earlier {
				_ = add(from, true, time.Now()).Close()
			}
			for i, g := range c.conns {
				conns = append(conns, add(g.from, g.proven, time.Now().Add(time.Duration(i)*time.Second)))
			}
			first := l.firstToEvict(0)
			if first != conns[c.evicted] {
				for i, g := range conns {
					if g == first {
						t.Fatalf("connection %d is evicted, want %d", i, c.evicted)
					}
				}
			}
			l.evict(first)
			if len(told) != 1 || told[0] != c.conns[c.evicted].proven {
				t.Errorf("was told %v", told)
			}
			for _, g := range conns {
				_ = g.Close()
			}
			if len(l.conns) != 0 || len(l.from) != 0 || l.proven != 0 {
				t.Errorf("in the end it counts %d connections from %v, %d of them proven", len(l.conns), l.from, l.proven)
			}
		})
	}
}

// TestProvenAddressesAreBounded has more senders than there are to be.
func TestProvenAddressesAreBounded(t *testing.T) {
	l := newLimitListener(nil, 1, 1, nil)
	synctest.Test(t, func(*testing.T) {
		for i := range 2 * maxProvenAddresses {
			g := &limitedConn{listener: l, from: networkOf(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))}
			l.conns[g] = struct{}{}
			g.prove()
			time.Sleep(time.Second)
		}
	})
	_, first := l.provenFrom[networkOf(netip.MustParseAddr("10.0.0.0"))]
	_, last := l.provenFrom[networkOf(netip.AddrFrom4([4]byte{10, 0, (2*maxProvenAddresses - 1) >> 8, (2*maxProvenAddresses - 1) & 255}))]
	if len(l.provenFrom) != maxProvenAddresses || first || !last {
		t.Errorf("%d addresses are known; the first one: %v, the last one: %v", len(l.provenFrom), first, last)
	}
}

// TestOnlyAnAcknowledgedRequestKeepsItsConnection has strangers pipeline requests.
func TestOnlyAnAcknowledgedRequestKeepsItsConnection(t *testing.T) {
	c := newLimited(t, 4, 1<<20)
	forged := strings.Replace(whole, "Host:", "Signature: forged\r\nHost:", 1)
	for _, tc := range []struct {
		name, say string
		answers   []int
	}{
		{"forgeries", forged + forged + forged, []int{401, 0}},
		{"genuine ones", whole + whole, []int{204, 204}},
		{"a forgery after a genuine one", whole + forged + whole, []int{204, 401, 0}},
	} {
		v := c.dial(tc.say)
		for i, want := range tc.answers {
			if status := v.answer(); status != want {
				t.Errorf("%s: answer %d is %d, want %d", tc.name, i, status, want)
			}
		}
	}
	c.expect("only the connection with genuine requests is there", func(l *limitListener) bool {
		return len(l.conns) == 1 && l.proven == 1
	})
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
		return g != nil && g.requests == 1
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
		return g != nil && g.idle && g.requests == 0
	})
	if n := s.connections.Load(); n != 1 {
		t.Errorf("%d connections are counted", n)
	}
}
