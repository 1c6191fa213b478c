package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

// writeFile replaces a file as a whole.
func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// post sends an empty POST and returns the status of the answer.
func postTo(t testing.TB, address string) int {
	t.Helper()
	response, err := http.Post(address, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// TestTheConfigurationIsReloaded changes the file under the running exporter: by SIGHUP
// and by HTTP, with and without a mistake in it.
func TestTheConfigurationIsReloaded(t *testing.T) {
	t.Parallel()
	account, api := newAccount(t, wherebytest.Config{})
	room := "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd"
	account.AddRoom(wherebytest.Room{Name: room})
	account.Use(room, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 12}, time.Now())
	file := filepath.Join(t.TempDir(), "whereby.yml")
	quota := func(n int) string {
		return fmt.Sprintf("customers:\n  - room_prefix: acme-\n    quotas: {participant_minutes: %d}\n", n)
	}
	writeFile(t, file, quota(100))
	e := startExporter(t, programs.FreeAddress(t), api, "--config.file="+file, "--web.enable-lifecycle", "--storage.path="+t.TempDir())
	expect := func(what string, want map[string]float64) {
		t.Helper()
		programs.Eventually(t, patience, what, func() error {
			samples, err := e.metrics()
			if err != nil {
				return err
			}
			for name, value := range want {
				if got, ok := samples[name]; !ok || got != value {
					return fmt.Errorf("%s is %v (there: %t), want %v", name, got, ok, value)
				}
			}
			return nil
		})
	}
	const (
		limit    = `whereby_quota_limit{resource="participant_minutes",room_prefix="acme-"}`
		used     = `whereby_quota_used{resource="participant_minutes",room_prefix="acme-"}`
		reloaded = `whereby_exporter_config_last_reload_successful`
	)
	expect("the first configuration", map[string]float64{limit: 100, used: 12, reloaded: 1})

	writeFile(t, file, quota(200))
	if err := e.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	expect("SIGHUP", map[string]float64{limit: 200, used: 12, reloaded: 1})

	writeFile(t, file, quota(300)+"    quotes: {}\n")
	if err := e.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	expect("a mistake", map[string]float64{limit: 200, used: 12, reloaded: 0})
	// It is written by now, but may still be on its way here.
	programs.Eventually(t, patience, "the log says where the mistake is", func() error {
		if log := e.out.String(); !strings.Contains(log, "whereby.yml:4") || !strings.Contains(log, "quotes") {
			return fmt.Errorf("it ends with %s", tail(log, 3))
		}
		return nil
	})
	if status := postTo(t, e.base+"/-/reload"); status != http.StatusInternalServerError {
		t.Errorf("a reload with a mistake is answered %d", status)
	}

	writeFile(t, file, quota(400))
	if status := postTo(t, e.base+"/-/reload"); status != http.StatusOK {
		t.Errorf("a reload is answered %d", status)
	}
	expect("POST", map[string]float64{limit: 400, used: 12, reloaded: 1})
	if status, _, err := get(t.Context(), e.base+"/-/reload"); err != nil || status != http.StatusMethodNotAllowed {
		t.Errorf("GET is answered %d, %v", status, err)
	}
}

func TestReloadingByHTTPIsOffByDefault(t *testing.T) {
	t.Parallel()
	_, api := newAccount(t, wherebytest.Config{})
	e := startExporter(t, programs.FreeAddress(t), api, "--storage.path=")
	programs.Eventually(t, patience, "it listens", func() error {
		_, _, err := get(t.Context(), e.base+"/-/healthy")
		return err
	})
	if status := postTo(t, e.base+"/-/reload"); status != http.StatusForbidden {
		t.Errorf("a reload is answered %d", status)
	}
	// Without a file SIGHUP changes nothing, and ends nothing.
	if err := e.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	programs.Eventually(t, patience, "SIGHUP is taken", func() error {
		if !strings.Contains(e.out.String(), "configuration reloaded") {
			return fmt.Errorf("the log is %s", tail(e.out.String(), 3))
		}
		return nil
	})
}

// TestCheckNamesEveryMistake has a file with several.
func TestCheckNamesEveryMistake(t *testing.T) {
	file := filepath.Join(t.TempDir(), "whereby.yml")
	writeFile(t, file, `billing: {anchor_day: 32}
customers:
  - room_prefix: Acme-
    quotas: {participant_minute: 5}
  - room_prefix: globex-
    quotas: {sessions: many}
`)
	for _, command := range []string{"check", "run"} {
		// A busy machine may hold the program up, but not every time.
		const attempts = 10
		var took time.Duration
		for attempt := 0; attempt == 0 || took > onABusyMachine(t, time.Second) && attempt < attempts; attempt++ {
			cmd := exec.CommandContext(t.Context(), build(t, programs.Exporter), command, "--config.file="+file)
			cmd.Env = append(os.Environ(), "WHEREBY_API_KEY="+apiKey)
			began := time.Now()
			out, err := cmd.CombinedOutput()
			took = time.Since(began)
			if err == nil || cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("%s: %v", command, err)
			}
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			wants := []string{":1:", "anchor_day", ":3:", "acme-", ":4:", `did you mean "participant_minutes"`, ":6:", "sessions"}
			if len(lines) != 4 {
				t.Errorf("%s prints %d lines:\n%s", command, len(lines), out)
			}
			for _, want := range wants {
				if !strings.Contains(string(out), want) {
					t.Errorf("%s does not print %q:\n%s", command, want, out)
				}
			}
		}
		if took > onABusyMachine(t, time.Second) {
			t.Errorf("%s took %v, the last of %d times", command, took, attempts)
		}
	}
}
