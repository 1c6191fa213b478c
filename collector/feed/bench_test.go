package feed_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/feed"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

// BenchmarkEvent handles signed events without a network and a disk: what an event costs
// besides.
func BenchmarkEvent(b *testing.B) {
	f := feed.New(prometheus.NewRegistry(), &usage{}, &config.Config{})
	f.EndReplay()
	verifier, err := whereby.NewVerifier(5*time.Minute, "secret")
	if err != nil {
		b.Fatal(err)
	}
	handler := &webhook.Handler{
		Verifier: verifier, Accept: webhook.NewReceiver(f, webhook.Unlogged{}, time.Now).Accept,
		Rejected: f.Rejected, Unusable: f.Unusable, Logger: slog.New(slog.DiscardHandler),
	}
	requests := make([]*http.Request, 1000)
	var n int
	b.ReportAllocs()
	for b.Loop() {
		i := n % len(requests)
		if i == 0 {
			b.StopTimer()
			now := time.Now()
			for i := range requests {
				body := fmt.Sprintf(`{"id":"e-%d","apiVersion":"1.0","createdAt":%q,"type":"room.client.joined","data":{"meetingId":"m",`+
					`"roomName":"/acme-%d","roleName":"visitor","numClients":%d,"numClientsByRoleName":{"visitor":%[4]d},"participantId":"p","displayName":"A Visitor"}}`,
					n+i, now.UTC().Format("2006-01-02T15:04:05.000Z"), i, 1+i%5)
				requests[i] = httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/webhook", strings.NewReader(body))
				requests[i].Header.Set(whereby.SignatureHeader, whereby.Sign("secret", []byte(body), now))
			}
			b.StartTimer()
		}
		answer := &status{}
		handler.ServeHTTP(answer, requests[i])
		if answer.code != http.StatusNoContent {
			b.Fatalf("status %d", answer.code)
		}
		n++
	}
}

// status is an answer without a header and a body.
type status struct{ code int }

func (s *status) Header() http.Header         { return http.Header{} }
func (s *status) Write(b []byte) (int, error) { return len(b), nil }
func (s *status) WriteHeader(code int)        { s.code = code }
