package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

// notification is an alert as a webhook behind Alertmanager gets it.
type notification struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// inbox is that webhook.
type inbox struct {
	mu  sync.Mutex
	all []notification
}

func (i *inbox) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var message struct {
		Alerts []notification `json:"alerts"`
	}
	if json.NewDecoder(r.Body).Decode(&message) != nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.all = append(i.all, message.Alerts...)
}

// of returns the notifications of an alert in the order of their arrival.
func (i *inbox) of(alert, status string) []notification {
	i.mu.Lock()
	defer i.mu.Unlock()
	var found []notification
	for _, n := range i.all {
		if n.Labels["alertname"] == alert && n.Status == status {
			found = append(found, n)
		}
	}
	return found
}

func (i *inbox) arrives(t *testing.T, alert, status string) notification {
	t.Helper()
	programs.Eventually(t, patience, alert+" arrives, "+status, func() error {
		if len(i.of(alert, status)) == 0 {
			return fmt.Errorf("it has not")
		}
		return nil
	})
	return i.of(alert, status)[0]
}

// quick shortens the times of rules and configurations to a second or some: what is
// tested is what happens, and the times by promtool.
func quick(t *testing.T, content string) string {
	t.Helper()
	for _, change := range []struct{ from, to string }{
		{`(?m)^( +)for: \S+`, "${1}for: 2s"}, {`(?m)^( +)keep_firing_for: \S+`, "${1}keep_firing_for: 2s"},
		{`(?m)^( +)interval: \S+`, "${1}interval: 1s"}, {`scrape_interval: \S+`, "scrape_interval: 1s"},
		{`\[5m\]`, "[5s]"}, {`offset 5m\b`, "offset 5s"}, {`:5m\]`, ":5s]"}, // what is counted in steps of 5 minutes
		{`evaluation_interval: \S+`, "evaluation_interval: 1s"}, {`group_wait: \S+`, "group_wait: 1s"}, {`group_interval: \S+`, "group_interval: 1s"},
	} {
		content = regexp.MustCompile(change.from).ReplaceAllString(content, change.to)
	}
	return content
}

func readDeploy(t *testing.T, path ...string) string {
	t.Helper()
	root, err := programs.Root()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(append([]string{root, "deploy"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// startAlertmanager runs the configuration of deploy, but for its receivers, all of
// which are the inbox.
func startAlertmanager(t *testing.T) (address string, received *inbox) {
	t.Helper()
	received = &inbox{}
	server := httptest.NewServer(received)
	t.Cleanup(server.Close)
	config, _, _ := strings.Cut(quick(t, readDeploy(t, "alertmanager", "alertmanager.yml")), "\nreceivers:")
	config = strings.Replace(config, "continue: true", "continue: false", 1) + "\nreceivers:\n"
	for _, name := range []string{"pager", "tickets", "context", "acme"} {
		config += fmt.Sprintf("  - name: %s\n    webhook_configs: [{url: %q, send_resolved: true}]\n", name, server.URL)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "templates"), 0o750); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "templates", "whereby.tmpl"), readDeploy(t, "alertmanager", "templates", "whereby.tmpl"))
	writeFile(t, filepath.Join(dir, "alertmanager.yml"), config)
	address = programs.FreeAddress(t)
	start(t, nil, build(t, programs.Alertmanager), "--config.file="+filepath.Join(dir, "alertmanager.yml"),
		"--storage.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--cluster.listen-address=")
	programs.Eventually(t, patience, "Alertmanager is ready", func() error {
		status, _, err := get(t.Context(), "http://"+address+"/-/ready")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
	return address, received
}

// watch runs a Prometheus that scrapes an exporter, with the rules and configurations
// that come with it, and an Alertmanager. It returns what arrives behind them.
func watch(t *testing.T, address string) *inbox {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), build(t, programs.Exporter), "alerts", "--output-dir="+filepath.Join(dir, "rules")).CombinedOutput(); err != nil {
		t.Fatalf("alerts: %v\n%s", err, out)
	}
	rules, err := filepath.Glob(filepath.Join(dir, "rules", "*.yml"))
	if err != nil || len(rules) == 0 {
		t.Fatalf("rules are %v, %v", rules, err)
	}
	for _, path := range rules {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, quick(t, string(content)))
	}
	alertmanager, received := startAlertmanager(t)
	config := strings.NewReplacer("localhost:9093", alertmanager, "localhost:10036", address).Replace(quick(t, readDeploy(t, "prometheus", "prometheus.yml")))
	writeFile(t, filepath.Join(dir, "prometheus.yml"), config)
	start(t, nil, build(t, programs.Prometheus), "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+programs.FreeAddress(t))
	return received
}

// TestAnOverrunReachesAHuman runs a customer over its quota and on into the next
// period, and reads what arrives behind a real Prometheus and a real Alertmanager.
func TestAnOverrunReachesAHuman(t *testing.T) {
	t.Parallel()
	account, api := newAccount(t, wherebytest.Config{})
	now := time.Now().UTC()
	meet := func(n int, start time.Time, minutes int) {
		room := fmt.Sprintf("/acme-793e9ec1-c686-423d-9043-9b7a10c5530%d", n)
		account.AddRoom(wherebytest.Room{Name: room})
		people := []wherebytest.Participant{{}, {}}
		account.Schedule(room, wherebytest.Session{Start: start, End: start.Add(time.Duration(minutes) * time.Minute), Participants: people})
	}
	// Both days are before the one on which the next period will begin, which is today.
	first := now.AddDate(0, 0, -3)
	meet(1, first.Add(time.Hour), 45) // 90 minutes
	file := filepath.Join(t.TempDir(), "whereby.yml")
	configure := func(anchor int) {
		writeFile(t, file, fmt.Sprintf("billing: {anchor_day: %d}\ncustomers:\n  - room_prefix: acme-\n    name: Acme Inc\n    quotas: {participant_minutes: 100}\n", anchor))
	}
	configure(first.Day())
	address := programs.FreeAddress(t)
	e := startExporter(t, address, api, "--config.file="+file, "--web.enable-lifecycle", "--storage.path="+t.TempDir())

	received := watch(t, address)

	near := received.arrives(t, "WherebyQuotaNearLimit", "firing")
	if text := near.Annotations["description"]; !strings.Contains(text, "Acme Inc (acme-)") || !strings.Contains(text, "90%") || !strings.Contains(text, "90 of 100") {
		t.Errorf("near: %s", text)
	}

	meet(2, now.AddDate(0, 0, -1), 10) // 20 minutes more, yesterday
	exceeded := received.arrives(t, "WherebyQuotaExceeded", "firing")
	if exceeded.Labels["room_prefix"] != "acme-" || exceeded.Labels["resource"] != "participant_minutes" || exceeded.Labels["severity"] != "warning" {
		t.Errorf("exceeded has the labels %v", exceeded.Labels)
	}
	text := strings.Join(strings.Fields(exceeded.Annotations["description"]), " ")
	for _, want := range []string{"Acme Inc (acme-)", "110 participant minutes", "limit is 100", "The period ends in"} {
		if !strings.Contains(text, want) {
			t.Errorf("exceeded does not say %q: %s", want, text)
		}
	}
	if !strings.HasSuffix(exceeded.Annotations["runbook_url"], "/WherebyQuotaExceeded.md") {
		t.Errorf("exceeded has the runbook %s", exceeded.Annotations["runbook_url"])
	}
	// From here on near is silent: it is inhibited, its end too.
	nears := len(received.of("WherebyQuotaNearLimit", "firing"))

	// A period that begins today has nothing in it.
	configure(now.Day())
	if status := postTo(t, e.base+"/-/reload"); status != http.StatusOK {
		t.Fatalf("the reload is answered %d", status)
	}
	received.arrives(t, "WherebyQuotaExceeded", "resolved")
	if n := len(received.of("WherebyQuotaExceeded", "firing")); n != 1 {
		t.Errorf("exceeded arrived %d times", n)
	}
	if n := len(received.of("WherebyQuotaNearLimit", "firing")); n != nears {
		t.Errorf("near arrived again while exceeded: %d times, then %d", nears, n)
	}
}

// TestTheSidecarLoadsTheRules keeps the rules of a real Prometheus, over a change of a
// threshold and over rules that it refuses.
func TestTheSidecarLoadsTheRules(t *testing.T) {
	t.Parallel()
	_, api := newAccount(t, wherebytest.Config{})
	dir := t.TempDir()
	rules := filepath.Join(dir, "rules")
	writeFile(t, filepath.Join(dir, "prometheus.yml"), "rule_files: [rules/*.yml]\n")
	prometheus := programs.FreeAddress(t)
	file := filepath.Join(dir, "whereby.yml")
	writeFile(t, file, "alerts: {thresholds: {poll_stale_seconds: 3600}}\n")
	// The exporter is there first: it has to wait for Prometheus.
	e := startExporter(t, programs.FreeAddress(t), api, "--config.file="+file, "--web.enable-lifecycle", "--storage.path=",
		"--sidecar.rules-dir="+rules, "--sidecar.reload-url=http://"+prometheus+"/-/reload")
	loaded := func(want float64) {
		t.Helper()
		programs.Eventually(t, patience, "rules are loaded", func() error {
			samples, err := e.metrics()
			if err != nil {
				return err
			}
			if got, ok := samples["whereby_exporter_sidecar_rules_loaded"]; !ok || got != want {
				return fmt.Errorf("it is %v (there: %t)", got, ok)
			}
			return nil
		})
	}
	loaded(0)
	start(t, nil, build(t, programs.Prometheus), "--config.file="+filepath.Join(dir, "prometheus.yml"), "--web.enable-lifecycle",
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+prometheus)
	programs.Eventually(t, patience, "Prometheus is ready", func() error {
		status, _, err := get(t.Context(), "http://"+prometheus+"/-/ready")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
	stale := func() string {
		_, body, err := get(t.Context(), "http://"+prometheus+"/api/v1/rules?rule_name[]=WherebyPollStale")
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	reload := func(content string) {
		t.Helper()
		writeFile(t, file, content)
		if status := postTo(t, e.base+"/-/reload"); status != http.StatusOK {
			t.Fatalf("the reload is answered %d", status)
		}
	}
	reload("alerts: {thresholds: {poll_stale_seconds: 3600}}\n") // so that it looks at once
	loaded(1)
	if !strings.Contains(stale(), "3600") {
		t.Errorf("the threshold is not in the rule: %s", stale())
	}
	reload("alerts: {thresholds: {poll_stale_seconds: 5400}}\n")
	programs.Eventually(t, patience, "the new threshold", func() error {
		if !strings.Contains(stale(), "5400") {
			return fmt.Errorf("the rule is %s", stale())
		}
		return nil
	})
	loaded(1)
	entries, err := os.ReadDir(rules)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "whereby-") {
			t.Errorf("%s is left behind", entry.Name())
		}
	}
}
