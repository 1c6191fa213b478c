package whereby

import (
	"encoding/json"
	"strconv"
	"time"
)

// Loose values are of fields on which no figure depends: one of another type than the
// documented one is taken for none, and costs the row or event nothing else.

// looseText is a text, or a number as it is written: IDs may be either.
type looseText string

func (t *looseText) UnmarshalJSON(data []byte) error {
	*t = ""
	switch c := data[0]; {
	case c == '"':
		*t = looseText(unquote(data))
	case c == '-' || c >= '0' && c <= '9':
		*t = looseText(data)
	}
	return nil
}

// looseTexts is a list of texts, without what is none.
type looseTexts []string

func (t *looseTexts) UnmarshalJSON(data []byte) error {
	*t = nil
	var texts []looseText
	if data[0] != '[' || json.Unmarshal(data, &texts) != nil {
		return nil
	}
	for _, text := range texts {
		if text != "" {
			*t = append(*t, string(text))
		}
	}
	return nil
}

// looseNumber is a number, or 0.
type looseNumber struct{ value float64 }

func (n *looseNumber) UnmarshalJSON(data []byte) error {
	n.value = 0
	if value, err := strconv.ParseFloat(string(data), 64); err == nil {
		n.value = value
	}
	return nil
}

// looseCount is a figure, or 0.
type looseCount int64

func (n *looseCount) UnmarshalJSON(data []byte) error {
	*n = 0
	var c count
	if c.UnmarshalJSON(data) == nil {
		*n = looseCount(c.value)
	}
	return nil
}

// looseFlag is true, or not.
type looseFlag bool

func (f *looseFlag) UnmarshalJSON(data []byte) error {
	*f = string(data) == "true"
	return nil
}

// looseTimestamp is a time, or none. Some write a year that no calendar holds for "never".
type looseTimestamp time.Time

func (t *looseTimestamp) UnmarshalJSON(data []byte) error {
	*t = looseTimestamp{}
	var at timestamp
	// A time in another year cannot be encoded, so the event could not be kept.
	if at.UnmarshalJSON(data) == nil && at.UTC().Year() >= 0 && at.UTC().Year() <= 9999 {
		*t = looseTimestamp(at.Time)
	}
	return nil
}
