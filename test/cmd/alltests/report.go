package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
)

// event is a line of go test -json, as "go doc test2json" describes it.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64 // seconds
}

// report prints the result of each package when it is there, with the output of what
// failed, and remembers what the summary needs.
type report struct {
	w io.Writer

	mu sync.Mutex
	// output is by package, and then by test in the order in which they began. What
	// belongs to no test has the name "". Tests that passed are taken out.
	output map[string][]*testOutput
	times  map[string]float64
	skips  map[string]int // by reason
}

type testOutput struct {
	test  string
	lines strings.Builder
}

func newReport(w io.Writer) *report {
	return &report{w: w, output: map[string][]*testOutput{}, times: map[string]float64{}, skips: map[string]int{}}
}

// add takes a line of go test's output.
func (r *report) add(line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		fmt.Fprintf(r.w, "%s", line) // go's own, before any test
		return
	}
	switch {
	case e.Action == "build-output":
		fmt.Fprint(r.w, e.Output)
	case e.Action == "output":
		r.outputOf(e.Package, e.Test).lines.WriteString(e.Output)
	case e.Test == "" && (e.Action == "pass" || e.Action == "fail" || e.Action == "skip"):
		r.finish(e)
	case e.Action == "pass":
		r.forget(e.Package, e.Test)
	case e.Action == "skip":
		r.skips[reason(r.outputOf(e.Package, e.Test).lines.String())]++
		r.forget(e.Package, e.Test)
	}
}

func (r *report) outputOf(pkg, test string) *testOutput {
	for _, o := range r.output[pkg] {
		if o.test == test {
			return o
		}
	}
	o := &testOutput{test: test}
	r.output[pkg] = append(r.output[pkg], o)
	return o
}

func (r *report) forget(pkg, test string) {
	r.output[pkg] = slices.DeleteFunc(r.output[pkg], func(o *testOutput) bool { return o.test == test })
}

// finish prints a package's result. If it failed, what is left of its output is that of
// the tests that failed or did not end.
func (r *report) finish(e event) {
	own := r.outputOf(e.Package, "").lines.String()
	switch e.Action {
	case "fail":
		for _, o := range r.output[e.Package] {
			if o.test != "" {
				fmt.Fprint(r.w, o.lines.String())
			}
		}
		fmt.Fprint(r.w, own)
	case "pass": // "skip" has no tests at all
		fmt.Fprint(r.w, lastLine(own))
		r.times[e.Package] += e.Elapsed // with and without the race detector
	}
	delete(r.output, e.Package)
}

// lastLine is go test's own line on a package.
func lastLine(output string) string {
	lines := slices.Collect(strings.Lines(output))
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

// reason is what a test that skips itself says.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			said = append(said, line)
		}
	}
	text := strings.Join(said, " ")
	if _, message, ok := strings.Cut(text, ".go:"); ok { // file.go:12: message
		_, text, _ = strings.Cut(message, ": ")
	}
	return text
}

// slowest is how many packages the summary lists.
const slowest = 10

// summarize prints what was skipped, and which packages took longest.
func (r *report) summarize() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, why := range slices.Sorted(maps.Keys(r.skips)) {
		fmt.Fprintf(r.w, "skipped %d: %s\n", r.skips[why], why)
	}
	packages := slices.SortedFunc(maps.Keys(r.times), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.times[b], r.times[a]), cmp.Compare(a, b))
	})
	fmt.Fprintln(r.w, "the slowest packages:")
	for _, name := range packages[:min(slowest, len(packages))] {
		fmt.Fprintf(r.w, "%7.1fs %s\n", r.times[name], name)
	}
}
