package packaging

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documented returns the commands of a section of deploy/systemd/README.md, block by
// block, as printed, but for those that ask the exporter with curl: a minimal Debian
// has none.
func documented(t *testing.T, section string) []string {
	t.Helper()
	return blocks(t, section, "sh")
}

// blocks are what a section has in a language.
func blocks(t *testing.T, section, language string) []string {
	t.Helper()
	_, text, ok := strings.Cut(read(t, repository(t), "deploy/systemd/README.md"), "\n## "+section+"\n")
	if !ok {
		t.Fatalf("deploy/systemd/README.md has no section %q", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	var found []string
	for _, match := range regexp.MustCompile("(?s)\n```"+language+"\n(.*?)```\n").FindAllStringSubmatch(text, -1) {
		lines := slices.DeleteFunc(strings.SplitAfter(match[1], "\n"), func(line string) bool { return strings.HasPrefix(line, "curl ") })
		found = append(found, strings.Join(lines, ""))
	}
	if len(found) == 0 {
		t.Fatalf("section %q of deploy/systemd/README.md has no block of %s", section, language)
	}
	return found
}
