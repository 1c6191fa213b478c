package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// webhookSecret is planted, and looked for in everything that the exporter says.
const webhookSecret = "planted-webhook-secret"

// receiver is an exporter with webhooks.
type receiver struct {
	exporter
	webhook string // host and port
}

func startReceiver(t testing.TB, address, webhook, storage, api string, args ...string) receiver {
	t.Helper()
	args = append([]string{
		"run", "--whereby.url=" + api, "--web.listen-address=" + address, "--webhook.listen-address=" + webhook, "--storage.path=" + storage,
	}, args...)
	p := start(t, []string{"WHEREBY_API_KEY=" + apiKey, "WHEREBY_WEBHOOK_SECRET=" + webhookSecret}, build(t, programs.Exporter), args...)
	t.Cleanup(func() {
		if strings.Contains(p.out.String(), webhookSecret) {
			t.Error("the exporter printed the webhook's secret")
		}
	})
	return receiver{exporter{process: p, base: "http://" + address}, webhook}
}

// joined returns the body of an event after which n visitors are in a room.
func joined(id, room string, n int) string {
	return fmt.Sprintf(`{"id":%q,"apiVersion":"1.0","createdAt":%q,"type":"room.client.joined","data":{"meetingId":"m","roomName":%q,`+
		`"roleName":"visitor","numClients":%d,"numClientsByRoleName":{"visitor":%d},"participantId":"p","displayName":"Planted Person"}}`,
		id, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), room, n, n)
}

// deliver posts a signed body and returns the status; 0 if no answer came.
func deliver(client *http.Client, address, body string) int {
	status, _ := deliverOnce(client, address, body)
	return status
}

// acknowledge delivers an event until it is not refused with 503, as Whereby does: on a busy
// machine, one sync can take longer than an answer may. It returns the last status, and how often
// the event was refused before.
func acknowledge(t *testing.T, client *http.Client, address, body string) (status, refused int) {
	t.Helper()
	programs.Eventually(t, patience, "an event is on disk", func() error {
		if status = deliver(client, address, body); status == http.StatusServiceUnavailable {
			refused++
			return errors.New("it is refused with 503")
		}
		return nil
	})
	return status, refused
}

func deliverOnce(client *http.Client, address, body string) (status int, err error) {
	request, err := http.NewRequest(http.MethodPost, "http://"+address+"/webhook", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set(whereby.SignatureHeader, whereby.Sign(webhookSecret, []byte(body), time.Now()))
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode, nil
}

// raw sends bytes over a connection of their own and returns the first line of
// the answer; "" if the server closed without one.
func raw(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	// The server may answer and close before it has read everything.
	_, _ = io.WriteString(conn, request)
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line)
}

// TestBadWebhooksGetWhatIsPromised speaks raw HTTP, as an attacker would.
func TestBadWebhooksGetWhatIsPromised(t *testing.T) {
	t.Parallel()
	_, api := newAccount(t, wherebytest.Config{})
	webhook := programs.FreeAddress(t)
	e := startReceiver(t, programs.FreeAddress(t), webhook, t.TempDir(), api)
	programs.Eventually(t, patience, "it listens", func() error {
		_, _, err := get(t.Context(), "http://"+webhook+"/-/healthy")
		return err
	})
	post := func(body, signature string, more ...string) string {
		head := fmt.Sprintf("POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n", len(body))
		if signature != "" {
			head += whereby.SignatureHeader + ": " + signature + "\r\n"
		}
		return head + strings.Join(more, "") + "\r\n" + body
	}
	good := joined("e1", "/acme-1", 1)
	now := time.Now()
	large := `{"id":"` + strings.Repeat("x", 300<<10) + `"}`
	for _, tc := range []struct{ name, request, answer, reason string }{
		{"genuine", post(good, whereby.Sign(webhookSecret, []byte(good), now)), "204", ""},
		{"forged", post(good, whereby.Sign("guess", []byte(good), now)), "401", "signature"},
		{"unsigned", post(good, ""), "401", "signature"},
		{"another body", post(joined("e2", "/acme-1", 9), whereby.Sign(webhookSecret, []byte(good), now)), "401", "signature"},
		{"replayed after six minutes", post(good, whereby.Sign(webhookSecret, []byte(good), now.Add(-6*time.Minute))), "401", "expired"},
		{"of the future", post(good, whereby.Sign(webhookSecret, []byte(good), now.Add(2*time.Minute))), "401", "expired"},
		{"not JSON", post("hello", whereby.Sign(webhookSecret, []byte("hello"), now)), "400", "malformed"},
		{"truncated JSON", post(good[:50], whereby.Sign(webhookSecret, []byte(good[:50]), now)), "400", "malformed"},
		{"too large", post(large, whereby.Sign(webhookSecret, []byte(large), now)), "413", "too_large"},
		{"too large and endless", "POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("8000\r\n"+strings.Repeat("x", 0x8000)+"\r\n", 20), "413", "too_large"},
		{"a body that never comes", "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", "400", "malformed"},
		{"another method", "GET /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "405", "method"},
		{"another path", "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404", ""},
		{"a head that never ends", "POST /webhook HTTP/1.1\r\nHost: x\r\n", "", ""},
		{"headers without end", "POST /webhook HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-A: "+strings.Repeat("a", 1000)+"\r\n", 40) + "\r\n", "431", ""},
		{"not HTTP", "\x16\x03\x01\x02\x00\x01", "400", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			series := fmt.Sprintf("whereby_webhook_rejected_total{reason=%q}", tc.reason)
			e := e.in(t)
			before, err := e.metrics()
			if err != nil {
				t.Fatal(err)
			}
			answer := raw(t, webhook, tc.request)
			if (tc.answer == "") != (answer == "") || !strings.Contains(answer, tc.answer) {
				t.Errorf("the answer is %q, want %s", answer, tc.answer)
			}
			if tc.reason != "" {
				e.expect(patience, map[string]float64{series: before[series] + 1})
			}
		})
	}
	e.expect(patience, map[string]float64{`whereby_live_participants{room_prefix="_none"}`: 1, `whereby_webhook_events_total{type="room.client.joined"}`: 1})
}

// TestAHundredKillsLoseNoAcknowledgedEvent kills the exporter with SIGKILL at random
// moments while events pour in, each delivered again until it is acknowledged, and
// now and then once more.
func TestAHundredKillsLoseNoAcknowledgedEvent(t *testing.T) {
	t.Parallel()
	_, api := newAccount(t, wherebytest.Config{PointsPerMinute: unlimited})
	address, webhook, storage := programs.FreeAddress(t), programs.FreeAddress(t), t.TempDir()
	l := newLife(t, wherebytest.New(wherebytest.Config{}), 1) // for its seed

	const senders, rooms = 8, 50
	stop := make(chan struct{})
	var acknowledged atomic.Int64
	var wg sync.WaitGroup
	for sender := range senders {
		wg.Go(func() {
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			client := &http.Client{Timeout: 5 * time.Second, Transport: transport}
			for n := 0; ; n++ {
				body := joined(fmt.Sprintf("e-%d-%d", sender, n), fmt.Sprintf("/acme-%d-%d", sender, n%rooms), 1+n%5)
				for {
					select {
					case <-stop:
						return
					default:
					}
					if deliver(client, webhook, body) == http.StatusNoContent {
						break
					}
					time.Sleep(5 * time.Millisecond) // a sender's backoff
				}
				acknowledged.Add(1)
				if n%10 == 0 {
					deliver(client, webhook, body) // Whereby may deliver twice
				}
				// Some events are on their way at any moment; more of them would only be read
				// again at each start.
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	const kills = 100
	within := 400 * time.Millisecond // of the start
	for range kills {
		before := acknowledged.Load()
		e := startReceiver(t, address, webhook, storage, api)
		l.mu.Lock()
		moment := time.Duration(l.random.Int64N(int64(within)))
		l.mu.Unlock()
		time.Sleep(moment) // the moment is what is random here
		e.kill()
		// However busy the machine is, most shall have time to acknowledge something.
		if acknowledged.Load() == before {
			within = min(within*5/4, patience)
		} else {
			within = max(within*9/10, 400*time.Millisecond)
		}
	}
	e := startReceiver(t, address, webhook, storage, api)
	programs.Eventually(t, patience, "it serves", func() error { _, err := e.metrics(); return err })
	close(stop)
	wg.Wait()
	total := int(acknowledged.Load())
	samples, err := e.metrics()
	if err != nil {
		t.Fatal(err)
	}
	counted := int(samples[`whereby_webhook_events_total{type="room.client.joined"}`])
	t.Logf("%d events acknowledged, %d counted", total, counted)
	// Each sender may have had one event stored whose answer it did not see.
	if counted < total || counted > total+senders {
		t.Errorf("%d events counted, want %d, and at most %d more that were stored without an answer", counted, total, senders)
	}
	if total < 3*kills {
		t.Errorf("only %d events: not enough load to show anything", total)
	}
	e.stop()
}
