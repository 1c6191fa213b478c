package alerts

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	promlabels "github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"whereby_exporter/alerts"
	"whereby_exporter/test/exhaustive"
	"whereby_exporter/test/programs"
)

// unitTestFile is a file of unit tests, as promtool reads it.
type unitTestFile struct {
	RuleFiles          []string   `yaml:"rule_files"`
	EvaluationInterval string     `yaml:"evaluation_interval"`
	Tests              []unitTest `yaml:"tests"`
}

type unitTest struct {
	Name     string       `yaml:"name"`
	Interval string       `yaml:"interval"`
	Series   []unitSeries `yaml:"input_series"`
	Alerts   []any        `yaml:"alert_rule_test,omitempty"`
	Exprs    []unitExpr   `yaml:"promql_expr_test"`
}

type unitSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

type unitExpr struct {
	Expr     string       `yaml:"expr"`
	EvalTime string       `yaml:"eval_time"`
	Samples  []unitSample `yaml:"exp_samples,omitempty"`
}

type unitSample struct {
	Labels string  `yaml:"labels"`
	Value  float64 `yaml:"value"`
}

// last returns the time of a test's last question.
func (u unitTest) last(t *testing.T) time.Duration {
	t.Helper()
	var last time.Duration
	for _, e := range u.Exprs {
		at, err := model.ParseDuration(e.EvalTime)
		if err != nil {
			t.Fatal(err)
		}
		last = max(last, time.Duration(at))
	}
	return last
}

// described returns a series of a unit test and its values.
func described(t *testing.T, s unitSeries) (promlabels.Labels, []parser.SequenceValue) {
	t.Helper()
	ls, values, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(s.Series + " " + s.Values)
	if err != nil {
		t.Fatalf("%s %s: %v", s.Series, s.Values, err)
	}
	return ls, values
}

// selector writes labels with those of more in the place of their own.
func selector(ls promlabels.Labels, more map[string]string) string {
	b := promlabels.NewBuilder(ls)
	for name, is := range more {
		b.Set(name, is)
	}
	name := ls.Get(model.MetricNameLabel)
	b.Del(model.MetricNameLabel)
	return name + b.Labels().String()
}

// written writes values one by one.
func written(values []parser.SequenceValue) string {
	var b strings.Builder
	for _, v := range values {
		switch {
		case v.Omitted:
			b.WriteString("_ ")
		case v.Histogram != nil:
			b.WriteString(v.Histogram.TestExpression() + " ")
		case value.IsStaleNaN(v.Value):
			b.WriteString("stale ")
		default:
			b.WriteString(strconv.FormatFloat(v.Value, 'g', -1, 64) + " ")
		}
	}
	return strings.TrimSpace(b.String())
}

// withNewInstance returns the test in which every series goes on under a new instance half-way
// to the last question, as when a pod is replaced.
func withNewInstance(t *testing.T, u unitTest) unitTest {
	t.Helper()
	step, err := model.ParseDuration(u.Interval)
	if err != nil {
		t.Fatal(err)
	}
	half := int(u.last(t)/time.Duration(step)) / 2
	old := u.Series
	u.Name += ", with a new instance half-way"
	u.Series = nil
	for _, s := range old {
		ls, values := described(t, s)
		if len(values) <= half {
			u.Series = append(u.Series, s)
			continue
		}
		u.Series = append(u.Series,
			unitSeries{s.Series, written(values[:half]) + " stale"},
			unitSeries{selector(ls, map[string]string{"instance": ls.Get("instance") + "-new"}), fmt.Sprintf("_x%d %s", half, written(values[half:]))})
	}
	return u
}

// withAnother returns the test of one account next to another test, of another account: each
// alert fires for its own account, when it would alone.
func withAnother(t *testing.T, u, other unitTest) unitTest {
	t.Helper()
	both := unitTest{Name: u.Name + "; in another account: " + other.Name, Interval: u.Interval, Series: u.Series}
	for _, s := range other.Series {
		ls, _ := described(t, s)
		both.Series = append(both.Series, unitSeries{selector(ls, map[string]string{"job": "staging"}), s.Values})
	}
	for _, of := range []struct {
		job   string
		exprs []unitExpr
	}{{"whereby", u.Exprs}, {"staging", other.Exprs}} {
		for _, e := range of.exprs {
			e.Expr = strings.ReplaceAll(e.Expr, `alertstate="firing"`, `alertstate="firing", job="`+of.job+`"`)
			e.Samples = slices.Clone(e.Samples)
			for i := range e.Samples {
				e.Samples[i].Labels = strings.ReplaceAll(e.Samples[i].Labels, `job="whereby"`, `job="`+of.job+`"`)
			}
			both.Exprs = append(both.Exprs, e)
		}
	}
	return both
}

// ofAnAccount reports whether all series of a test are of the account that alerts are for.
func (u unitTest) ofAnAccount(t *testing.T) bool {
	t.Helper()
	for _, s := range u.Series {
		if ls, _ := described(t, s); ls.Get("job") != "whereby" {
			return false
		}
	}
	return len(u.Series) > 0
}

// variants writes the variants of every alert's tests that ask nothing later than a time.
func variants(t *testing.T, dir string, within time.Duration) (files []string, n int) {
	t.Helper()
	unit := unitTests(t)
	for _, name := range alerts.Names() {
		var f unitTestFile
		decoder := yaml.NewDecoder(strings.NewReader(unit[name]))
		decoder.KnownFields(true)
		if err := decoder.Decode(&f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var own []unitTest
		for _, u := range f.Tests {
			if u.ofAnAccount(t) && u.last(t) <= within {
				own = append(own, u)
			}
		}
		f.Tests = nil
		for i, u := range own {
			if !slices.Contains(ofInstances, name+": "+u.Name) {
				f.Tests = append(f.Tests, withNewInstance(t, u))
			}
			f.Tests = append(f.Tests, withAnother(t, u, own[(i+1)%len(own)]))
		}
		if n += len(f.Tests); len(f.Tests) == 0 {
			continue
		}
		content, err := yaml.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "tests", name+".yml")
		write(t, file, content)
		files = append(files, file)
	}
	return files, n
}

// ofInstances are tests that a new instance half-way rightly changes: of a text that names
// it, of an exporter that fails from its start and has no earlier success, and of a count
// that a new process already has when it is first seen.
var ofInstances = []string{
	"WherebyExporterDown: one of two is down for 15 minutes: fires, and says which",
	"WherebyConfigReloadFailed: a reload fails: fires, and says which exporter",
	"WherebyAPIRateLimited: an hour without: resolves",
}

func runVariants(t *testing.T, within time.Duration) {
	t.Helper()
	promtool := build(t, programs.Promtool)
	dir := t.TempDir()
	render(t, dir, alerts.Settings{})
	files, n := variants(t, dir, within)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yml"), func(t *testing.T) {
			t.Parallel()
			if out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", file).CombinedOutput(); err != nil {
				t.Errorf("promtool: %v\n%s", err, out)
			}
		})
	}
	t.Logf("%d variants of %d alerts", n, len(files))
}

// TestAlertsAreTheSameWithANewInstanceAndNextToAnotherAccount asks what the unit tests ask
// within half an hour. Nothing but the rules and Prometheus can change its outcome.
func TestAlertsAreTheSameWithANewInstanceAndNextToAnotherAccount(t *testing.T) {
	exhaustive.Only(t, "alerts", "test/go.mod")
	runVariants(t, 30*time.Minute)
}

func TestAllAlertsAreTheSameWithANewInstanceAndNextToAnotherAccount(t *testing.T) {
	exhaustive.Long(t)
	runVariants(t, 1000*time.Hour)
}
