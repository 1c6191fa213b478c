package helm

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// TestGeneratedFilesAreWhatTheyAreMadeFrom holds the chart's copies of rules and
// dashboards equal to the files that a person edits, and the plain manifests equal to
// what the chart renders.
func TestGeneratedFilesAreWhatTheyAreMadeFrom(t *testing.T) {
	copies, err := Copies(root(t))
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := Manifests(root(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(copies) < 10 || len(manifests) < 5 {
		t.Fatalf("%d copies and %d manifests", len(copies), len(manifests))
	}
	maps.Copy(copies, manifests)
	differ, err := Differences(root(t), copies, rulesDir, boardsDir, manifestsDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range differ {
		t.Errorf("%s is not what it is made from; run: go -C test/helm run ./cmd/manifests", name)
	}
}

func TestDifferencesAreFoundAndPutRight(t *testing.T) {
	dir := t.TempDir()
	files := map[string][]byte{"a/changed": []byte("new"), "a/missing": []byte("new"), "a/same": []byte("same")}
	if err := os.Mkdir(filepath.Join(dir, "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"changed": "old", "same": "same", "stale": "old", "README.md": "by hand"} {
		if err := os.WriteFile(filepath.Join(dir, "a", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{3, 0} {
		differ, err := Differences(dir, files, "a")
		if err != nil || len(differ) != want {
			t.Fatalf("differences %v, %v; want %d", differ, err, want)
		}
		if err := write(dir, files, "a"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "a", "README.md")); err != nil {
		t.Error(err)
	}
}
