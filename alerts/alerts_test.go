package alerts

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// document is what Prometheus reads, and nothing else.
type document struct {
	Groups []struct {
		Name, Interval string
		Rules          []struct {
			Record, Alert, Expr, For string
			KeepFiringFor            string `yaml:"keep_firing_for"`
			Labels, Annotations      map[string]string
		}
	}
}

func decode(t *testing.T, content []byte) document {
	t.Helper()
	var d document
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&d); err != nil {
		t.Fatalf("%v in\n%s", err, content)
	}
	return d
}

func written(t *testing.T, s Settings) string {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWithoutSettingsTheFilesStayAsTheyAre(t *testing.T) {
	rendered, err := Render(Settings{})
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob("rules/*")
	if err != nil || len(paths) != len(rendered) {
		t.Fatalf("%d files, and %d rendered: %v", len(paths), len(rendered), err)
	}
	for _, path := range paths {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := rendered[filepath.Base(path)]; !bytes.Equal(got, want) {
			t.Errorf("%s is rendered as\n%s", path, got)
		}
	}
}

// ofNoAccount are the recording rules that are the same for every account.
var ofNoAccount = []string{"whereby:quarter_start:timestamp_seconds", "whereby:quarter_end:timestamp_seconds", "whereby:current_quarter_end:timestamp_seconds", "whereby:quality_objective:ratio"}

// Usage by the hour carries the quarter's end as one rule records it, and the forecast
// looks for it as the other does.
func TestBothQuarterEndsAreTheSame(t *testing.T) {
	ends := map[string]string{}
	for _, g := range decode(t, []byte(written(t, Settings{}))).Groups {
		for _, r := range g.Rules {
			ends[r.Record] = r.Expr
		}
	}
	if hourly, current := ends["whereby:quarter_end:timestamp_seconds"], ends["whereby:current_quarter_end:timestamp_seconds"]; hourly != current || hourly == "" {
		t.Errorf("the end of the quarter is\n%s\nonce an hour, and\n%s\nin the forecast", hourly, current)
	}
}

func TestEveryAlertHasWhatTheConventionsAsk(t *testing.T) {
	var names []string
	for _, g := range decode(t, []byte(written(t, Settings{}))).Groups {
		for _, r := range g.Rules {
			if r.Alert == "" {
				if strings.Count(r.Record, ":") != 2 {
					t.Errorf("%s is not level:metric:operations", r.Record)
				}
				if global := slices.Contains(ofNoAccount, r.Record); global == strings.HasPrefix(r.Record, "job") {
					t.Errorf("the level of %s does not say whether it is of an account", r.Record)
				}
				continue
			}
			names = append(names, r.Alert)
			if !strings.HasPrefix(r.Alert, "Whereby") || r.For == "" {
				t.Errorf("%s: a name without Whereby, or no for", r.Alert)
			}
			if len(r.Labels) != 1 || !slices.Contains(Severities(), r.Labels["severity"]) {
				t.Errorf("%s adds the labels %v", r.Alert, r.Labels)
			}
			if len(r.Annotations) != 4 || strings.Contains(r.Annotations["summary"], "{{") ||
				r.Annotations["runbook_url"] != runbookURL+"/"+r.Alert+".md" || !strings.HasPrefix(r.Annotations["dashboard_url"], dashboardURL+"/d/whereby-") {
				t.Errorf("%s has the annotations %v", r.Alert, r.Annotations)
			}
			if byCustomer := strings.Contains(r.Annotations["description"], "$labels.room_prefix"); byCustomer !=
				strings.Contains(r.Annotations["dashboard_url"], "?var-job={{ $labels.job | urlquery }}&var-room_prefix={{ $labels.room_prefix | urlquery }}") ||
				byCustomer != strings.Contains(r.Annotations["description"], "whereby_customer_info") {
				t.Errorf("%s names the customer in one annotation, and not in another", r.Alert)
			}
			if !strings.Contains(r.Annotations["description"], "$labels.job") || !strings.Contains(r.Annotations["dashboard_url"], "?var-job=") {
				t.Errorf("%s does not say of which account it is: %v", r.Alert, r.Annotations)
			}
			if strings.Contains(r.Annotations["description"], "$labels.instance") {
				t.Errorf("%s is of an instance, which is new with every pod", r.Alert)
			}
		}
	}
	if got := Names(); !slices.Equal(got, names) || len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(names) {
		t.Errorf("Names are %v, rules %v", got, names)
	}
}

func TestEveryThresholdIsInTheRulesWithItsDefault(t *testing.T) {
	rules := written(t, Settings{})
	known := map[string]bool{}
	for _, threshold := range Thresholds() {
		known[threshold.Name] = true
		found := regexp.MustCompile(`([0-9.]+)s? # `+threshold.Name+`\n`).FindAllStringSubmatch(rules, -1)
		if len(found) == 0 {
			t.Errorf("no rule has %s", threshold.Name)
		}
		for _, match := range found {
			if value, err := strconv.ParseFloat(match[1], 64); err != nil || value != threshold.Default {
				t.Errorf("%s is %s in a rule, and %v by default", threshold.Name, match[1], threshold.Default)
			}
		}
		if threshold.Min > threshold.Default || threshold.Default > threshold.Max || threshold.Unit == "" {
			t.Errorf("%+v", threshold)
		}
		for name := range strings.SplitSeq(strings.SplitN(threshold.Help, ":", 2)[0], ", ") {
			if !slices.Contains(Names(), name) {
				t.Errorf("the help of %s begins with %q, which is no alert", threshold.Name, name)
			}
		}
	}
	for _, match := range regexp.MustCompile(`\S # (\S+)\n`).FindAllStringSubmatch(rules, -1) {
		if !known[match[1]] {
			t.Errorf("%s is no threshold", match[1])
		}
	}
}

func TestEveryThresholdHasAnEffect(t *testing.T) {
	before := written(t, Settings{})
	for _, threshold := range Thresholds() {
		if written(t, Settings{Thresholds: map[string]float64{threshold.Name: threshold.Max}}) == before {
			t.Errorf("%s changes nothing", threshold.Name)
		}
	}
}

func TestSettingsChangeWhatTheyNameAndNothingElse(t *testing.T) {
	before := strings.Split(written(t, Settings{}), "\n")
	for name, test := range map[string]struct {
		settings Settings
		want     []string // the lines that differ, trimmed
	}{
		"a threshold": {Settings{Thresholds: map[string]float64{"poll_stale_seconds": 3600}}, []string{"> 3600 # poll_stale_seconds"}},
		"a threshold in two rules": {Settings{Thresholds: map[string]float64{"quota_projected_ratio": 1.25}},
			[]string{"> 1.25 # quota_projected_ratio", "> 1.25 # quota_projected_ratio"}},
		"a large threshold": {Settings{Thresholds: map[string]float64{"usage_anomaly_floor_minutes": 1e7}},
			[]string{">= 10000000 # usage_anomaly_floor_minutes", ">= 10000000 # usage_anomaly_floor_minutes"}},
		"a threshold of a recording rule": {Settings{Thresholds: map[string]float64{"quality_objective_ratio": 0.9}},
			[]string{"0.9 # quality_objective_ratio"}},
		"a severity":  {Settings{Severities: map[string]string{"WherebyQuotaExceeded": "critical"}}, []string{"severity: critical"}},
		"the default": {Settings{Thresholds: map[string]float64{"poll_stale_seconds": 2700}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			after := strings.Split(written(t, test.settings), "\n")
			if len(after) != len(before) {
				t.Fatalf("%d lines, before %d", len(after), len(before))
			}
			var got []string
			for i := range after {
				if after[i] != before[i] {
					got = append(got, strings.TrimSpace(after[i]))
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("changed %q, want %q", got, test.want)
			}
		})
	}
}

func TestAddressesAreThoseOfTheOperator(t *testing.T) {
	for _, g := range decode(t, []byte(written(t, Settings{RunbookURL: "https://wiki.example.com/r/", DashboardURL: "http://grafana.example.com:3000"}))).Groups {
		for _, r := range g.Rules {
			if r.Alert != "" && (r.Annotations["runbook_url"] != "https://wiki.example.com/r/"+r.Alert+".md" ||
				!strings.HasPrefix(r.Annotations["dashboard_url"], "http://grafana.example.com:3000/d/whereby-")) {
				t.Errorf("%s: %v", r.Alert, r.Annotations)
			}
		}
	}
}

func TestADisabledAlertIsGoneAndTheFilesStay(t *testing.T) {
	for _, disabled := range [][]string{{"WherebyUsageAnomaly"}, Names()} {
		rendered, err := Render(Settings{Disabled: disabled})
		if err != nil {
			t.Fatal(err)
		}
		alerts, records := 0, 0
		for _, content := range rendered {
			for _, g := range decode(t, content).Groups {
				for _, r := range g.Rules {
					if r.Record != "" {
						records++
						continue
					}
					alerts++
					if slices.Contains(disabled, r.Alert) {
						t.Errorf("%s is still there", r.Alert)
					}
				}
			}
		}
		if alerts != len(Names())-len(disabled) || records == 0 || len(rendered) != len(files()) {
			t.Errorf("%d alerts, %d records, %d files", alerts, records, len(rendered))
		}
		decode(t, []byte(written(t, Settings{Disabled: disabled})))
	}
}

func TestSettingsThatAreWrongAreNamed(t *testing.T) {
	nan := 0.0
	nan /= nan
	err := Write(failing{}, Settings{
		Thresholds:   map[string]float64{"poll_stale_second": 3600, "poll_failing_ratio": 2, "webhook_rejected_ratio": nan, "xyzzy": 1},
		Severities:   map[string]string{"WherebyQuotaExceded": "critical", "WherebyPollStale": "page"},
		Disabled:     []string{"wherebypollstale"},
		RunbookURL:   "https://example.com/{{ .Evil }}",
		DashboardURL: "example.com",
	})
	want := `threshold poll_failing_ratio: 2 is not from 0 to 0.99; the default is 0.5
unknown threshold "poll_stale_second"
threshold webhook_rejected_ratio: NaN is not from 0 to 0.99; the default is 0.05
unknown threshold "xyzzy"
severity of WherebyPollStale: "page" is none of critical, warning, info
unknown alert "WherebyQuotaExceded"
unknown alert "wherebypollstale"
runbook URL "https://example.com/{{ .Evil }}" must be an address that a path can be added to, such as https://example.com/whereby
dashboard URL "example.com" must be an address that a path can be added to, such as https://example.com/whereby`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	for _, address := range []string{"https://user@example.com", "https://example.com/a?b=c", "https://example.com/#x", "https://example.com/a b", "https://example.com/\n", "ftp://example.com", "https://"} {
		if (Settings{RunbookURL: address}).Check() == nil {
			t.Errorf("%q is accepted", address)
		}
	}
}

type failing struct{}

var errFull = errors.New("disk full")

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestAWriterThatFailsIsReported(t *testing.T) {
	if err := Write(failing{}, Settings{}); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

func TestEveryAlertHasARunbookAndEveryRunbookAnAlert(t *testing.T) {
	var names []string
	entries, err := fs.ReadDir(Runbooks(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".md"))
		content, err := fs.ReadFile(Runbooks(), entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		rest := string(content)
		for _, part := range []string{"# " + names[len(names)-1] + "\n", "\n## Meaning\n", "\n## Impact\n", "\n## Diagnosis\n", "```promql\n", "\n## Mitigation\n\n1. "} {
			_, after, ok := strings.Cut(rest, part)
			if !ok {
				t.Errorf("%s has no %q, or not in this order", entry.Name(), part)
			}
			rest = after
		}
		for _, match := range regexp.MustCompile(`\bWhereby[A-Z]\w+`).FindAllString(string(content), -1) {
			if !slices.Contains(Names(), match) {
				t.Errorf("%s names %s, which is no alert", entry.Name(), match)
			}
		}
		for _, match := range regexp.MustCompile("`([a-z]+_[a-z_]+_(?:ratio|seconds))`").FindAllStringSubmatch(string(content), -1) {
			if !slices.ContainsFunc(Thresholds(), func(t Threshold) bool { return t.Name == match[1] }) {
				t.Errorf("%s names %s, which is no threshold", entry.Name(), match[1])
			}
		}
	}
	if want := slices.Sorted(slices.Values(Names())); !slices.Equal(names, want) {
		t.Errorf("runbooks are of %v, alerts are %v", names, want)
	}
}
