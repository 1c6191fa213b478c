package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"whereby_exporter/collector/state"
)

// TestPagesOfOtherSitesChangeNothing sends what a browser does for a page of another site,
// for the exporter's own, and what programs send.
func TestPagesOfOtherSitesChangeNothing(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers map[string]string
		allowed bool
	}{
		{"curl", nil, true},
		{"the exporter's own page", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://exporter.example.com:10036"}, true},
		{"an address typed in", map[string]string{"Sec-Fetch-Site": "none"}, true},
		{"an old browser, its own page", map[string]string{"Origin": "http://exporter.example.com:10036"}, true},
		{"another site", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://acme.example"}, false},
		{"another port of the host", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://exporter.example.com:3000"}, false},
		{"an old browser, another site", map[string]string{"Origin": "https://acme.example"}, false},
		{"a sandboxed frame", map[string]string{"Origin": "null"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, method := range []string{http.MethodPost, http.MethodPut} {
				var reloads, backups int
				h := handlers()
				h.Reload = func() error { reloads++; return nil }
				h.Backup = func() (*state.Backup, error) { backups++; return nil, state.ErrBackupRunning }
				mux := newMux("/metrics", h, slog.New(slog.DiscardHandler))
				for _, path := range []string{"/-/reload", backupPath} {
					r := httptest.NewRequestWithContext(t.Context(), method, "http://exporter.example.com:10036"+path, nil)
					for name, value := range c.headers {
						r.Header.Set(name, value)
					}
					w := httptest.NewRecorder()
					mux.ServeHTTP(w, r)
					if refused := w.Code == http.StatusForbidden; refused == c.allowed {
						t.Errorf("%s %s is answered with %d; allowed: %t", method, path, w.Code, c.allowed)
					}
				}
				want := 0
				if c.allowed {
					want = 1
				}
				if reloads != want || backups != want {
					t.Errorf("%d reloads and %d backups by %s, want %d of each", reloads, backups, method, want)
				}
			}
		})
	}
}
