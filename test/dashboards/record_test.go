package dashboards

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"go.yaml.in/yaml/v3"

	"whereby_exporter/alerts"
	"whereby_exporter/test/programs"
)

// rule is a recording rule.
type rule struct {
	name, expr string
	labels     map[string]string
}

// capacity are the rules of capacity planning.
func capacity(t testing.TB) []rule {
	t.Helper()
	files, err := alerts.Render(alerts.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	var content struct {
		Groups []struct {
			Rules []struct {
				Record, Expr string
				Labels       map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(files["capacity.yml"], &content); err != nil {
		t.Fatal(err)
	}
	var rules []rule
	for _, r := range content.Groups[0].Rules {
		rules = append(rules, rule{r.Record, r.Expr, r.Labels})
	}
	return rules
}

// record does what promtool does with rules over the past, in one block for each rule:
// promtool makes one for each two hours, which takes minutes.
func (p *prometheus) record(rules []rule, from, to time.Time) {
	p.t.Helper()
	for _, r := range rules {
		status, body, err := get(p.t.Context(), p.base+"/api/v1/query_range?"+url.Values{
			"query": {r.expr}, "step": {"3600"},
			"start": {fmt.Sprint(from.Truncate(time.Hour).Unix())}, "end": {fmt.Sprint(to.Unix())},
		}.Encode())
		if err != nil {
			p.t.Fatal(err)
		}
		var answer struct {
			Status, Error string
			Data          struct {
				Result []struct {
					Metric map[string]string
					Values [][]any
				}
			}
		}
		if err := json.Unmarshal(body, &answer); err != nil || answer.Status != "success" {
			p.t.Fatalf("%s: status %d: %v %s", r.name, status, err, answer.Error)
		}
		w, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), filepath.Join(p.dir, "data"), 2*to.Sub(from).Milliseconds()+1)
		if err != nil {
			p.t.Fatal(err)
		}
		app := w.Appender(p.t.Context())
		for _, series := range answer.Data.Result {
			set := map[string]string{"__name__": r.name}
			for _, more := range []map[string]string{series.Metric, r.labels} {
				for name, value := range more {
					if name != "__name__" {
						set[name] = value
					}
				}
			}
			for _, point := range series.Values {
				at, _ := point[0].(float64)
				text, _ := point[1].(string)
				v, err := strconv.ParseFloat(text, 64)
				if err == nil {
					_, err = app.Append(0, labels.FromMap(set), int64(at)*1000, v)
				}
				if err != nil {
					p.t.Fatalf("%s: %v", r.name, err)
				}
			}
		}
		if err := app.Commit(); err != nil {
			p.t.Fatal(err)
		}
		if _, err := w.Flush(context.WithoutCancel(p.t.Context())); err != nil {
			p.t.Fatalf("%s: %v", r.name, err)
		}
		if err := w.Close(); err != nil {
			p.t.Fatal(err)
		}
	}
}

// promtool records some rules over some hours as README says, and tells how many blocks
// that gave.
func (p *prometheus) promtool(rules []rule, from, to time.Time) int {
	p.t.Helper()
	file, err := programs.Promtool.Build(p.t.Context(), p.t.Output())
	if err != nil {
		p.t.Fatal(err)
	}
	type entry struct {
		Record string            `yaml:"record"`
		Expr   string            `yaml:"expr"`
		Labels map[string]string `yaml:"labels,omitempty"`
	}
	var entries []entry
	for _, r := range rules {
		entries = append(entries, entry{r.name, r.expr, r.labels})
	}
	content, err := yaml.Marshal(map[string]any{"groups": []map[string]any{{"name": "past", "interval": "1h", "rules": entries}}})
	if err != nil {
		p.t.Fatal(err)
	}
	dir := p.t.TempDir()
	write(p.t, filepath.Join(dir, "rules.yml"), string(content))
	out, err := exec.CommandContext(p.t.Context(), file, "tsdb", "create-blocks-from", "rules", "--url="+p.base, "--output-dir="+filepath.Join(dir, "blocks"),
		"--start="+from.UTC().Format(time.RFC3339), "--end="+to.UTC().Format(time.RFC3339), filepath.Join(dir, "rules.yml")).CombinedOutput()
	if err != nil {
		p.t.Fatalf("promtool: %v\n%s", err, out)
	}
	blocks, err := os.ReadDir(filepath.Join(dir, "blocks"))
	if err != nil {
		p.t.Fatal(err)
	}
	return len(blocks)
}

// one is the only value that an expression has.
func (p *prometheus) one(expr string, at time.Time) float64 {
	p.t.Helper()
	a, err := p.ask(query{expr: expr, instant: true}, "", moment{from: at, to: at, step: time.Second})
	if err != nil || len(a.last) != 1 {
		p.t.Fatalf("%s is %v: %v", expr, a.last, err)
	}
	for _, v := range a.last {
		return v
	}
	return 0
}
