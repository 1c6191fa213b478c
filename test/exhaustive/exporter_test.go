package exhaustive

import (
	"slices"
	"testing"
)

func TestAnInstalledExporterDependsOnWhatTouchesTheSystem(t *testing.T) {
	files := Exporter(t)
	for _, name := range []string{"main.go", "go.mod", "collector/app/run.go", "collector/server/server.go", "collector/journal/journal.go", "collector/store/bolt.go"} {
		if !slices.Contains(files, name) {
			t.Errorf("%s is not guarded", name)
		}
	}
	for _, name := range []string{"collector/ledger/ledger.go", "collector/server/web_test.go", "test/exhaustive/exhaustive.go"} {
		if slices.Contains(files, name) {
			t.Errorf("%s is guarded, and computes alike everywhere", name)
		}
	}
}
