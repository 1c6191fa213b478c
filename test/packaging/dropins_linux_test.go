package packaging

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby"
)

// examples is where the README's commands on drop-ins are run.
const examples = "cd /usr/share/doc/whereby-exporter/examples; "

func TestWebhooksAsDocumented(t *testing.T) {
	t.Parallel()
	s := running(t)
	s.shWith(webhookSecret+"\n", examples+documented(t, "Webhooks")[0])
	s.awaitHealthy()
	body := fmt.Sprintf(`{"id":"e1","apiVersion":"1.0","createdAt":%q,"type":"room.client.joined","data":{"meetingId":"m","roomName":%q,`+
		`"roleName":"visitor","numClients":1,"numClientsByRoleName":{"visitor":1},"participantId":"p"}}`,
		time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), acmeRoom)
	deliver := func(secret string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost:10037/webhook", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(whereby.SignatureHeader, whereby.Sign(secret, []byte(body), time.Now()))
		response, err := s.client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	if got := deliver("another secret"); got != http.StatusUnauthorized {
		t.Errorf("an event signed with another secret is answered %d", got)
	}
	if got := deliver(webhookSecret); got/100 != 2 {
		t.Errorf("an event is answered %d", got)
	}
	s.expect(map[string]float64{"whereby_up": 1, `whereby_joins_total{role="visitor",room_prefix="acme-"}`: 1})
	s.tellsNoSecret()
}

func TestEncryptedCredentialsAsDocumented(t *testing.T) {
	t.Parallel()
	s := running(t)
	s.sh(examples + documented(t, "Credentials")[0])
	s.sh("test ! -e /etc/whereby_exporter/api-key")
	s.awaitHealthy()
	s.expect(map[string]float64{"whereby_up": 1})
	s.tellsNoSecret()
	noSecret(t, "the encrypted key", s.sh("cat /etc/whereby_exporter/api-key.cred"))
}

// TestSocketActivationAsDocumented scrapes without a pause while the service is
// restarted: no scrape fails.
func TestSocketActivationAsDocumented(t *testing.T) {
	t.Parallel()
	s := running(t)
	s.sh(examples + documented(t, "Port held by systemd")[0])
	s.awaitHealthy()

	ctx, stop := context.WithCancel(t.Context())
	var (
		scrapers sync.WaitGroup
		mu       sync.Mutex
		answered int
	)
	defer scrapers.Wait()
	defer stop()
	for range 4 {
		scrapers.Go(func() {
			client := s.client()
			for ctx.Err() == nil {
				response, err := client.Get(healthyURL)
				if err != nil {
					t.Errorf("a scrape fails: %v", err)
					return
				}
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					t.Errorf("a scrape is answered %d", response.StatusCode)
				}
				mu.Lock()
				answered++
				mu.Unlock()
			}
		})
	}
	for range 3 {
		mu.Lock()
		before := answered
		mu.Unlock()
		s.sh("systemctl restart whereby_exporter")
		programs.Eventually(t, patience, "scrapes go on", func() error {
			mu.Lock()
			defer mu.Unlock()
			if answered < before+100 && !t.Failed() {
				return fmt.Errorf("%d more", answered-before)
			}
			return nil
		})
	}
	stop()
	s.expect(map[string]float64{"whereby_up": 1})
}

// TestRulesBesideAPrometheusAsDocumented has the service keep the alerting rules in a
// directory of a group.
func TestRulesBesideAPrometheusAsDocumented(t *testing.T) {
	t.Parallel()
	s := running(t)
	s.sh("groupadd prometheus")
	s.sh(documented(t, "Next to a Prometheus")[0])
	s.sh("mkdir -p /etc/systemd/system/whereby_exporter.service.d")
	s.write("/etc/systemd/system/whereby_exporter.service.d/rules.conf", blocks(t, "Next to a Prometheus", "ini")[0])
	s.sh("systemctl daemon-reload; systemctl restart whereby_exporter")
	s.awaitHealthy()
	programs.Eventually(t, patience, "the rules are there", func() error {
		if got := s.sh("stat --format='%a %G' /etc/prometheus/rules/*.yml 2>&1 | sort -u"); got != "644 prometheus" {
			return fmt.Errorf("%s", got)
		}
		return nil
	})
}
