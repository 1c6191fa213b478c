package dashboards

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"whereby_exporter/alerts"
	"whereby_exporter/collector/backfill"
	"whereby_exporter/collector/metrics"
)

// process are the metrics of the client library that a dashboard shows, and what
// Prometheus itself writes of alerts.
var process = []string{"process_resident_memory_bytes", "process_cpu_seconds_total", "process_start_time_seconds", "go_goroutines", "ALERTS", "ALERTS_FOR_STATE"}

var record = regexp.MustCompile(`- record: (\S+)`)

func recorded(t testing.TB) []string {
	t.Helper()
	files, err := alerts.Render(alerts.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{backfill.PeakMetric} // written in the form of a record
	for _, content := range files {
		for _, match := range record.FindAllStringSubmatch(string(content), -1) {
			names = append(names, match[1])
		}
	}
	return names
}

// exposed returns the names of series by the family that they are of.
func exposed() map[string]metrics.Metric {
	series := map[string]metrics.Metric{}
	for _, m := range metrics.All() {
		switch m.Type {
		case metrics.Histogram:
			series[m.Name+"_bucket"], series[m.Name+"_sum"], series[m.Name+"_count"] = m, m, m
		case metrics.Summary:
			series[m.Name+"_sum"], series[m.Name+"_count"] = m, m
		default:
			series[m.Name] = m
		}
	}
	return series
}

// selectors returns the series selectors of a query.
func selectors(t testing.TB, q query) []*parser.VectorSelector {
	t.Helper()
	expr := substitute(q, ".+", sample(t, q))
	if q.variable {
		expr = labelValues.FindStringSubmatch(q.expr)[1]
		expr = strings.ReplaceAll(expr, "$job", ".+")
	}
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Fatalf("%s: %v in %s", q.name(), err, expr)
	}
	var found []*parser.VectorSelector
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			found = append(found, s)
		}
		return nil
	})
	return found
}

func TestEveryMetricNamedIsExposedOrRecorded(t *testing.T) {
	records, series := recorded(t), exposed()
	used := map[string]bool{}
	for _, d := range all(t) {
		for _, q := range d.queries(t) {
			for _, s := range selectors(t, q) {
				m, known := series[s.Name]
				if known && !strings.HasPrefix(q.where, "variable") && !strings.HasPrefix(q.where, "annotation") {
					used[m.Name] = true
				}
				if !known && !slices.Contains(records, s.Name) && !slices.Contains(process, s.Name) {
					t.Errorf("%s names %s, which is neither exposed nor recorded", q.name(), s.Name)
				}
				checkLabels(t, q, s, m, known)
			}
		}
	}
	for _, m := range metrics.All() {
		if !used[m.Name] {
			t.Errorf("no panel shows %s", m.Name)
		}
	}
}

// checkLabels holds that a selector asks for labels that there are, and for the
// variables wherever the series have their labels.
func checkLabels(t *testing.T, q query, s *parser.VectorSelector, m metrics.Metric, known bool) {
	t.Helper()
	asked := map[string]string{}
	for _, matcher := range s.LabelMatchers {
		asked[matcher.Name] = matcher.Value
	}
	delete(asked, "__name__")
	if known {
		for name := range asked {
			if name != "job" && name != "instance" && name != "le" && !slices.Contains(m.Labels, name) {
				t.Errorf("%s asks for the label %s of %s", q.name(), name, s.Name)
			}
		}
	}
	// An exporter's own series are of a job; all but variables choose it.
	if known && asked["job"] == "" && q.where != "variable job" {
		t.Errorf("%s does not choose %s by job", q.name(), s.Name)
	}
	if byCustomer := known && slices.Contains(m.Labels, metrics.RoomPrefix) || strings.HasPrefix(s.Name, "job_room_prefix"); byCustomer &&
		asked["room_prefix"] == "" && !q.variable && slices.Contains(narrowed, q.dashboard) {
		t.Errorf("%s does not choose %s by room_prefix", q.name(), s.Name)
	}
	// So are records, but for what is the same for every account.
	if strings.HasPrefix(s.Name, "job") && asked["job"] == "" || strings.HasPrefix(s.Name, "whereby:") && asked["job"] != "" {
		t.Errorf("%s does not choose %s by job as it should", q.name(), s.Name)
	}
	// An alert that no exporter was ever scraped is of no job.
	if strings.HasPrefix(s.Name, "ALERTS") && asked["job"] != ".+|" {
		t.Errorf("%s does not choose alerts by job", q.name())
	}
}

// partsOf are counters of what was sampled or rated, of which a panel shows one part of
// another: the part is of what all exporters have, and doubled in both.
var partsOf = map[string]bool{
	"whereby_quality_samples_total": true, "whereby_quality_participants_total": true,
	"whereby_session_rating_sum": true, "whereby_session_rating_count": true,
}

// TestUsageIsNeverSummedOverExporters looks at the innermost aggregation over each
// exposed figure of usage: it is a maximum, as several exporters show the same.
func TestUsageIsNeverSummedOverExporters(t *testing.T) {
	series := exposed()
	n := 0
	for _, d := range all(t) {
		if d.UID == "whereby-exporter" {
			continue
		}
		for _, q := range d.queries(t) {
			if q.variable {
				continue
			}
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(substitute(q, ".+", sample(t, q)))
			if err != nil {
				t.Fatalf("%s: %v", q.name(), err)
			}
			parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
				s, ok := node.(*parser.VectorSelector)
				if !ok || series[s.Name].Name == "" || !slices.Contains(series[s.Name].Labels, metrics.RoomPrefix) || strings.HasSuffix(s.Name, "_bucket") {
					return nil
				}
				for _, above := range slices.Backward(path) {
					if a, ok := above.(*parser.AggregateExpr); ok {
						n++
						if partsOf[s.Name] && a.Op.String() == "sum" {
							return nil // over another sum
						}
						if a.Op.String() != "max" && a.Op.String() != "min" && a.Op.String() != "count" && a.Op.String() != "group" {
							t.Errorf("%s: %s is aggregated by %s first", q.name(), s.Name, a.Op)
						}
						return nil
					}
				}
				// Below no aggregation it may only say for whom there are figures.
				for _, above := range path {
					if b, ok := above.(*parser.BinaryExpr); ok && b.Op.String() == "and" {
						return nil
					}
				}
				t.Errorf("%s: %s is shown by exporter", q.name(), s.Name)
				return nil
			})
		}
	}
	if n < 50 {
		t.Errorf("only %d figures", n)
	}
}

func TestTheHistoryHasEveryFamily(t *testing.T) {
	missing := map[string]bool{}
	for _, m := range metrics.All() {
		missing[m.Name] = true
	}
	for _, f := range families() {
		delete(missing, f.Name)
	}
	if len(missing) > 0 {
		t.Errorf("the history lacks %v", slices.Sorted(maps.Keys(missing)))
	}
}
