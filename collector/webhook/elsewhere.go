package webhook

import (
	"bytes"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"whereby_exporter/whereby"
)

// Elsewhere answers requests for paths without a webhook with 404. Whereby does not resend
// after that. So a genuine request is counted and logged: otherwise, only silence would show
// that the webhook's address is wrong.
type Elsewhere struct {
	Verifier *whereby.Verifier
	// Misdirected is called for each genuine request.
	Misdirected func()
	Logger      *slog.Logger

	logged sync.Once
}

// ServeHTTP implements [http.Handler]. It reads nothing of a request without a signature.
func (e *Elsewhere) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.genuine(w, r) {
		e.Misdirected()
		e.logged.Do(func() {
			e.Logger.Warn("a webhook came to a path other than --webhook.path; its events are lost", "path", shortened(r.URL.Path))
		})
	}
	http.NotFound(w, r)
}

// genuine reports whether Whereby sent a request.
func (e *Elsewhere) genuine(w http.ResponseWriter, r *http.Request) bool {
	signature := r.Header.Get(whereby.SignatureHeader)
	if r.Method != http.MethodPost || signature == "" {
		return false
	}
	body := bodies.Get().(*bytes.Buffer)
	defer keepBody(body)
	if err := readBody(body, w, r); err != nil {
		return false
	}
	return e.Verifier.Verify(signature, body.Bytes(), time.Now()) == nil
}

// shortened limits the length of a path in the log.
func shortened(path string) string {
	const longest = 100
	if len(path) > longest {
		return path[:longest] + "…"
	}
	return path
}
