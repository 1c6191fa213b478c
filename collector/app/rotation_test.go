package app_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"whereby_exporter/whereby"
)

func TestAReplacedKeyFileIsUsedWithoutARestart(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", "")
	account, api := newAPI(t, apiKey)
	file := filepath.Join(t.TempDir(), "key")
	write := func(key string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const old = "revoked-key"
	write(old)
	p := start(t, arguments(api, "", "--whereby.api-key-file="+file)...)
	eventually(t, "the old key is refused", func() bool {
		requests := account.Requests()
		return len(requests) > 0 && requests[0].Status == http.StatusUnauthorized
	})
	p.assertStatus("/-/ready", http.StatusServiceUnavailable)
	eventually(t, "the log says why", func() bool { return strings.Contains(p.stderr.String(), "class=auth") })
	write(apiKey + "\n")
	p.waitUntilReady()
	p.assertUp(1)
	if difference := p.difference(account); difference != "" {
		t.Error(difference)
	}
	if strings.Contains(p.stderr.String(), old) {
		t.Error("the log holds the old key")
	}
}

// webhook is where the program receives webhooks.
func (p *process) webhook() string {
	p.Helper()
	return p.addressOf("/webhook")
}

// addressOf is where the program receives webhooks: of the addresses that it listens on,
// the one that knows the path.
func (p *process) addressOf(path string) string {
	p.Helper()
	var address string
	eventually(p.T, "the program receives webhooks", func() bool {
		for _, match := range listening.FindAllStringSubmatch(p.stderr.String(), -1) {
			if status, _ := get(p.T, "http://"+match[1]+path); status == http.StatusMethodNotAllowed {
				address = match[1]
			}
		}
		return address != ""
	})
	return address
}

func TestAReplacedWebhookSecretIsUsedWithoutARestart(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	_, api := newAPI(t, apiKey)
	const old, replacement = "planted-secret-old", "planted-secret-new"
	file := filepath.Join(t.TempDir(), "secrets")
	replace := func(content string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	replace(old + "\n")
	p := start(t, arguments(api, "", "--webhook.secret-file="+file, "--webhook.listen-address=127.0.0.1:0")...)
	url := "http://" + p.webhook() + "/webhook"
	answer := func(secret string) int {
		t.Helper()
		body := fmt.Sprintf(`{"id":"e1","createdAt":%q,"type":"assistant.requested","data":{}}`, time.Now().UTC().Format(time.RFC3339))
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(whereby.SignatureHeader, whereby.Sign(secret, []byte(body), time.Now()))
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	assertAnswers := func(when string, ofOld, ofNew int) {
		t.Helper()
		if gotOld, gotNew := answer(old), answer(replacement); gotOld != ofOld || gotNew != ofNew {
			t.Errorf("%s, the old secret is answered %d and the new one %d; want %d and %d", when, gotOld, gotNew, ofOld, ofNew)
		}
	}
	assertAnswers("at first", http.StatusNoContent, http.StatusUnauthorized)
	replace(replacement + "\n")
	eventually(t, "the new secret is accepted", func() bool { return answer(replacement) == http.StatusNoContent })
	assertAnswers("after the rotation", http.StatusUnauthorized, http.StatusNoContent)
	if strings.Contains(p.stderr.String(), "planted-secret") {
		t.Error("the log holds a secret")
	}
}
