package app_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"whereby_exporter/whereby/wherebytest"
)

// TestAnExporterStartsFromABackup has one that knows a deleted room, and another that
// starts from its backup, behind a password.
func TestAnExporterStartsFromABackup(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	account, api := newAPI(t, apiKey)
	dir := t.TempDir()
	const (
		password = "planted-password-51c2"
		// hash is bcrypt's, of the lowest cost.
		hash = "$2a$04$iXDbrvSNiV1ajQLJuEFhGOwBZ9yQ1BbluTEGpsYtkHRqZLMI0.zZW"
	)
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	web := file("web.yml", "basic_auth_users: {backup: "+hash+"}\n")
	client := file("client.yml", "basic_auth: {username: backup, password_file: "+file("password", password)+"}\n")
	deleted := "/acme-00000000-0000-4000-8000-00000000dead"
	account.AddRoom(wherebytest.Room{Name: deleted, Totals: wherebytest.Totals{Sessions: 1, ParticipantMinutes: 100}})

	storage := filepath.Join(dir, "first")
	first := start(t, append(arguments(api, storage), "--web.enable-admin-api")...)
	first.waitUntilReady()
	want := byPrefix(first.families()["whereby_participant_minutes_total"])
	account.Delete(deleted)
	output := filepath.Join(dir, "backup.tar")
	taken := start(t, "backup", "--output="+output, "--url=http://"+first.address())
	if code := taken.wait(); code != 0 {
		t.Fatalf("the exit status is %d: %s", code, &taken.stderr)
	}
	if !strings.Contains(taken.stdout.String(), "--storage.restore-from="+output) {
		t.Errorf("it says %q", &taken.stdout)
	}
	first.stop()

	second := start(t, append(arguments(api, filepath.Join(dir, "second")), "--storage.restore-from="+output, "--web.enable-admin-api", "--web.config.file="+web)...)
	address := "--url=http://" + second.address()
	for _, c := range []struct {
		name, says string
		args       []string
	}{
		{"without the password", "401 Unauthorized", []string{address}},
		{"with a password in the address", "must not contain a password", []string{"--url=http://backup:" + password + "@localhost:1"}},
		{"with a configuration that is not there", "--http.config.file=", []string{address, "--http.config.file=" + filepath.Join(dir, "none.yml")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused := start(t, append([]string{"backup", "--output=" + output}, c.args...)...)
			if code := refused.wait(); code != 1 || !strings.Contains(refused.stderr.String(), c.says) || strings.Contains(refused.stderr.String(), password) {
				t.Errorf("the exit status is %d, and it says %q", code, &refused.stderr)
			}
		})
	}
	again := filepath.Join(dir, "again.tar")
	if taken := start(t, "backup", "--output="+again, address, "--http.config.file="+client); taken.wait() != 0 {
		t.Errorf("with the password it says %q", &taken.stderr)
	}
	second.stop()

	third := start(t, append(arguments(api, filepath.Join(dir, "third")), "--storage.restore-from="+again)...)
	third.waitUntilReady()
	got := byPrefix(third.families()["whereby_participant_minutes_total"])
	if len(want) == 0 || got["acme-"] != want["acme-"] || got["globex-"] != want["globex-"] {
		t.Errorf("the third has %v; want %v", got, want)
	}
	if !strings.Contains(third.stderr.String(), "state restored from a backup") {
		t.Error("the log does not say that the state was restored")
	}
	third.stop()
	// The backup is gone, and nobody needs it.
	if err := os.Remove(again); err != nil {
		t.Fatal(err)
	}
	third = start(t, append(arguments(api, filepath.Join(dir, "third")), "--storage.restore-from="+again)...)
	third.waitUntilReady()
}

// TestWhatIsNoBackupIsNotTakenForOne asks what answers for the exporter, and may get a
// password that is the exporter's.
func TestWhatIsNoBackupIsNotTakenForOne(t *testing.T) {
	dir := t.TempDir()
	var followed atomic.Int64
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		followed.Add(1)
		_, _ = io.WriteString(w, "<html>Log in</html>")
	}))
	defer login.Close()
	away := httptest.NewServer(http.RedirectHandler(login.URL, http.StatusTemporaryRedirect))
	defer away.Close()
	client := filepath.Join(dir, "client.yml")
	if err := os.WriteFile(client, []byte("basic_auth: {username: backup, password: planted}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ url, says string }{
		"a redirect to a page to log in": {away.URL, "307 Temporary Redirect"},
		"a page to log in":               {login.URL, "sent none, but text/html"},
	} {
		t.Run(name, func(t *testing.T) {
			output := filepath.Join(dir, "backup.tar")
			p := start(t, "backup", "--output="+output, "--url="+c.url, "--http.config.file="+client)
			if code := p.wait(); code != 1 || !strings.Contains(p.stderr.String(), c.says) {
				t.Errorf("the exit status is %d, and it says %q", code, &p.stderr)
			}
			if _, err := os.Stat(output); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("there is a file, or %v", err)
			}
			if c.url == away.URL && followed.Load() != 0 {
				t.Error("the redirect was followed")
			}
			followed.Store(0)
		})
	}
}

func TestTheStartFailsIfABackupCannotBeUsed(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	_, api := newAPI(t, apiKey)
	for name, want := range map[string]string{
		"none.tar":  "no such file",
		"other.tar": "it is not a complete backup of whereby_exporter",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			backup := filepath.Join(dir, name)
			if name == "other.tar" {
				if err := os.WriteFile(backup, []byte(strings.Repeat("no backup", 200)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p := start(t, append(arguments(api, filepath.Join(dir, "data")), "--storage.restore-from="+backup)...)
			if code := p.wait(); code != 1 || !strings.Contains(p.stderr.String(), "--storage.restore-from="+backup) || !strings.Contains(p.stderr.String(), want) {
				t.Errorf("the exit status is %d, and it says %q", code, &p.stderr)
			}
			if strings.Count(p.stderr.String(), "\n") != 1 {
				t.Errorf("it says more than a line: %q", &p.stderr)
			}
		})
	}
}
