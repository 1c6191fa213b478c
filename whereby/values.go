package whereby

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// fieldError is a value that JSON allows and the API does not.
type fieldError struct{ what string }

func (e *fieldError) Error() string { return e.what }

// timestamp is an ISO 8601 time of the API; null and "" are the zero time.
type timestamp struct{ time.Time }

func (t *timestamp) UnmarshalJSON(data []byte) error {
	if string(data) == "null" || string(data) == `""` {
		t.Time = time.Time{}
		return nil
	}
	if data[0] != '"' {
		return &fieldError{"a time is not a string"}
	}
	// No character of a time needs an escape.
	at, err := time.Parse(time.RFC3339, string(data[1:len(data)-1]))
	if err != nil {
		return &fieldError{"a time is not in the form 2006-01-02T15:04:05.000Z"}
	}
	t.Time = at.UTC()
	return nil
}

// checkStart returns an error for a time at which no session can have started: figures
// would be placed by it.
func checkStart(name string, at time.Time) error {
	if !at.IsZero() && (at.Year() <= 1970 || at.Year() >= 3000) {
		return &fieldError{name + " is a time of another age"}
	}
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
	if string(data) == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(string(data), 64)
	switch {
	case data[0] != '-' && (data[0] < '0' || data[0] > '9'):
		return &fieldError{"a figure is not a number"}
	case err != nil || f < 0 || f > maxCount || f != math.Trunc(f):
		return &fieldError{"a figure is negative, fractional or too large"}
	}
	*c = count{value: int64(f), known: true}
	return nil
}

// required returns the figure, or an error that names it where it is absent.
func (c count) required(name string) (int64, error) {
	if !c.known {
		return 0, &fieldError{fmt.Sprintf("%s is missing", name)}
	}
	return c.value, nil
}

// freeText is a text of the embedding application's own. One that is not a string
// is taken for none: nothing that is counted depends on it.
type freeText string

func (t *freeText) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		*t = freeText(unquote(data))
	}
	return nil
}

// unquote returns the text of a string of valid JSON.
func unquote(data []byte) string {
	for _, c := range data {
		if c == '\\' || c >= utf8.RuneSelf {
			var s string
			_ = json.Unmarshal(data, &s) // valid strings are no error
			return s
		}
	}
	return string(data[1 : len(data)-1]) // as most are; Unmarshal would check it once more
}

// Rating is what participants thought of a session, from 1 to 5 stars. Whereby
// gives it where session ratings are enabled for the organization.
type Rating struct {
	// Mean is the mean of Count ratings; meaningless where Count is 0.
	Mean  float64
	Count int64
}

// ratingOf is tolerant: ratings are optional, and nothing is billed by them.
func ratingOf(mean, total looseNumber) Rating {
	if total.value < 1 || mean.value < 1 || mean.value > 5 || total.value > maxCount {
		return Rating{}
	}
	return Rating{Mean: mean.value, Count: int64(total.value)}
}
