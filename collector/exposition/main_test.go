package exposition

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// oneAtATime skips a test with the race detector, which would find nothing: it scrapes one
// answer after the other.
func oneAtATime(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("too long with the race detector: it runs without")
	}
}
