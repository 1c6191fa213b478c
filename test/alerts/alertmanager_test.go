package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"whereby_exporter/alerts"
	"whereby_exporter/test/programs"
)

func alertmanagerFile(t *testing.T, elements ...string) string {
	t.Helper()
	return filepath.Join(append([]string{root(t), "deploy", "alertmanager"}, elements...)...)
}

func TestAmtoolTakesTheConfigurationOfDeploy(t *testing.T) {
	if out, err := exec.Command(build(t, programs.Amtool), "check-config", alertmanagerFile(t, "alertmanager.yml")).CombinedOutput(); err != nil {
		t.Errorf("amtool: %v\n%s", err, out)
	}
	config := read(t, alertmanagerFile(t, "alertmanager.yml"))
	for line := range strings.Lines(config) {
		for _, secret := range []string{"password:", "routing_key:", "service_key:", "api_url:", "token:"} {
			if strings.Contains(line, secret) {
				t.Errorf("a secret that is not in a file: %s", line)
			}
		}
	}
}

func TestAlertsGoToWhoeverHasToAct(t *testing.T) {
	amtool := build(t, programs.Amtool)
	for labels, want := range map[string]string{
		"alertname=WherebyExporterAbsent severity=critical":                                "pager",
		"alertname=WherebyPollStale severity=warning":                                      "tickets",
		"alertname=WherebyQuotaExceeded severity=warning job=whereby room_prefix=globex-":  "tickets",
		"alertname=WherebyQuotaExceeded severity=warning job=whereby room_prefix=acme-":    "acme,tickets",
		"alertname=WherebyQuotaExceeded severity=critical job=whereby room_prefix=acme-":   "acme,pager",
		"alertname=WherebyUsageAnomaly severity=info job=whereby room_prefix=acme-":        "context",
		"alertname=WherebyQuotaExceeded severity=warning job=whereby room_prefix=acme-eu-": "tickets",
		"alertname=WherebyQuotaExceeded severity=warning job=staging room_prefix=acme-":    "tickets",
	} {
		args := append([]string{"config", "routes", "test", "--config.file=" + alertmanagerFile(t, "alertmanager.yml"), "--verify.receivers=" + want}, strings.Fields(labels)...)
		if out, err := exec.Command(amtool, args...).CombinedOutput(); err != nil {
			t.Errorf("%s: want %s: %v\n%s", labels, want, err, out)
		}
	}
}

func TestAMessageSaysWhatAPersonNeeds(t *testing.T) {
	amtool := build(t, programs.Amtool)
	data := filepath.Join(t.TempDir(), "data.json")
	write(t, data, []byte(`{"receiver": "tickets", "status": "firing", "externalURL": "https://alertmanager.example.com",
		"groupLabels": {"alertname": "WherebyQuotaExceeded", "room_prefix": "acme-"},
		"commonLabels": {"severity": "warning", "job": "whereby", "room_prefix": "acme-"},
		"commonAnnotations": {"summary": "A customer has used up a quota."},
		"alerts": [
			{"status": "firing", "startsAt": "2026-03-01T03:04:00Z", "labels": {"alertname": "WherebyQuotaExceeded"},
			 "annotations": {"description": "Acme Inc has used 51k.", "runbook_url": "https://example.com/r.md", "dashboard_url": "https://example.com/d"}},
			{"status": "resolved", "endsAt": "2026-03-01T05:06:00Z", "labels": {"alertname": "WherebyQuotaExceeded", "job": "whereby", "room_prefix": "acme-", "resource": "sessions"}}]}`))
	out, err := exec.Command(amtool, "template", "render", "--template.glob="+alertmanagerFile(t, "templates", "*.tmpl"),
		"--template.type=text", "--template.data="+data, `--template.text={{ template "whereby.title" . }}|{{ template "whereby.text" . }}`).CombinedOutput()
	if err != nil {
		t.Fatalf("amtool: %v\n%s", err, out)
	}
	want := `WARNING (1): A customer has used up a quota. [whereby acme-]|Acme Inc has used 51k.
Since: 2026-03-01 03:04 UTC
What to do: https://example.com/r.md
Dashboard: https://example.com/d

Resolved: WherebyQuotaExceeded whereby acme- sessions, since 2026-03-01 05:06 UTC
To silence: https://alertmanager.example.com/#/silences/new`
	if got := strings.TrimSpace(string(out)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// startAlertmanager runs Alertmanager with the configuration of deploy, and returns
// its address. Nothing is sent: groups wait for longer than any test.
func startAlertmanager(t *testing.T) string {
	t.Helper()
	config := read(t, alertmanagerFile(t, "alertmanager.yml"))
	if !strings.Contains(config, "group_wait: 30s") {
		t.Fatal("the configuration has no group_wait: 30s")
	}
	return runAlertmanager(t, strings.ReplaceAll(config, "group_wait: 30s", "group_wait: 1h"))
}

// runAlertmanager runs it with a configuration and the templates of deploy.
func runAlertmanager(t *testing.T, config string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "alertmanager.yml"), []byte(config))
	write(t, filepath.Join(dir, "templates", "whereby.tmpl"), []byte(read(t, alertmanagerFile(t, "templates", "whereby.tmpl"))))
	address := programs.FreeAddress(t)
	run(t, programs.Alertmanager, "--config.file="+filepath.Join(dir, "alertmanager.yml"),
		"--storage.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--cluster.listen-address=", "--log.level=warn")
	base := "http://" + address
	programs.Eventually(t, 30*time.Second, "Alertmanager is ready", func() error {
		_, err := request(t.Context(), http.MethodGet, base+"/-/ready", nil)
		return err
	})
	return base
}

// run runs a program until the test ends.
func run(t *testing.T, p programs.Program, args ...string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(build(t, p), args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", p.Name, err, out.String())
		}
	})
}

func request(ctx context.Context, method, address string, body any) ([]byte, error) {
	content, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var read bytes.Buffer
	if _, err := read.ReadFrom(answer.Body); err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", answer.Status, read.String())
	}
	return read.Bytes(), nil
}

type labels map[string]string

// quotaAlert is one of the alerts on quotas of a customer.
func quotaAlert(name, prefix, resource string) labels {
	return labels{"alertname": name, "job": "whereby", "room_prefix": prefix, "resource": resource, "severity": "warning"}
}

func TestWhatSilencesWhat(t *testing.T) {
	base := startAlertmanager(t)
	const minutes = "participant_minutes"
	// An alert for each rule, as it stands for one customer.
	var all []labels
	for _, name := range alerts.Names() {
		all = append(all, quotaAlert(name, "acme-", minutes))
	}
	except := func(silent ...string) (active []string) {
		for _, name := range alerts.Names() {
			if !slices.Contains(silent, name) {
				active = append(active, name+" acme- "+minutes)
			}
		}
		return active
	}
	stale := []string{"WherebyQuotaNearLimit", "WherebyQuotaProjectedOverrun", "WherebyQuotaFastBurn", "WherebyOrganizationQuotaNearLimit",
		"WherebyOrganizationQuotaProjectedOverrun", "WherebyUsageAnomaly", "WherebyPollFailing"}
	without := func(names ...string) []labels {
		return slices.DeleteFunc(slices.Clone(all), func(l labels) bool { return slices.Contains(names, l["alertname"]) })
	}
	sources := []string{"WherebyExporterAbsent", "WherebyPollStale", "WherebyPollNeverSucceeded", "WherebyAPIKeyRejected", "WherebyStorageFailing",
		"WherebyQuotaExceeded", "WherebyOrganizationQuotaExceeded", "WherebyQualityPoor"}
	but := func(name string) []string {
		return slices.DeleteFunc(slices.Clone(sources), func(s string) bool { return s == name })
	}
	for name, test := range map[string]struct {
		firing []labels
		active []string
	}{
		"nothing is silent by itself": {without(sources...), except(sources...)},
		"an exceeded quota silences what leads to it, of the same customer and resource": {
			[]labels{
				quotaAlert("WherebyQuotaExceeded", "acme-", minutes),
				quotaAlert("WherebyQuotaNearLimit", "acme-", minutes),
				quotaAlert("WherebyQuotaProjectedOverrun", "acme-", minutes),
				quotaAlert("WherebyQuotaFastBurn", "acme-", minutes),
				quotaAlert("WherebyQuotaNearLimit", "acme-", "sessions"),
				quotaAlert("WherebyQuotaFastBurn", "globex-", minutes),
				quotaAlert("WherebyUsageAnomaly", "acme-", minutes),
			},
			[]string{"WherebyQuotaExceeded acme- " + minutes, "WherebyQuotaNearLimit acme- sessions", "WherebyQuotaFastBurn globex- " + minutes, "WherebyUsageAnomaly acme- " + minutes},
		},
		"stale polls silence what rests on them, and never what is exceeded": {
			[]labels{
				quotaAlert("WherebyPollStale", "", ""),
				quotaAlert("WherebyQuotaExceeded", "globex-", minutes),
				quotaAlert("WherebyQuotaNearLimit", "acme-", minutes),
				quotaAlert("WherebyLiveParticipantsNearLimit", "acme-", "live_participants"),
				quotaAlert("WherebyUsageAnomaly", "acme-", ""),
			},
			[]string{"WherebyPollStale  ", "WherebyQuotaExceeded globex- " + minutes, "WherebyLiveParticipantsNearLimit acme- live_participants"},
		},
		"poor calls silence calls that are too often poor, of the same customer": {
			[]labels{
				quotaAlert("WherebyQualityPoor", "acme-", ""),
				quotaAlert("WherebyQualityBudgetBurn", "acme-", ""),
				quotaAlert("WherebyQualityBudgetBurn", "globex-", ""),
			},
			[]string{"WherebyQualityPoor acme- ", "WherebyQualityBudgetBurn globex- "},
		},
		"no poll ever": {without(but("WherebyPollNeverSucceeded")...), except(append(but("WherebyPollNeverSucceeded"), stale...)...)},
		"a rejected key silences the alerts on polls": {
			without(but("WherebyAPIKeyRejected")...), except(append(but("WherebyAPIKeyRejected"), "WherebyPollFailing")...)},
		"no exporter silences all but what is exceeded": {all, []string{
			"WherebyExporterAbsent acme- " + minutes, "WherebyQuotaExceeded acme- " + minutes, "WherebyOrganizationQuotaExceeded acme- " + minutes}},
	} {
		t.Run(name, func(t *testing.T) {
			post(t, base, test.firing, time.Hour)
			defer post(t, base, test.firing, -time.Second) // resolved, so that the next case begins with none
			want := slices.Sorted(slices.Values(test.active))
			programs.Eventually(t, 30*time.Second, "the right alerts are silent", func() error {
				active, suppressed, err := states(t.Context(), base)
				if err == nil && (!slices.Equal(active, want) || len(active)+len(suppressed) != len(test.firing)) {
					err = fmt.Errorf("active are\n%s\nwant\n%s", strings.Join(active, "\n"), strings.Join(want, "\n"))
				}
				return err
			})
		})
	}
}

// post tells Alertmanager of alerts that end after a while.
func post(t *testing.T, base string, firing []labels, end time.Duration) {
	t.Helper()
	var body []map[string]any
	for _, l := range firing {
		body = append(body, map[string]any{"labels": l, "startsAt": time.Now().Add(-time.Minute), "endsAt": time.Now().Add(end)})
	}
	if _, err := request(t.Context(), http.MethodPost, base+"/api/v2/alerts", body); err != nil {
		t.Error(err)
	}
}

// states returns the alerts that would be sent, and those that are silent.
func states(ctx context.Context, base string) (active, suppressed []string, err error) {
	content, err := request(ctx, http.MethodGet, base+"/api/v2/alerts", nil)
	if err != nil {
		return nil, nil, err
	}
	var answer []struct {
		Labels labels
		Status struct{ State string }
	}
	if err := json.Unmarshal(content, &answer); err != nil {
		return nil, nil, err
	}
	for _, a := range answer {
		name := a.Labels["alertname"] + " " + a.Labels["room_prefix"] + " " + a.Labels["resource"]
		switch a.Status.State {
		case "active":
			active = append(active, name)
		case "suppressed":
			suppressed = append(suppressed, name)
		default:
			return nil, nil, fmt.Errorf("%s is %s", name, a.Status.State)
		}
	}
	slices.Sort(active)
	return active, suppressed, nil
}
