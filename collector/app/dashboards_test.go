package app_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDashboardsAreWrittenAndKept writes them by the command, and by the sidecar of a
// running demo: the same files, byte by byte but for a mark.
func TestDashboardsAreWrittenAndKept(t *testing.T) {
	read := func(dir string) map[string]string {
		files := map[string]string{}
		paths, _ := filepath.Glob(filepath.Join(dir, "whereby-*.json"))
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files[filepath.Base(path)] = string(content)
		}
		return files
	}
	written := filepath.Join(t.TempDir(), "new", "directory")
	p := start(t, "dashboards", "--output-dir="+written)
	if status := p.wait(); status != 0 {
		t.Fatalf("dashboards ended with %d", status)
	}
	want := read(written)
	for _, name := range []string{"overview", "customer", "quotas", "capacity", "quality", "exporter"} {
		file := "../../dashboards/" + name + ".json"
		content, err := os.ReadFile(file)
		if err != nil || want["whereby-"+name+".json"] != string(content) {
			t.Errorf("%s is written differently: %v", file, err)
		}
	}
	if len(want) != 6 {
		t.Errorf("%d files", len(want))
	}
	kept := t.TempDir()
	start(t, "demo", "--web.listen-address=127.0.0.1:0", "--sidecar.dashboards-dir="+kept)
	eventually(t, "the dashboards are kept", func() bool {
		files := read(kept)
		for name, content := range files {
			mark, rest, _ := strings.Cut(content, "\",")
			if !strings.HasPrefix(mark, "{\n  \"__comment\": \"whereby_exporter keeps this file, "+name+": ") || !json.Valid([]byte(content)) {
				t.Fatalf("%s begins with %q, or is no JSON", name, mark)
			}
			files[name] = "{" + rest
		}
		return maps.Equal(files, want)
	})

	if p := start(t, "dashboards"); p.wait() != 1 || !strings.Contains(p.stderr.String(), "--output-dir") {
		t.Errorf("without a directory: %s", &p.stderr)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if p := start(t, "dashboards", "--output-dir="+file); p.wait() != 1 || strings.Count(p.stderr.String(), "\n") != 1 {
		t.Errorf("into a file: %s", &p.stderr)
	}
}
