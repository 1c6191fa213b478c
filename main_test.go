package main

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// apiKey is planted, and looked for in everything that is printed or served.
const apiKey = "planted-key-6b4f"

// output collects what the program prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// process is the program, within this one.
type process struct {
	*testing.T
	stdout, stderr output
	cancel         context.CancelFunc
	done           chan struct{}
	status         int
}

// start runs the program until the test ends, or until it is stopped.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{T: t, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.status = run(ctx, args, &p.stdout, &p.stderr)
	}()
	t.Cleanup(func() {
		p.stop()
		// The program uses the default transport, whose idle connections have goroutines.
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if strings.Contains(p.stdout.String()+p.stderr.String(), apiKey) {
			t.Error("the API key was printed")
		}
		if t.Failed() {
			t.Logf("%v printed:\n%s%s", args, &p.stdout, &p.stderr)
		}
	})
	return p
}

// patience is for what takes no time at all, on a machine that has none to spare.
const patience = 3 * time.Minute

// wait waits until the program ends by itself, and gives its exit status.
func (p *process) wait() int {
	p.Helper()
	select {
	case <-p.done:
		return p.status
	case <-time.After(patience):
		p.Fatalf("the program was still there after %v:\n%s", patience, &p.stderr)
		return 0
	}
}

// stop does what SIGTERM does, and gives the exit status.
func (p *process) stop() int {
	p.Helper()
	p.cancel()
	return p.wait()
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// address is where the program listens, as its log says.
func (p *process) address() string {
	p.Helper()
	var match []string
	eventually(p.T, "the log says where the program listens", func() bool {
		match = listening.FindStringSubmatch(p.stderr.String())
		return match != nil
	})
	return match[1]
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), apiKey) {
		t.Errorf("%s shows the API key", url)
	}
	return resp.StatusCode, string(body)
}

func (p *process) get(path string) (int, string) {
	p.Helper()
	return get(p.T, "http://"+p.address()+path)
}

func (p *process) assertStatus(path string, want int) {
	p.Helper()
	if status, body := p.get(path); status != want {
		p.Errorf("%s answers %d %q; want %d", path, status, body, want)
	}
}

func (p *process) waitUntilReady() {
	p.Helper()
	eventually(p.T, "/-/ready answers 200", func() bool {
		status, _ := p.get("/-/ready")
		return status == http.StatusOK
	})
}

func (p *process) families() map[string]*dto.MetricFamily {
	p.Helper()
	status, body := p.get("/metrics")
	if status != http.StatusOK {
		p.Fatalf("/metrics answers %d %s", status, body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	return families
}

// byPrefix gives a family's values by its only label; "" where it has none.
func byPrefix(family *dto.MetricFamily) map[string]float64 {
	values := map[string]float64{}
	for _, sample := range family.GetMetric() {
		label := ""
		if len(sample.GetLabel()) > 0 {
			label = sample.GetLabel()[0].GetValue()
		}
		values[label] = sample.GetCounter().GetValue() + sample.GetGauge().GetValue()
	}
	return values
}

func prefixOf(roomName string) string {
	if prefix, ok := whereby.RoomPrefix(roomName); ok && prefix != "" {
		return prefix
	}
	return "_none"
}

// usage are the families that tell of the account, with what the account says.
var usage = map[string]func(wherebytest.PrefixTruth) int64{
	metrics.ParticipantMinutes.Name: func(p wherebytest.PrefixTruth) int64 { return p.ParticipantMinutes },
	metrics.RecorderMinutes.Name:    func(p wherebytest.PrefixTruth) int64 { return p.RecorderMinutes },
	metrics.StreamerMinutes.Name:    func(p wherebytest.PrefixTruth) int64 { return p.StreamerMinutes },
	metrics.Sessions.Name:           func(p wherebytest.PrefixTruth) int64 { return p.Sessions },
	metrics.Rooms.Name:              func(p wherebytest.PrefixTruth) int64 { return int64(p.Rooms) },
}

// difference tells what of /metrics is not what the account says; "" is nothing.
func (p *process) difference(account *wherebytest.Account) string {
	p.Helper()
	families := p.families()
	for name, figure := range usage {
		want := map[string]float64{}
		for prefix, truth := range account.Truth(prefixOf) {
			want[prefix] = float64(figure(truth))
		}
		if got := byPrefix(families[name]); !maps.Equal(got, want) {
			return fmt.Sprintf("%s is %v; want %v", name, got, want)
		}
	}
	return ""
}

func (p *process) assertUp(want float64) {
	p.Helper()
	if up := byPrefix(p.families()[metrics.Up.Name])[""]; up != want {
		p.Errorf("whereby_up is %v; want %v", up, want)
	}
}

// newAPI serves a simulated account of 250 rooms.
func newAPI(t *testing.T, key string) (*wherebytest.Account, string) {
	t.Helper()
	account := wherebytest.New(wherebytest.Config{APIKey: key})
	for i := range 250 {
		used := time.Now().Add(-time.Duration(i+1) * time.Hour)
		account.AddRoom(wherebytest.Room{
			Name:      roomName(i),
			CreatedAt: used, FirstSession: used, LastSession: used,
			Totals: wherebytest.Totals{Sessions: 1, ParticipantMinutes: int64(i), RecorderMinutes: int64(i % 5), StreamerMinutes: int64(i % 2)},
		})
	}
	server := httptest.NewServer(account)
	t.Cleanup(server.Close)
	return account, server.URL + "/v1"
}

func roomName(i int) string {
	return fmt.Sprintf("/%s%08x-0000-4000-8000-%012x", []string{"acme-", "globex-", ""}[i%3], i*7919, i)
}

// flags are those of a program that polls often, and logs all it can.
func flags(api, storage string, more ...string) []string {
	return append([]string{
		"run", "--whereby.url=" + api, "--storage.path=" + storage, "--web.listen-address=127.0.0.1:0",
		"--poll.interval=1s", "--log.level=debug", "--whereby.rate-limit-share=1",
	}, more...)
}

func TestTheProgramServesTheAccountsTruth(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	account, api := newAPI(t, apiKey)
	account.Inject(wherebytest.Hang().Page(2).Times(1)) // holds the first poll
	p := start(t, flags(api, t.TempDir())...)

	eventually(t, "the first poll is at page 2", func() bool { return account.Count(wherebytest.EndpointRooms) >= 2 })
	p.assertStatus("/-/healthy", http.StatusOK)
	p.assertStatus("/-/ready", http.StatusServiceUnavailable)
	p.assertStatus("/api/v1/rooms?room_prefix=acme-", http.StatusServiceUnavailable)
	p.assertUp(0)
	families := p.families()
	for name := range usage {
		if families[name] != nil {
			t.Errorf("%s is exposed before the first complete poll", name)
		}
	}
	if code := p.stop(); code != 0 {
		t.Errorf("stopped during the first poll, the exit status is %d; want 0", code)
	}

	p = start(t, flags(api, t.TempDir())...)
	p.waitUntilReady()
	if difference := p.difference(account); difference != "" {
		t.Error(difference)
	}
	p.assertUp(1)
	account.Use(roomName(7), wherebytest.Totals{Sessions: 1, ParticipantMinutes: 45, RecorderMinutes: 3}, time.Now())
	eventually(t, "a meeting is seen", func() bool { return p.difference(account) == "" })
	status, page := p.get("/api/v1/rooms?room_prefix=globex-&limit=1000")
	if status != http.StatusOK || strings.Count(page, `"room_name":"/globex-`) != 83 {
		t.Errorf("the rooms are answered with %d %s", status, page)
	}
	_, overview := p.get("/")
	links := regexp.MustCompile(`(?:href|src)="[.](/[^"]*)"`).FindAllStringSubmatch(overview, -1)
	if len(links) < 10 {
		t.Errorf("the status page has %d links", len(links))
	}
	for _, link := range links {
		p.assertStatus(html.UnescapeString(link[1]), http.StatusOK)
	}

	address := p.address()
	if code := p.stop(); code != 0 {
		t.Errorf("the exit status is %d; want 0", code)
	}
	if connection, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		connection.Close()
		t.Error("the port is open after the end")
	}
	if !strings.Contains(p.stderr.String(), "msg=stopped") {
		t.Error("the log does not say that the program stopped")
	}
}

func TestFiguresSurviveARestartWhileTheAPIIsDown(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	storage := t.TempDir()
	account, api := newAPI(t, apiKey)
	p := start(t, flags(api, storage)...)
	p.waitUntilReady()
	p.stop()

	account.Inject(wherebytest.Drop())
	account.ResetRequests()
	p = start(t, flags(api, storage)...)
	for range 2 {
		if difference := p.difference(account); difference != "" {
			t.Error(difference)
		}
		p.assertUp(0)
		p.assertStatus("/-/ready", http.StatusServiceUnavailable)
		p.assertStatus("/-/healthy", http.StatusOK)
		p.assertStatus("/api/v1/rooms?room_prefix=acme-", http.StatusOK)
		// And the same after a poll that got no answer.
		eventually(t, "a poll has failed", func() bool { return byPrefix(p.families()[metrics.Polls.Name])["error"] > 0 })
	}
	account.ClearFaults()
	p.waitUntilReady()
	p.assertUp(1)
	if difference := p.difference(account); difference != "" {
		t.Error(difference)
	}
}

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
	p := start(t, flags(api, "", "--whereby.api-key-file="+file)...)
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

// webhook is where the program receives webhooks: of the addresses that it listens on, the
// one that knows the path.
func (p *process) webhook() string {
	p.Helper()
	var address string
	eventually(p.T, "the program receives webhooks", func() bool {
		for _, match := range listening.FindAllStringSubmatch(p.stderr.String(), -1) {
			if status, _ := get(p.T, "http://"+match[1]+"/webhook"); status == http.StatusMethodNotAllowed {
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
	p := start(t, flags(api, "", "--webhook.secret-file="+file, "--webhook.listen-address=127.0.0.1:0")...)
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

// How soon it has them is measured of the real binary, from outside.
func TestTheDemoHasMetricsAndLeavesNothing(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", "") // needs none
	t.Chdir(t.TempDir())            // and leaves nothing behind
	p := start(t, "demo", "--web.listen-address=127.0.0.1:0", "--web.listen-address=127.0.0.1:0")
	eventually(t, "participant minutes are exposed", func() bool {
		return len(p.families()[metrics.ParticipantMinutes.Name].GetMetric()) > 1
	})
	links := regexp.MustCompile(`http://\S+`).FindAllString(p.stdout.String(), -1)
	if len(links) != 6 {
		t.Errorf("the demo prints %d addresses; want the overview, the metrics and the rooms of two ports:\n%s", len(links), &p.stdout)
	}
	for _, link := range links {
		status, body := get(t, link)
		if status != http.StatusOK {
			t.Errorf("%s answers %d", link, status)
		}
		if strings.Contains(link, "/api/") && !strings.Contains(body, `"room_name"`) {
			t.Errorf("%s lists no room: %s", link, body)
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("the demo left %v behind, %v", left, err)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("the exit status is %d; want 0", code)
	}
}

func TestTheHealthcheckAsksARunningExporter(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	_, api := newAPI(t, apiKey)
	p := start(t, flags(api, "")...)
	url := "--url=http://" + p.address() + "/-/healthy"
	// It gives an exporter 3 s, which a busy machine may use up.
	eventually(t, "while it runs, the exit status is 0", func() bool { return start(t, "healthcheck", url).wait() == 0 })
	p.stop()
	asked := start(t, "healthcheck", url)
	if code := asked.wait(); code != 1 {
		t.Errorf("after it stopped, the exit status is %d; want 1", code)
	}
	if !strings.HasPrefix(asked.stderr.String(), "whereby_exporter: not healthy: ") {
		t.Errorf("it says %q", &asked.stderr)
	}
}

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
	for _, c := range []struct {
		name string
		args []string
		want string // the line, after the program's name
	}{
		{"a key file that is not there", []string{"--whereby.api-key-file=" + dir + "/missing"},
			fmt.Sprintf("--whereby.api-key-file: there is no file %q", dir+"/missing")},
		{"an empty key file", []string{"--whereby.api-key-file=" + file}, fmt.Sprintf("--whereby.api-key-file: file %q is empty", file)},
		{"a key file that is too large", []string{"--whereby.api-key-file=" + write("large", strings.Repeat("x", 20_000))},
			fmt.Sprintf("--whereby.api-key-file: file %q is too large to be an API key", dir+"/large")},
		{"a directory as key file", []string{"--whereby.api-key-file=" + dir}, fmt.Sprintf("--whereby.api-key-file: %q is not a regular file", dir)},
		{"a typing error in a flag", []string{"--web.listen-adress=:1"}, `unknown flag --web.listen-adress, did you mean "--web.listen-address"?` + help}, //nolint:misspell // on purpose
		{"a key as a flag", []string{"--whereby.api-key=" + apiKey}, `unknown flag --whereby.api-key, did you mean "--whereby.api-key-file"?` + help},
		{"an unknown command", []string{"serve"}, "unexpected argument serve" + help},
		{"a word after the command", []string{"run", "now"}, "unexpected argument now" + help},
		{"a duration without a unit", []string{"--poll.interval=60"},
			`--poll.interval: expected duration but got "60": time: missing unit in duration "60"` + help},
		{"a duration that is none", []string{"--poll.interval=often"},
			`--poll.interval: expected duration but got "often": time: invalid duration "often"` + help},
		{"polls too often", []string{"--poll.interval=10ms"}, "--poll.interval=10ms: must be at least 1s"},
		{"scans more often than polls", []string{"--poll.interval=2m", "--poll.full-scan-interval=1m"},
			"--poll.full-scan-interval=1m0s: must be at least --poll.interval=2m0s"},
		{"a share of nothing", []string{"--whereby.rate-limit-share=0"}, "--whereby.rate-limit-share=0: must be above 0 and at most 1"},
		{"a share of more than all", []string{"--whereby.rate-limit-share=1.5"}, "--whereby.rate-limit-share=1.5: must be above 0 and at most 1"},
		{"a share in words", []string{"--whereby.rate-limit-share=half"}, `--whereby.rate-limit-share: expected a float but got "half" (string)` + help},
		{"an address that is none", []string{"--whereby.url=foo"}, "--whereby.url: must be an address such as https://api.whereby.dev/v1"},
		{"an address with a password", []string{"--whereby.url=https://user:" + apiKey + "@host/v1"},
			"--whereby.url: must hold no user, query or fragment; the API key goes into WHEREBY_API_KEY or --whereby.api-key-file"},
		{"a port that is taken", []string{"--web.listen-address=" + taken.Addr().String()},
			"listen on " + taken.Addr().String() + ": the address is already in use; stop what uses it, or choose another with --web.listen-address"},
		{"no address to listen on", []string{"--web.listen-address="}, "--web.listen-address: must be an address such as :10036"},
		{"storage below a file", []string{"--storage.path=" + file + "/data"},
			"--storage.path=" + file + "/data: make the storage directory: mkdir " + file + ": not a directory"},
		{"storage that another process uses", []string{"--storage.path=" + dir + "/in-use"},
			"--storage.path=" + dir + "/in-use: store " + dir + "/in-use/whereby.db is in use by another process; stop that one, or give this one another --storage.path"},
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
		{"an unknown Whereby plan", []string{"check", "--plan=huge"}, "--plan=huge: must be build or grow, the Whereby plan of the account"},
		{"a negative number of rooms", []string{"check", "--plan=grow", "--rooms=-1"}, "--rooms=-1: must not be negative"},
		{"a negative number of rooms as a word of its own", []string{"check", "--plan", "grow", "--rooms", "-1"}, `--rooms: expected int value but got "-1"`},
		{"more active rooms than there are", []string{"check", "--plan=grow", "--rooms=5", "--active=6"}, "--active=6: must not be negative, nor above --rooms=5"},
		{"a check of bad flags", []string{"check", "--poll.interval=10ms"}, "--poll.interval=10ms: must be at least 1s"},
		{"secrets of webhooks that are not there", []string{"--webhook.secret-file=" + dir + "/missing"},
			fmt.Sprintf("--webhook.secret-file: there is no file %q", dir+"/missing")},
		{"a check of secrets of webhooks that are no file", []string{"check", "--webhook.secret-file=" + dir},
			fmt.Sprintf("--webhook.secret-file: %q is not a regular file", dir)},
		{"a healthcheck of no address", []string{"healthcheck", "--url=foo"}, "--url: must be an address such as http://"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("WHEREBY_API_KEY", apiKey)
			assertMistake(t, c.args, c.want)
		})
	}
	t.Run("no key", func(t *testing.T) {
		t.Setenv("WHEREBY_API_KEY", "")
		want := "no API key: set WHEREBY_API_KEY, or --whereby.api-key-file=FILE; to try the exporter without a key, run: whereby_exporter demo"
		for _, command := range [][]string{nil, {"run"}, {"check"}, {"check", "--online"}} {
			assertMistake(t, command, want)
		}
	})
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

func TestHelpAndVersionGoToStdout(t *testing.T) {
	// Deployments like to have variables such as this one, and it must mean nothing.
	t.Setenv("WHEREBY_EXPORTER_VERSION", "1.2.3")
	commands := []string{"run          Serve", "demo         Serve", "check        Check", "healthcheck  Ask"}
	groups := []string{"\nWhereby's API\n", "\nPolling and storage\n", "\nWeb address\n", "\nLogging\n", "--whereby.url=URL", "--storage.path=DIR"}
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"help of the program shows the commands and the flags of run", []string{"--help"}, append(commands, groups...)},
		{"help in short", []string{"-h"}, append(commands, groups...)},
		{"help of run", []string{"run", "--help"}, groups},
		{"help of check", []string{"check", "--help"}, append([]string{"--online", "--plan=build|grow", "--rooms=N", "--active=N"}, groups...)},
		{"help of demo", []string{"demo", "--help"}, []string{"\nWeb address\n", "\nLogging\n"}},
		{"help of healthcheck", []string{"healthcheck", "--help"}, []string{"--url=URL"}},
		{"the version", []string{"--version"}, []string{"whereby_exporter, version ", "go version:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, c.args...)
			if code := p.wait(); code != 0 || p.stderr.String() != "" {
				t.Errorf("the exit status is %d, and stderr holds %q", code, &p.stderr)
			}
			for _, want := range c.want {
				if !strings.Contains(p.stdout.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, &p.stdout)
				}
			}
			for line := range strings.Lines(p.stdout.String()) {
				if len(line) > 101 {
					t.Errorf("a line of %d characters: %s", len(line), line)
				}
			}
		})
	}
}

var (
	flagInHelp     = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z][a-z.-]+)`)
	variableInHelp = regexp.MustCompile(`\(\$(WHEREBY_EXPORTER_[A-Z_]+)\)`)
)

func TestEveryFlagOfRunHasAVariable(t *testing.T) {
	p := start(t, "run", "--help")
	p.wait()
	var want, got []string
	for _, match := range flagInHelp.FindAllStringSubmatch(p.stdout.String(), -1) {
		if match[1] != "help" && match[1] != "version" {
			want = append(want, "WHEREBY_EXPORTER_"+strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(match[1])))
		}
	}
	for _, match := range variableInHelp.FindAllStringSubmatch(p.stdout.String(), -1) {
		got = append(got, match[1])
	}
	if len(want) < 12 || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the variables are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestVariablesWorkLikeTheirFlags(t *testing.T) {
	for _, c := range []struct{ variable, value, want string }{
		{"WHEREBY_EXPORTER_POLL_INTERVAL", "10ms", "--poll.interval=10ms: must be at least 1s"},
		{"WHEREBY_EXPORTER_POLL_FULL_SCAN_INTERVAL", "5s", "--poll.full-scan-interval=5s: must be"},
		{"WHEREBY_EXPORTER_WHEREBY_URL", "foo", "--whereby.url: must be an address"},
		{"WHEREBY_EXPORTER_WHEREBY_API_KEY_FILE", "nowhere", `--whereby.api-key-file: there is no file "nowhere"`},
		{"WHEREBY_EXPORTER_WHEREBY_RATE_LIMIT_SHARE", "2", "--whereby.rate-limit-share=2: must be"},
		{"WHEREBY_EXPORTER_WEB_TELEMETRY_PATH", "x", `--web.telemetry-path="x": must begin`},
		{"WHEREBY_EXPORTER_WEB_CONFIG_FILE", "nowhere.yml", "--web.config.file=nowhere.yml: open"},
		{"WHEREBY_EXPORTER_LOG_LEVEL", "loud", `--log.level must be one of`},
	} {
		t.Run(c.variable, func(t *testing.T) {
			t.Setenv("WHEREBY_API_KEY", apiKey)
			t.Setenv(c.variable, c.value)
			assertMistake(t, nil, c.want)
		})
	}
}

// TestAFlagWinsOverItsVariable: what is typed is nearer than what is set.
func TestAFlagWinsOverItsVariable(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	t.Setenv("WHEREBY_EXPORTER_POLL_INTERVAL", "10ms")
	p := start(t, "check", "--poll.interval=1m")
	if code := p.wait(); code != 0 || p.stdout.String() != "configuration: ok\n" {
		t.Errorf("the exit status is %d, and stdout holds %q", code, &p.stdout)
	}
}

// TestDashboardsAreWrittenAndKept writes them by the command, and by the sidecar of a
// running demo: the same files, byte by byte.
func TestDashboardsAreWrittenAndKept(t *testing.T) {
	read := func(dir string) map[string]string {
		files := map[string]string{}
		paths, _ := filepath.Glob(filepath.Join(dir, "whereby-*.json"))
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files[filepath.Base(path)] = string(content)
		}
		return files
	}
	written := filepath.Join(t.TempDir(), "new", "directory")
	p := start(t, "dashboards", "--output-dir="+written)
	if status := p.wait(); status != 0 {
		t.Fatalf("dashboards ended with %d", status)
	}
	want := read(written)
	for _, name := range []string{"overview", "customer", "quotas", "capacity", "quality", "exporter"} {
		file := "dashboards/" + name + ".json"
		content, err := os.ReadFile(file)
		if err != nil || want["whereby-"+name+".json"] != string(content) {
			t.Errorf("%s is written differently: %v", file, err)
		}
	}
	if len(want) != 6 {
		t.Errorf("%d files", len(want))
	}
	kept := t.TempDir()
	start(t, "demo", "--web.listen-address=127.0.0.1:0", "--sidecar.dashboards-dir="+kept)
	eventually(t, "the dashboards are kept", func() bool { return maps.Equal(read(kept), want) })

	if p := start(t, "dashboards"); p.wait() != 1 || !strings.Contains(p.stderr.String(), "--output-dir") {
		t.Errorf("without a directory: %s", &p.stderr)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if p := start(t, "dashboards", "--output-dir="+file); p.wait() != 1 || strings.Count(p.stderr.String(), "\n") != 1 {
		t.Errorf("into a file: %s", &p.stderr)
	}
}
