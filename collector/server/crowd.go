package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// crowd is a listener that bounds its connections in number, and in the bytes of bodies
// that they make the server hold. Where there is no room for one more, the one goes
// whose request has been waited for longest: an honest request arrives within
// milliseconds, so whoever is slow makes way, and keeps nobody out. A connection whose
// request has arrived whole stays until it is answered.
type crowd struct {
	net.Listener
	maxGuests, maxBytes int

	mu     sync.Mutex
	room   sync.Cond // there may be room, or the listener is closed
	closed bool
	guests map[*guest]struct{}
	bytes  int
}

// guest is a connection. What is below crowd is guarded by the crowd's mu.
type guest struct {
	net.Conn
	crowd *crowd

	since   time.Time // a request has been waited for
	idle    bool      // nothing has come since the last answer
	arrived bool      // the request is here, and is being answered
	bytes   int       // of its body, so far
}

type guestKey struct{}

// newCrowd bounds the connections that a listener takes.
func newCrowd(l net.Listener, maxGuests, maxBytes int) *crowd {
	c := &crowd{Listener: l, maxGuests: maxGuests, maxBytes: maxBytes, guests: map[*guest]struct{}{}}
	c.room.L = &c.mu
	return c
}

// watchGuests makes a server, whose listener is to be a crowd, tell it what it waits for.
// The server is to speak HTTP/1 alone: a connection has one request at a time then.
func watchGuests(s *http.Server) {
	handler := s.Handler
	s.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, guestKey{}, guestOf(conn))
	}
	s.ConnState = func(conn net.Conn, state http.ConnState) {
		if g := guestOf(conn); g != nil && state == http.StateIdle {
			g.answered()
		}
	}
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g, _ := r.Context().Value(guestKey{}).(*guest); g != nil {
			defer g.handled()
			r.Body = guestBody{r.Body, g}
		}
		handler.ServeHTTP(w, r)
	})
}

func guestOf(conn net.Conn) *guest {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	g, _ := conn.(*guest)
	return g
}

// Accept implements [net.Listener].
func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g := &guest{Conn: conn, crowd: c, since: time.Now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.guests) >= c.maxGuests {
		if slowest := c.slowest(0); slowest != nil {
			c.turnOut(slowest)
			continue
		}
		if c.closed {
			_ = conn.Close()
			return nil, net.ErrClosed
		}
		c.room.Wait() // all are being answered, which takes some seconds at most
	}
	c.guests[g] = struct{}{}
	return g, nil
}

// Close implements [net.Listener].
func (c *crowd) Close() error {
	c.mu.Lock()
	c.closed = true
	c.room.Broadcast()
	c.mu.Unlock()
	return c.Listener.Close()
}

// slowest is who has been waited for longest, of those with so many bytes at least; nil
// where nobody is waited for. There are so few that looking at all of them costs nothing.
func (c *crowd) slowest(bytes int) *guest {
	var slowest *guest
	for g := range c.guests {
		if !g.arrived && g.bytes >= bytes && (slowest == nil || g.since.Before(slowest.since)) {
			slowest = g
		}
	}
	return slowest
}

// turnOut closes a connection. The server notices when it reads or writes.
func (c *crowd) turnOut(g *guest) {
	c.forget(g)
	_ = g.Conn.Close()
}

func (c *crowd) forget(g *guest) {
	if _, there := c.guests[g]; !there {
		return
	}
	delete(c.guests, g)
	c.bytes -= g.bytes
	c.room.Signal()
}

// Read implements [net.Conn]. A connection that was idle is not slow: its next request is
// waited for from its first byte on.
func (g *guest) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if n > 0 {
		g.crowd.mu.Lock()
		if g.idle {
			g.since, g.idle = time.Now(), false
		}
		g.crowd.mu.Unlock()
	}
	return n, err
}

// Close implements [net.Conn].
func (g *guest) Close() error {
	g.crowd.mu.Lock()
	g.crowd.forget(g)
	g.crowd.mu.Unlock()
	return g.Conn.Close()
}

// CloseWrite lets the server end an answer so that a client that is still sending gets
// it; see [net.TCPConn.CloseWrite].
func (g *guest) CloseWrite() error {
	if tcp, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return tcp.CloseWrite()
	}
	return errors.ErrUnsupported
}

// took notes that more of a body has come, and whether it was the end.
func (g *guest) took(n int, end bool) {
	c := g.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.guests[g]; !there {
		return
	}
	g.bytes += n
	c.bytes += n
	g.arrived = g.arrived || end
	for c.bytes > c.maxBytes {
		slowest := c.slowest(1)
		if slowest == nil {
			return // all of it is being answered
		}
		c.turnOut(slowest)
	}
}

// handled notes that nothing of the request is held any more. The answer may still be on
// its way.
func (g *guest) handled() {
	c := g.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.guests[g]; there {
		c.bytes -= g.bytes
	}
	g.since, g.bytes = time.Now(), 0
}

// answered notes that the answer was sent, and the next request is waited for.
func (g *guest) answered() {
	c := g.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	g.since, g.idle, g.arrived = time.Now(), true, false
	c.room.Signal()
}

// guestBody is a request's body.
type guestBody struct {
	io.ReadCloser
	guest *guest
}

func (b guestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.guest.took(n, err == io.EOF)
	return n, err
}
