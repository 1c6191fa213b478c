package e2e

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

const (
	// floodMemory is what docs/threat-model.md says that a flood can make of the
	// exporter's memory.
	floodMemory = 200 << 20
	// closedWithin is what it says of how long a slow request is waited for, and as much
	// again as a busy machine may need.
	closedWithin = 5*time.Second + 40*time.Second
	// floodTime is how long the flood lasts where genuine events take no less.
	floodTime = 30 * time.Second
	// comeAgain is when a slow connection that was closed is made again.
	comeAgain = 2 * time.Second
)

// flood attacks a webhook port from many connections.
type flood struct {
	t       *testing.T
	address string
	over    chan struct{} // closed when it is to end
	wg      sync.WaitGroup

	mu       sync.Mutex
	sent     map[string]int // by what they are
	answered map[string]int // those that got the answer they should
	open     int            // slow connections that the server did not close
	slowest  time.Duration  // until it closed one
}

// repeat has requests of a kind sent one after the other, over a connection each.
func (f *flood) repeat(kind string, n int, status string, request func(i int) string) {
	f.wg.Go(func() {
		for i := range n {
			answer := rawAnswer(f.address, request(i))
			f.mu.Lock()
			f.sent[kind]++
			if strings.Contains(answer, status) {
				f.answered[kind]++
			}
			f.mu.Unlock()
		}
	})
}

// rawAnswer returns the first line of an answer, or nothing.
func rawAnswer(address, request string) string {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return ""
	}
	defer conn.Close()
	if conn.SetDeadline(time.Now().Add(closedWithin)) != nil {
		return ""
	}
	_, _ = io.WriteString(conn, request)
	head := make([]byte, 64)
	n, _ := io.ReadAtLeast(conn, head, len("HTTP/1.1 000"))
	return string(head[:n])
}

// stall begins so many requests at the same time, never ends them, and comes again when
// it was closed.
func (f *flood) stall(n int, beginning string) {
	for range n {
		f.wg.Go(func() {
			for {
				f.stallOnce(beginning)
				select {
				case <-f.over:
					return
				case <-time.After(comeAgain):
				}
			}
		})
	}
}

func (f *flood) stallOnce(beginning string) {
	began := time.Now()
	conn, err := net.Dial("tcp", f.address)
	if err != nil {
		return // the machine is out of ports, or busy
	}
	defer conn.Close()
	if conn.SetDeadline(began.Add(closedWithin)) != nil {
		return
	}
	_, _ = io.WriteString(conn, beginning)
	_, err = io.Copy(io.Discard, conn) // an answer may come before the end
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent["slow"]++
	if errors.Is(err, os.ErrDeadlineExceeded) {
		f.open++
		return
	}
	f.slowest = max(f.slowest, time.Since(began))
}

// signed returns a request as it goes over the wire, signed as of some time ago.
func signed(secret, body string, ago time.Duration) string {
	return fmt.Sprintf("POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n%s: %s\r\n\r\n%s",
		len(body), whereby.SignatureHeader, whereby.Sign(secret, []byte(body), time.Now().Add(-ago)), body)
}

// genuine delivers events as Whereby does, over a connection each, and again where they
// are not acknowledged.
func genuine(t *testing.T, address string, sender, n int, deliveries, acknowledged *atomic.Int64) {
	client := &http.Client{Timeout: closedWithin, Transport: &http.Transport{DisableKeepAlives: true}}
	for i := range n {
		body := joined(fmt.Sprintf("genuine-%d-%d", sender, i), fmt.Sprintf("/acme-%d", sender), 1+i%5)
		for again := 0; ; again++ {
			deliveries.Add(1)
			if deliver(client, address, body) == http.StatusNoContent {
				acknowledged.Add(1)
				break
			}
			if again == 10 {
				t.Errorf("event %d of sender %d was not acknowledged", i, sender)
				break
			}
		}
	}
}

// TestAFloodKeepsNobodyOut sends genuine events, and scrapes, while strangers do their
// worst: forged, replayed, oversized and malformed requests, and more connections that
// never say all they have to than the port can hold.
func TestAFloodKeepsNobodyOut(t *testing.T) {
	_, api := newAccount(t, wherebytest.Config{PointsPerMinute: unlimited})
	webhook := programs.FreeAddress(t)
	e := startReceiver(t, programs.FreeAddress(t), webhook, t.TempDir(), api)
	programs.Eventually(t, patience, "it is ready", e.ready)
	f := &flood{t: t, address: webhook, over: make(chan struct{}), sent: map[string]int{}, answered: map[string]int{}}

	const half = "POST /webhook HTTP/1.1\r\nHost: x\r\n"
	f.stall(300, "")
	f.stall(800, half)
	f.stall(400, half+"Content-Length: 100\r\n\r\n{")
	f.stall(200, half+"Content-Length: 250000\r\n\r\n"+strings.Repeat("x", 240_000))
	for range 4 {
		f.repeat("signature", 500, "401", func(i int) string {
			return signed("guess", joined(fmt.Sprint("forged-", i), fmt.Sprintf("/forged%d-%s", i, uuid), 5), 0)
		})
	}
	f.repeat("expired", 200, "401", func(i int) string {
		return signed(webhookSecret, joined(fmt.Sprint("replayed-", i), "/forged-"+uuid, 5), 6*time.Minute)
	})
	f.repeat("malformed", 200, "400", func(int) string { return signed(webhookSecret, `{"id":"forged"`, 0) })
	f.repeat("too_large", 100, "413", func(int) string { return signed(webhookSecret, strings.Repeat("x", 300<<10), 0) })
	f.repeat("method", 200, "405", func(int) string { return "GET /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" })
	f.repeat("header", 100, "431", func(int) string { return half + "X-A: " + strings.Repeat("a", 40<<10) + "\r\n\r\n" })

	const senders, each = 4, 250
	var events sync.WaitGroup
	var deliveries, acknowledged atomic.Int64
	for sender := range senders {
		events.Go(func() { genuine(t, webhook, sender, each, &deliveries, &acknowledged) })
	}
	allThere := make(chan struct{})
	go func() {
		events.Wait()
		close(allThere)
	}()
	scrapes, failed, memory := 0, 0, 0.0
	flooded := time.After(floodTime)
	for going := true; going; {
		samples, err := e.metrics()
		if scrapes++; err != nil {
			t.Logf("scrape %d: %v", scrapes, err)
			failed++
		}
		memory = max(memory, samples["process_resident_memory_bytes"])
		select {
		case <-allThere:
			going = false
		case <-flooded:
			going = false
		case <-time.After(100 * time.Millisecond): // Prometheus asks far less often
		}
	}
	meanwhile := acknowledged.Load()
	close(f.over)
	f.wg.Wait()
	<-allThere
	t.Logf("%d of %d events during the flood, %d deliveries, %d scrapes, %.0f MiB at most, slowest closed after %v; sent %v, answered as they should %v",
		meanwhile, senders*each, deliveries.Load(), scrapes, memory/(1<<20), f.slowest, f.sent, f.answered)

	if failed > scrapes/10 {
		t.Errorf("%d of %d scrapes failed", failed, scrapes)
	}
	if meanwhile < senders*each/10 {
		t.Errorf("%d of %d events came through during the flood", meanwhile, senders*each)
	}
	if n := deliveries.Load(); n > 5*senders*each {
		t.Errorf("%d deliveries of %d events", n, senders*each)
	}
	if f.open > 0 {
		t.Errorf("%d slow connections were still open after %v", f.open, closedWithin)
	}
	if memory > floodMemory {
		t.Errorf("%.0f MiB were resident, more than %d", memory/(1<<20), floodMemory>>20)
	}
	// Of those that were cut off it is not known what they counted as.
	for kind, sent := range f.sent {
		if kind != "slow" && f.answered[kind] < sent/10 {
			t.Errorf("%d of %d requests of the kind %s were answered as they should", f.answered[kind], sent, kind)
		}
	}
	want := map[string]float64{`whereby_webhook_events_total{type="room.client.joined"}`: senders * each, `whereby_webhook_events_total{type="other"}`: 0}
	e.expect(patience, want)
	samples, err := e.metrics()
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range []string{"signature", "expired", "malformed", "too_large", "method"} {
		got := samples[fmt.Sprintf("whereby_webhook_rejected_total{reason=%q}", reason)]
		most := float64(f.sent[reason])
		if reason == "malformed" {
			most = math.Inf(1) // bodies that never came are that too
		}
		if got < float64(f.answered[reason]) || got > most {
			t.Errorf("%v requests were counted as %s; %d were answered so, and %d sent", got, reason, f.answered[reason], f.sent[reason])
		}
	}
	for series := range samples {
		if strings.Contains(series, "forged") {
			t.Errorf("a stranger made the series %s", series)
		}
	}
	if log := e.out.String(); strings.Contains(log, "forged") || len(log) > 100<<10 {
		t.Errorf("strangers wrote into the log, which has %d bytes", len(log))
	}
	e.stop()
}

// uuid ends a room's name, or the name would have no prefix.
const uuid = "793e9ec1-c686-423d-9043-9b7a10c553fd"
