package collector

import "os"

// secondTier is the size of a test: the second tier of tests, which runs if the
// variable asks for it, is larger than the first.
func secondTier(first, second int) int {
	if os.Getenv("EXHAUSTIVE") != "" {
		return second
	}
	return first
}
