package reference

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"whereby_exporter/collector/app"
)

// root is the root of the repository.
const root = "../.."

// commandLine returns the model that the program parses with.
func commandLine(t *testing.T) *kong.Application {
	t.Helper()
	model, err := app.CommandLine()
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// TestGeneratedFilesEqualTheCode compares the manual page, the completions and the
// tables of documents with the command line and the metrics that they describe.
func TestGeneratedFilesEqualTheCode(t *testing.T) {
	files, err := Files(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 5 {
		t.Errorf("only %d files are generated", len(files))
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what the code says; run: go -C test run ./cmd/reference", name)
		}
	}
}

func TestATableIsReplacedAndNothingElse(t *testing.T) {
	rows := []string{"| new | row |\n", "| and | another |\n"}
	const before, after = "# Title\n\n| a | b |\n| --- | --- |\n", "\nText.\n\n| a | c |\n| --- | --- |\n| x | y |\n"
	for _, c := range []struct {
		name, document string
		rows           []string
		want, err      string
	}{
		{"fewer rows before", before + "| old | row |\n" + after, rows, before + strings.Join(rows, "") + after, ""},
		{"no rows before", before + after, rows, before + strings.Join(rows, "") + after, ""},
		{"the end of the document", before + "| old | row |", rows, before + strings.Join(rows, ""), ""},
		{"no such table", after, rows, "", `FILE.md: no table that begins with "| a | b |"`},
		{"no rows", before + after, nil, "", `FILE.md: no rows for the table that begins with "| a | b |"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := table{"FILE.md", "| a | b |", c.rows}.replace(c.document)
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if c.err == "" && err != nil || c.err != "" && (err == nil || err.Error() != c.err) {
				t.Errorf("the error is %v; want %q", err, c.err)
			}
		})
	}
}

// TestFilesAreWritten writes into a copy that is out of date.
func TestFilesAreWritten(t *testing.T) {
	want, err := Files(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range want {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, ".md") {
			content = "out of date"
		}
		stale := strings.ReplaceAll(content, "| `--poll.interval`", "| `--poll.old`")
		if err := os.WriteFile(file, []byte(stale), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	for name, content := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != content {
			t.Errorf("%s is not what it should be: %v", name, err)
		}
	}
}
