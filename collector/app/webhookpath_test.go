package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"whereby_exporter/whereby"
)

// TestWebhooksAreFoundByTheirPath posts genuine events to paths that people type, and that
// proxies make of them.
func TestWebhooksAreFoundByTheirPath(t *testing.T) {
	const secret = "planted-secret-path"
	t.Setenv("WHEREBY_API_KEY", apiKey)
	t.Setenv("WHEREBY_WEBHOOK_SECRET", secret)
	_, api := newAPI(t, apiKey)
	p := start(t, arguments(api, "", "--webhook.listen-address=127.0.0.1:0", "--webhook.path=/hooks/whereby")...)
	address := p.addressOf("/hooks/whereby")
	events := 0
	post := func(path, secret string) int {
		t.Helper()
		events++
		body := fmt.Sprintf(`{"id":"e%d","createdAt":%q,"type":"assistant.requested","data":{}}`, events, time.Now().UTC().Format(time.RFC3339))
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.URL.Path = path
		request.Header.Set(whereby.SignatureHeader, whereby.Sign(secret, []byte(body), time.Now()))
		response, err := http.DefaultTransport.RoundTrip(request) // as Whereby follows no redirects
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	accepted, misdirected := 0, 0
	for _, c := range []struct {
		path string
		want int
	}{
		{"/hooks/whereby", http.StatusNoContent},
		{"/hooks/whereby/", http.StatusNoContent},
		{"//hooks/whereby", http.StatusNoContent},
		{"/hooks//whereby//", http.StatusNoContent},
		{"/hooks/Whereby", http.StatusNotFound},
		{"/webhook", http.StatusNotFound},
		{"/", http.StatusNotFound},
		{"/hooks/whereby/more", http.StatusNotFound},
		{"/hooks/../hooks/whereby", http.StatusNotFound},
	} {
		if got := post(c.path, secret); got != c.want {
			t.Errorf("%s is answered %d; want %d", c.path, got, c.want)
		}
		if c.want == http.StatusNotFound {
			misdirected++
		} else {
			accepted++
		}
	}
	if got := post("/webhook", "forged"); got != http.StatusNotFound {
		t.Errorf("a forgery is answered %d", got)
	}
	if status, _ := get(t, "http://"+address+"//-/healthy/"); status != http.StatusOK {
		t.Errorf("/-/healthy with more slashes is answered %d", status)
	}
	var metrics string
	for _, match := range listening.FindAllStringSubmatch(p.stderr.String(), -1) {
		if match[1] != address {
			_, metrics = get(t, "http://"+match[1]+"/metrics")
		}
	}
	for name, want := range map[string]int{
		"whereby_webhook_misdirected_total":                        misdirected,
		`whereby_webhook_events_total{type="assistant.requested"}`: accepted,
		`whereby_webhook_rejected_total{reason="signature"}`:       0,
	} {
		if line := fmt.Sprintf("\n%s %d\n", name, want); !strings.Contains(metrics, line) {
			t.Errorf("the metrics do not hold %q", line)
		}
	}
	const line = "a webhook came to a path other than --webhook.path; its events are lost"
	log := p.stderr.String()
	if strings.Count(log, line) != 1 || !strings.Contains(log, "path=/hooks/Whereby") || strings.Contains(log, secret) {
		t.Errorf("the log holds %d lines of it:\n%s", strings.Count(log, line), log)
	}
}
