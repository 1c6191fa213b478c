package app_test

import (
	"regexp"
	"strings"
	"testing"
)

func TestHelpAndVersionGoToStdout(t *testing.T) {
	// Deployments like to have variables such as this one, and it must mean nothing.
	t.Setenv("WHEREBY_EXPORTER_VERSION", "1.2.3")
	commands := []string{"run          Serve", "demo         Serve", "check        Check", "healthcheck  Check"}
	groups := []string{"\nWhereby's API\n", "\nPolling and storage\n", "\nWeb address\n", "\nLogging\n", "--whereby.url=URL", "--storage.path=DIR"}
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"help of the program shows the commands and the flags of run", []string{"--help"}, append(commands, groups...)},
		{"help in short", []string{"-h"}, append(commands, groups...)},
		{"help of run", []string{"run", "--help"}, groups},
		{"help of check", []string{"check", "--help"}, append([]string{"--online", "--plan=build|enterprise", "--rooms=N", "--active=N", "--recordings=N"}, groups...)},
		{"help of demo", []string{"demo", "--help"}, []string{"\nWeb address\n", "\nLogging\n"}},
		{"help of healthcheck", []string{"healthcheck", "--help"}, []string{"--url=URL"}},
		{"the version", []string{"--version"}, []string{"whereby_exporter, version ", "go version:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, c.args...)
			if code := p.wait(); code != 0 || p.stderr.String() != "" {
				t.Errorf("the exit status is %d, and stderr holds %q", code, &p.stderr)
			}
			for _, want := range c.want {
				if !strings.Contains(p.stdout.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, &p.stdout)
				}
			}
			for line := range strings.Lines(p.stdout.String()) {
				if len(line) > 101 {
					t.Errorf("a line of %d characters: %s", len(line), line)
				}
			}
		})
	}
}

var (
	flagInHelp     = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z][a-z.-]+)`)
	variableInHelp = regexp.MustCompile(`\(\$(WHEREBY_EXPORTER_[A-Z_]+)\)`)
)

func TestEveryFlagOfRunHasAVariable(t *testing.T) {
	p := start(t, "run", "--help")
	p.wait()
	var want, got []string
	for _, match := range flagInHelp.FindAllStringSubmatch(p.stdout.String(), -1) {
		if match[1] != "help" && match[1] != "version" {
			want = append(want, "WHEREBY_EXPORTER_"+strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(match[1])))
		}
	}
	for _, match := range variableInHelp.FindAllStringSubmatch(p.stdout.String(), -1) {
		got = append(got, match[1])
	}
	if len(want) < 12 || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the variables are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
