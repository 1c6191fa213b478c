package config

import (
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

const (
	shortestRetention = 24 * time.Hour
	longestRetention  = 100 * 365 * 24 * time.Hour
)

// retention returns a time in the form of Prometheus, such as 90d.
func retention(to *time.Duration) scalar {
	return text(func(s string) string {
		// The parser also accepts 0 and "", which would be no retention at all.
		d, err := model.ParseDuration(strings.TrimSpace(s))
		if err != nil || time.Duration(d) < shortestRetention || time.Duration(d) > longestRetention {
			return "must be a time from 1d to 100y, such as 90d"
		}
		*to = time.Duration(d)
		return ""
	})
}
