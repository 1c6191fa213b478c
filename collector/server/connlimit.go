package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// limitListener is a listener that limits the number of its connections, and the bytes of
// request bodies that they make the server hold. At a limit, it evicts the connection that
// comes first by [limitedConn.evictedBefore]. A connection whose request has arrived whole
// is not evicted until it is answered.
type limitListener struct {
	net.Listener
	maxConns, maxBytes int
	// evicted is called for each connection that is evicted.
	evicted func(proven bool)

	mu     sync.Mutex
	freed  sync.Cond // a connection may be gone or evictable, or the listener is closed
	closed bool
	conns  map[*limitedConn]struct{}
	// from counts the connections from each address.
	from map[netip.Prefix]int
	// provenFrom maps addresses of proven connections to the time at which the last one was
	// proven.
	provenFrom map[netip.Prefix]time.Time
	proven     int // connections
	bytes      int
}

// maxProvenAddresses is how many addresses are remembered. Only those who know the secret can
// fill this up.
const maxProvenAddresses = 256

// limitedConn is a connection of a limitListener, whose mu guards the fields below it.
type limitedConn struct {
	net.Conn
	listener *limitListener
	from     netip.Prefix

	since    time.Time // when the wait for a request began
	idle     bool      // nothing has come since the last answer
	requests int       // that have arrived whole and are being answered
	bytes    int       // of a request's body so far
	proven   bool      // has sent what a stranger cannot
}

type limitedConnKey struct{}

// newLimitListener limits the connections that a listener accepts.
func newLimitListener(l net.Listener, maxConns, maxBytes int, evicted func(proven bool)) *limitListener {
	if evicted == nil {
		evicted = func(bool) {}
	}
	limit := &limitListener{
		Listener: l, maxConns: maxConns, maxBytes: maxBytes, evicted: evicted,
		conns: map[*limitedConn]struct{}{}, from: map[netip.Prefix]int{}, provenFrom: map[netip.Prefix]time.Time{},
	}
	limit.freed.L = &limit.mu
	return limit
}

// reportConns makes a server whose listener is a limitListener report what its
// connections wait for.
func reportConns(s *http.Server) {
	s.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, limitedConnKey{}, limitedConnOf(conn))
	}
	s.ConnState = func(conn net.Conn, state http.ConnState) {
		if c := limitedConnOf(conn); c != nil && state == http.StateIdle {
			c.answered()
		}
	}
}

// requestConn returns the connection that a request came over; nil if it is not one of a
// limitListener.
func requestConn(r *http.Request) *limitedConn {
	c, _ := r.Context().Value(limitedConnKey{}).(*limitedConn)
	return c
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
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		c.from = networkOf(tcp.AddrPort().Addr())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.conns) >= l.maxConns {
		if first := l.firstToEvict(0); first != nil {
			l.evict(first)
			continue
		}
		if l.closed {
			_ = conn.Close()
			return nil, net.ErrClosed
		}
		l.freed.Wait() // all are being answered, which takes some seconds at most
	}
	l.conns[c] = struct{}{}
	l.from[c.from]++
	return c, nil
}

// networkOf returns the network under which an address counts toward limits: the address
// itself for IPv4; for IPv6 its network, since one client may have all addresses in it.
func networkOf(address netip.Addr) netip.Prefix {
	address = address.Unmap()
	bits := 64
	if address.Is4() {
		bits = 32
	}
	network, _ := address.Prefix(bits) // the zero Prefix for an invalid address
	return network
}

// Close implements [net.Listener].
func (l *limitListener) Close() error {
	l.mu.Lock()
	l.closed = true
	l.freed.Broadcast()
	l.mu.Unlock()
	return l.Listener.Close()
}

// firstToEvict returns the connection to evict among those that hold at least so many bytes,
// or nil if all are being answered. There are so few connections that looking at all of them
// costs nothing.
func (l *limitListener) firstToEvict(bytes int) *limitedConn {
	var first *limitedConn
	for c := range l.conns {
		if c.requests == 0 && c.bytes >= bytes && (first == nil || c.evictedBefore(first)) {
			first = c
		}
	}
	return first
}

// evictedBefore reports whether a connection is evicted rather than another:
//
//  1. An unproven one. A stranger has no proven connection, so it cannot evict any. Proven
//     connections are protected only up to half of all, so others have room to prove
//     themselves.
//  2. One from an address without a proven connection. Strangers who call from other
//     addresses evict only each other.
//  3. One from the address with more connections, so no address evicts others.
//  4. The one that has waited longer for its request. Behind a balancer, this alone decides.
//     An honest request arrives within a few round trips: to evict it, a stranger would have
//     to open as many connections in that time as are allowed in all.
func (c *limitedConn) evictedBefore(other *limitedConn) bool {
	l := c.listener
	if c.proven != other.proven {
		return c.proven == (l.proven > l.maxConns/2)
	}
	_, known := l.provenFrom[c.from]
	if _, otherKnown := l.provenFrom[other.from]; known != otherKnown {
		return otherKnown
	}
	if n, others := l.from[c.from], l.from[other.from]; n != others {
		return n > others
	}
	return c.since.Before(other.since)
}

// evict closes a connection. The server notices when it reads or writes.
func (l *limitListener) evict(c *limitedConn) {
	l.forget(c)
	_ = c.Conn.Close()
	l.evicted(c.proven)
}

func (l *limitListener) forget(c *limitedConn) {
	if _, there := l.conns[c]; !there {
		return
	}
	delete(l.conns, c)
	l.bytes -= c.bytes
	if c.proven {
		l.proven--
	}
	if l.from[c.from]--; l.from[c.from] == 0 {
		delete(l.from, c.from)
	}
	l.freed.Signal()
}

// Read implements [net.Conn]. A connection that was idle is not slow: the wait for its next
// request begins with that request's first byte.
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

// CloseWrite lets the server end an answer so that a client that is still sending receives
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
	if last {
		c.requests = 1
	}
	for l.bytes > l.maxBytes {
		first := l.firstToEvict(1)
		if first == nil {
			return // all of it is being answered
		}
		l.evict(first)
	}
}

// begun notes that a request has arrived.
func (c *limitedConn) begun() {
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	c.requests++
}

// prove notes that the connection has sent what a stranger cannot.
func (c *limitedConn) prove() {
	l := c.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, there := l.conns[c]; !there {
		return
	}
	if !c.proven {
		c.proven = true
		l.proven++
	}
	if _, known := l.provenFrom[c.from]; !known && len(l.provenFrom) >= maxProvenAddresses {
		oldest := c.from
		for from, at := range l.provenFrom {
			if oldest == c.from || at.Before(l.provenFrom[oldest]) {
				oldest = from
			}
		}
		delete(l.provenFrom, oldest)
	}
	l.provenFrom[c.from] = time.Now()
}

// handled notes that nothing of a request is held anymore. While its answer is being sent,
// the connection is not evicted.
func (c *limitedConn) handled(onItsWay bool) {
	l := c.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, there := l.conns[c]; there {
		l.bytes -= c.bytes
	}
	c.since, c.bytes = time.Now(), 0
	if !onItsWay {
		c.requests = max(0, c.requests-1)
		l.freed.Signal()
	}
}

// answered notes that the answer was sent and that the wait for the next request begins.
func (c *limitedConn) answered() {
	l := c.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	c.since, c.idle, c.requests = time.Now(), true, 0
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
