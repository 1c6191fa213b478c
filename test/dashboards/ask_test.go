package dashboards

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// labelValues is a query of a variable.
var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

// moment is what Grafana puts into a query: the time shown, and the step.
type moment struct {
	from, to time.Time
	step     time.Duration
}

// scrapeInterval is what the Prometheus of deploy scrapes at.
const scrapeInterval = 15 * time.Second

// show is what Grafana shows at a time, of a dashboard's range or of another.
func show(t testing.TB, q query, now time.Time, over time.Duration) moment {
	t.Helper()
	if over == 0 {
		over = span(t, strings.TrimPrefix(q.from, "now-"))
	}
	m := moment{from: now.Add(-over), to: now}
	switch q.timeFrom {
	case "":
	case "now/d":
		m.from = now.Truncate(24 * time.Hour)
		// A test at midnight is no test of a day.
		if now.Sub(m.from) < time.Minute {
			m.from = now.Add(-time.Minute)
		}
	default:
		m.from = now.Add(-span(t, q.timeFrom))
	}
	// A panel has about a point for each of 700 pixels.
	m.step = max(m.to.Sub(m.from)/700, time.Second).Round(time.Second)
	if q.interval != "" {
		m.step = max(m.step, span(t, q.interval))
	}
	return m
}

// fixed is a time for where nothing depends on it.
var fixed = time.Unix(1_800_000_000, 0)

// sample returns a moment to substitute variables by if nothing is asked.
func sample(t testing.TB, q query) moment { return show(t, q, fixed, 0) }

// substitute fills in variables as Grafana does: a variable of several values is a
// regular expression.
func substitute(q query, prefixes string, m moment) string {
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) + "s" }
	return strings.NewReplacer(
		"$__rate_interval", seconds(max(m.step+scrapeInterval, 4*scrapeInterval)),
		"$__interval", seconds(m.step),
		"$__range", seconds(m.to.Sub(m.from)),
		"$__from", fmt.Sprint(m.from.UnixMilli()),
		"$job", ".+",
		"$room_prefix", prefixes,
	).Replace(q.expr)
}

// request returns the path that Grafana asks Prometheus for.
func request(q query, prefixes string, m moment) string {
	if match := labelValues.FindStringSubmatch(q.expr); match != nil {
		return "/api/v1/label/" + match[2] + "/values?" + url.Values{
			"match[]": {strings.ReplaceAll(match[1], "$job", ".+")},
			"start":   {fmt.Sprint(m.from.Unix())}, "end": {fmt.Sprint(m.to.Unix())},
		}.Encode()
	}
	expr := substitute(q, prefixes, m)
	if q.instant {
		return "/api/v1/query?" + url.Values{"query": {expr}, "time": {fmt.Sprint(m.to.Unix())}}.Encode()
	}
	// Grafana moves both ends onto multiples of the step.
	return "/api/v1/query_range?" + url.Values{
		"query": {expr}, "step": {fmt.Sprint(m.step.Seconds())},
		"start": {fmt.Sprint(m.from.Truncate(m.step).Unix())}, "end": {fmt.Sprint(m.to.Unix())},
	}.Encode()
}
