package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestTheSidecarTakesItsPasswordFromAFile keeps the rules of a Prometheus that wants one.
func TestTheSidecarTakesItsPasswordFromAFile(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	_, api := newAPI(t, apiKey)
	dir := t.TempDir()
	const password = "planted-password-77"
	var reloads, refused atomic.Int64
	prometheus := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, got, _ := r.BasicAuth(); user != "sidecar" || got != password {
			refused.Add(1)
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodPost {
			reloads.Add(1)
		}
		fmt.Fprintf(w, `{"status":"success","data":{"lastConfigTime":"time %d"}}`, reloads.Load())
	}))
	defer prometheus.Close()
	for name, content := range map[string]string{
		"client.yml": "basic_auth: {username: sidecar, password_file: password}\n",
		"password":   password + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := start(t, append(arguments(api, ""), "--sidecar.rules-dir="+filepath.Join(dir, "rules"),
		"--sidecar.reload-url="+prometheus.URL+"/-/reload", "--sidecar.http.config.file="+filepath.Join(dir, "client.yml"))...)
	eventually(t, "Prometheus reloads", func() bool { return reloads.Load() > 0 })
	p.stop()
	if n := refused.Load(); n > 0 || strings.Contains(p.stderr.String(), password) {
		t.Errorf("%d requests without the password, and the log is %s", n, &p.stderr)
	}
}
