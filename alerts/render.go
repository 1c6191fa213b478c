package alerts

import (
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Settings are what an operator changes in the rules. The zero Settings change
// nothing.
type Settings struct {
	// Thresholds are by name, see [Thresholds].
	Thresholds map[string]float64
	// Severities are by alert: critical, warning or info.
	Severities map[string]string
	// Disabled are alerts to leave out. Recording rules stay: dashboards use them.
	Disabled []string
	// RunbookURL is where the runbooks are: the address of a runbook is RunbookURL,
	// a slash, the alert's name and .md. DashboardURL is where Grafana is.
	RunbookURL, DashboardURL string
}

// What the files in rules have for addresses that only an operator knows.
const (
	runbookURL   = "https://example.com/whereby/runbooks"
	dashboardURL = "https://example.com/grafana"
)

// Severities returns the severities that an alert may have: a page, a ticket, context.
func Severities() []string { return []string{"critical", "warning", "info"} }

// Render returns the rule files by name. The names are the same whatever the
// settings, so that a file written before is replaced and not left behind. The
// error names everything that is wrong with the settings.
func Render(s Settings) (map[string][]byte, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	rendered := map[string][]byte{}
	for _, name := range files() {
		f := parse(name)
		groups := s.groups(f)
		head := strings.Join(f.head, "")
		if groups == "" {
			head = strings.TrimSuffix(head, "groups:\n") + "groups: []\n"
		}
		rendered[name] = []byte(head + groups)
	}
	return rendered, nil
}

// Write writes all rules as one document.
func Write(w io.Writer, s Settings) error {
	if err := s.Check(); err != nil {
		return err
	}
	if _, err := io.WriteString(w, "groups:\n"); err != nil {
		return fmt.Errorf("write rules: %w", err)
	}
	for _, name := range files() {
		f := parse(name)
		groups := s.groups(f)
		if groups == "" {
			continue
		}
		if _, err := io.WriteString(w, strings.TrimSuffix(strings.Join(f.head, ""), "groups:\n")+groups); err != nil {
			return fmt.Errorf("write rules: %w", err)
		}
	}
	return nil
}

// groups renders the groups of a file that have rules left.
func (s Settings) groups(f file) string {
	var b strings.Builder
	for _, g := range f.groups {
		rules := slices.DeleteFunc(g.rules, func(r rule) bool { return r.alert != "" && slices.Contains(s.Disabled, r.alert) })
		if len(rules) == 0 {
			continue
		}
		for _, line := range g.head {
			b.WriteString(line)
		}
		for _, r := range rules {
			for _, line := range r.lines {
				b.WriteString(s.line(r.alert, line))
			}
		}
	}
	return b.String()
}

// mark is a threshold: a number, with an s behind it where it is a duration, and its
// name in a comment. YAML and PromQL both take it for a comment.
var mark = regexp.MustCompile(`([0-9.]+)(s? # ([a-z0-9_]+)\n)$`)

func (s Settings) line(alert, line string) string {
	text := strings.TrimSpace(line)
	if strings.HasPrefix(text, "#") {
		return line
	}
	if severity, ok := s.Severities[alert]; ok && strings.HasPrefix(text, "severity: ") {
		return strings.TrimSuffix(line, text+"\n") + "severity: " + severity + "\n"
	}
	if at := mark.FindStringSubmatchIndex(line); at != nil {
		if value, ok := s.Thresholds[line[at[6]:at[7]]]; ok {
			if line[at[4]] == 's' {
				value = math.Round(value) // durations have no fractions
			}
			return line[:at[2]] + strconv.FormatFloat(value, 'f', -1, 64) + line[at[4]:]
		}
	}
	if s.RunbookURL != "" && strings.HasPrefix(text, "runbook_url: ") {
		return strings.Replace(line, runbookURL, strings.TrimRight(s.RunbookURL, "/"), 1)
	}
	if s.DashboardURL != "" && strings.HasPrefix(text, "dashboard_url: ") {
		return strings.Replace(line, dashboardURL, strings.TrimRight(s.DashboardURL, "/"), 1)
	}
	return line
}
