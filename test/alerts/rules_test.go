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

// unitTests returns the files of the rules' unit tests, by name without .yml.
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

// TestUnitTestsOfTheRulesPass runs each file of tests on the rules that it asks for.
func TestUnitTestsOfTheRulesPass(t *testing.T) {
	promtool := build(t, programs.Promtool)
	for name, content := range unitTests(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exhaustive.Once(t, "alerts/render.go", "alerts/rules", "alerts/rules.go", "alerts/tests/"+name+".yml", "alerts/thresholds.go", "test/go.mod")
			dir := t.TempDir()
			render(t, dir, alerts.Settings{})
			prune(t, filepath.Join(dir, "rules"), content)
			file := filepath.Join(dir, "tests", name+".yml")
			write(t, file, []byte(content))
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

// A unit test that no change of a rule breaks tests nothing. Each change names the case
// that must fail, and only that one runs: all cases of a file take promtool up to 20 s.
func TestUnitTestsFailWhenARuleIsChanged(t *testing.T) {
	exhaustive.Only(t, "alerts", "test/go.mod")
	promtool := build(t, programs.Promtool)
	tests := unitTests(t)
	for _, m := range []struct{ test, file, from, to, fails string }{
		{"WherebyQualityPoor", "quality.yml", "> 14.4", "> 14.8", "44 % of an hour is poor: fires"},
		{"WherebyQualityPoor", "quality.yml", "> 14.4", "> 14", "43 % of an hour is poor: does not fire"},
		{"WherebyQualityPoor", "quality.yml", "> 6 #", "> 6.5 #", "19 % of six hours is poor: fires"},
		{"WherebyQualityPoor", "quality.yml", "> 6 #", "> 5.5 #", "17 % of six hours is poor: does not fire"},
		{"WherebyQualityPoor", "quality.yml", ">= 10 #", ">= 11 #", "10 participants in the hour: fires"},
		{"WherebyQualityPoor", "quality.yml", ">= 10 #", ">= 9 #", "9 participants in six hours: does not fire"},
		{"WherebyQualityPoor", "quality.yml", "ratio_rate30m)", "ratio_rate6h)", "44 % of an hour is poor: fires"},
		{"WherebyQualityPoor", "quality.yml", "sum by (job, room_prefix) (rate(", "min by (job, room_prefix) (rate(", "two replicas of which one has read nothing: one alert"},
		{"WherebyQualityBudgetBurn", "quality.yml", "0.97 #", "0.968 #", "3.1 % of three days is poor: fires"},
		{"WherebyQualityBudgetBurn", "quality.yml", "0.97 #", "0.972 #", "2.9 % of three days is poor: does not fire"},
		{"WherebyQualityBudgetBurn", "quality.yml", "ratio_rate6h)", "ratio_rate3d)", "the last six hours were good: does not fire"},
		{"recording_quality", "quality.yml", "[3d:1h]", "[1d:1h]", "a busy day weighs more than a quiet one"},
		{"recording_quality", "quality.yml", "sum by (job, room_prefix) (rate(", "max by (job, room_prefix) (rate(", "both directions count"},
		{"WherebyRatingLow", "quality.yml", "< 3 #", "<= 3 #", "3 stars: does not fire"},
		{"WherebyRatingLow", "quality.yml", ">= 10 # rating", ">= 9 # rating", "9 ratings: does not fire"},
		{"WherebyRatingLow", "quality.yml", "last_over_time(whereby_quality_rating[15m])", "whereby_quality_rating", "a failed scrape: goes on"},
		{"WherebyQuotaNearLimit", "quota.yml", ">= on (job, room_prefix) group_left ()\n              job_room_prefix:whereby_quota_near_ratio:max", "> on (job, room_prefix) group_left ()\n              job_room_prefix:whereby_quota_near_ratio:max", "^0.8 of the limit: fires"},
		{"WherebyQuotaNearLimit", "quota.yml", ") < 1\n", ") <= 1\n", "^1 of the limit: does not fire"},
		{"WherebyQuotaNearLimit", "quota.yml", "keep_firing_for: 20m", "keep_firing_for: 1m", "from near to exceeded: one of the two fires all the time"},
		{"WherebyQuotaExceeded", "quota.yml", ">= on (job, room_prefix, resource)\n              job_room_prefix_resource:whereby_quota_limit:max\n          ) > 0", "> on (job, room_prefix, resource)\n              job_room_prefix_resource:whereby_quota_limit:max\n          ) > 0", "^1 of the limit: fires"},
		{"WherebyQuotaExceeded", "quota.yml", "limit:max\n          ) > 0", "limit:max\n          ) >= 0", "limit 0 and nothing used: does not fire"},
		{"WherebyQuotaExceeded", "quota.yml", "[1h]) <= time()", "[1h]) < time() - 3600", "rollover while the API is out: resolves with the end of the period"},
		{"WherebyQuotaExceeded", "quota.yml", `last_over_time(whereby_quota_used_lower_bound{resource!="live_participants"}[1h])`, `whereby_quota_used_lower_bound{resource!="live_participants"}`, "the exporter is gone for 50 minutes"},
		{"WherebyQuotaExceeded", "quota.yml", "for: 900s", "for: 960s", "fires after 15 minutes"},
		{"WherebyQuotaExceeded", "quota.yml", "for: 900s", "for: 840s", "fires after 15 minutes"},
		{"WherebyQuotaFastBurn", "quota.yml", "> 6 # quota_fast_burn_factor", ">= 6 # quota_fast_burn_factor", "1 a minute for 6 hours: does not fire"},
		{"WherebyQuotaFastBurn", "quota.yml", "> 6 # quota_fast_burn_factor", "> 6.2 # quota_fast_burn_factor", "1.03 a minute for 6 hours: fires"},
		{"WherebyLiveParticipantsNearLimit", "quota.yml", "0.9 # live", "0.91 # live", "90 % for 10 minutes: fires"},
		{"WherebyLiveParticipantsNearLimit", "quota.yml", "0.9 # live", "0.89 # live", "179 of 200: does not fire"},
		{"WherebyRoomNearlyFull", "usage.yml", "0.9 # room", "0.91 # room", "90 % of 200: fires"},
		{"WherebyRoomNearlyFull", "usage.yml", "0.9 # room", "0.89 # room", "89.5 %: does not fire"},
		{"WherebyRoomNearlyFull", "usage.yml", "10 # room", "9 # room", "a full room for 9: does not fire"},
		{"WherebyRoomNearlyFull", "usage.yml", "10 # room", "11 # room", "a full room for 10: fires"},
		{"WherebyRoomNearlyFull", "usage.yml", "ratio_max[5m])", "ratio_max[1m])", "a scrape is missed before it fires: fires"},
		{"WherebyOrganizationQuotaNearLimit", "organization.yml", "0.8 # org", "0.79 # org", "0.7999 of the limit: does not fire"},
		{"WherebyRecordingsNearAllowance", "recordings.yml", "0.9 # rec", "0.91 # rec", "^0.9 of the allowance: fires"},
		{"WherebyRecordingsNearAllowance", "recordings.yml", "0.9 # rec", "0.89 # rec", "0.8999 of the allowance: does not fire"},
		{"WherebyRecordingsNearAllowance", "recordings.yml", ") > 0\n", ") >= 0\n", "an allowance of 0 and nothing stored: does not fire"},
		{"WherebyRecordingsNearAllowance", "recordings.yml", `{resource="recordings_stored_bytes"}`, "", "another quota is no allowance: does not fire"},
		{"WherebyRecordingsNearAllowance", "recordings.yml", "or\n          max by (job) (last_over_time(whereby_organization_recordings_stored_bytes[1h]))", "", "the exporter is gone for 50 minutes: goes on"},
		{"WherebyRecordingsPastRetention", "recordings.yml", "for: 12h", "for: 11h", "older for 12 hours: fires, and says how old and whose"},
		{"WherebyRecordingsPastRetention", "recordings.yml", "> on (job)\n          job:", ">= on (job)\n          job:", "as old as the retention: does not count"},
		{"WherebyRecordingsPastRetention", "recordings.yml", "(last_over_time(whereby_organization_recordings_oldest_timestamp_seconds[1h]))\n            unless on (job) whereby_organization_recordings_stored_bytes", "(last_over_time(whereby_organization_recordings_oldest_timestamp_seconds[1h]))", "all are deleted: resolves"},
		{"WherebyRecordingsPastRetention", "recordings.yml", "min by (job) (whereby_organization_recordings_oldest", "max by (job) (whereby_organization_recordings_oldest", "two exporters of which one has read before the other: one alert"},
		{"recording_recordings", "recordings.yml", "0 * job_room_prefix:whereby_recordings_stored_bytes:max offset 1d", "job_room_prefix:whereby_recordings_stored_bytes:max offset 1d", "a customer that begins or ends"},
		{"recording_recordings", "recordings.yml", "and on (job) job:whereby_organization_recordings_stored_bytes:delta1d", "", "what is stored at the first reading is no growth"},
		{"recording_recordings", "recordings.yml", "(last_over_time(whereby_recordings_stored_bytes[1h]))\n            unless on (job) whereby_organization_recordings_stored_bytes", "(last_over_time(whereby_recordings_stored_bytes[1h]))", "a customer that begins or ends"},
		{"WherebyPollFailing", "polling.yml", "0.5 # poll", "0.52 # poll", "51 % of the polls fail: fires"},
		{"WherebyPollFailing", "polling.yml", "> 0.5 # poll", ">= 0.5 # poll", "half of the polls fail: does not fire"},
		{"WherebyPollStale", "polling.yml", "2700 # poll", "2640 # poll", "no success since minute 10: fires 45 and 5 minutes later"},
		{"WherebyPollNeverSucceeded", "polling.yml", "> 10\n", "> 9\n", "10 polls fail in an hour, and requests succeed: does not fire"},
		{"WherebyPollNeverSucceeded", "polling.yml", "> 10\n", "> 11\n", "11 polls fail in an hour, each after a page: fires"},
		{"WherebyPollNeverSucceeded", "polling.yml", `{code="200", endpoint="rooms"}[15m]`, `{code="200"}[15m]`, "requests succeeded, but no longer do: fires"},
		{"WherebyPollNeverSucceeded", "polling.yml", `{code="200", endpoint="rooms"}[15m]`, `{code="500", endpoint="rooms"}[15m]`, "the first poll takes a day, and failed once: does not fire"},
		{"WherebyAPIKeyRejected", "polling.yml", "3 # api_key", "2 # api_key", "2 in an hour: does not fire"},
		{"WherebyAPIBudgetLow", "polling.yml", "< 0.1 # api", "<= 0.1 # api", "^10 % left: does not fire"},
		{"WherebyWebhookRejected", "webhooks.yml", "0.05 # web", "0.052 # web", "5.1 % rejected: fires"},
		{"WherebyWebhookRejected", "webhooks.yml", "20 # web", "19 # web", "19 deliveries in the hour"},
		{"WherebyWebhookSilent", "webhooks.yml", "90m", "150m", "a short meeting, shown with the lag"},
		{"recording_forecast_between", "forecast.yml", "scalar(whereby:current_quarter_end:timestamp_seconds) - time()", "scalar(last_over_time(whereby:quarter_end:timestamp_seconds[2h])) - time()", "ten minutes into a quarter: it is forecast, and not the past one"},
		{"recording_forecast_between", "forecast.yml", "\n            count_values(\"quarter\", whereby:current_quarter_end:timestamp_seconds)", "\n            count_values(\"quarter\", last_over_time(whereby:quarter_end:timestamp_seconds[2h]))", "ten minutes into a quarter: it is forecast, and not the past one"},
		{"recording_forecast_between", "forecast.yml", "or 0 * last_over_time(job_resource:whereby_usage:increase1h[1d])", "", "ten minutes into a quarter: it is forecast, and not the past one"},
		{"recording_forecast_between", "forecast.yml", "whereby:current_quarter_end:timestamp_seconds)\n          )\n          or", "whereby:quarter_end:timestamp_seconds)\n          )\n          or", "history ended two hours ago: the first evaluation knows the forecast"},
		{"recording_forecast_between", "forecast.yml", "+ 604800 / (scalar(whereby:current_quarter_end:timestamp_seconds) - time())", "", "the last second of a quarter: next to nothing is left, and no more uncertain"},
		{"WherebyKnockWaitLong", "usage.yml", "5 # knock", "6 # knock", "5 knocks in the hour: fires"},
		{"WherebyTranscriptionFailing", "usage.yml", "3 # trans", "2 # trans", "2 of 2 fail: does not fire"},
	} {
		t.Run(m.test+" "+strings.ReplaceAll(m.to, "\n", " "), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			render(t, dir, alerts.Settings{})
			rules := read(t, filepath.Join(dir, "rules", m.file))
			changed := strings.ReplaceAll(rules, m.from, m.to)
			if changed == rules {
				t.Fatalf("%s has no %q", m.file, m.from)
			}
			write(t, filepath.Join(dir, "rules", m.file), []byte(changed))
			prune(t, filepath.Join(dir, "rules"), tests[m.test])
			file := filepath.Join(dir, "tests", m.test+".yml")
			write(t, file, []byte(tests[m.test]))
			out, err := exec.Command(promtool, "test", "rules", "--run", m.fails, file).CombinedOutput()
			if err == nil {
				t.Errorf("no case %q, or it passes with %q", m.fails, m.to)
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
