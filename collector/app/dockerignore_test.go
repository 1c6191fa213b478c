package app_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestTheImageIsBuiltFromAllThatIsCompiled holds .dockerignore to the folders that the
// binary is made of: an image can't be built without one of them.
func TestTheImageIsBuiltFromAllThatIsCompiled(t *testing.T) {
	content, err := os.ReadFile("../../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	allowed := strings.Fields(string(content))
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}}", ".")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]bool{}
	for _, path := range strings.Fields(string(out)) {
		if inside, ok := strings.CutPrefix(path, "whereby_exporter/"); ok {
			folder, _, _ := strings.Cut(inside, "/")
			folders[folder] = true
		}
	}
	if len(folders) < 4 {
		t.Fatalf("the binary is made of %v", folders)
	}
	for folder := range folders {
		if !slices.Contains(allowed, "!"+folder) {
			t.Errorf(".dockerignore leaves %s out, which the binary is made of", folder)
		}
	}
}
