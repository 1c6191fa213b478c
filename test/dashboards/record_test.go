package dashboards

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"whereby_exporter/alerts"
	"whereby_exporter/test/programs"
)

// ruleFile returns a file of rules, and the expression of each that has a name of its own.
func ruleFile(t testing.TB, name string) (file string, expr map[string]string) {
	t.Helper()
	files, err := alerts.Render(alerts.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	var content struct {
		Groups []struct {
			Rules []struct{ Record, Expr string }
		}
	}
	if err := yaml.Unmarshal(files[name], &content); err != nil {
		t.Fatal(err)
	}
	expr = map[string]string{}
	for _, r := range content.Groups[0].Rules {
		expr[r.Record] = r.Expr
	}
	return string(files[name]), expr
}

// record has promtool record the rules of a file over the past, as docs/backfill.md says, and puts
// the blocks where Prometheus finds them once it is started again.
func (p *prometheus) record(rules string, from, to time.Time) {
	p.t.Helper()
	promtool, err := programs.Promtool.Build(p.t.Context(), p.t.Output())
	if err != nil {
		p.t.Fatal(err)
	}
	began, file, blocks := time.Now(), filepath.Join(p.dir, "past.yml"), filepath.Join(p.dir, "blocks")
	write(p.t, file, rules)
	out, err := exec.CommandContext(p.t.Context(), promtool, "tsdb", "create-blocks-from", "--max-block-duration=162h", "rules", "--url="+p.base, "--output-dir="+blocks,
		"--start="+from.UTC().Format(time.RFC3339), "--end="+to.UTC().Format(time.RFC3339), file).CombinedOutput()
	if err != nil {
		p.t.Fatalf("promtool: %v\n%s", err, out)
	}
	made, err := os.ReadDir(blocks)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, block := range made {
		if err := os.Rename(filepath.Join(blocks, block.Name()), filepath.Join(p.dir, "data", block.Name())); err != nil {
			p.t.Fatal(err)
		}
	}
	p.t.Logf("%d blocks in %v", len(made), time.Since(began).Round(time.Second))
}

// one returns the only value that an expression has.
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
