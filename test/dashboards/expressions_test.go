package dashboards

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"whereby_exporter/test/programs"
)

// TestPanelsThatSayItInWords asks promtool what the panels show whose figure stands for
// a word, and those that give a name, in each case there is.
func TestPanelsThatSayItInWords(t *testing.T) {
	t.Parallel()
	const (
		trend  = `job_resource:whereby_usage_increase7d:trend{job="whereby",resource="participant_minutes"}`
		slope  = `job_resource:whereby_usage_increase7d:deriv13w{job="whereby",resource="participant_minutes"}`
		limit  = `job_resource:whereby_organization_quota_limit:max{job="whereby",resource="participant_minutes"}`
		period = `job:whereby_organization_quota_period:seconds{job="whereby"}`
		plan   = "whereby-capacity: Plan outgrown A"
		left   = "whereby-capacity: Plan headroom A"
		room   = `job_resource:whereby_organization_quota:headroom_quarter_end{job="whereby",resource="participant_minutes"}`
		name   = "whereby-customer: Customer A"
		acme   = `whereby_customer_info{job="whereby", instance="a", room_prefix="acme-", customer="Acme"}`
		globex = `whereby_customer_info{job="whereby", instance="a", room_prefix="globex-", customer="Globex"}`
	)
	// The plan grants 1000 a week, in a period of four.
	type input map[string]string
	tests := map[string]struct {
		query  string
		series input
		labels string
		value  float64
		empty  bool
	}{
		// At 100 s the line is 200 below the plan, and grows by 2 a second.
		"grows into its plan":       {plan, input{trend: "800", slope: "2", limit: "4000", period: "2419200"}, `{job="whereby",resource="participant_minutes"}`, 1000 * (100 + 200/2), false},
		"has outgrown it":           {plan, input{trend: "1000", slope: "2", limit: "4000", period: "2419200"}, `{job="whereby",resource="participant_minutes"}`, 1, false},
		"outgrew it and shrinks":    {plan, input{trend: "1200", slope: "-2", limit: "4000", period: "2419200"}, `{job="whereby",resource="participant_minutes"}`, 1, false},
		"shrinks":                   {plan, input{trend: "800", slope: "-2", limit: "4000", period: "2419200"}, `{job="whereby",resource="participant_minutes"}`, 2, false},
		"grows too slowly to say":   {plan, input{trend: "800", slope: "0.0000006", limit: "4000", period: "2419200"}, `{job="whereby",resource="participant_minutes"}`, 2, false},
		"has no plan":               {plan, input{trend: "800", slope: "2"}, `{job="whereby",resource="participant_minutes"}`, 3, false},
		"has a plan and no history": {plan, input{limit: "4000", period: "2419200"}, "", 0, true},

		"leaves some of its plan": {left, input{trend: "800", limit: "4000", room: "0.2"}, room, 0.2, false},
		"leaves none":             {left, input{trend: "1200", limit: "4000", room: "-0.2"}, room, -0.2, false},
		"has no plan to leave":    {left, input{trend: "800"}, `{job="whereby",resource="participant_minutes"}`, -1000000, false},
		"may leave some":          {left, input{limit: "4000"}, "", 0, true},

		"one customer":             {name, input{acme: "1"}, `{job="whereby",customer="Acme"}`, 1, false},
		"one on two exporters":     {name, input{acme: "1", strings.Replace(acme, `"a"`, `"b"`, 1): "1"}, `{job="whereby",customer="Acme"}`, 1, false},
		"two prefixes of one":      {name, input{acme: "1", strings.Replace(acme, "acme-", "acme-eu-", 1): "1"}, `{job="whereby",customer="Acme"}`, 1, false},
		"several customers":        {name, input{acme: "1", globex: "1"}, `{job="whereby",customer="Several"}`, 2, false},
		"a prefix without a name":  {name, input{`whereby_quota_used_lower_bound{job="whereby", room_prefix="acme-", resource="sessions"}`: "1"}, `{job="whereby",customer="No name"}`, 1, false},
		"an account without usage": {name, nil, "", 0, true},
	}
	queries := map[string]query{}
	for _, d := range all(t) {
		for _, q := range d.queries(t) {
			queries[q.name()] = q
		}
	}
	type series struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	}
	type sample struct {
		Labels string  `yaml:"labels"`
		Value  float64 `yaml:"value"`
	}
	type expression struct {
		Expr     string   `yaml:"expr"`
		EvalTime string   `yaml:"eval_time"`
		Samples  []sample `yaml:"exp_samples"`
	}
	type group struct {
		Name   string       `yaml:"name"`
		Series []series     `yaml:"input_series"`
		Tests  []expression `yaml:"promql_expr_test"`
	}
	var groups []group
	for what, test := range tests {
		q, ok := queries[test.query]
		if !ok {
			t.Fatalf("there is no %s", test.query)
		}
		g := group{Name: what}
		for name, value := range test.series {
			g.Series = append(g.Series, series{name, value + "x10"})
		}
		e := expression{Expr: substitute(q, ".+", show(t, q, fixed, 0)), EvalTime: "100s"}
		if !test.empty {
			e.Samples = []sample{{test.labels, test.value}}
		}
		g.Tests = []expression{e}
		groups = append(groups, g)
	}
	content, err := yaml.Marshal(map[string]any{"tests": groups})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "panels.yml")
	write(t, file, string(content))
	promtool, err := programs.Promtool.Build(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
