package helm

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// indented takes the indent of a list from a block.
var indented = regexp.MustCompile(`(?m)^   `)

// The values that the chart's README shows keep the promises, no matter who copies them.
func TestReadmesValuesKeepThePromises(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(root(t), chartDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(content), "```yaml\n")[1:]
	if len(blocks) < 2 {
		t.Fatalf("%d blocks of values", len(blocks))
	}
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		if strings.HasPrefix(block, "   ") {
			block = indented.ReplaceAllString(block, "")
		}
		i := mustRender(t, values(t, block))
		for _, problem := range i.problems() {
			t.Errorf("%s\n%s", problem, block)
		}
	}
}
