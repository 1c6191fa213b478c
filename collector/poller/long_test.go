package poller

import "testing"

// long skips a test if the tests are to be short, as with the race detector: one goroutine
// polls in it, for a long time.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("too long with the race detector: it runs without")
	}
}
