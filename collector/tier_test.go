package collector

import (
	"os"
	"testing"
)

// secondTier returns the size of a test: the second tier of tests, which runs if the
// variable asks for it, is larger than the first.
func secondTier(first, second int) int {
	if os.Getenv("EXHAUSTIVE") != "" && !testing.Short() {
		return second
	}
	return first
}

// long skips a test if the tests are to be short, as with the race detector: it simulates
// more rooms or days than others in which the same goroutines meet.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("too long with the race detector: it runs without")
	}
}

// unlessShort returns the size of a test, and a smaller one if the tests are to be short.
func unlessShort(size, short int) int {
	if testing.Short() {
		return short
	}
	return size
}
