package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recorder is a test whose failures are kept instead.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name, content, got string
		want               string // in the failure; "" is none
	}{
		{"the same", "a\nb\n", "a\nb\n", ""},
		{"another line", "a\nb\n", "a\nc\n", "line 2\ngot  c\nwant b"},
		{"a line less", "a\nb\n", "a\n", "line 2\ngot  \nwant b"},
		{"cut within a line", "a\nb", "a", "got 1 lines, want 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "golden.txt")
			if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			r := &recorder{TB: t}
			compare(r, file, c.got, false)
			failures := strings.Join(r.failures, "\n")
			if (c.want == "") != (failures == "") || !strings.Contains(failures, c.want) {
				t.Errorf("the failure is %q; want %q", failures, c.want)
			}
			compare(r, file, c.got, true)
			compare(t, file, c.got, false)
		})
	}
}
