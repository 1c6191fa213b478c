package programs

import (
	"os"
	"os/exec"
	"testing"
)

// Need skips a test where one of the programs is not installed. Where CI is true, as
// .ci/run sets it once it has installed them, the test fails.
func Need(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI needs %s", name)
		}
		t.Skipf("there is no %s here", name)
	}
}
