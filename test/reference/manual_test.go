package reference

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestManualIsCleanRoff has man format the page at several widths: it must warn of
// nothing, and lose no flag.
func TestManualIsCleanRoff(t *testing.T) {
	if _, err := exec.LookPath("man"); err != nil {
		t.Skip("there is no man here")
	}
	page, err := filepath.Abs(filepath.Join(root, "deploy/man/whereby_exporter.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, width := range []string{"60", "80", "200"} {
		cmd := exec.CommandContext(t.Context(), "man", "--warnings", "--local-file", "-E", "UTF-8", page)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH="+width, "MANPAGER=cat", "MAN_KEEP_FORMATTING=")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil || stderr.Len() > 0 {
			t.Errorf("width %s: %v\n%s", width, err, &stderr)
		}
		for _, command := range commandLine(t).Children {
			for _, flag := range command.Flags {
				if !strings.Contains(stdout.String(), "--"+flag.Name) {
					t.Errorf("width %s: the page shows no --%s", width, flag.Name)
				}
			}
		}
	}
}
