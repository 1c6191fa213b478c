package alerts

import (
	"embed"
	"io/fs"
	"strings"
)

// The directories are embedded as a person finds them.
//
//go:embed rules/*.yml
var ruleFiles embed.FS

//go:embed runbooks/*.md
var runbookFiles embed.FS

// files returns the names of those in rules, in the order in which [Write] writes them.
func files() []string {
	return []string{"quota.yml", "organization.yml", "cost.yml", "usage.yml", "recordings.yml", "quality.yml", "capacity.yml", "forecast.yml", "webhooks.yml", "polling.yml"}
}

// Alert is one of the alerting rules, as the files in rules have it.
type Alert struct {
	Name     string
	Severity string
	Summary  string
	// File is the file in rules.
	File string
}

// Alerts are all alerting rules, in the order of the files.
func Alerts() []Alert {
	var all []Alert
	for _, name := range files() {
		for _, g := range parse(name).groups {
			for _, r := range g.rules {
				if r.alert != "" {
					all = append(all, Alert{Name: r.alert, Severity: r.field("severity"), Summary: r.field("summary"), File: name})
				}
			}
		}
	}
	return all
}

// Names returns the names of all alerting rules, in the order of the files.
func Names() []string {
	var names []string
	for _, a := range Alerts() {
		names = append(names, a.Name)
	}
	return names
}

// Runbooks returns the runbooks, one file NAME.md for each alert.
func Runbooks() fs.FS {
	sub, err := fs.Sub(runbookFiles, "runbooks")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return sub
}

// file is a file of rules, by its lines.
type file struct {
	// head are the lines up to the first group.
	head   []string
	groups []group
}

type group struct {
	// head are the lines up to the first rule.
	head  []string
	rules []rule
}

type rule struct {
	// alert is empty for a recording rule.
	alert string
	// lines are the rule's, with the comment above it.
	lines []string
}

const (
	groupStart  = "  - name: "
	alertStart  = "      - alert: "
	recordStart = "      - record: "
	comment     = "      #"
)

// parse takes a file of rules apart. It knows these files, not YAML: that they are
// laid out as it expects is tested against a YAML parser.
func parse(name string) file {
	content, err := ruleFiles.ReadFile("rules/" + name)
	if err != nil {
		panic(err) // the files are embedded above
	}
	var f file
	var above []string // a rule's comment, before the rule is seen
	for line := range strings.Lines(string(content)) {
		last := len(f.groups) - 1
		switch {
		case strings.HasPrefix(line, groupStart):
			f.groups = append(f.groups, group{head: []string{line}})
		case last < 0:
			f.head = append(f.head, line)
		case strings.HasPrefix(line, comment), line == "\n":
			above = append(above, line)
		case strings.HasPrefix(line, alertStart), strings.HasPrefix(line, recordStart):
			alert, _ := strings.CutPrefix(line, alertStart)
			if strings.HasPrefix(line, recordStart) {
				alert = ""
			}
			f.groups[last].rules = append(f.groups[last].rules, rule{strings.TrimSpace(alert), append(above, line)})
			above = nil
		case len(f.groups[last].rules) == 0:
			f.groups[last].head = append(f.groups[last].head, line)
		default:
			r := &f.groups[last].rules[len(f.groups[last].rules)-1]
			r.lines = append(r.lines, line)
		}
	}
	return f
}

// field returns the value of a field that fits its line, such as severity.
func (r rule) field(name string) string {
	for _, line := range r.lines {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+": "); ok {
			return value
		}
	}
	return ""
}
