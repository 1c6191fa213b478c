package dashboards

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"whereby_exporter/alerts"
	"whereby_exporter/test/programs"
)

// start runs a program until the test ends, or until it is stopped.
func start(t testing.TB, p programs.Program, args ...string) (stop func()) {
	t.Helper()
	file, err := p.Build(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(file, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		log.Close()
	}
	t.Cleanup(func() {
		stop()
		if content, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s printed:\n%s", p.Name, content[max(0, len(content)-4000):])
		}
	})
	return stop
}

func get(ctx context.Context, address string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// prometheus is a running Prometheus with the bundled rules.
type prometheus struct {
	t    testing.TB
	base string
	dir  string
	stop func()
}

// options say what a Prometheus scrapes, and how often it evaluates.
type options struct {
	target           string // "" is nothing
	scrape, evaluate time.Duration
	noRules          bool
	rules            string // a file of them, or "" for all
}

var interval = regexp.MustCompile(`(?m)^( +)interval: \S+`)

// startPrometheus runs one on a data directory, dir/data.
func startPrometheus(t testing.TB, dir string, o options) *prometheus {
	t.Helper()
	config := "rule_files: [rules/*.yml]\n"
	if o.target != "" {
		config += fmt.Sprintf("scrape_configs: [{job_name: whereby, scrape_interval: %s, scrape_timeout: %s, static_configs: [{targets: [%q]}]}]\n", o.scrape, min(o.scrape, 10*time.Second), o.target)
	}
	write(t, filepath.Join(dir, "prometheus.yml"), config)
	if err := os.RemoveAll(filepath.Join(dir, "rules")); err != nil { // those of one before
		t.Fatal(err)
	}
	if !o.noRules {
		files, err := alerts.Render(alerts.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range files {
			if o.rules != "" && name != o.rules {
				continue
			}
			write(t, filepath.Join(dir, "rules", name), interval.ReplaceAllString(string(content), "${1}interval: "+o.evaluate.String()))
		}
	}
	address := programs.FreeAddress(t)
	p := &prometheus{t: t, base: "http://" + address, dir: dir}
	p.stop = start(t, programs.Prometheus, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--storage.tsdb.retention.time=1y", "--web.listen-address="+address, "--log.level=warn")
	programs.Eventually(t, time.Minute, "Prometheus is ready", func() error {
		status, _, err := get(t.Context(), p.base+"/-/ready")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
	return p
}

func write(t testing.TB, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// group is what Prometheus says of a group of rules.
type group struct {
	Name           string
	EvaluationTime float64
	LastEvaluation time.Time
	Rules          []struct{ Name, Health, LastError string }
}

// evaluated waits until every group has been evaluated twice from now on, so that each
// has read what the others recorded.
func (p *prometheus) evaluated(within time.Duration) []group {
	p.t.Helper()
	var groups []group
	seen := map[string][]time.Time{}
	began := time.Now()
	programs.Eventually(p.t, within, "rules are evaluated", func() error {
		_, body, err := get(p.t.Context(), p.base+"/api/v1/rules")
		if err != nil {
			return err
		}
		var answer struct{ Data struct{ Groups []group } }
		if err := json.Unmarshal(body, &answer); err != nil {
			return err
		}
		groups = answer.Data.Groups
		for _, g := range groups {
			if times := seen[g.Name]; g.LastEvaluation.After(began) && (len(times) == 0 || g.LastEvaluation.After(times[len(times)-1])) {
				seen[g.Name] = append(times, g.LastEvaluation)
			}
			for _, r := range g.Rules {
				if r.Health == "err" {
					p.t.Fatalf("rule %s fails: %s", r.Name, r.LastError)
				}
			}
			if len(seen[g.Name]) < 2 {
				return fmt.Errorf("%s was not", g.Name)
			}
		}
		return nil
	})
	return groups
}

// answer is what a query gave: the last value of each series, or a label's values.
type answer struct {
	last  map[string]float64
	found int
}

// ask sends a query as Grafana does. What it gives must be free of errors, warnings and
// remarks, and finite.
func (p *prometheus) ask(q query, prefixes string, m moment) (answer, error) {
	status, body, err := get(p.t.Context(), p.base+request(q, prefixes, m))
	if err != nil {
		return answer{}, err
	}
	var got struct {
		Status, Error   string
		Warnings, Infos []string
		Data            json.RawMessage
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return answer{}, fmt.Errorf("status %d: %w", status, err)
	}
	if got.Status != "success" || len(got.Warnings)+len(got.Infos) > 0 {
		return answer{}, fmt.Errorf("%s %v %v", got.Error, got.Warnings, got.Infos)
	}
	a := answer{last: map[string]float64{}}
	if q.variable {
		var values []string
		err := json.Unmarshal(got.Data, &values)
		a.found = len(values)
		return a, err
	}
	var data struct {
		Result []struct {
			Metric map[string]string
			Value  []any
			Values [][]any
		}
	}
	if err := json.Unmarshal(got.Data, &data); err != nil {
		return answer{}, err
	}
	for _, series := range data.Result {
		if series.Value != nil {
			series.Values = [][]any{series.Value}
		}
		for _, point := range series.Values {
			text, _ := point[1].(string)
			v, err := strconv.ParseFloat(text, 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				return answer{}, fmt.Errorf("%v is %s at %v", series.Metric, text, point[0])
			}
			a.last[fmt.Sprint(series.Metric)] = v
			a.found++
		}
	}
	return a, nil
}

// every asks for all that the dashboards ask, and fails for each error. What is empty
// must be on the list, by the query's name without its letter.
func (p *prometheus) every(now time.Time, prefixes string, over time.Duration, mayBeEmpty func(name string) bool) map[string]answer {
	p.t.Helper()
	return p.these(now, prefixes, over, mayBeEmpty, func(q query) query { return q })
}

// these is every, of queries that are changed before.
func (p *prometheus) these(now time.Time, prefixes string, over time.Duration, mayBeEmpty func(name string) bool, change func(query) query) map[string]answer {
	p.t.Helper()
	answers := map[string]answer{}
	for _, d := range all(p.t) {
		for _, q := range d.queries(p.t) {
			q = change(q)
			m := show(p.t, q, now, over)
			a, err := p.ask(q, prefixes, m)
			if err != nil {
				p.t.Errorf("%s: %v\n%s", q.name(), err, substitute(q, prefixes, m))
			} else if a.found == 0 && !mayBeEmpty(q.name()) {
				p.t.Errorf("%s is empty:\n%s", q.name(), substitute(q, prefixes, m))
			}
			answers[q.name()] = a
		}
	}
	return answers
}

func anything(string) bool { return true }

// listed reports whether a query's name is on a list.
func listed(list ...string) func(string) bool {
	return func(name string) bool {
		return slices.ContainsFunc(list, func(l string) bool { return strings.Contains(name, l) })
	}
}

// neverSure may be empty with any data: no alert need fire, and no quota be used up
// before its period ends.
var neverSure = []string{"annotation ", "Firing alerts", "whereby-customer: Quotas F", "whereby-quotas: Quotas E"}

// justRecorded are graphs of what rules have recorded only since Prometheus started, so
// that none of their points is there yet.
var justRecorded = []string{"minutes in the quarter C", "minutes in the quarter D"}
