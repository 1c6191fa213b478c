package docs

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"whereby_exporter/alerts"
	"whereby_exporter/collector/app"
	"whereby_exporter/collector/metrics"
)

// root is the root of the repository, from which all files here are named.
const root = ".."

// documents are what a person reads who runs the exporter or works on it.
func documents(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md", "alerts/runbooks/*.md", "deploy/*/README.md", "deploy/helm/*/README.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 30 {
		t.Fatalf("only %d documents", len(files))
	}
	return files
}

// names is what documents may name.
type names struct {
	metrics, recorded, flags, variables, commands, alerts, tests map[string]bool
	// source is all Go code but tests, with texts in one piece that are broken over lines.
	source string
}

// foreignFlags are other programs', where a document names one by itself.
var foreignFlags = map[string]bool{"--storage.tsdb.retention.time": true, "--max-block-duration": true}

func knownNames(t *testing.T) names {
	t.Helper()
	n := names{
		metrics: map[string]bool{}, recorded: map[string]bool{}, flags: map[string]bool{}, variables: map[string]bool{},
		commands: map[string]bool{}, alerts: map[string]bool{}, tests: map[string]bool{},
	}
	for _, m := range metrics.All() {
		n.metrics[m.Name] = true
		suffixes := map[metrics.Type][]string{metrics.Histogram: {"_bucket", "_sum", "_count"}, metrics.Summary: {"_sum", "_count"}}
		for _, suffix := range suffixes[m.Type] {
			n.metrics[m.Name+suffix] = true
		}
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		n.metrics[family.GetName()] = true
	}
	commandLine, err := app.CommandLine()
	if err != nil {
		t.Fatal(err)
	}
	n.addCommands(commandLine.Node)
	for _, variable := range []string{"WHEREBY_API_KEY", "WHEREBY_WEBHOOK_SECRET"} {
		n.variables[variable] = true
	}
	for _, alert := range alerts.Names() {
		n.alerts[alert] = true
	}
	n.addFiles(t)
	return n
}

func (n names) addCommands(node *kong.Node) {
	for _, flag := range node.Flags {
		n.flags["--"+flag.Name] = true
		for _, variable := range flag.Envs {
			n.variables[variable] = true
		}
	}
	for _, child := range node.Children {
		n.commands[child.Name] = true
		n.addCommands(child)
	}
}

var (
	testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	recordLine   = regexp.MustCompile(`(?m)^ *-? *record: (\S+)$`)
	brokenText   = regexp.MustCompile(`"\s*\+\s*"`)
)

// addFiles takes names from the files of the repository.
func (n *names) addFiles(t *testing.T) {
	t.Helper()
	var source strings.Builder
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == "dist" || path == "data" || strings.HasPrefix(entry.Name(), ".") && path != "."):
			return fs.SkipDir
		}
		ext := filepath.Ext(path)
		if ext != ".go" && (ext != ".yml" || filepath.Dir(path) != filepath.Join("alerts", "rules")) {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch {
		case ext == ".yml":
			for _, match := range recordLine.FindAllSubmatch(content, -1) {
				n.recorded[string(match[1])] = true
			}
		case strings.HasSuffix(path, "_test.go"):
			for _, match := range testFunction.FindAllSubmatch(content, -1) {
				n.tests[string(match[1])] = true
			}
		default:
			source.Write(content)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n.source = brokenText.ReplaceAllString(source.String(), "")
}

// TestDocumentsNameWhatIsThere looks up every metric, rule, alert, flag, variable,
// command, test, file and log line that a document names, and follows its links.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	t.Chdir(root)
	known := knownNames(t)
	for what, set := range map[string]map[string]bool{
		"metrics": known.metrics, "recorded series": known.recorded, "flags": known.flags, "variables": known.variables,
		"alerts": known.alerts, "tests": known.tests,
	} {
		if len(set) < 20 {
			t.Fatalf("only %d %s are known", len(set), what)
		}
	}
	for _, file := range documents(t) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range known.problems(file, string(content)) {
			t.Errorf("%s: %s", file, problem)
		}
	}
}

// TestAWrongNameIsFound holds that the test above would notice.
func TestAWrongNameIsFound(t *testing.T) {
	t.Chdir(root)
	known := knownNames(t)
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "Set `--poll.interval`, see [README](README.md#try-it) and `TestAWrongNameIsFound`.", ""},
		{"a metric", "`whereby_rooms_used`", "metric whereby_rooms_used"},
		{"a part of a metric", "`whereby_rooms_bucket`", "metric whereby_rooms_bucket"},
		{"a part of a histogram", "`whereby_webhook_delay_seconds_bucket`", ""},
		{"many metrics", "`whereby_quota_*`", ""},
		{"many that are not there", "`whereby_quotas_*`", "metric whereby_quotas_*"},
		{"a metric of the client library", "process_resident_bytes", "metric process_resident_bytes"},
		{"a recorded series", "`job_resource:whereby_organization_quota_used:min`", "recorded series job_resource:whereby_organization_quota_used:min"},
		{"an alert", "WherebyQuotaGone fires", "alert WherebyQuotaGone"},
		{"a flag", "with `--poll.intervals=1s`", "flag --poll.intervals"},
		{"a flag in a block", "```sh\n./whereby_exporter run \\\n  --config.fil=x\n```", "flag --config.fil"},
		{"a command in a block", "```sh\n./whereby_exporter walk\n```", "command walk"},
		{"another program's flags", "```sh\nsystemctl enable --now whereby_exporter\n```", ""},
		{"a variable", "`WHEREBY_KEY`", "variable WHEREBY_KEY"},
		{"a test", "`TestNothingAtAll`", "test TestNothingAtAll"},
		{"a file", "`collector/nowhere.go`", "file collector/nowhere.go"},
		{"a link", "[x](docs/nowhere.md)", "link docs/nowhere.md"},
		{"a heading", "[x](README.md#nowhere)", "heading README.md#nowhere"},
		{"a heading of its own", "[x](#nowhere)", "heading #nowhere"},
		{"an identifier", "[`nobody`](main.go)", "identifier nobody in main.go"},
		{"an identifier that is there", "[`main`](main.go)", ""},
		{"a log line", "| what you see | alert | log |\n| --- | --- | --- |\n| x | y | `poll failed; serving … figures`, `poll failed at last` |\n", "log line poll failed at last"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(known.problems("FILE.md", c.text), "; "); got != strings.TrimSpace(c.want+" is not there") && (c.want != "" || got != "") {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

var (
	block       = regexp.MustCompile("(?s)```.*?```")
	span        = regexp.MustCompile("`([^`\n]+)`")
	metricName  = regexp.MustCompile(`[a-z0-9_:]*\bwhereby_[a-z0-9_:]+\*?|[a-z0-9_:]+:whereby_[a-z0-9_:]+|\b(?:process|go)_[a-z0-9_]+`)
	alertName   = regexp.MustCompile(`\bWhereby[A-Z]\w+`)
	variable    = regexp.MustCompile(`\bWHEREBY_[A-Z0-9_]*[A-Z0-9]\b`)
	testName    = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w+`)
	flagName    = regexp.MustCompile(`--[a-z][a-z0-9.-]*`)
	ourCommand  = regexp.MustCompile(`(?:(?:^|\s|\./)whereby_exporter|go run \.)(?: ([a-z]+)\b)?((?: [^|;&]*)?)`)
	pathInSpan  = regexp.MustCompile(`^(?:collector|whereby|test|alerts|dashboards|deploy|docs)/[\w./*-]+$`)
	target      = regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"`)
	heading     = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	notInSlug   = regexp.MustCompile(`[^a-z0-9 _-]`)
	lineFailure = regexp.MustCompile(`(?m)^\| what you see \|.*\n\|[ |-]+\n((?:\|.*\n)+)`)
)

// problems returns the names of a document that are not there.
func (n names) problems(file, text string) []string {
	missing := map[string]bool{}
	need := func(there bool, what string) {
		if !there {
			missing[what+" is not there"] = true
		}
	}
	for _, name := range metricName.FindAllString(text, -1) {
		n.needMetric(strings.TrimRight(name, ":"), need)
	}
	for _, name := range alertName.FindAllString(text, -1) {
		need(n.alerts[name], "alert "+name)
	}
	for _, name := range variable.FindAllString(text, -1) {
		need(n.variables[name] || strings.HasSuffix(name, "_EXPORTER"), "variable "+name)
	}
	for _, name := range testName.FindAllString(text, -1) {
		need(n.tests[name], "test "+name)
	}
	prose := block.ReplaceAllStringFunc(text, func(code string) string {
		for line := range strings.Lines(strings.ReplaceAll(code, "\\\n", "")) {
			n.needCommand(line, need)
		}
		return ""
	})
	for _, match := range span.FindAllStringSubmatch(prose, -1) {
		code := match[1]
		n.needCommand(code, need)
		if name := flagName.FindString(code); name != "" && strings.HasPrefix(code, name) {
			need(n.flags[name] || foreignFlags[name], "flag "+name)
		}
		if pathInSpan.MatchString(code) {
			need(exists(code) || exists(filepath.Join(filepath.Dir(file), code)), "file "+code)
		}
	}
	needTargets(file, text, need)
	if table := lineFailure.FindStringSubmatch(text); table != nil {
		for row := range strings.Lines(table[1]) {
			for _, line := range span.FindAllStringSubmatch(strings.Split(row, "|")[3], -1) {
				for part := range strings.SplitSeq(line[1], "…") {
					need(strings.Contains(n.source, strings.TrimSpace(part)), "log line "+line[1])
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(missing))
}

func (n names) needMetric(name string, need func(bool, string)) {
	if prefix, many := strings.CutSuffix(name, "*"); many {
		for metric := range n.metrics {
			many = many && !strings.HasPrefix(metric, prefix)
		}
		need(!many, "metric "+name)
		return
	}
	switch {
	case name == "whereby_exporter", strings.HasPrefix(name, "whereby_exporter:"): // the program, and its image
	case strings.Contains(name, ":"):
		// What backfill writes is recorded by no rule.
		need(n.recorded[name] || strings.Contains(n.source, name), "recorded series "+name)
	default:
		need(n.metrics[name], "metric "+name)
	}
}

// needCommand looks at the command and the flags behind the program's name, if a line of
// code has that.
func (n names) needCommand(line string, need func(bool, string)) {
	for _, match := range ourCommand.FindAllStringSubmatch(line, -1) {
		if match[1] != "" {
			need(n.commands[match[1]], "command "+match[1])
		}
		for _, name := range flagName.FindAllString(match[2], -1) {
			need(n.flags[name], "flag "+name)
		}
	}
}

// needTargets follows the links to files, headings and identifiers of the code.
func needTargets(file, text string, need func(bool, string)) {
	for _, match := range target.FindAllStringSubmatch(text, -1) {
		link := match[2] + match[3]
		if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
			continue
		}
		path, anchor, hasAnchor := strings.Cut(link, "#")
		content := []byte(text)
		if path != "" {
			path = filepath.Join(filepath.Dir(file), path)
			if !exists(path) {
				need(false, "link "+link)
				continue
			}
			content, _ = os.ReadFile(path) // a directory has none
		}
		if hasAnchor {
			need(slices.Contains(slugs(string(content)), anchor), "heading "+link)
		}
		if name, ok := strings.CutPrefix(match[1], "`"); ok && filepath.Ext(path) == ".go" {
			name = strings.TrimSuffix(name, "`")
			need(regexp.MustCompile(`\b`+regexp.QuoteMeta(name)+`\b`).Match(content), "identifier "+name+" in "+link)
		}
	}
}

// slugs returns the names under which a document's headings can be linked to.
func slugs(text string) []string {
	var found []string
	for _, match := range heading.FindAllStringSubmatch(block.ReplaceAllString(text, ""), -1) {
		found = append(found, strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-"))
	}
	return found
}

// exists reports whether there is a file, or one that a pattern matches.
func exists(path string) bool {
	found, err := filepath.Glob(path)
	return err == nil && len(found) > 0
}
