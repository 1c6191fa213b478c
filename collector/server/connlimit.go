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

// limitListener is a listener that limits the number of its connections, and the bytes of
// request bodies that they make the server hold. At a limit, it evicts the connection
// whose request has been waited for longest: an honest request arrives within
// milliseconds, so a slow client is evicted and keeps nobody out. A connection whose
// request has arrived whole is not evicted until it is answered.
type limitListener struct {
	net.Listener
	maxConns, maxBytes int

	mu     sync.Mutex
	freed  sync.Cond // a connection may be gone or can be evicted, or the listener is closed
	closed bool
	conns  map[*limitedConn]struct{}
	bytes  int
}

// limitedConn is a connection of a limitListener, whose mu guards the fields below it.
type limitedConn struct {
	net.Conn
	listener *limitListener

	since   time.Time // a request has been waited for
	idle    bool      // nothing has come since the last answer
	arrived bool      // the request is here, and is being answered
	bytes   int       // of its body, so far
}

type limitedConnKey struct{}

// newLimitListener limits the connections that a listener accepts.
func newLimitListener(l net.Listener, maxConns, maxBytes int) *limitListener {
	limit := &limitListener{Listener: l, maxConns: maxConns, maxBytes: maxBytes, conns: map[*limitedConn]struct{}{}}
	limit.freed.L = &limit.mu
	return limit
}

// reportRequests makes a server whose listener is a limitListener report what its
// connections wait for. The server must only speak HTTP/1, in which a connection has one
// request at a time.
func reportRequests(s *http.Server) {
	handler := s.Handler
	s.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, limitedConnKey{}, limitedConnOf(conn))
	}
	s.ConnState = func(conn net.Conn, state http.ConnState) {
		if c := limitedConnOf(conn); c != nil && state == http.StateIdle {
			c.answered()
		}
	}
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, _ := r.Context().Value(limitedConnKey{}).(*limitedConn); c != nil {
			defer c.handled()
			r.Body = limitedBody{r.Body, c}
		}
		handler.ServeHTTP(w, r)
	})
}

func limitedConnOf(conn net.Conn) *limitedConn {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	c, _ := conn.(*limitedConn)
	return c
}

// Accept implements [net.Listener].
func (l *limitListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &limitedConn{Conn: conn, listener: l, since: time.Now()}
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.conns) >= l.maxConns {
		if slowest := l.slowest(0); slowest != nil {
			l.evict(slowest)
			continue
		}
		if l.closed {
			_ = conn.Close()
			return nil, net.ErrClosed
		}
		l.freed.Wait() // all are being answered, which takes some seconds at most
	}
	l.conns[c] = struct{}{}
	return c, nil
}

// Close implements [net.Listener].
func (l *limitListener) Close() error {
	l.mu.Lock()
	l.closed = true
	l.freed.Broadcast()
	l.mu.Unlock()
	return l.Listener.Close()
}

// slowest returns the connection whose request has been waited for longest, of those that
// hold at least so many bytes; nil if no request is waited for. There are so few
// connections that looking at all of them costs nothing.
func (l *limitListener) slowest(bytes int) *limitedConn {
	var slowest *limitedConn
	for c := range l.conns {
		if !c.arrived && c.bytes >= bytes && (slowest == nil || c.since.Before(slowest.since)) {
			slowest = c
		}
	}
	return slowest
}

// evict closes a connection. The server notices when it reads or writes.
func (l *limitListener) evict(c *limitedConn) {
	l.forget(c)
	_ = c.Conn.Close()
}

func (l *limitListener) forget(c *limitedConn) {
	if _, there := l.conns[c]; !there {
		return
	}
	delete(l.conns, c)
	l.bytes -= c.bytes
	l.freed.Signal()
}

// Read implements [net.Conn]. A connection that was idle is not slow: its next request is
// waited for from its first byte on.
func (c *limitedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.listener.mu.Lock()
		if c.idle {
			c.since, c.idle = time.Now(), false
		}
		c.listener.mu.Unlock()
	}
	return n, err
}

// Close implements [net.Conn].
func (c *limitedConn) Close() error {
	c.listener.mu.Lock()
	c.listener.forget(c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite lets the server end an answer so that a client that is still sending gets
// it; see [net.TCPConn.CloseWrite].
func (c *limitedConn) CloseWrite() error {
	if tcp, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return tcp.CloseWrite()
	}
	return errors.ErrUnsupported
}

// received counts more bytes of a body, and notes whether they were the last.
func (c *limitedConn) received(n int, last bool) {
	l := c.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, there := l.conns[c]; !there {
		return
	}
	c.bytes += n
	l.bytes += n
	c.arrived = c.arrived || last
	for l.bytes > l.maxBytes {
		slowest := l.slowest(1)
		if slowest == nil {
			return // all of it is being answered
		}
		l.evict(slowest)
	}
}

// handled notes that nothing of the request is held any more. The answer may still be on
// its way.
func (c *limitedConn) handled() {
	l := c.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, there := l.conns[c]; there {
		l.bytes -= c.bytes
	}
	c.since, c.bytes = time.Now(), 0
}

// answered notes that the answer was sent, and the next request is waited for.
func (c *limitedConn) answered() {
	l := c.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	c.since, c.idle, c.arrived = time.Now(), true, false
	l.freed.Signal()
}

// limitedBody is a request's body.
type limitedBody struct {
	io.ReadCloser
	conn *limitedConn
}

func (b limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.conn.received(n, err == io.EOF)
	return n, err
}
