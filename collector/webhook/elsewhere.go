package webhook

import (
	"bytes"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"whereby_exporter/whereby"
)

// Elsewhere answers requests for paths at which there is no webhook, with 404. Whereby
// sends what is answered so never again: a genuine one is counted and logged, since
// otherwise only silence would tell of a webhook whose address is wrong.
type Elsewhere struct {
	Verifier *whereby.Verifier
	// Misdirected is told of each genuine request.
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

// shortened bounds what a path takes in the log.
func shortened(path string) string {
	const longest = 100
	if len(path) > longest {
		return path[:longest] + "…"
	}
	return path
}
