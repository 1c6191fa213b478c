package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

// operations is what docs/operations.md says.
func operations(t *testing.T) string {
	t.Helper()
	root, err := programs.Root()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// runDocumented runs the one shell block of docs/operations.md that holds a text, without
// what it tells systemd, and with other paths.
func runDocumented(t *testing.T, text string, paths map[string]string) {
	t.Helper()
	var found []string
	for _, block := range shellBlock.FindAllStringSubmatch(operations(t), -1) {
		if strings.Contains(block[1], text) {
			found = append(found, block[1])
		}
	}
	if len(found) != 1 {
		t.Fatalf("docs/operations.md has %d shell blocks with %q, want 1", len(found), text)
	}
	script := "set -eu\n"
	for line := range strings.Lines(found[0]) {
		if !strings.HasPrefix(line, "systemctl ") {
			script += line
		}
	}
	for from, to := range paths {
		if !strings.Contains(script, from) {
			t.Fatalf("the block with %q does not name %s", text, from)
		}
		script = strings.ReplaceAll(script, from, to)
	}
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, script)
	}
}

const documentedState = "/var/lib/private/whereby_exporter"

// takeSnapshot copies a directory as it is at one moment of a running process.
func takeSnapshot(t *testing.T, e exporter, from, to string) {
	t.Helper()
	if err := e.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	err := os.CopyFS(to, os.DirFS(from))
	if err := errors.Join(err, e.cmd.Process.Signal(syscall.SIGCONT)); err != nil {
		t.Fatal(err)
	}
}

// TestABackupIsRestored makes a backup as docs/operations.md tells, loses the store, and
// continues from the backup in another place.
func TestABackupIsRestored(t *testing.T) {
	t.Parallel()
	account, api := newAccount(t, wherebytest.Config{PointsPerMinute: unlimited})
	room := func(i int) string {
		return fmt.Sprintf("/%s-%08d-c686-423d-9043-9b7a10c553fd", []string{"acme", "globex"}[i%2], i)
	}
	for i := range 200 {
		account.AddRoom(wherebytest.Room{Name: room(i)})
		account.Use(room(i), wherebytest.Totals{Sessions: 2, ParticipantMinutes: int64(i + 7), RecorderMinutes: 1, StreamerMinutes: 1}, time.Now().AddDate(0, 0, -2))
	}
	const met = "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd"
	account.AddRoom(wherebytest.Room{Name: met})
	account.Schedule(met, wherebytest.Session{
		Start: time.Now().Add(-2 * time.Hour), End: time.Now().Add(-time.Hour), Participants: make([]wherebytest.Participant, 4),
	})
	webhook, secret := programs.FreeAddress(t), filepath.Join(t.TempDir(), "secret")
	writeFile(t, secret, webhookSecret)
	run := func(storage string) exporter {
		return startExporter(t, programs.FreeAddress(t), api, "--storage.path="+storage,
			"--webhook.listen-address="+webhook, "--webhook.secret-file="+secret, "--web.enable-admin-api")
	}
	sampled := map[string]float64{`whereby_quality_participants_total{room_prefix="acme-",state="sampled"}`: 4}

	first := filepath.Join(t.TempDir(), "state")
	e := run(first)
	truth(t, e, account)
	e.expect(patience, sampled)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	refused := 0 // an event that is refused may be on disk nevertheless, and a duplicate then
	for i := range 3 {
		status, n := acknowledge(t, client, webhook, joined(fmt.Sprint("e", i), "/acme-1", i+1))
		if status != http.StatusNoContent {
			t.Fatalf("an event was answered %d", status)
		}
		refused += n
	}
	// From here on, nobody but the store knows what was used in this room.
	account.Delete(room(0))
	account.Use(room(1), wherebytest.Totals{Sessions: 1, ParticipantMinutes: 5}, time.Now())
	truth(t, e, account)
	tarball := filepath.Join(t.TempDir(), "whereby.tar")
	runDocumented(t, "whereby_exporter backup", map[string]string{
		"whereby_exporter backup": build(t, programs.Exporter) + " backup --url=" + e.base, "/var/backups/whereby.tar": tarball,
	})

	account.Use(room(1), wherebytest.Totals{Sessions: 1, ParticipantMinutes: 50}, time.Now())
	truth(t, e, account)
	snapshot := filepath.Join(t.TempDir(), "snapshot")
	takeSnapshot(t, e, first, snapshot)
	before, err := e.metrics()
	if err != nil {
		t.Fatal(err)
	}
	e.kill()
	if err := os.RemoveAll(first); err != nil {
		t.Fatal(err)
	}

	second := filepath.Join(t.TempDir(), "elsewhere")
	restore := func(to string) {
		t.Helper()
		runDocumented(t, "tar -xf", map[string]string{documentedState: to, "/var/backups/whereby.tar": tarball})
	}
	restore(second)
	e = run(second)
	programs.Eventually(t, patience, "it is ready", e.ready)
	after, err := e.metrics()
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	for series, value := range before {
		name, _, _ := strings.Cut(series, "{")
		if !strings.HasSuffix(name, "_total") || strings.HasPrefix(name, "whereby_exporter_") || !strings.HasPrefix(name, "whereby_") {
			continue
		}
		counted++
		if got, there := after[series]; !there || got < value {
			t.Errorf("%s was %v and is %v (%v) after the backup was restored", series, value, got, there)
		}
	}
	if counted < 20 {
		t.Errorf("only %d counters were compared", counted)
	}
	truth(t, e, account)
	status, n := acknowledge(t, client, webhook, joined("e2", "/acme-1", 3))
	if status != http.StatusNoContent {
		t.Errorf("an event that was delivered again was answered %d", status)
	}
	refused += n
	e.expect(patience, map[string]float64{`whereby_webhook_events_total{type="room.client.joined"}`: 3})
	programs.Eventually(t, patience, "the duplicate is counted", func() error {
		samples, err := e.metrics()
		if got := samples["whereby_webhook_duplicates_total"]; err == nil && (got < 1 || got > float64(1+refused)) {
			err = fmt.Errorf("%v duplicates, want 1, and at most %d more", got, refused)
		}
		return err
	})
	e.expect(patience, sampled)
	e.stop()

	// What a snapshot holds is there without a poll.
	e = startExporter(t, programs.FreeAddress(t), "http://"+programs.FreeAddress(t)+"/v1", "--storage.path="+snapshot)
	figures := usage(before)
	maps.DeleteFunc(figures, func(series string, _ float64) bool { return strings.HasPrefix(series, "whereby_rooms") })
	e.expect(patience, figures)
	e.stop()

	t.Run("a damaged live state", func(t *testing.T) {
		storage := filepath.Join(t.TempDir(), "state")
		restore(storage)
		file := filepath.Join(storage, "events", "live.state")
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		content[len(content)/2] ^= 1
		writeFile(t, file, string(content))
		e := run(storage).in(t)
		truth(t, e, account)
		e.expect(patience, map[string]float64{"whereby_exporter_live_state_damaged": 1})
		if status := deliver(client, webhook, joined("e9", "/acme-1", 1)); status != http.StatusServiceUnavailable {
			t.Errorf("an event was answered %d", status)
		}
		e.stop()
		if left, err := os.ReadFile(file); err != nil || !bytes.Equal(left, content) {
			t.Errorf("the file was changed, %v", err)
		}
		if out := e.out.String(); !strings.Contains(out, file) || !strings.Contains(out, "away to start with no one in a room") {
			t.Errorf("the log is %s", out)
		}
		if err := os.Rename(filepath.Dir(file), filepath.Join(storage, "damaged")); err != nil {
			t.Fatal(err)
		}
		e = run(storage).in(t)
		programs.Eventually(t, patience, "it is ready", e.ready)
		if status, _ := acknowledge(t, client, webhook, joined("e9", "/acme-1", 1)); status != http.StatusNoContent {
			t.Errorf("after the way out an event was answered %d", status)
		}
		e.stop()
	})

	for _, damage := range []struct{ file, from, to, said string }{
		{"whereby.db", "/acme-", "/acmf-", "was left untouched; restore it from a backup, or move it away to start without it, in which case rooms that Whereby has deleted no longer count"},
		{"quality.db", "session ", "sessiom ", "was left untouched; restore it from a backup, or move it away: then the counters of call quality restart at 0, and the last day's participants may be sampled again"},
	} {
		t.Run("a damaged "+damage.file, func(t *testing.T) {
			// The document leaves out what stands between the parts of a message.
			document := strings.ReplaceAll(strings.Join(strings.Fields(operations(t)), " "), "… ", "")
			if !strings.Contains(document, damage.said) {
				t.Errorf("docs/operations.md does not say %q", damage.said)
			}
			storage := filepath.Join(t.TempDir(), "state")
			restore(storage)
			file := filepath.Join(storage, damage.file)
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			damaged := bytes.ReplaceAll(content, []byte(damage.from), []byte(damage.to))
			if bytes.Equal(damaged, content) {
				t.Fatalf("%s holds no %q", damage.file, damage.from)
			}
			writeFile(t, file, string(damaged))
			e := run(storage).in(t)
			var exit *exec.ExitError
			if err := e.wait(30 * time.Second); !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("it ended with %v, want status 1", err)
			}
			out := e.out.String()
			if !strings.Contains(out, file) || !strings.Contains(out, damage.said) || strings.Count(out, "\n") != 1 {
				t.Errorf("it says %q, want one line that names the file and %q", out, damage.said)
			}
			if left, err := os.ReadFile(file); err != nil || !bytes.Equal(left, damaged) {
				t.Errorf("the file was changed, %v", err)
			}
		})
	}
}
