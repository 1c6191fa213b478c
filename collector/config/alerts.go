package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// alerts is the section alerts.
type alerts struct {
	options Options
	to      *Alerts
}

func (a alerts) read(r *reader, n node) {
	if len(a.options.AlertNames) == 0 && len(a.options.Thresholds) == 0 && len(n.Content) > 0 {
		r.problem(n, "there are no alerts to configure here; remove the section")
		return
	}
	a.fields().read(r, n)
}

func (a alerts) fields() mapping {
	return mapping{
		{name: "thresholds", help: "Thresholds of the rules, by name.", value: entries{"threshold", a.checkThreshold, a.threshold}},
		{name: "severities", help: "Severities of the alerts, by name: critical, warning or info.", value: entries{"alert", a.checkAlert, a.severity}},
		{name: "disabled", help: "Alerts to leave out.", value: list{func() value { return text(a.disable) }}},
		{name: "runbook_url", help: "Where the runbooks are.", value: text(webAddress(&a.to.RunbookURL))},
		{name: "dashboard_url", help: "Where the dashboards are.", value: text(webAddress(&a.to.DashboardURL))},
	}
}

func (a alerts) checkThreshold(name string) string {
	if _, ok := a.options.Thresholds[name]; ok {
		return ""
	}
	return "unknown threshold" + hintOfRules(name, sortedKeys(a.options.Thresholds))
}

// hintOfRules returns a hint about names that the rules hold.
func hintOfRules(name string, known []string) string {
	h := hint(name, known)
	if strings.HasSuffix(h, "?") {
		h += " The command alerts writes the rules, which name all of them"
	}
	return h
}

func (a alerts) threshold(name string) value {
	t := a.options.Thresholds[name]
	return number(func(f float64) string {
		if f < t.Min || f > t.Max {
			return "must be from " + show(t.Min) + " to " + show(t.Max) + "; the default is " + show(t.Default)
		}
		if a.to.Thresholds == nil {
			a.to.Thresholds = map[string]float64{}
		}
		a.to.Thresholds[name] = f
		return ""
	})
}

func show(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (a alerts) checkAlert(name string) string {
	if slices.Contains(a.options.AlertNames, name) {
		return ""
	}
	return "unknown alert" + hintOfRules(name, a.options.AlertNames)
}

func (a alerts) severity(name string) value {
	return oneOf(func(s Severity) {
		if a.to.Severities == nil {
			a.to.Severities = map[string]Severity{}
		}
		a.to.Severities[name] = s
	}, Critical, Warning, Info)
}

func (a alerts) disable(name string) string {
	if problem := a.checkAlert(name); problem != "" {
		return problem
	}
	if slices.Contains(a.to.Disabled, name) {
		return "is already in the list; remove it"
	}
	a.to.Disabled = append(a.to.Disabled, name)
	return ""
}

// webAddress accepts what annotations of alerts can link to. They are sent to
// every receiver, so a password has no place in them.
func webAddress(to *string) func(string) string {
	return func(s string) string {
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
			return "must be an address without a user, such as https://example.com/runbooks"
		}
		*to = s
		return ""
	}
}
