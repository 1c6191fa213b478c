package dashboards

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"whereby_exporter/test/programs"
)

// write writes a history that ends now, and says where.
func (h History) write(t testing.TB) (dir string, end time.Time) {
	t.Helper()
	h.End = time.Now().Truncate(time.Second)
	return h.writeAsItIs(t, t.TempDir()), h.End
}

// writeAsItIs has a program add the history to a directory: under the race detector it would take a
// quarter of an hour for a large one.
func (h History) writeAsItIs(t testing.TB, dir string) string {
	t.Helper()
	file, err := writer.Build(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if out, err := exec.CommandContext(t.Context(), file, "-output="+filepath.Join(dir, "data"), string(content)).CombinedOutput(); err != nil {
		t.Fatalf("history: %v\n%s", err, out)
	}
	t.Logf("%d customers, %d days written in %v", h.Customers, h.Days, time.Since(began).Round(time.Second))
	return dir
}

var writer = programs.Program{Name: "history", Module: "test", Package: "./cmd/history"}

var small = History{Customers: 8, Instances: []string{"one:10036"}, Days: 120, Dense: 2 * time.Hour, Step: time.Hour, Recorded: true, Workday: true}

func TestEveryQueryGivesFigures(t *testing.T) {
	t.Parallel()
	dir, last := small.write(t)
	p := startPrometheus(t, dir, options{evaluate: time.Second})
	p.evaluated(3 * time.Minute)
	end := time.Now() // rules have recorded since
	for name, test := range map[string]struct {
		prefixes string
		over     time.Duration
		empty    []string
	}{
		"all customers":         {".+", 0, nil},
		"two customers":         {"(acme-|initech-trial-)", 0, nil},
		"a customer over quota": {"initech-trial-", 0, nil},
		"no quota":              {"initech-labs-", 0, []string{"quota", "Quotas", "period", "limit", "share", "With quotas", "Over", "Near", "Projected", "Usage, by customer D", "Usage, by customer E"}},
		"nobody":                {"no-such-", 0, []string{""}},
		"five minutes":          {".+", 5 * time.Minute, []string{"Customers over and near quota", "Share of good samples", "Mean rating"}},
		"thirty days":           {".+", 30 * 24 * time.Hour, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := *p
			p.t = t
			p.every(end, test.prefixes, test.over, listed(slices.Concat(neverSure, justRecorded, test.empty)...))
		})
	}
	t.Run("figures are the account's", func(t *testing.T) { p.truth(t, last, end) })
}

// truth compares what some panels show at the end with what the account knows of the
// last scrape.
func (p *prometheus) truth(t *testing.T, last, end time.Time) {
	h := small
	h.End = last
	a := h.account()
	at := last.Unix()
	midnight := show(t, query{timeFrom: "now/d"}, end, time.Hour).from.Unix()
	over, today := 0, 0.0
	for i := range a.customers {
		c := &a.customers[i]
		today += c.minutes(at) - c.minutes(midnight)
		for _, resource := range []string{"participant_minutes", "sessions"} {
			if c.quota > 0 && c.used(resource, at) >= c.limit(resource) {
				over++
				break
			}
		}
	}
	for name, want := range map[string]float64{
		"whereby-overview: Over quota A":      float64(over),
		"whereby-overview: People in rooms A": sumOver(a, func(c *customer) float64 { return c.people(at) }),
		"whereby-overview: Minutes today A":   today,
		"whereby-overview: Period minutes A":  a.total.used("participant_minutes", at),
		"whereby-overview: Rooms A":           sumOver(a, func(c *customer) float64 { return float64(20 + c.index%50) }),
	} {
		got, found := math.NaN(), false
		for _, d := range all(t) {
			for _, q := range d.queries(t) {
				if q.name() != name {
					continue
				}
				found = true
				answer, err := p.ask(q, ".+", show(t, q, end, 0))
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range answer.last {
					got = v
				}
			}
		}
		if !found || !(math.Abs(got-want) <= 0.001*want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func sumOver(a *account, figure func(*customer) float64) float64 {
	var sum float64
	for i := range a.customers {
		sum += figure(&a.customers[i])
	}
	return sum
}

// TestAnotherExporterOrAccountChangesNothing asks the same of an account with one exporter,
// and of the same account with two, next to another account with two.
func TestAnotherExporterOrAccountChangesNothing(t *testing.T) {
	t.Parallel()
	h := small
	h.Days, h.End = 70, time.Now().Truncate(time.Second)
	alone := h.writeAsItIs(t, t.TempDir())
	h.Instances = []string{"one:10036", "two:10036"}
	shared := h.writeAsItIs(t, t.TempDir())
	// Its customers have the same room prefixes.
	h.Job, h.Scale, h.Instances = "staging", 3, []string{"three:10036", "four:10036"}
	h.writeAsItIs(t, shared)

	var servers []*prometheus
	for _, dir := range []string{alone, shared} {
		servers = append(servers, startPrometheus(t, dir, options{evaluate: time.Second}))
	}
	for _, p := range servers {
		p.evaluated(3 * time.Minute)
	}
	now := time.Now()
	of := func(job string) func(query) query {
		return func(q query) query {
			q.expr = strings.ReplaceAll(q.expr, "$job", job)
			return q
		}
	}
	one := servers[0].these(now, ".+", 0, anything, of("whereby"))
	two := servers[1].these(now, ".+", 0, anything, of("whereby"))
	both := servers[1].these(now, ".+", 0, anything, of(".+"))
	n := 0
	for name := range one {
		if strings.Contains(name, "annotation Alerts") || strings.Contains(name, "Firing alerts") || strings.Contains(name, "Alerts to act on") || strings.Contains(name, "whereby-customer: Quotas F") {
			continue // not the same moment
		}
		compare := func(what string, want, got map[string]float64) {
			if len(want) != len(got) {
				t.Errorf("%s has %d series, and %s %d:\n%v\n%v", name, len(want), what, len(got), want, got)
			}
			for series, v := range want {
				n++
				// Rules were not evaluated at the same second, on a busy machine by far. What is
				// counted twice is twice as much.
				if w, ok := got[series]; !ok || math.Abs(v-w) > 0.1*math.Abs(v)+1e-6 {
					t.Errorf("%s %s is %v, and %s %v", name, series, v, what, w)
				}
			}
		}
		// Exporters show themselves one by one.
		if !strings.HasPrefix(name, "whereby-exporter: ") {
			compare("with another exporter and another account", one[name].last, two[name].last)
		}
		// Of all accounts, each has its own.
		own := map[string]float64{}
		for series, v := range both[name].last {
			switch {
			case ofJob("whereby").MatchString(series):
				own[series] = v
			case ofJob("staging").MatchString(series):
			case slices.Contains(ofNoAccount, name):
				own[series] = v
			default:
				t.Errorf("%s mixes accounts: %s", name, series)
			}
		}
		compare("among all accounts", two[name].last, own)
	}
	if n < 600 {
		t.Errorf("only %d series", n)
	}

	// The documents' own queries as well.
	for _, q := range documented(t) {
		at := now
		if strings.Contains(q.expr, "offset 1d") {
			at = now.Truncate(time.Hour) // a day ago there is a sample an hour
		}
		m := moment{from: at.Add(-time.Hour), to: at, step: time.Second}
		want, err := servers[0].ask(q, ".+", m)
		if err != nil || len(want.last) == 0 {
			t.Errorf("the documents' query has %v: %v\n%s", want.last, err, q.expr)
		}
		got, err := servers[1].ask(q, ".+", m)
		if err != nil {
			t.Errorf("the documents' query, with two accounts: %v\n%s", err, q.expr)
		}
		for series, v := range want.last {
			if w, ok := got.last[series]; !ok || math.Abs(v-w) > 0.1*math.Abs(v)+1e-6 || len(got.last) != 2*len(want.last) {
				t.Errorf("%s is %v, and with another exporter and another account %v, of %v:\n%s", series, v, w, got.last, q.expr)
			}
		}
	}
}

// ofJob finds the labels of a series of an account.
func ofJob(job string) *regexp.Regexp { return regexp.MustCompile(`[ \[]job:` + job + `[ \]]`) }

// documented returns the queries of README and of the pages on usage.
func documented(t testing.TB) []query {
	t.Helper()
	root, err := programs.Root()
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```promql\n(.*?)```")
	var queries []query
	for _, file := range []string{"README.md", "docs/webhooks.md", "docs/quality.md"} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range block.FindAllStringSubmatch(string(text), -1) {
			queries = append(queries, query{expr: match[1], instant: true})
		}
	}
	if len(queries) < 4 {
		t.Fatalf("the documents have %d queries", len(queries))
	}
	return queries
}

// ofNoAccount are queries whose figure is the same for every account.
var ofNoAccount = []string{"whereby-capacity: Quarter ends in A", "whereby-quality: Share of good samples C"}

// TestADemoFillsTheDashboards scrapes the real exporter: at its first scrape nothing may
// be wrong, and soon whatever needs no history shows figures.
func TestADemoFillsTheDashboards(t *testing.T) {
	t.Parallel()
	target := programs.FreeAddress(t)
	start(t, programs.Exporter, "demo", "--web.listen-address="+target)
	p := startPrometheus(t, t.TempDir(), options{target: target, scrape: 2 * time.Second, evaluate: time.Second})
	polled := query{expr: `whereby_participant_minutes_total`, instant: true}
	programs.Eventually(t, time.Minute, "a scrape", func() error {
		a, err := p.ask(polled, "", moment{from: time.Now().Add(-time.Minute), to: time.Now(), step: time.Second})
		if err == nil && a.found == 0 {
			err = fmt.Errorf("none yet")
		}
		return err
	})
	p.every(time.Now(), ".+", 0, anything)

	programs.Eventually(t, time.Minute, "people come", func() error {
		at := time.Now()
		a, err := p.ask(query{expr: "sum(max_over_time(whereby_joins_total[1m]) - min_over_time(whereby_joins_total[1m])) > 0", instant: true}, "", moment{from: at, to: at, step: time.Second})
		if err == nil && a.found == 0 {
			err = fmt.Errorf("none yet")
		}
		return err
	})
	p.evaluated(3 * time.Minute)
	// A graph has its first point only once a step is over, so what it would have now counts.
	p.these(time.Now(), ".+", 0, listed(slices.Concat(neverSure, patience)...), func(q query) query {
		q.instant = !q.variable
		return q
	})
}

// patience is for panels of the demo that show nothing within some minutes: those of
// history, of what happens seldom, and of what the demo does not have.
var patience = []string{
	"whereby-capacity: ", "minutes per day", "growth of stored recordings", // a day and months
	"Waiting time", "Recordings and transcriptions", // seldom
	"by segment", "Config and rules B", "Cost by customer", "Cost of the account", "Cost by kind", // not configured
	"whereby-quality: ", "whereby-customer: Packet loss", "whereby-customer: Rating", // points to read participants
	"Period minutes", "Plan used", "Account quotas used", // points to read what older rooms had used
	"previous period", "by period", "Unread rooms",
	"Projected", // a fifth of a period
	"Quotas D", "Fullest quotas D", "Usage, by customer E",
}

// TestAFreshInstallShowsNoErrors asks an empty Prometheus that has neither rules nor
// anything to scrape.
func TestAFreshInstallShowsNoErrors(t *testing.T) {
	t.Parallel()
	p := startPrometheus(t, t.TempDir(), options{noRules: true})
	for name, a := range p.every(time.Now(), ".+", 0, anything) {
		if a.found > 0 {
			t.Errorf("%s shows something where there is nothing", name)
		}
	}
}

// TestCapacityNeedsNothingButBackfill records the rules over backfilled usage, as
// docs/backfill.md says, and looks at the dashboard: what needs no webhooks and no plan is
// there, before a rule of the hour is evaluated again.
func TestCapacityNeedsNothingButBackfill(t *testing.T) {
	t.Parallel()
	h := History{Customers: 5, Days: 70, Backfilled: true, Workday: true}
	dir, end := h.write(t)
	h.End = end
	recordPast := func(rules string, since time.Duration) {
		p := startPrometheus(t, dir, options{noRules: true})
		p.record(rules, end.Add(-since).Truncate(time.Hour), end)
		p.stop()
	}
	hourly, _ := ruleFile(t, "capacity.yml")
	recordPast(hourly, time.Duration(h.Days)*24*time.Hour)

	p := startPrometheus(t, dir, options{evaluate: time.Second, rules: "forecast.yml"})
	for _, g := range p.evaluated(3 * time.Minute) {
		t.Logf("%s takes %.3f s", g.Name, g.EvaluationTime)
	}
	p.every(time.Now(), ".+", 0, func(name string) bool {
		return !strings.HasPrefix(name, "whereby-capacity") ||
			listed("annotation", "variable job", "Peak in rooms A", "Peak in rooms, by customer A", "Fullest room, by customer A", "Plan headroom", "Participant minutes per week C", "Growth, by customer F", "minutes in the quarter C", "minutes in the quarter D")(name)
	})

	// A week is what the account knows that it was. promtool evaluates some time within
	// each hour; at is that of the last sample, and what was used in the hour before it is
	// recorded within the hour after.
	at := (end.Unix() - 3*hour) / hour * hour
	a := h.account()
	week := sumOver(a, func(c *customer) float64 { return c.minutes(at) - c.minutes(at-7*day) })
	got := p.one(`sum_over_time(job_resource:whereby_usage:increase1h{resource="participant_minutes"}[7d])`, time.Unix(at+hour, 0))
	if math.Abs(got-week) > 1e-6*week {
		t.Errorf("the week is %v, and was %v", got, week)
	}
	// So is the quarter, with the hour that ended with the one before, or what was recorded
	// of it.
	first, last := quarter(end.Unix())
	since := max(first-hour, end.Unix()/hour*hour-int64(h.Days)*day-hour, a.begins)
	used := sumOver(a, func(c *customer) float64 { return c.minutes(at) - c.minutes(since) })
	if at > first {
		if got := p.one(`job_resource:whereby_usage:quarter_used{resource="participant_minutes"}`, time.Now()); math.Abs(got-used) > 1e-6*max(used, week) {
			t.Errorf("the quarter has %v, and had %v", got, used)
		}
	}
	// The forecast of the rest agrees with the last weeks.
	rest := week / 7 * float64(last-end.Unix()) / float64(day)
	if got := p.one(`job_resource:whereby_usage:quarter_rest{resource="participant_minutes"}`, time.Now()); got < 0.8*rest || got > 1.4*rest {
		t.Errorf("the rest is expected to be %v; at the pace of the last week it is %v", got, rest)
	}
	p.stop()

	// The forecast's own past, too, is what the rules say, at the times at which they were
	// evaluated. What rules of level 2 and 3 have of the last day will do.
	forecast, expr := ruleFile(t, "forecast.yml")
	forecast = interval.ReplaceAllString(forecast, "${1}interval: 1h")
	for range 2 {
		recordPast(forecast, 30*time.Hour)
	}
	p = startPrometheus(t, dir, options{noRules: true})
	for _, name := range []string{"job_resource:whereby_usage_increase7d:avg13w", "job_resource:whereby_usage_increase7d:trend"} {
		metric := name + `{resource="participant_minutes"}`
		seconds := p.one("max_over_time(timestamp("+metric+")[1h:1m])", end.Add(-12*time.Hour))
		then := time.Unix(int64(seconds)+1, 0)
		recorded, now := p.one("last_over_time("+metric+"[1m])", then), p.one("("+expr[name]+`) * on (resource) group_left () label_replace(vector(1), "resource", "participant_minutes", "", "")`, then)
		if math.Abs(recorded-now) > 1e-4*now {
			t.Errorf("%s of %v was recorded as %v, and is %v", name, then, recorded, now)
		}
	}
}

// TestAHundredCustomersFillTheDashboards asks all of a tenth of the fleet whose queries
// [BenchmarkAThousandCustomers] times.
func TestAHundredCustomersFillTheDashboards(t *testing.T) {
	t.Parallel()
	h := fleet
	h.Customers /= 10
	dir, _ := h.write(t)
	p := startPrometheus(t, dir, options{evaluate: 5 * time.Second})
	p.evaluated(10 * time.Minute)
	// A month of history is not enough for all that looks further back.
	p.every(time.Now(), ".+", 0, listed(slices.Concat(neverSure, justRecorded, []string{"Growth, by customer B", "Growth, by customer C", "Growth, by customer D"})...))
}

// slow is what no panel may take for a fleet of a thousand customers.
const slow = time.Second

// slowest runs every query, and returns the time of the slowest.
func slowest(t testing.TB, p *prometheus, end time.Time) time.Duration {
	t.Helper()
	var took []string
	most := time.Duration(0)
	for _, d := range all(t) {
		for _, q := range d.queries(t) {
			m := show(t, q, end, 0)
			best := time.Hour
			// Now and then Prometheus tidies up meanwhile: the best of three counts.
			for range 3 {
				began := time.Now()
				if _, err := p.ask(q, ".+", m); err != nil {
					t.Errorf("%s: %v", q.name(), err)
				}
				if best = min(best, time.Since(began)); best < slow/2 {
					break
				}
			}
			if best > slow {
				t.Errorf("%s takes %v:\n%s", q.name(), best.Round(time.Millisecond), substitute(q, ".+", m))
			}
			most = max(most, best)
			took = append(took, fmt.Sprintf("%5d ms  %s", best.Milliseconds(), q.name()))
		}
	}
	slices.Sort(took)
	t.Logf("%d queries; the slowest:\n%s", len(took), strings.Join(took[max(0, len(took)-10):], "\n"))
	return most
}

var fleet = History{Customers: 1000, Instances: []string{"one:10036"}, Days: 30, Dense: 6 * time.Hour, Step: time.Hour, Recorded: true, Workday: true}

// BenchmarkAThousandCustomers measures every query, and every group of rules, on a
// machine that has nothing else to do. It writes a hundred million samples.
func BenchmarkAThousandCustomers(b *testing.B) {
	if testing.Short() {
		b.Skip("writes a hundred million samples")
	}
	dir, end := fleet.write(b)
	p := startPrometheus(b, dir, options{evaluate: 5 * time.Second})
	for _, g := range p.evaluated(3 * time.Minute) {
		b.Logf("%s takes %.2f s", g.Name, g.EvaluationTime)
		// A group that takes a tenth of its minute is too expensive. The hourly one has time, and
		// the forecast is of an account, whatever its customers.
		if limit := 6.0; g.EvaluationTime > limit && g.Name != "whereby-capacity" || g.EvaluationTime > 30 {
			b.Errorf("%s takes %.2f s", g.Name, g.EvaluationTime)
		}
	}
	p.stop()

	p = startPrometheus(b, dir, options{noRules: true}) // so that nothing but queries costs anything
	var most time.Duration
	for b.Loop() {
		most = slowest(b, p, end)
	}
	b.ReportMetric(most.Seconds(), "slowest-s")
}
