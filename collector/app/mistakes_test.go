package app_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"whereby_exporter/collector/store"
)

// TestMistakes holds one case for each mistake that a person makes at the command
// line. All end at once, with status 1 and one line that says what to do.
func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unused := closed.Addr().String()
	closed.Close()
	inUse, err := store.OpenBolt(filepath.Join(dir, "in-use"))
	if err != nil {
		t.Fatal(err)
	}
	defer inUse.Close()
	file := write("file", "")
	damaged := filepath.Join(dir, "damaged")
	if err := os.Mkdir(damaged, 0o700); err != nil {
		t.Fatal(err)
	}
	write("damaged/"+store.FileName, "this is no store")

	const help = "; see whereby_exporter --help"
	const ownState = ": state is kept in --storage.path only, and exporters of one account share nothing; " +
		"give each its own directory, webhook and share of the points, as docs/high-availability.md says"
	for _, c := range []struct {
		name string
		args []string
		want string // the line, after the program's name
	}{
		{"a key file that is not there", []string{"--whereby.api-key-file=" + dir + "/missing"},
			fmt.Sprintf("--whereby.api-key-file: file %q does not exist", dir+"/missing")},
		{"an empty key file", []string{"--whereby.api-key-file=" + file}, fmt.Sprintf("--whereby.api-key-file: file %q is empty; it must hold an API key", file)},
		{"a key file that is too large", []string{"--whereby.api-key-file=" + write("large", strings.Repeat("x", 20_000))},
			fmt.Sprintf("--whereby.api-key-file: file %q is too large to be an API key", dir+"/large")},
		{"a directory as key file", []string{"--whereby.api-key-file=" + dir}, fmt.Sprintf("--whereby.api-key-file: %q is not a regular file", dir)},
		{"a typing error in a flag", []string{"--web.listen-adress=:1"}, `unknown flag --web.listen-adress, did you mean "--web.listen-address"? See whereby_exporter --help`}, //nolint:misspell // on purpose
		{"a key as a flag", []string{"--whereby.api-key=" + apiKey}, `unknown flag --whereby.api-key, did you mean "--whereby.api-key-file"? See whereby_exporter --help`},
		{"a typing error in a flag on storage", []string{"--storage.pth=x"}, `unknown flag --storage.pth, did you mean "--storage.path"? See whereby_exporter --help`},
		{"state that exporters shared", []string{"--storage.shared-url=tcp://:" + apiKey + "@host"}, "unknown flag --storage.shared-url" + ownState},
		{"a check of state that exporters shared", []string{"check", "--storage.shared-file", dir}, "unknown flag --storage.shared-file" + ownState},
		{"a flag on storage of another command", []string{"healthcheck", "--storage.path=" + dir}, "unknown flag --storage.path; see whereby_exporter healthcheck --help"},
		{"an unknown command", []string{"serve"}, "unexpected argument serve" + help},
		{"a word after the command", []string{"run", "now"}, "unexpected argument now" + help},
		{"a duration without a unit", []string{"--poll.interval=60"},
			`--poll.interval: must be a duration such as 90s or 1d, but is "60"` + help},
		{"a duration that is none", []string{"--poll.interval=often"},
			`--poll.interval: must be a duration such as 90s or 1d, but is "often"` + help},
		{"polls too often", []string{"--poll.interval=10ms"}, "--poll.interval=10ms: must be at least 1s"},
		{"full polls more often than polls", []string{"--poll.interval=2m", "--poll.full-scan-interval=1m"},
			"--poll.full-scan-interval=1m0s: must be at least --poll.interval=2m0s"},
		{"a share of nothing", []string{"--whereby.rate-limit-share=0"}, "--whereby.rate-limit-share=0: must be above 0 and at most 1"},
		{"a share of more than all", []string{"--whereby.rate-limit-share=1.5"}, "--whereby.rate-limit-share=1.5: must be above 0 and at most 1"},
		{"a share in words", []string{"--whereby.rate-limit-share=half"}, `--whereby.rate-limit-share: expected a float but got "half" (string)` + help},
		{"an address that is none", []string{"--whereby.url=foo"}, "--whereby.url: must be an address such as https://api.whereby.dev/v1"},
		{"an address with a password", []string{"--whereby.url=https://user:" + apiKey + "@host/v1"},
			"--whereby.url: must not contain a user, query or fragment; put the API key into WHEREBY_API_KEY or --whereby.api-key-file"},
		{"a port that is taken", []string{"--web.listen-address=" + taken.Addr().String()},
			"listen on " + taken.Addr().String() + ": the address is already in use; stop what uses it, or choose another with --web.listen-address"},
		{"no address to listen on", []string{"--web.listen-address="}, "--web.listen-address: must be an address such as :10036"},
		{"storage below a file", []string{"--storage.path=" + file + "/data"},
			"--storage.path=" + file + "/data: make the storage directory: mkdir " + file + ": not a directory: choose a directory that can be created"},
		{"storage that another process uses", []string{"--storage.path=" + dir + "/in-use"},
			"--storage.path=" + dir + "/in-use: store " + dir + "/in-use/whereby.db is in use by another process; stop that process, or use a different --storage.path here"},
		{"storage that is damaged", []string{"--storage.path=" + damaged}, "--storage.path=" + damaged + ": store " + damaged + "/whereby.db is damaged ("},
		{"a path of the metrics without a slash", []string{"--web.telemetry-path=x"},
			`--web.telemetry-path="x": must begin with a slash and be a path of its own, for instance /metrics`},
		{"a path of the metrics that is another's", []string{"--web.telemetry-path=/api/v1/rooms"}, `--web.telemetry-path="/api/v1/rooms": must begin with a slash`},
		{"a web config file that is not there", []string{"--web.config.file=" + dir + "/missing.yml"},
			"--web.config.file=" + dir + "/missing.yml: open " + dir + "/missing.yml: no such file or directory"},
		{"a web config file that is no YAML", []string{"--web.config.file=" + write("broken.yml", "tls_server_config: [")},
			"--web.config.file=" + dir + "/broken.yml: yaml: line 1: did not find expected node content"},
		{"a web config file with two typing errors", []string{"--web.config.file=" + write("typo.yml", "tls_server_conf: {}\nbasic_auth: {}\n")},
			"--web.config.file=" + dir + "/typo.yml: yaml: unmarshal errors: line 1: field tls_server_conf not found in type web.Config; line 2: field basic_auth not found in type web.Config"},
		{"a web config file of the demo", []string{"demo", "--web.config.file=" + dir + "/missing.yml"}, "--web.config.file=" + dir + "/missing.yml: open "},
		{"an unknown log level", []string{"--log.level=loud"}, `--log.level must be one of "debug","info","warn","error" but got "loud"` + help},
		{"an unknown log format", []string{"--log.format=xml"}, `--log.format must be one of "logfmt","json" but got "xml"` + help},
		{"several mistakes at once", []string{"--poll.interval=0s", "--whereby.url=foo"},
			"--whereby.url: must be an address such as https://api.whereby.dev/v1; --poll.interval=0s: must be at least 1s"},
		{"an unknown Whereby plan", []string{"check", "--plan=huge"}, "--plan=huge: must be build or enterprise, the Whereby plan of the account"},
		{"a negative number of rooms", []string{"check", "--plan=enterprise", "--rooms=-1"}, "--rooms=-1: must not be negative"},
		{"a negative number of rooms as a word of its own", []string{"check", "--plan", "enterprise", "--rooms", "-1"}, `--rooms: expected int value but got "-1"`},
		{"a negative number of recordings", []string{"check", "--plan=enterprise", "--recordings=-1"}, "--recordings=-1: must not be negative"},
		{"more active rooms than there are", []string{"check", "--plan=enterprise", "--rooms=5", "--active=6"}, "--active=6: must not be negative, nor above --rooms=5"},
		{"a check of bad flags", []string{"check", "--poll.interval=10ms"}, "--poll.interval=10ms: must be at least 1s"},
		{"secrets of webhooks that are not there", []string{"--webhook.secret-file=" + dir + "/missing"},
			fmt.Sprintf("--webhook.secret-file: file %q does not exist", dir+"/missing")},
		{"a check of secrets of webhooks that are no file", []string{"check", "--webhook.secret-file=" + dir},
			fmt.Sprintf("--webhook.secret-file: %q is not a regular file", dir)},
		{"signatures that are accepted for longer than their events are known", []string{"--webhook.max-age=24h"},
			"--webhook.max-age=24h0m0s: must be from 1s to 1h; an older event may be a replay"},
		{"a healthcheck of any port", []string{"healthcheck", "--web.listen-address=127.0.0.1:0"},
			"--web.listen-address=127.0.0.1:0: is not an address that can be queried; set --url"},
		{"a healthcheck of no address", []string{"healthcheck", "--url=foo"}, "--url: must be an address such as http://"},
		{"a healthcheck with a password", []string{"healthcheck", "--url=http://user:" + apiKey + "@localhost:10036"},
			"--url: must not contain a password; an exporter that asks for one counts as healthy"},
		{"a password in the reload address", []string{"--sidecar.rules-dir=" + dir, "--sidecar.reload-url=http://user:" + apiKey + "@localhost:9090/-/reload"},
			"--sidecar.reload-url: must not contain a password; put it into a file, and set --sidecar.http.config.file"},
		{"a file of the sidecar's client that is not there", []string{"--sidecar.rules-dir=" + dir, "--sidecar.reload-url=http://localhost:9090/-/reload", "--sidecar.http.config.file=" + dir + "/missing.yml"},
			"--sidecar.http.config.file=" + dir + "/missing.yml: open " + dir + "/missing.yml: no such file or directory"},
		{"a file of the sidecar's client for nobody", []string{"check", "--sidecar.rules-dir=" + dir, "--sidecar.http.config.file=" + file},
			"--sidecar.http.config.file needs --sidecar.reload-url: without it, no Prometheus is called"},
		{"a backup into nothing", []string{"backup"}, "missing flags: --output=FILE; see whereby_exporter backup --help"},
		{"a backup of nobody", []string{"backup", "--output=" + dir + "/b.tar", "--url=http://" + unused},
			`the backup failed: Post "http://` + unused + `/api/v1/admin/backup": dial tcp ` + unused + ": connect: connection refused; set --url to the address of a running exporter"},
		{"a client's file with a mistake", []string{"backup", "--output=" + dir + "/b.tar", "--http.config.file=" + write("client.yml", "basic_auth: "+apiKey)},
			"--http.config.file=" + dir + "/client.yml: yaml: unmarshal errors: line 1: cannot unmarshal !!str a value into config.plain"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("WHEREBY_API_KEY", apiKey)
			assertMistake(t, c.args, c.want)
		})
	}
	t.Run("no key", func(t *testing.T) {
		t.Setenv("WHEREBY_API_KEY", "")
		want := "no API key: set WHEREBY_API_KEY, or --whereby.api-key-file=FILE; to try the exporter without a key, run: whereby_exporter demo"
		for _, command := range [][]string{nil, {"run"}} {
			assertMistake(t, command, want)
		}
	})
}

// TestNoAnswerIsObeyedByATerminal has an API whose message would clear the screen, and turn
// the rest of the line around.
func TestNoAnswerIsObeyedByATerminal(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error": "a\u009b2Jb\u202ec\u2028d שלום"}`)
	}))
	defer api.Close()
	p := start(t, "check", "--online", "--whereby.url="+api.URL)
	if code := p.wait(); code != 1 || !strings.HasSuffix(p.stderr.String(), "HTTP 400: a<U+009B>2Jb<U+202E>c<U+2028>d שלום\n") {
		t.Errorf("the exit status is %d, and stderr holds %q", code, &p.stderr)
	}
}

// assertMistake runs the program with what would work but for the mistake.
func assertMistake(t *testing.T, args []string, want string) {
	t.Helper()
	t.Setenv("WHEREBY_EXPORTER_STORAGE_PATH", t.TempDir())
	t.Setenv("WHEREBY_EXPORTER_WEB_LISTEN_ADDRESS", "127.0.0.1:0")
	within := time.Second
	if strings.Contains(want, "in use by another process") {
		within += 2 * time.Second // which it may be about to let go of
	}
	// A busy machine may hold the program up, but not every time.
	const attempts = 10
	var took time.Duration
	for range attempts {
		began := time.Now()
		p := start(t, args...)
		code := p.wait()
		took = time.Since(began)
		if code != 1 {
			t.Errorf("the exit status is %d; want 1", code)
		}
		line := p.stderr.String()
		if !strings.HasPrefix(line, "whereby_exporter: "+want) {
			t.Errorf("got  %swant whereby_exporter: %s", line, want)
		}
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
			t.Errorf("want one line, got:\n%s", line)
		}
		if p.stdout.String() != "" {
			t.Errorf("stdout holds %q", &p.stdout)
		}
		if took <= within || t.Failed() {
			return
		}
	}
	t.Errorf("the mistake was told after %v, the last of %d times; want at most %v", took, attempts, within)
}
