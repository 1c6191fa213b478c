// Package e2e tests the exporter from outside: the real binary on a simulated
// account, scraped by a real Prometheus.
package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"whereby_exporter/collector/logtest"
	"whereby_exporter/test/programs"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(emptyServerVariable); address != "" {
		serveNothing(address)
	}
	if address := os.Getenv(vectorsServerVariable); address != "" {
		serveVectors(address, os.Args[1])
	}
	goleak.VerifyTestMain(m)
}

// patience is how long to wait for what takes seconds on an idle machine: with ten
// other busy processes it takes ten times as long.
const patience = 4 * time.Minute

// onABusyMachine returns a limit that holds on an idle machine, longer by as much as there is
// more to run than there are processors.
func onABusyMachine(t testing.TB, limit time.Duration) time.Duration {
	t.Helper()
	content, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return limit // not on Linux
	}
	first, _, _ := strings.Cut(string(content), " ")
	load, err := strconv.ParseFloat(first, 64)
	if err != nil {
		t.Fatalf("read the load: %v", err)
	}
	return time.Duration(float64(limit) * max(1, load/float64(runtime.NumCPU())))
}

// apiKey is planted, and looked for in everything that the exporter says.
const apiKey = "planted-key-7f3a"

var built struct {
	sync.Mutex
	files map[string]string
}

func build(t testing.TB, p programs.Program) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if file := built.files[p.Name]; file != "" {
		return file
	}
	file, err := p.Build(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if built.files == nil {
		built.files = map[string]string{}
	}
	built.files[p.Name] = file
	return file
}

// newAccount serves a simulated account and returns the API's address.
func newAccount(t testing.TB, config wherebytest.Config) (*wherebytest.Account, string) {
	t.Helper()
	config.APIKey = apiKey
	account := wherebytest.New(config)
	server := httptest.NewServer(account)
	t.Cleanup(server.Close)
	return account, server.URL + "/v1"
}

// process is a program under test.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	out  *logtest.Buffer
	done chan error
}

func start(t testing.TB, env []string, name string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(name, args...), out: &logtest.Buffer{}, done: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.Env = append(os.Environ(), env...)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() {
		p.kill()
		if strings.Contains(p.out.String(), apiKey) {
			t.Errorf("%s printed the API key", filepath.Base(name))
		}
		if t.Failed() {
			t.Logf("%s printed, without what it did well before the end:\n%s", filepath.Base(name), excerpt(p.out.String(), 60))
		}
	})
	return p
}

func tail(s string, lines int) string {
	all := strings.Split(s, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// excerpt returns the last lines of a log, and of those before them what is not at level debug.
func excerpt(log string, lines int) string {
	all := strings.Split(log, "\n")
	last := max(0, len(all)-lines)
	early := slices.DeleteFunc(slices.Clone(all[:last]), func(line string) bool { return strings.Contains(line, "level=DEBUG") })
	return strings.Join(append(early, all[last:]...), "\n")
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	p.wait(patience)
}

// stop asks with SIGTERM and returns how long it took.
func (p *process) stop() time.Duration {
	p.t.Helper()
	began := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.wait(patience); err != nil {
		p.t.Errorf("after SIGTERM: %v", err)
	}
	return time.Since(began)
}

func (p *process) wait(within time.Duration) error {
	select {
	case err := <-p.done:
		p.done <- err
		return err
	case <-time.After(within):
		p.t.Fatalf("%s did not end within %v", p.cmd.Path, within)
		return nil
	}
}

// exporter is a running whereby_exporter.
type exporter struct {
	*process
	base string
}

// in returns the same exporter for a subtest, which is failed then.
func (e exporter) in(t testing.TB) exporter {
	p := *e.process
	p.t = t
	return exporter{process: &p, base: e.base}
}

// startExporter runs the exporter at an address. It does not wait for anything.
func startExporter(t testing.TB, address, api string, args ...string) exporter {
	t.Helper()
	args = append([]string{
		"run", "--whereby.url=" + api, "--web.listen-address=" + address,
		"--poll.interval=1s", "--poll.full-scan-interval=1s", "--log.level=debug",
	}, args...)
	p := start(t, []string{"WHEREBY_API_KEY=" + apiKey}, build(t, programs.Exporter), args...)
	return exporter{process: p, base: "http://" + address}
}

func (e exporter) ready() error {
	status, body, err := get(e.t.Context(), e.base+"/-/ready")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d: %s", status, body)
	}
	return err
}

// metrics returns the samples of a scrape, by series as written.
func (e exporter) metrics() (map[string]float64, error) {
	status, body, err := get(e.t.Context(), e.base+"/metrics")
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("scrape: %d, %w", status, err)
	}
	if strings.Contains(body, apiKey) {
		e.t.Error("the metrics hold the API key")
	}
	samples := map[string]float64{}
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		space := strings.LastIndexByte(line, ' ') // label values hold blanks too
		if space < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		series, value := line[:space], line[space+1:]
		if samples[series], err = strconv.ParseFloat(value, 64); err != nil {
			return nil, err
		}
	}
	return samples, nil
}

// expect waits until series of the exporter have the given values.
func (e exporter) expect(within time.Duration, want map[string]float64) {
	e.t.Helper()
	programs.Eventually(e.t, within, "metrics", func() error {
		samples, err := e.metrics()
		if err != nil {
			return err
		}
		for series, value := range want {
			if got, ok := samples[series]; !ok || got != value {
				return fmt.Errorf("%s is %v (%v), want %v", series, got, ok, value)
			}
		}
		return nil
	})
}

func get(ctx context.Context, address string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(content), err
}

// prometheus is a running Prometheus.
type prometheus struct {
	*process
	base string
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(scrape_configs:.*?)```")

// readmeConfig returns the scrape configuration that README tells to use, for an
// exporter at another address and for the haste of a test.
func readmeConfig(t testing.TB, target string) string {
	t.Helper()
	root, err := programs.Root()
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	match := yamlBlock.FindStringSubmatch(string(readme))
	if match == nil {
		t.Fatal("README has no scrape configuration")
	}
	config := match[1]
	for from, to := range map[string]string{"localhost:10036": target, "scrape_interval: 15s": "scrape_interval: 200ms"} {
		if !strings.Contains(config, from) {
			t.Fatalf("README's scrape configuration has no %q", from)
		}
		config = strings.ReplaceAll(config, from, to)
	}
	return config
}

func startPrometheus(t testing.TB, target string) prometheus {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte(readmeConfig(t, target)), 0o600); err != nil {
		t.Fatal(err)
	}
	address := programs.FreeAddress(t)
	p := prometheus{base: "http://" + address, process: start(t, nil, build(t, programs.Prometheus),
		"--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=warn")}
	programs.Eventually(t, patience, "Prometheus is ready", func() error {
		status, _, err := get(t.Context(), p.base+"/-/ready")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
	return p
}

// query runs an instant query and gives its samples by the value of a label.
func (p prometheus) query(query, label string) (map[string]float64, error) {
	status, body, err := get(p.t.Context(), p.base+"/api/v1/query?query="+url.QueryEscape(query))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Status, Error string
		Warnings      []string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, fmt.Errorf("status %d: %w", status, err)
	}
	if answer.Status != "success" || len(answer.Warnings) > 0 {
		return nil, fmt.Errorf("query %s: %s %v", query, answer.Error, answer.Warnings)
	}
	values := map[string]float64{}
	for _, sample := range answer.Data.Result {
		text, _ := sample.Value[1].(string)
		if values[sample.Metric[label]], err = strconv.ParseFloat(text, 64); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// prefixOf is what README says of room prefixes.
func prefixOf(roomName string) string {
	prefix, ok := whereby.RoomPrefix(roomName)
	if !ok || prefix == "" {
		return "_none"
	}
	return prefix
}

// counters are the usage families, and what the account knows of each.
var counters = map[string]func(wherebytest.PrefixTruth) int64{
	"whereby_participant_minutes_total": func(t wherebytest.PrefixTruth) int64 { return t.ParticipantMinutes },
	"whereby_recorder_minutes_total":    func(t wherebytest.PrefixTruth) int64 { return t.RecorderMinutes },
	"whereby_streamer_minutes_total":    func(t wherebytest.PrefixTruth) int64 { return t.StreamerMinutes },
	"whereby_sessions_total":            func(t wherebytest.PrefixTruth) int64 { return t.Sessions },
}

// expectTruth waits until Prometheus answers with the account's truth in every
// usage family.
func (p prometheus) expectTruth(account *wherebytest.Account) {
	p.t.Helper()
	programs.Eventually(p.t, patience, "Prometheus has the account's truth", func() error {
		truth := account.Truth(prefixOf)
		for family, figure := range counters {
			if err := p.compare(family, truth, figure); err != nil {
				return err
			}
		}
		return p.compare("whereby_rooms", truth, func(t wherebytest.PrefixTruth) int64 { return int64(t.Rooms) })
	})
}

func (p prometheus) compare(family string, truth map[string]wherebytest.PrefixTruth, figure func(wherebytest.PrefixTruth) int64) error {
	got, err := p.query(family, "room_prefix")
	if err != nil {
		return err
	}
	if len(got) != len(truth) {
		return fmt.Errorf("%s has %d prefixes, want %d", family, len(got), len(truth))
	}
	for prefix, t := range truth {
		if want := float64(figure(t)); got[prefix] != want {
			return fmt.Errorf("%s of %s is %v, want %v", family, prefix, got[prefix], want)
		}
	}
	return nil
}

// expectNoFall asks Prometheus whether any counter ever fell.
func (p prometheus) expectNoFall() {
	p.t.Helper()
	for family := range counters {
		resets, err := p.query("resets("+family+"[1h])", "room_prefix")
		if err != nil {
			p.t.Fatal(err)
		}
		if len(resets) == 0 {
			p.t.Errorf("%s: Prometheus knows no series", family)
		}
		for prefix, n := range resets {
			if n != 0 {
				p.t.Errorf("%s of %s fell %v times", family, prefix, n)
			}
		}
	}
}
