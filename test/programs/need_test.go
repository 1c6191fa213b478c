package programs

import (
	"fmt"
	"strings"
	"testing"
)

// told is a test that keeps what it was told. It goes on nevertheless, so the first
// word counts.
type told struct {
	testing.TB
	words []string
}

func (t *told) Helper() {}

func (t *told) Skipf(format string, args ...any) {
	t.words = append(t.words, "skip: "+fmt.Sprintf(format, args...))
}

func (t *told) Fatalf(format string, args ...any) {
	t.words = append(t.words, "fail: "+fmt.Sprintf(format, args...))
}

func TestNeedSkipsAndFailsInCI(t *testing.T) {
	const missing = "no-such-program-b3f1"
	for _, c := range []struct {
		ci, name, want string
	}{
		{"", "go", ""},
		{"true", "go", ""},
		{"", missing, "skip: there is no " + missing},
		{"false", missing, "skip: there is no " + missing},
		{"true", missing, "fail: CI needs " + missing},
	} {
		t.Run(c.ci+" "+c.name, func(t *testing.T) {
			t.Setenv("CI", c.ci)
			seen := &told{TB: t}
			Need(seen, "go", c.name)
			first := strings.Join(seen.words[:min(1, len(seen.words))], "")
			if !strings.HasPrefix(first, c.want) || (c.want == "") != (first == "") {
				t.Errorf("it was told %q; want %q", seen.words, c.want)
			}
		})
	}
}
