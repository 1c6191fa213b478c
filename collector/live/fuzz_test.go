package live_test

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"whereby_exporter/collector/live"
)

// FuzzRestore restores anything. It bounds what that allocates, so that a few damaged
// bytes claim no memory.
func FuzzRestore(f *testing.F) {
	f.Add([]byte{})
	f.Add(save(f, live.New(options)))
	random := rand.New(rand.NewPCG(1, 1))
	for range 3 { // small, so that there is less to try
		state, _ := grown(f, random, 10*time.Second)
		f.Add(state)
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = live.Restore(state, start.Add(time.Hour), time.Minute, options)
		runtime.ReadMemStats(&after)
		if allocated, limit := after.TotalAlloc-before.TotalAlloc, uint64(64<<10+200*len(state)); allocated > limit {
			t.Errorf("%d bytes of state allocate %d, more than %d", len(state), allocated, limit)
		}
		checkRestored(t, state, start.Add(time.Hour))
	})
}
