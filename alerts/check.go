package alerts

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Check returns an error that names everything that is wrong with the settings.
func (s Settings) Check() error {
	var wrong []error
	problem := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	known := map[string]Threshold{}
	for _, t := range Thresholds() {
		known[t.Name] = t
	}
	for _, name := range slices.Sorted(maps.Keys(s.Thresholds)) {
		value := s.Thresholds[name]
		t, ok := known[name]
		switch {
		case !ok:
			problem("unknown threshold %q", name)
		case !(value >= t.Min && value <= t.Max): // so that it holds for NaN too
			problem("threshold %s: %s is not from %s to %s; the default is %s", name, number(value), number(t.Min), number(t.Max), number(t.Default))
		}
	}
	names := Names()
	alert := func(name string) {
		if !slices.Contains(names, name) {
			problem("unknown alert %q", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Severities)) {
		alert(name)
		if severity := s.Severities[name]; !slices.Contains(Severities(), severity) {
			problem("severity of %s: %q is none of %s", name, severity, strings.Join(Severities(), ", "))
		}
	}
	for _, name := range s.Disabled {
		alert(name)
	}
	for _, address := range []struct{ name, value string }{{"runbook", s.RunbookURL}, {"dashboard", s.DashboardURL}} {
		if address.value != "" && !isBase(address.value) {
			problem("%s URL %q must be an address that a path can be added to, such as https://example.com/whereby", address.name, address.value)
		}
	}
	return errors.Join(wrong...)
}

// isBase reports whether a path can be added to an address, and whether it means
// nothing in YAML or in a template of Prometheus: it goes into annotations as it is.
func isBase(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		!strings.ContainsAny(address, "?#{}<>'\"`\\ ") && strings.IndexFunc(address, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
