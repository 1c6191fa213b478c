package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instead has words that are not used here, and what to write in their place.
var instead = []struct {
	word *regexp.Regexp
	say  string
}{
	{regexp.MustCompile(`(?i)\banew\b`), "again, or at 0"},
	{regexp.MustCompile(`(?i)\breckon(s|ed|ing)?\b`), "count, compute or estimate"},
	{regexp.MustCompile(`(?i)\bwhoever\b`), "anybody who, or name who"},
	{regexp.MustCompile(`(?i)\bbeside\b`), "next to, with, or in addition to"},
	{regexp.MustCompile(`(?i)\btells? whether\b`), "reports whether"},
	{regexp.MustCompile(`\bInsights (no longer |never |still |also )?(are|have|were|do|tell|keep|know|refuse|list|show|give|say|get|lag by)\b`), "Insights is singular"},
}

// TestWordsAreThoseOfTheGlossary looks through everything that a person reads: documents, rules,
// dashboards, deployments, and the strings and comments of the code.
func TestWordsAreThoseOfTheGlossary(t *testing.T) {
	t.Chdir(root)
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == "dist" || path == "data" || entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && path != "."):
			return fs.SkipDir
		case entry.IsDir() || !slices.Contains([]string{".go", ".md", ".yml", ".yaml", ".json", ".html", ".css", ".1", ".service"}, filepath.Ext(path)):
			return nil
		case path == "docs/words_test.go", strings.HasPrefix(path, "deploy/kubernetes/"), strings.HasPrefix(path, "deploy/helm/whereby-exporter/files/"):
			return nil // the words themselves, and what is generated from other files
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		lines := strings.Split(string(content), "\n")
		for i, line := range lines {
			text := line
			if i+1 < len(lines) { // a line may break between two words
				text += " " + strings.TrimLeft(lines[i+1], " \t/#*")
			}
			for _, word := range instead {
				at := word.word.FindStringIndex(text)
				if at != nil && at[0] < len(line) {
					t.Errorf("%s:%d: %q; write: %s", path, i+1, text[at[0]:at[1]], word.say)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 300 {
		t.Errorf("only %d files", files)
	}
}
