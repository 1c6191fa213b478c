package metrics

import "time"

// Seconds returns a time as metrics have it, as a Unix timestamp; 0 is no time.
func Seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
