package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"whereby_exporter/collector/metrics"
)

var update = flag.Bool("update", false, "rewrite README's tables and golden files")

// TestReadmeTablesEqualTheCode holds the tables of metrics and flags against the
// rows and fields that they describe.
func TestReadmeTablesEqualTheCode(t *testing.T) {
	content, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(content)
	for head, rows := range map[string][]string{
		"| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n": metricRows(),
		"| flag of `run` | default | meaning |\n| --- | --- | --- |\n":      flagRows(t),
	} {
		before, rest, ok := strings.Cut(readme, head)
		if !ok {
			t.Fatalf("README has no table that begins with %q", head)
		}
		end := 0
		for strings.HasPrefix(rest[end:], "|") {
			end += strings.Index(rest[end:], "\n") + 1
		}
		want := strings.Join(rows, "")
		if rest[:end] != want && !*update {
			t.Errorf("README's table is not what the code says; run go test . -update.\nREADME:\n%s\ncode:\n%s", rest[:end], want)
		}
		readme = before + head + want + rest[end:]
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(readme), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func metricRows() []string {
	var rows []string
	for _, m := range metrics.All() {
		labels := ""
		for i, label := range m.Labels {
			if i > 0 {
				labels += ", "
			}
			labels += "`" + label + "`"
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s |\n", m.Name, m.Type, labels, m.Help))
	}
	return rows
}

func flagRows(t *testing.T) []string {
	model := commandLine(t)
	var rows []string
	for _, command := range model.Children {
		if command.Name != "run" {
			continue
		}
		for _, flag := range append(command.Flags, model.Flags...) {
			if flag.Name == "help" || flag.Name == "version" {
				continue
			}
			value := "none"
			if flag.Default != "" {
				value = "`" + flag.Default + "`"
			}
			if flag.IsBool() {
				value = "off"
			}
			help := strings.ReplaceAll(flag.Help, " (${default})", "")
			help = strings.ReplaceAll(help, " ("+flag.Default+")", "")
			rows = append(rows, fmt.Sprintf("| `--%s` | %s | %s |\n", flag.Name, value, help))
		}
	}
	if len(rows) == 0 {
		t.Fatal("the command line has no command run")
	}
	return rows
}
