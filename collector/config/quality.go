package config

import "time"

// Quality defines how call quality is judged.
type Quality struct {
	// PoorAfter is how long packet loss must stay at 3% or more for a participant to
	// count as poor.
	PoorAfter time.Duration
}

// defaultPoorAfter is longer than the spikes of 2 to 4 s that Whereby calls normal.
const defaultPoorAfter = 10 * time.Second

const (
	shortestPoorAfter = 4 * time.Second
	longestPoorAfter  = time.Hour
)

// poorAfter returns a time in the form of Go, such as 10s.
func poorAfter(to *time.Duration) scalar {
	return text(func(s string) string {
		d, err := time.ParseDuration(s)
		if err != nil || d < shortestPoorAfter || d > longestPoorAfter {
			return "must be a time from 4s to 1h, such as 10s; Whereby calls spikes of up to 4s normal"
		}
		*to = d
		return ""
	})
}
