package e2e

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"whereby_exporter/test/exhaustive"
	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

// deliveredWithin is when Whereby gives up a delivery.
const deliveredWithin = 5 * time.Second

// farConn is a connection to an address that is some way off: bytes take half a round
// trip.
type farConn struct {
	net.Conn
	roundTrip time.Duration
}

func (c farConn) Write(p []byte) (int, error) {
	time.Sleep(c.roundTrip / 2)
	return c.Conn.Write(p)
}

func (c farConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	time.Sleep(c.roundTrip / 2)
	return n, err
}

// dialFar connects from a loopback address. The server has the connection a round trip
// before the client can use it, as it has with TLS.
func dialFar(from string, roundTrip time.Duration) func(context.Context, string, string) (net.Conn, error) {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		time.Sleep(roundTrip)
		return farConn{conn, roundTrip}, nil
	}
}

// attack is what strangers do to the webhook's port, from the address 127.0.0.1.
type attack struct {
	name string
	run  func(s *strangers)
}

var attacks = []attack{
	{"forgeries in a row whose answers nobody reads", func(s *strangers) {
		s.repeat(520, func(conn net.Conn) {
			_ = conn.(*net.TCPConn).SetReadBuffer(1 << 10)
			row := strings.Repeat(s.forgery, 100)
			for s.context.Err() == nil {
				if _, err := io.WriteString(conn, row); err != nil {
					return
				}
				s.pause(50 * time.Millisecond)
			}
		})
	}},
	{"connections that are kept, and new ones", func(s *strangers) {
		s.repeat(511, func(conn net.Conn) {
			answer := make([]byte, 1<<10)
			for s.context.Err() == nil {
				if _, err := io.WriteString(conn, s.forgery); err != nil {
					return
				}
				if _, err := conn.Read(answer); err != nil {
					return
				}
				s.pause(20 * time.Millisecond)
			}
		})
		s.wg.Go(func() {
			for s.context.Err() == nil {
				s.wg.Go(func() {
					s.once(func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
				})
				s.pause(time.Second / 20)
			}
		})
	}},
}

// strangers have connections to a webhook's port until their context is done.
type strangers struct {
	context context.Context
	address string
	forgery string
	wg      sync.WaitGroup
}

// repeat has n connections used, and opens each again a while after it was closed.
func (s *strangers) repeat(n int, use func(net.Conn)) {
	for range n {
		s.wg.Go(func() {
			for s.context.Err() == nil {
				s.once(use)
				s.pause(2*time.Second + rand.N(2*time.Second))
			}
		})
	}
}

func (s *strangers) once(use func(net.Conn)) {
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(s.context, func() { _ = conn.Close() })
	defer stop()
	use(conn)
}

func (s *strangers) pause(d time.Duration) {
	select {
	case <-s.context.Done():
	case <-time.After(d):
	}
}

// TestNoAttackShutsTheWebhooksPort delivers genuine events, each over a connection of its
// own, 20 a second and never again, while strangers attack. With the address of the
// strangers, they come as they do from a balancer. The second tier attacks longer.
func TestNoAttackShutsTheWebhooksPort(t *testing.T) {
	t.Run("for a moment", func(t *testing.T) {
		testAttacks(t, 1500*time.Millisecond, []string{"127.0.0.1"}, []time.Duration{100 * time.Millisecond})
	})
	t.Run("for long", func(t *testing.T) {
		exhaustive.Long(t)
		testAttacks(t, 15*time.Second, []string{"127.0.0.1", "127.0.0.2"}, []time.Duration{5 * time.Millisecond, 100 * time.Millisecond})
	})
}

func testAttacks(t *testing.T, d time.Duration, from []string, roundTrips []time.Duration) {
	for _, a := range attacks {
		for _, address := range from {
			for _, roundTrip := range roundTrips {
				t.Run(fmt.Sprintf("%s, from %s, %v away", a.name, address, roundTrip), func(t *testing.T) {
					testAttack(t, a, d, address, roundTrip)
				})
			}
		}
	}
}

func testAttack(t *testing.T, a attack, d time.Duration, from string, roundTrip time.Duration) {
	_, api := newAccount(t, wherebytest.Config{PointsPerMinute: unlimited})
	e := startReceiver(t, programs.FreeAddress(t), programs.FreeAddress(t), t.TempDir(), api)
	programs.Eventually(t, patience, "it is ready", e.ready)
	attacked, end := context.WithCancel(t.Context())
	body := joined("forged", "/forged-"+uuid, 5)
	s := &strangers{context: attacked, address: e.webhook, forgery: strings.Replace(signed("guess", body, 0), "Connection: close\r\n", "", 1)}
	a.run(s)
	s.pause(d / 5) // until the port is full

	client := &http.Client{
		Timeout:   onABusyMachine(t, deliveredWithin),
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: dialFar(from, roundTrip)},
	}
	var wg sync.WaitGroup
	var acknowledged atomic.Int64
	var mu sync.Mutex
	var slowest time.Duration
	inTime := 0
	deliveries := int(d / (time.Second / 20))
	for i := range deliveries {
		wg.Go(func() {
			began := time.Now()
			status, err := deliverOnce(client, e.webhook, joined(fmt.Sprint("genuine-", i), "/acme-"+uuid, 1+i%5))
			took := time.Since(began)
			if status == http.StatusNoContent {
				acknowledged.Add(1)
			} else {
				t.Logf("delivery %d: status %d after %v, %v", i, status, took, err)
			}
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, took)
			if took <= deliveredWithin && status == http.StatusNoContent {
				inTime++
			}
		})
		s.pause(time.Second / 20)
	}
	wg.Wait()
	peak := residentMiB(t, e.cmd.Process.Pid)
	end()
	s.wg.Wait()
	t.Logf("%d of %d deliveries acknowledged, %d within %v, the slowest after %v; %.0f MiB at most",
		acknowledged.Load(), deliveries, inTime, deliveredWithin, slowest.Round(time.Millisecond), peak)
	if n := acknowledged.Load(); n < int64(deliveries) {
		t.Errorf("%d of %d genuine deliveries were acknowledged", n, deliveries)
	}
	if peak > floodMemory>>20 {
		t.Errorf("%.0f MiB were resident, more than %d", peak, floodMemory>>20)
	}
}

// residentMiB returns the most that a process has had in memory; 0 if that is not known.
func residentMiB(t testing.TB, pid int) float64 {
	t.Helper()
	if _, err := os.Stat("/proc/self/status"); err != nil {
		return 0
	}
	return memory(t, pid, "VmHWM")
}
