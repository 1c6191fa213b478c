package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"whereby_exporter/alerts"
	"whereby_exporter/dashboards"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// uids are pinned: alerts, bookmarks and other dashboards lead to them.
var uids = map[string]string{
	"overview.json": "whereby-overview", "customer.json": "whereby-customer", "quotas.json": "whereby-quotas",
	"capacity.json": "whereby-capacity", "quality.json": "whereby-quality", "exporter.json": "whereby-exporter",
}

func TestDashboardsHoldToTheConventions(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range all(t) {
		t.Run(d.file, func(t *testing.T) {
			if d.UID != uids[d.file] || seen[d.UID] || len(all(t)) != len(uids) {
				t.Errorf("uid is %q, want %q; %d dashboards", d.UID, uids[d.file], len(all(t)))
			}
			seen[d.UID] = true
			if d.SchemaVersion != 42 || d.ID != nil || !d.Editable || d.Timezone != "" || d.Description == "" || !slices.Equal(d.Tags, []string{"whereby"}) ||
				!strings.HasPrefix(d.Title, "Whereby / ") || d.Time.To != "now" || !strings.HasPrefix(d.Time.From, "now-") {
				t.Errorf("head is %+v", d)
			}
			if every, err := time.ParseDuration(d.Refresh); err != nil || every < time.Minute {
				t.Errorf("refreshes each %q", d.Refresh)
			}
			if len(d.Links) != 1 || d.Links[0].Type != "dashboards" || !slices.Equal(d.Links[0].Tags, []string{"whereby"}) || !d.Links[0].IncludeVars || !d.Links[0].KeepTime || !d.Links[0].AsDropdown {
				t.Errorf("links are %+v", d.Links)
			}
			if text := string(dashboards.Files()[d.file]); strings.Contains(text, "__inputs") || strings.Contains(text, "${DS_") || !json.Valid([]byte(text)) || !strings.HasSuffix(text, "}\n") {
				t.Error("the file is not what Grafana provisions as it is")
			}
		})
	}
}

// narrowed are the dashboards with the variable room_prefix: of the others it would
// narrow a part only.
var narrowed = []string{"whereby-customer", "whereby-quality"}

func TestVariablesAreTheSameEverywhere(t *testing.T) {
	for _, d := range all(t) {
		names := []string{"job"}
		if slices.Contains(narrowed, d.UID) {
			names = append(names, "room_prefix")
		}
		list := d.Templating.List
		if len(list) != 1+len(names) {
			t.Fatalf("%s has %d variables", d.UID, len(list))
		}
		if v := list[0]; v.Name != "datasource" || v.Label != "Data source" || v.Type != "datasource" || v.Query != "prometheus" || v.Description == "" {
			t.Errorf("%s: %+v", d.UID, v)
		}
		for i, name := range names {
			v := list[i+1]
			if v.Name != name || v.Type != "query" || v.Label == "" || v.Description == "" || !v.Multi || !v.IncludeAll || v.AllValue != ".+" || v.Refresh != 2 ||
				v.Datasource == nil || *v.Datasource != (source{"prometheus", "${datasource}"}) {
				t.Errorf("%s: %+v", d.UID, v)
			}
		}
	}
}

// ofAll are queries that a variable does not narrow: the objective is a setting, and
// devices are not counted by customer.
var ofAll = map[string]string{
	"whereby-quality: Share of good samples C":               "job room_prefix",
	"whereby-quality: Participants, by browser and system A": "room_prefix",
	"whereby-quality: annotation Billing periods begin":      "room_prefix",
	"whereby-capacity: Quarter ends in A":                    "job",
}

func TestEveryQueryUsesEveryVariable(t *testing.T) {
	for _, d := range all(t) {
		for _, v := range d.Templating.List[1:] {
			for _, q := range d.queries(t) {
				if q.variable || strings.Contains(q.expr, "$"+v.Name) || slices.Contains(strings.Fields(ofAll[q.name()]), v.Name) {
					continue
				}
				t.Errorf("%s does not use %s", q.name(), v.Name)
			}
		}
		for _, q := range d.queries(t) {
			if strings.Contains(q.expr, "$room_prefix") && !slices.Contains(narrowed, d.UID) {
				t.Errorf("%s uses room_prefix, which there is not", q.name())
			}
		}
	}
}

// TestNoDatasourceIsFixed looks at every datasource in the JSON, wherever it is.
func TestNoDatasourceIsFixed(t *testing.T) {
	for name, content := range dashboards.Files() {
		var walk func(path string, v any)
		walk = func(path string, v any) {
			switch v := v.(type) {
			case map[string]any:
				for key, value := range v {
					if key == "datasource" {
						if got := fmt.Sprint(value); got != "map[type:prometheus uid:${datasource}]" {
							t.Errorf("%s: %s.datasource is %s", name, path, got)
						}
					}
					walk(path+"."+key, value)
				}
			case []any:
				for i, value := range v {
					walk(path+"["+strconv.Itoa(i)+"]", value)
				}
			}
		}
		var v any
		if err := json.Unmarshal(content, &v); err != nil {
			t.Fatal(err)
		}
		walk("", v)
	}
}

func TestEveryPanelExplainsItself(t *testing.T) {
	for _, d := range all(t) {
		titles := map[string]bool{}
		for _, p := range d.Panels {
			where := d.UID + ": " + p.Title
			if p.Title == "" || titles[p.Title] {
				t.Errorf("%s: panel %d has no title of its own", where, p.ID)
			}
			titles[p.Title] = true
			if p.Type == "row" {
				continue
			}
			if len(p.Description) < 20 || !strings.HasSuffix(p.Description, ".") || p.FieldConfig.Defaults.Unit == "" || p.FieldConfig.Defaults.NoValue == "" || p.FieldConfig.Defaults.NoValue == "No data" {
				t.Errorf("%s has the description %q, unit %q and, without data, %q", where, p.Description, p.FieldConfig.Defaults.Unit, p.FieldConfig.Defaults.NoValue)
			}
			if len(p.Targets) == 0 {
				t.Errorf("%s asks nothing", where)
			}
			for _, target := range p.Targets {
				if target.Instant == target.Range || target.Expr == "" || target.RefID == "" || p.Type == "table" && (target.Format != "table" || !target.Instant) || p.Type == "timeseries" && !target.Range {
					t.Errorf("%s: %+v", where, target)
				}
				if strings.Contains(target.Expr, "rate(") && strings.Contains(target.Expr, "[$__interval]") {
					t.Errorf("%s takes a rate over $__interval", where)
				}
				for _, match := range regexp.MustCompile(`rate\([^()]*(?:\{[^}]*\})?\[([^\]]*)\]`).FindAllStringSubmatch(target.Expr, -1) {
					if match[1] != "$__rate_interval" {
						t.Errorf("%s takes a rate over %s", where, match[1])
					}
				}
				if target.Range {
					// The poll's interval is a minute by default.
					if interval := span(t, p.Interval); interval < 2*time.Minute {
						t.Errorf("%s has the least interval %s", where, p.Interval)
					}
				}
			}
		}
	}
}

// span reads a time as Grafana writes it.
func span(t testing.TB, text string) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimRight(text, "smhdw"))
	if err != nil {
		t.Fatalf("%q is no time", text)
	}
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[text[len(text)-1]]
	return time.Duration(n) * unit
}

func TestPanelsLieInTheGridWithoutOverlap(t *testing.T) {
	for _, d := range all(t) {
		var ids []int
		taken := map[[2]int]string{}
		bottom := 0
		// kind is how far down a section a kind of panel belongs: a table says who the figures
		// above it are about, or, without graphs, is a section's own.
		kind := map[string]int{"row": 0, "stat": 1, "bargauge": 2, "table": 2, "timeseries": 3, "heatmap": 3}
		last := 0
		for _, p := range d.Panels {
			ids = append(ids, p.ID)
			g := p.GridPos
			if g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > 24 || p.Type == "row" && (g.W != 24 || g.H != 1) || p.Type != "row" && (g.W < 4 || g.H < 4) {
				t.Errorf("%s: %s lies at %+v", d.UID, p.Title, g)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Errorf("%s: %s overlaps %s", d.UID, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
			bottom = max(bottom, g.Y+g.H)
			order, ok := kind[p.Type]
			if !ok {
				t.Errorf("%s: %s is a %s", d.UID, p.Title, p.Type)
			}
			// Gauges of a profile stand next to the graph that they sum up.
			if order > 0 && p.Type != "bargauge" {
				if order < last {
					t.Errorf("%s: %s comes after what belongs below it", d.UID, p.Title)
				}
				last = order
			}
			if order == 0 {
				last = 0
			}
		}
		if slices.Sort(ids); len(slices.Compact(ids)) != len(d.Panels) || ids[0] < 1 {
			t.Errorf("%s has the panels %v", d.UID, ids)
		}
		// Every row of the grid is full: no holes between panels, none below.
		for y := range bottom {
			n := 0
			for x := range 24 {
				if taken[[2]int{x, y}] != "" {
					n++
				}
			}
			if n != 24 {
				t.Errorf("%s: line %d is taken for %d of 24", d.UID, y, n)
			}
		}
	}
}

func TestRedMeansThatSomeoneMustAct(t *testing.T) {
	for _, d := range all(t) {
		for _, p := range d.Panels {
			previous := -1e300
			for i, s := range p.FieldConfig.Defaults.Thresholds.Steps {
				if (s.Value == nil) != (i == 0) || s.Value != nil && *s.Value <= previous {
					t.Errorf("%s: %s has thresholds out of order", d.UID, p.Title)
				}
				if s.Value != nil {
					previous = *s.Value
				}
				quota := strings.Contains(strings.ToLower(p.Title+p.Description), "share used") && p.FieldConfig.Defaults.Unit == "percentunit"
				if quota && strings.HasSuffix(s.Color, "red") && *s.Value != 1 || quota && s.Color == "yellow" && *s.Value != 0.8 {
					t.Errorf("%s: %s turns %s at %v", d.UID, p.Title, s.Color, *s.Value)
				}
				// A projection is a reason to talk in time, not to act now.
				if strings.HasSuffix(s.Color, "red") && strings.Contains(p.Description, "pace of the last week") {
					t.Errorf("%s: %s turns red", d.UID, p.Title)
				}
			}
			if p.Type == "stat" && len(p.FieldConfig.Defaults.Thresholds.Steps) > 1 && p.FieldConfig.Defaults.Thresholds.Steps[0].Color != "transparent" {
				t.Errorf("%s: %s has a color for what is not known", d.UID, p.Title)
			}
		}
	}
}

// TestGraphsMarkWhereAlertsAndPeriodsBegin holds that an alert is a thin mark at its
// beginning: a region would color every graph for as long as it fires.
func TestGraphsMarkWhereAlertsAndPeriodsBegin(t *testing.T) {
	marked := map[string]int{}
	for _, d := range all(t) {
		list := d.Annotations.List
		if len(list) != 2 || !list[0].Enable || !list[0].UseValueForTime || !list[1].Enable || !list[1].UseValueForTime ||
			!strings.Contains(list[1].Expr, "quota_period_start_timestamp_seconds{") {
			t.Errorf("%s has the annotations %+v", d.UID, list)
			continue
		}
		match := regexp.MustCompile(`^max by \(job, alertname, severity, room_prefix\) \(ALERTS_FOR_STATE\{(alertname=~"([^"]+)", .*)\} and ignoring \(alertstate\) ALERTS\{(.*), alertstate="firing"\}\) \* 1000 > \$__from$`).FindStringSubmatch(list[0].Expr)
		if match == nil || match[1] != match[3] {
			t.Errorf("%s marks alerts by %s", d.UID, list[0].Expr)
			continue
		}
		own := regexp.MustCompile("^(?:" + match[2] + ")$")
		for _, name := range alerts.Names() {
			if own.MatchString(name) {
				marked[name]++
			}
		}
		// Overview shows what somebody must act on, and Customer what concerns the chosen ones.
		want := map[string]string{"whereby-overview": `severity!="info"`, "whereby-customer": `room_prefix=~"$room_prefix"`}[d.UID]
		if all := match[2] == "Whereby.*"; all != (want != "") || !strings.Contains(match[1], want) {
			t.Errorf("%s marks all alerts: %s", d.UID, list[0].Expr)
		}
	}
	for _, name := range alerts.Names() {
		if marked[name] < 3 {
			t.Errorf("%s is marked on no dashboard of its own", name)
		}
	}
}

// address is a link within Grafana: to a dashboard, perhaps to a panel of it.
var address = regexp.MustCompile(`^/d/(whereby-[a-z]+)\?`)

func TestLinksLeadSomewhere(t *testing.T) {
	byUID := map[string]dashboard{}
	for _, d := range all(t) {
		byUID[d.UID] = d
	}
	toCustomer := map[string]bool{}
	for _, d := range all(t) {
		for _, p := range d.Panels {
			for _, l := range p.links(t) {
				match := address.FindStringSubmatch(l.URL)
				if strings.HasPrefix(l.URL, "/d/${__data.fields.explained}&") {
					continue // tested below
				}
				if match == nil || byUID[match[1]].UID == "" || l.Title == "" {
					t.Errorf("%s: %s leads to %q", d.UID, p.Title, l.URL)
					continue
				}
				for _, keep := range []string{"${__url_time_range}", "${datasource:queryparam}", "${job:queryparam}"} {
					if !strings.Contains(l.URL, keep) {
						t.Errorf("%s: the link of %s loses %s", d.UID, p.Title, keep)
					}
				}
				if match[1] == "whereby-customer" {
					toCustomer[d.UID] = true
					if !strings.Contains(l.URL, "&var-room_prefix=${__value.raw}") && !strings.Contains(l.URL, "&var-room_prefix=${__field.labels.room_prefix}") {
						t.Errorf("%s: the link of %s names no customer", d.UID, p.Title)
					}
				}
			}
		}
	}
	for _, uid := range []string{"whereby-overview", "whereby-quotas", "whereby-capacity", "whereby-quality"} {
		if !toCustomer[uid] {
			t.Errorf("nothing leads from %s to a customer", uid)
		}
	}
}

// explanation is a part of the query behind the table of firing alerts: which alerts,
// and where they lead.
var explanation = regexp.MustCompile(`ALERTS\{alertname=~"([^"]+)", alertstate="firing", job=~"\$job\|"\}, "explained", "([^"]+)", "room_prefix", "\(\.\*\)"\)`)

// TestEveryAlertLeadsToThePanelThatExplainsIt follows the links of alerts, from their
// annotation and from the table on Overview.
func TestEveryAlertLeadsToThePanelThatExplainsIt(t *testing.T) {
	byUID := map[string]dashboard{}
	for _, d := range all(t) {
		byUID[d.UID] = d
	}
	var table string
	for _, p := range byUID["whereby-overview"].Panels {
		if p.Title == "Firing alerts" {
			table = p.Targets[0].Expr
		}
	}
	var rules bytes.Buffer
	if err := alerts.Write(&rules, alerts.Settings{DashboardURL: "https://example.com/grafana"}); err != nil {
		t.Fatal(err)
	}
	annotated := regexp.MustCompile(`dashboard_url: https://example.com/grafana/d/(whereby-[a-z]+)(?:\?var-job=\S*?)?(&var-room_prefix=\S*)?\n`).FindAllStringSubmatch(strings.NewReplacer("{{ $labels.room_prefix | urlquery }}", "acme-", "{{ $labels.job | urlquery }}", "whereby", "{{ with $labels.job }}?var-job={{ . | urlquery }}{{ end }}", "?var-job=whereby").Replace(rules.String()), -1)
	names := alerts.Names()
	if len(annotated) != len(names) {
		t.Fatalf("%d addresses of dashboards for %d alerts", len(annotated), len(names))
	}
	for i, name := range names {
		if byUID[annotated[i][1]].UID == "" {
			t.Errorf("%s leads to %s, which there is not", name, annotated[i][1])
		}
		var leads []string
		for _, match := range explanation.FindAllStringSubmatch(table, -1) {
			if regexp.MustCompile("^(?:" + match[1] + ")$").MatchString(name) {
				leads = append(leads, match[2])
			}
		}
		if len(leads) != 1 {
			t.Errorf("%s leads to %q from the table", name, leads)
			continue
		}
		path, parameters, _ := strings.Cut(leads[0], "?")
		values, err := url.ParseQuery(parameters)
		id, idErr := strconv.Atoi(values.Get("viewPanel"))
		// A quota is explained by figures, their table and their graph: by Customer as a whole.
		whole := strings.HasPrefix(name, "WherebyQuota") && !values.Has("viewPanel")
		if err != nil || !whole && (idErr != nil || !slices.ContainsFunc(byUID[path].Panels, func(p panel) bool { return p.ID == id && p.Type != "row" })) {
			t.Errorf("%s leads to %q: no such panel", name, leads[0])
		}
		// One of a customer leads to that customer.
		if byCustomer := annotated[i][2] != ""; byCustomer != (values.Get("var-room_prefix") == "$1") || byCustomer && path != "whereby-customer" {
			t.Errorf("%s leads to %q", name, leads[0])
		}
	}
}

// delays are how long it takes until a panel shows something: each says so where it is
// empty, or in its description if it has no room, for a person who has just installed it
// all must not look for a mistake.
var delays = map[string]string{
	"whereby-quotas: Daily growth of stored recordings":                 "a day",
	"whereby-capacity: Busy hour":                                       "an hour",
	"whereby-capacity: Quarter ends in":                                 "five minutes",
	"whereby-capacity: Participant minutes, by weekday":                 "once an hour",
	"whereby-capacity: People in rooms, by hour of the day":             "once an hour",
	"whereby-capacity: Participant minutes per day":                     "once an hour",
	"whereby-capacity: Peak in rooms, by customer":                      "few hours",
	"whereby-capacity: Fullest room, by customer":                       "few hours",
	"whereby-capacity: Participant minutes per week":                    "a week",
	"whereby-capacity: Recorded and streamed minutes per week":          "a week",
	"whereby-capacity: Participant minutes in the quarter":              "four weeks",
	"whereby-capacity: Participant minutes per four weeks, by customer": "four weeks",
	"whereby-capacity: Growth, by customer":                             "four weeks",
	"whereby-capacity: Weekly minutes":                                  "4 weeks",
	"whereby-capacity: 4-week growth":                                   "4 weeks",
	"whereby-capacity: Quarter forecast":                                "4 weeks",
	"whereby-capacity: Forecast margin":                                 "4 weeks",
	"whereby-capacity: Plan outgrown":                                   "4 weeks",
	"whereby-capacity: Weekly sessions":                                 "4 weeks",
	"whereby-capacity: Weekly recording":                                "4 weeks",
	"whereby-capacity: Weekly streaming":                                "4 weeks",
	"whereby-customer: Participant minutes per day":                     "a day",
	"whereby-customer: Packet loss":                                     "15 minutes",
	"whereby-overview: Fullest quotas":                                  "two minutes",
	"whereby-quotas: Customers over and near quota":                     "two minutes",
	"whereby-quotas: Quotas":                                            "two minutes",
	"whereby-quality: Share of good samples":                            "two minutes",
	"whereby-quality: Poor samples, worst customers":                    "15 minutes",
	"whereby-quality: Call quality, by customer":                        "15 minutes",
}

func TestEmptyPanelsSayHowLongItTakes(t *testing.T) {
	missing := maps.Clone(delays)
	for _, d := range all(t) {
		for _, p := range d.Panels {
			name := d.UID + ": " + p.Title
			delay, listed := delays[name]
			delete(missing, name)
			text := p.FieldConfig.Defaults.NoValue
			if p.Type == "stat" {
				text = p.Description
			}
			if listed && !strings.Contains(strings.ToLower(text), delay) {
				t.Errorf("%s takes %s, and says %q", name, delay, text)
			}
			// What looks back over records of capacity planning takes its time.
			if !listed && p.Type != "row" && len(p.Targets) > 0 && strings.Contains(p.Targets[0].Expr, "job_resource:whereby_usage") && !strings.Contains(p.Targets[0].Expr, "quota") {
				t.Errorf("%s has no delay here", name)
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("there are no panels %v", slices.Sorted(maps.Keys(missing)))
	}
}
