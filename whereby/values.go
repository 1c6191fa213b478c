package whereby

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// fieldError is a value that JSON allows and the API does not.
type fieldError struct{ what string }

func (e *fieldError) Error() string { return e.what }

// timestamp is an ISO 8601 time of the API; null and "" are the zero time.
type timestamp struct{ time.Time }

func (t *timestamp) UnmarshalJSON(data []byte) error {
	var s *string
	if err := json.Unmarshal(data, &s); err != nil {
		return &fieldError{"a time is not a string"}
	}
	if s == nil || *s == "" {
		t.Time = time.Time{}
		return nil
	}
	at, err := time.Parse(time.RFC3339, *s)
	if err != nil {
		return &fieldError{"a time is not in the form 2006-01-02T15:04:05.000Z"}
	}
	t.Time = at.UTC()
	return nil
}

// orElse returns t, or other where t is zero.
func (t timestamp) orElse(other timestamp) time.Time {
	if t.IsZero() {
		return other.Time
	}
	return t.Time
}

// maxCount bounds every figure: up to here a float64, which is what Prometheus
// keeps, holds each whole number.
const maxCount = 1 << 53

// count is a figure that may be absent or null.
type count struct {
	value int64
	known bool
}

func (c *count) UnmarshalJSON(data []byte) error {
	*c = count{}
	var f *float64
	if err := json.Unmarshal(data, &f); err != nil {
		return &fieldError{"a figure is not a number"}
	}
	if f == nil {
		return nil
	}
	if *f < 0 || *f > maxCount || *f != math.Trunc(*f) {
		return &fieldError{"a figure is negative, fractional or too large"}
	}
	*c = count{value: int64(*f), known: true}
	return nil
}

// required returns the figure, or an error that names it where it is absent.
func (c count) required(name string) (int64, error) {
	if !c.known {
		return 0, &fieldError{fmt.Sprintf("%s is missing", name)}
	}
	return c.value, nil
}

// Rating is what participants thought of a session, from 1 to 5 stars. Whereby
// gives it where session ratings are enabled for the organization.
type Rating struct {
	// Mean is the mean of Count ratings; meaningless where Count is 0.
	Mean  float64
	Count int64
}

// ratingOf is tolerant: ratings are optional, and nothing is billed by them.
func ratingOf(mean *float64, total *float64) Rating {
	if mean == nil || total == nil || *total < 1 || *mean < 1 || *mean > 5 || *total > maxCount {
		return Rating{}
	}
	return Rating{Mean: *mean, Count: int64(*total)}
}
