package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"whereby_exporter/collector/logtest"
	"whereby_exporter/collector/quality"
	"whereby_exporter/collector/state"
)

// openState opens the state in a directory, with so many MiB in it.
func openState(t *testing.T, size int) *state.Directory {
	t.Helper()
	d, err := state.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	for n := range size {
		record := quality.Record{Key: fmt.Sprint(n), Value: make([]byte, 1<<20)}
		if err := d.Quality().Keep([]quality.Record{record}, nil); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestBackupAnswers(t *testing.T) {
	d := openState(t, 3)
	running := openState(t, 0)
	held, err := running.Backup()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	for _, c := range []struct {
		name, method string
		take         func() (*state.Backup, error)
		status       int
		says         string
	}{
		{"a backup", http.MethodPost, d.Backup, http.StatusOK, "whereby.db"},
		{"again, with PUT", http.MethodPut, d.Backup, http.StatusOK, "whereby.db"},
		{"not by a link", http.MethodGet, d.Backup, http.StatusMethodNotAllowed, "Only POST or PUT"},
		{"the admin API is off", http.MethodPost, nil, http.StatusForbidden, "--web.enable-admin-api"},
		{"another one is being taken", http.MethodPost, running.Backup, http.StatusServiceUnavailable, "another backup is being taken"},
		{"nothing is stored", http.MethodPost, state.NewMemory().Backup, http.StatusServiceUnavailable, "kept in memory only"},
		{"a full disk", http.MethodPost, func() (*state.Backup, error) { return nil, errors.New("no space left on device") },
			http.StatusInternalServerError, "no space left on device"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log logtest.Buffer
			h := backupHandler{take: c.take, log: slog.New(slog.NewTextHandler(&log, nil))}
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), c.method, backupPath, nil))
			if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.says) {
				t.Errorf("answered %d %.200q; want %d with %q", answer.Code, answer.Body, c.status, c.says)
			}
			if taken := strings.Contains(log.String(), "backup taken"); taken != (c.status == http.StatusOK) {
				t.Errorf("the log is %q", log.String())
			}
			if length := answer.Header().Get("Content-Length"); c.status == http.StatusOK && length != fmt.Sprint(answer.Body.Len()) {
				t.Errorf("the length is said to be %s; it is %d", length, answer.Body.Len())
			}
		})
	}
}

// TestAReaderThatStallsKeepsNobodyFromABackup has one that reads nothing of many MiB.
func TestAReaderThatStallsKeepsNobodyFromABackup(t *testing.T) {
	d := openState(t, 48)
	server := httptest.NewServer(withAnswer(500*time.Millisecond, backupHandler{take: d.Backup, log: slog.New(slog.DiscardHandler)}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: exporter\r\nContent-Length: 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // it has begun
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		resp, err := http.Post(server.URL, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			if err != nil || n < 48<<20 {
				t.Errorf("%d bytes, %v", n, err)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a minute later a backup gets %d", resp.StatusCode)
		}
	}
}
