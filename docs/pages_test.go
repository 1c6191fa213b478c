package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheFrontPageIsOnePage keeps README short: everything else has a page of its own.
func TestTheFrontPageIsOnePage(t *testing.T) {
	t.Chdir(root)
	text := read(t, "README.md")
	if lines := strings.Count(text, "\n"); lines > 170 || len(text) > 10_000 {
		t.Errorf("README.md has %d lines and %d bytes; move something to a page under docs", lines, len(text))
	}
}

// TestEveryPageIsLinked holds that no page is an orphan: the list of pages links to it, and so
// does at least one other page.
func TestEveryPageIsLinked(t *testing.T) {
	t.Chdir(root)
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) < 10 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	linked := map[string]int{}
	for _, file := range append(pages, "README.md") {
		seen := map[string]bool{file: true}
		for _, match := range target.FindAllStringSubmatch(read(t, file), -1) {
			path, _, _ := strings.Cut(match[2], "#")
			page := filepath.Join(filepath.Dir(file), path)
			if seen[page] {
				continue
			}
			seen[page] = true
			linked[page]++
			if file == "docs/README.md" {
				linked["docs/README.md "+page]++
			}
		}
	}
	for _, page := range pages {
		if page != "docs/README.md" && linked["docs/README.md "+page] == 0 {
			t.Errorf("docs/README.md does not link to %s", page)
		}
		if linked[page] < 2 && page != "docs/README.md" {
			t.Errorf("only docs/README.md links to %s; link to it from a page on something near", page)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

var (
	endpoint     = regexp.MustCompile(`"(/-/[a-z]+|/api/v1/[a-z/]+)"`)
	endpointCell = regexp.MustCompile("(?m)^\\| `(/[^`?]*)")
)

// TestEveryEndpointIsDocumented compares the table of endpoints with the paths in the code.
func TestEveryEndpointIsDocumented(t *testing.T) {
	t.Chdir(root)
	documented := map[string]bool{}
	for _, match := range endpointCell.FindAllStringSubmatch(read(t, "docs/flags.md"), -1) {
		documented[match[1]] = true
	}
	sources, err := filepath.Glob("collector/server/*.go")
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]bool{"/": true, "/metrics": true}
	for _, file := range sources {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, match := range endpoint.FindAllStringSubmatch(read(t, file), -1) {
			served[match[1]] = true
			if !documented[match[1]] {
				t.Errorf("docs/flags.md has no row for the endpoint %s of %s", match[1], file)
			}
		}
	}
	for path := range documented {
		if !served[path] {
			t.Errorf("docs/flags.md has the endpoint %s, which is not served", path)
		}
	}
}
