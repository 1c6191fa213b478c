package alerts

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// ruleFile is a file of rules, as Prometheus reads it.
type ruleFile struct {
	Groups []ruleGroup `yaml:"groups"`
}

type ruleGroup struct {
	Name     string `yaml:"name"`
	Interval string `yaml:"interval,omitempty"`
	Rules    []rule `yaml:"rules"`
}

type rule struct {
	Record        string            `yaml:"record,omitempty"`
	Alert         string            `yaml:"alert,omitempty"`
	Expr          string            `yaml:"expr"`
	For           string            `yaml:"for,omitempty"`
	KeepFiringFor string            `yaml:"keep_firing_for,omitempty"`
	Labels        map[string]string `yaml:"labels,omitempty"`
	Annotations   map[string]string `yaml:"annotations,omitempty"`
}

// ruleName matches the names of alerts and of recording rules in unit tests and expressions.
var ruleName = regexp.MustCompile(`\bWhereby[A-Za-z]+|[a-z_]+:[a-z0-9_]+:[a-z0-9_]+`)

// prune removes the rules from the files of a directory that a file of unit tests does not ask
// for, by itself or through other rules: promtool evaluates every rule at every step of a test.
func prune(t *testing.T, dir, tests string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.yml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	files := map[string]ruleFile{}
	texts := map[string]string{} // of the rules of a name, with all in them that may name another
	for _, path := range paths {
		var f ruleFile
		decoder := yaml.NewDecoder(strings.NewReader(read(t, path)))
		decoder.KnownFields(true) // or the tests would run without one that is new
		if err := decoder.Decode(&f); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		files[path] = f
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				texts[r.Record+r.Alert] += fmt.Sprintln(r.Expr, r.Annotations)
			}
		}
	}
	needed := map[string]bool{}
	var need func(text string)
	need = func(text string) {
		for _, found := range ruleName.FindAllString(text, -1) {
			for name := range texts {
				// A pattern of names ends early.
				if strings.HasPrefix(name, found) && !needed[name] {
					needed[name] = true
					need(texts[name])
				}
			}
		}
	}
	need(tests)
	for path, f := range files {
		for i := range f.Groups {
			g := &f.Groups[i]
			g.Rules = slices.DeleteFunc(g.Rules, func(r rule) bool { return !needed[r.Record+r.Alert] })
		}
		f.Groups = slices.DeleteFunc(f.Groups, func(g ruleGroup) bool { return len(g.Rules) == 0 })
		content, err := yaml.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, content)
	}
}
