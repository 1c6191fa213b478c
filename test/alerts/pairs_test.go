package alerts

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"whereby_exporter/alerts"
	"whereby_exporter/test/exhaustive"
	"whereby_exporter/test/programs"
)

// exporters serve the figures of an exporter of every account, one under each path.
func exporters(t *testing.T, exporter int, scrapes *atomic.Int64) (address string) {
	t.Helper()
	began := sync.OnceValue(time.Now) // with the first scrape
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scrapes.Add(1)
		seconds := time.Since(began()).Seconds()
		f := healthy(time.Now(), exporter, seconds)
		for _, c := range causes {
			if r.URL.Path == "/"+c.job {
				c.change(f, exporter, seconds)
			}
		}
		if f[down] != 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		delete(f, down)
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		for _, series := range slices.Sorted(maps.Keys(f)) {
			fmt.Fprintln(w, series, f[series])
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// inbox gets what Alertmanager sends, under /RECEIVER, and counts the alerts in it.
type inbox struct {
	mu sync.Mutex
	// received are how often an alert that fires came, by receiver and labels.
	received map[string]int
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var message struct {
		Alerts []struct {
			Status string
			Labels labels
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, a := range message.Alerts {
		if a.Status == "firing" {
			i.received[strings.Join([]string{strings.TrimPrefix(r.URL.Path, "/"), a.Labels["alertname"], a.Labels["job"], a.Labels["room_prefix"], a.Labels["resource"]}, " ")]++
		}
	}
}

func (i *inbox) all() map[string]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.received)
}

// wanted returns the notifications that the causes should lead to, each once.
func wanted(t *testing.T) map[string]int {
	t.Helper()
	severities := map[string]string{}
	for _, a := range alerts.Alerts() {
		severities[a.Name] = a.Severity
	}
	want := map[string]int{}
	for _, c := range causes {
		rest := strings.Join([]string{"", c.alert, c.job, c.prefix, c.resource}, " ")
		want[map[string]string{"critical": "pager", "warning": "tickets", "info": "context"}[severities[c.alert]]+rest] = 1
		if c.job == "whereby" && c.prefix == "acme-" && severities[c.alert] != "info" {
			want["acme"+rest] = 1
		}
	}
	for name := range severities {
		if !slices.ContainsFunc(causes, func(c cause) bool { return c.alert == name }) {
			t.Errorf("%s has no cause", name)
		}
	}
	return want
}

// short are the times of rules in haste. Weeks that have gone by are short, and days that
// are looked over last longer than the test.
var short = map[string]string{
	"1m": "1s", "5m": "6s", "15m": "9s", "30m": "10s", "1h": "18s", "90m": "19s", "2h": "20s", "6h": "24s",
	"offset 1d": "offset 6s", "[1d": "[6s", "offset 7d": "offset 8s", "offset 14d": "offset 16s", "offset 21d": "offset 24s",
	"[1d:5m": "[6s:6s", "[3d": "[20s", "[7d": "[1h", "[7d:5m": "[1h:1s", "[30d": "[1h",
}

var (
	holding  = regexp.MustCompile(`(?m)^( +for): \S+`)
	keeping  = regexp.MustCompile(`(?m)^( +keep_firing_for): \S+`)
	duration = regexp.MustCompile(`(?:offset \d+d|\[\d+d(?::5m)?|\b\d+[mh])\b`)
	receiver = regexp.MustCompile(`(?m)^  - name: (\w+)$`)
)

// hasten has alerts hold for some seconds: longer than Prometheus takes to look for its
// first targets, while every exporter is absent.
func hasten(t *testing.T, rules string) string {
	t.Helper()
	rules = keeping.ReplaceAllString(holding.ReplaceAllString(rules, "$1: 10s"), "$1: 20s")
	return duration.ReplaceAllStringFunc(rules, func(d string) string {
		s, ok := short[d]
		if !ok {
			t.Fatalf("rules look %q back: how long is that here?", d)
		}
		return s
	})
}

// deliver runs Alertmanager with the routes of deploy, and returns its address and what it
// sends.
func deliver(t *testing.T) (address string, received *inbox) {
	t.Helper()
	received = &inbox{received: map[string]int{}}
	server := httptest.NewServer(received)
	t.Cleanup(server.Close)
	routes, receivers, ok := strings.Cut(read(t, alertmanagerFile(t, "alertmanager.yml")), "\nreceivers:\n")
	if !ok {
		t.Fatal("the configuration has no receivers")
	}
	config := regexp.MustCompile(`group_(wait|interval): \S+`).ReplaceAllString(routes, "group_$1: 1s") + "\nreceivers:\n"
	for _, match := range receiver.FindAllStringSubmatch(receivers, -1) {
		config += fmt.Sprintf("  - {name: %[1]s, webhook_configs: [{url: '%[2]s/%[1]s'}]}\n", match[1], server.URL)
	}
	return runAlertmanager(t, config), received
}

// TestEachAlertIsOfOneAccountAndArrivesOnce has a real Prometheus scrape accounts with a
// pair of exporters each, the bundled rules and routes in haste. Each alert has its cause
// in one account, and the others have the same customers.
func TestEachAlertIsOfOneAccountAndArrivesOnce(t *testing.T) {
	exhaustive.Only(t, "alerts", "deploy/alertmanager", "test/go.mod", "test/programs")
	dir := t.TempDir()
	files, err := alerts.Render(alerts.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"capacity.yml", "forecast.yml"} {
		delete(files, name) // they fire nothing, and look months back
	}
	for name, content := range files {
		write(t, filepath.Join(dir, "rules", name), []byte(hasten(t, string(content))))
	}
	var scrapes atomic.Int64
	a, b := exporters(t, 0, &scrapes), exporters(t, 1, &scrapes)
	alertmanager, received := deliver(t)
	config := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules/*.yml]\nalerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}\nscrape_configs:\n", strings.TrimPrefix(alertmanager, "http://"))
	jobs := map[string]bool{}
	for _, c := range causes {
		jobs[c.job] = true
	}
	for job := range jobs {
		config += fmt.Sprintf("  - {job_name: %[1]s, metrics_path: /%[1]s, static_configs: [{targets: [%[2]q, %[3]q]}]}\n", job, a, b)
	}
	write(t, filepath.Join(dir, "prometheus.yml"), []byte(config))
	runPrometheus(t, dir)
	want := wanted(t)
	programs.Eventually(t, 4*time.Minute, "every alert arrives", func() error {
		got := received.all()
		var missing []string
		for name := range want {
			if got[name] == 0 {
				missing = append(missing, name)
			}
		}
		if len(missing) > 0 {
			slices.Sort(missing)
			return fmt.Errorf("missing are\n%s", strings.Join(missing, "\n"))
		}
		return nil
	})
	// What is sent twice, or has no cause, comes within a few evaluations.
	enough := scrapes.Load() + 5*2*int64(len(jobs))
	programs.Eventually(t, time.Minute, "the rules are evaluated some times more", func() error {
		if n := scrapes.Load(); n < enough {
			return fmt.Errorf("%d scrapes are missing", enough-n)
		}
		return nil
	})
	got := received.all()
	for name, n := range got {
		if n != want[name] {
			t.Errorf("%s arrived %d times, want %d", name, n, want[name])
		}
	}
}

// runPrometheus runs one with the configuration and the rules in dir until the test ends.
func runPrometheus(t *testing.T, dir string) {
	t.Helper()
	run(t, programs.Prometheus, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:0", "--log.level=warn")
}
