package alerts

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"whereby_exporter/alerts"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/test/exhaustive"
	"whereby_exporter/test/programs"
)

func build(t *testing.T, p programs.Program) string {
	t.Helper()
	file, err := p.Build(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := programs.Root()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// render writes the rule files to dir/rules.
func render(t *testing.T, dir string, s alerts.Settings) {
	t.Helper()
	files, err := alerts.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		write(t, filepath.Join(dir, "rules", name), content)
	}
}

// unitTests are the files of the rules' unit tests, by name without .yml.
func unitTests(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root(t), "alerts", "tests", "*.yml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no unit tests: %v", err)
	}
	files := map[string]string{}
	for _, path := range paths {
		files[strings.TrimSuffix(filepath.Base(path), ".yml")] = read(t, path)
	}
	return files
}

func TestPromtoolFindsNoFaultInTheRules(t *testing.T) {
	promtool := build(t, programs.Promtool)
	low, high := map[string]float64{}, map[string]float64{}
	for _, threshold := range alerts.Thresholds() {
		low[threshold.Name], high[threshold.Name] = threshold.Min, threshold.Max
	}
	severities := map[string]string{}
	for _, name := range alerts.Names() {
		severities[name] = "critical"
	}
	for name, settings := range map[string]alerts.Settings{
		"defaults":        {},
		"lowest":          {Thresholds: low},
		"highest":         {Thresholds: high},
		"severities":      {Severities: severities},
		"one disabled":    {Disabled: alerts.Names()[:1]},
		"all disabled":    {Disabled: alerts.Names()},
		"other addresses": {RunbookURL: "https://example.com/r", DashboardURL: "http://grafana.example.com:3000/"},
		"all at once":     {Thresholds: high, Severities: severities, Disabled: alerts.Names()[3:5], RunbookURL: "https://example.com/r"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			render(t, dir, settings)
			var document bytes.Buffer
			if err := alerts.Write(&document, settings); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "document.yml"), document.Bytes())
			files, err := filepath.Glob(filepath.Join(dir, "rules", "*.yml"))
			if err != nil {
				t.Fatal(err)
			}
			for _, files := range [][]string{files, {filepath.Join(dir, "document.yml")}} {
				if out, err := exec.Command(promtool, append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, files...)...).CombinedOutput(); err != nil {
					t.Errorf("promtool: %v\n%s", err, out)
				}
			}
		})
	}
}

func TestUnitTestsOfTheRulesPass(t *testing.T) {
	promtool := build(t, programs.Promtool)
	dir := t.TempDir()
	render(t, dir, alerts.Settings{})
	for name, content := range unitTests(t) {
		file := filepath.Join(dir, "tests", name+".yml")
		write(t, file, []byte(content))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, err := exec.Command(promtool, "test", "rules", file).CombinedOutput(); err != nil {
				t.Errorf("promtool: %v\n%s", err, out)
			}
		})
	}
}

// firing and quiet are what a unit test expects of an alert at a time.
var (
	firing = regexp.MustCompile(`expr: count by \(\w*\) \(ALERTS\{alertname="(\w+)", alertstate="firing"\}\)\n +eval_time: \S+\n +exp_samples:`)
	quiet  = regexp.MustCompile(`expr: count by \(\w*\) \(ALERTS\{alertname="(\w+)", alertstate="firing"\}\)\n +eval_time: \S+\n(?: +- expr| +- name|  - name|  # |$)`)
)

func TestEveryAlertHasAFileThatSaysWhenItFiresAndWhenNot(t *testing.T) {
	files := unitTests(t)
	for _, name := range alerts.Names() {
		file, ok := files[name]
		if !ok {
			t.Errorf("%s has no unit tests", name)
			continue
		}
		fires, isQuiet, says := false, false, strings.Contains(file, "alert_rule_test:\n      - alertname: "+name+"\n")
		for _, match := range firing.FindAllStringSubmatch(file, -1) {
			fires = fires || match[1] == name
		}
		for _, match := range quiet.FindAllStringSubmatch(file, -1) {
			isQuiet = isQuiet || match[1] == name
		}
		if !fires || !isQuiet || !says {
			t.Errorf("%s: a case in which it fires: %v, in which it does not: %v, of its text: %v", name, fires, isQuiet, says)
		}
		delete(files, name)
	}
	for name := range files {
		if !strings.HasPrefix(name, "recording_") {
			t.Errorf("%s is of no alert", name)
		}
	}
}

// A unit test that no change of a rule breaks tests nothing. Promtool computes for five
// minutes here, and needs no time to start.
func TestUnitTestsFailWhenARuleIsChanged(t *testing.T) {
	exhaustive.Only(t, "alerts", "test/go.mod")
	promtool := build(t, programs.Promtool)
	tests := unitTests(t)
	for _, m := range []struct{ alert, file, from, to string }{
		{"WherebyQualityPoor", "quality.yml", "> 14.4", "> 14.8"},
		{"WherebyQualityPoor", "quality.yml", "> 14.4", "> 14"},
		{"WherebyQualityPoor", "quality.yml", "> 6 #", "> 6.5 #"},
		{"WherebyQualityPoor", "quality.yml", "> 6 #", "> 5.5 #"},
		{"WherebyQualityPoor", "quality.yml", ">= 10 #", ">= 11 #"},
		{"WherebyQualityPoor", "quality.yml", ">= 10 #", ">= 9 #"},
		{"WherebyQualityPoor", "quality.yml", "ratio_rate30m)", "ratio_rate6h)"},
		{"WherebyQualityPoor", "quality.yml", "max by (room_prefix, direction, verdict)", "min by (room_prefix, direction, verdict)"},
		{"WherebyQualityBudgetBurn", "quality.yml", "0.97 #", "0.968 #"},
		{"WherebyQualityBudgetBurn", "quality.yml", "0.97 #", "0.972 #"},
		{"WherebyQualityBudgetBurn", "quality.yml", "ratio_rate6h)", "ratio_rate3d)"},
		{"recording_quality", "quality.yml", "[3d:1h]", "[1d:1h]"},
		{"recording_quality", "quality.yml", "max by (room_prefix, direction, verdict)", "max by (room_prefix, verdict)"},
		{"WherebyRatingLow", "quality.yml", "< 3 #", "<= 3 #"},
		{"WherebyRatingLow", "quality.yml", ">= 10 # rating", ">= 9 # rating"},
		{"WherebyRatingLow", "quality.yml", "last_over_time(whereby_quality_rating[15m])", "whereby_quality_rating"},
		{"WherebyQuotaNearLimit", "quota.yml", ">= on (room_prefix) group_left ()\n              room_prefix:whereby_quota_near_ratio:max", "> on (room_prefix) group_left ()\n              room_prefix:whereby_quota_near_ratio:max"},
		{"WherebyQuotaNearLimit", "quota.yml", ") < 1\n", ") <= 1\n"},
		{"WherebyQuotaNearLimit", "quota.yml", "keep_firing_for: 20m", "keep_firing_for: 1m"},
		{"WherebyQuotaExceeded", "quota.yml", ">= on (room_prefix, resource)\n              room_prefix_resource:whereby_quota_limit:max\n          ) > 0", "> on (room_prefix, resource)\n              room_prefix_resource:whereby_quota_limit:max\n          ) > 0"},
		{"WherebyQuotaExceeded", "quota.yml", "limit:max\n          ) > 0", "limit:max\n          ) >= 0"},
		{"WherebyQuotaExceeded", "quota.yml", "[1h]) <= time()", "[1h]) < time() - 3600"},
		{"WherebyQuotaExceeded", "quota.yml", `last_over_time(whereby_quota_used{resource!="live_participants"}[1h])`, `whereby_quota_used{resource!="live_participants"}`},
		{"WherebyQuotaExceeded", "quota.yml", "for: 900s", "for: 960s"},
		{"WherebyQuotaExceeded", "quota.yml", "for: 900s", "for: 840s"},
		{"WherebyQuotaFastBurn", "quota.yml", "> 6 # quota_fast_burn_factor", ">= 6 # quota_fast_burn_factor"},
		{"WherebyQuotaFastBurn", "quota.yml", "> 6 # quota_fast_burn_factor", "> 6.2 # quota_fast_burn_factor"},
		{"WherebyLiveParticipantsNearLimit", "quota.yml", "0.9 # live", "0.91 # live"},
		{"WherebyLiveParticipantsNearLimit", "quota.yml", "0.9 # live", "0.89 # live"},
		{"WherebyOrganizationQuotaNearLimit", "organization.yml", "0.8 # org", "0.79 # org"},
		{"WherebyPollFailing", "polling.yml", "0.5 # poll", "0.52 # poll"},
		{"WherebyPollFailing", "polling.yml", "> 0.5 # poll", ">= 0.5 # poll"},
		{"WherebyPollStale", "polling.yml", "2700 # poll", "2640 # poll"},
		{"WherebyAPIKeyRejected", "polling.yml", "3 # api_key", "2 # api_key"},
		{"WherebyAPIBudgetLow", "polling.yml", "< 0.1 # api", "<= 0.1 # api"},
		{"WherebyWebhookRejected", "webhooks.yml", "0.05 # web", "0.052 # web"},
		{"WherebyWebhookRejected", "webhooks.yml", "20 # web", "19 # web"},
		{"WherebyWebhookSilent", "webhooks.yml", "[90m]", "[2h30m]"},
		{"WherebyKnockWaitLong", "usage.yml", "5 # knock", "6 # knock"},
		{"WherebyTranscriptionFailing", "usage.yml", "3 # trans", "2 # trans"},
	} {
		t.Run(m.alert+" "+strings.ReplaceAll(m.to, "\n", " "), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			render(t, dir, alerts.Settings{})
			rules := read(t, filepath.Join(dir, "rules", m.file))
			changed := strings.ReplaceAll(rules, m.from, m.to)
			if changed == rules {
				t.Fatalf("%s has no %q", m.file, m.from)
			}
			write(t, filepath.Join(dir, "rules", m.file), []byte(changed))
			file := filepath.Join(dir, "tests", m.alert+".yml")
			write(t, file, []byte(tests[m.alert]))
			out, err := exec.Command(promtool, "test", "rules", file).CombinedOutput()
			if err == nil {
				t.Errorf("the unit tests pass with %q", m.to)
			} else if !bytes.Contains(out, []byte("FAILED")) || bytes.Contains(out, []byte("parse error")) {
				t.Errorf("promtool fails for another reason: %s", out)
			}
		})
	}
}

var (
	query  = regexp.MustCompile("(?s)```promql\n(.*?)\n```")
	metric = regexp.MustCompile(`\bwhereby_[a-z0-9_]+`)
	record = regexp.MustCompile(`\b[a-z_]+:[a-z0-9_]+:[a-z0-9_]+`)
)

func TestQueriesOfRunbooksParse(t *testing.T) {
	promtool := build(t, programs.Promtool)
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: runbooks\n    rules:\n")
	n := 0
	for name, content := range runbooks(t) {
		for _, match := range query.FindAllStringSubmatch(content, -1) {
			n++
			fmt.Fprintf(&rules, "      - record: runbook:query%d:%s\n        expr: |\n          %s\n", n, strings.TrimSuffix(name, ".md"), strings.ReplaceAll(match[1], "\n", "\n          "))
		}
	}
	if n < len(alerts.Names()) {
		t.Errorf("only %d queries", n)
	}
	file := filepath.Join(t.TempDir(), "runbooks.yml")
	write(t, file, []byte(rules.String()))
	if out, err := exec.Command(promtool, "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

func runbooks(t *testing.T) map[string]string {
	t.Helper()
	paths, err := fs.Glob(alerts.Runbooks(), "*.md")
	if err != nil {
		t.Fatal(err)
	}
	contents := map[string]string{}
	for _, path := range paths {
		content, err := fs.ReadFile(alerts.Runbooks(), path)
		if err != nil {
			t.Fatal(err)
		}
		contents[path] = string(content)
	}
	return contents
}

func TestEveryMetricThatIsNamedIsExposedOrRecorded(t *testing.T) {
	exposed := map[string]bool{"whereby_exporter": true} // the program, as in a command
	for _, m := range metrics.All() {
		exposed[m.Name] = true
		if m.Type == metrics.Histogram || m.Type == metrics.Summary {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				exposed[m.Name+suffix] = true
			}
		}
	}
	texts := runbooks(t)
	rendered, err := alerts.Render(alerts.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	var recorded []string
	for name, content := range rendered {
		texts[name] = string(content)
		for _, match := range regexp.MustCompile(`- record: (\S+)`).FindAllStringSubmatch(string(content), -1) {
			recorded = append(recorded, match[1])
		}
	}
	for name, text := range texts {
		for _, r := range record.FindAllString(text, -1) {
			if !slices.Contains(recorded, r) {
				t.Errorf("%s names %s, which no rule records", name, r)
			}
		}
		for _, m := range metric.FindAllString(record.ReplaceAllString(text, ""), -1) {
			if !exposed[m] {
				t.Errorf("%s names %s, which is not exposed", name, m)
			}
		}
	}
}

func TestPrometheusTakesTheConfigurationOfDeploy(t *testing.T) {
	promtool := build(t, programs.Promtool)
	dir := t.TempDir()
	render(t, dir, alerts.Settings{})
	write(t, filepath.Join(dir, "prometheus.yml"), []byte(read(t, filepath.Join(root(t), "deploy", "prometheus", "prometheus.yml"))))
	out, err := exec.Command(promtool, "check", "config", "--lint=all", "--lint-fatal", filepath.Join(dir, "prometheus.yml")).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("rules found")) {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
