package statuspage

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// number writes a whole number with separators: 1,234,567.
func number[N int | int64 | float64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	first := len(digits) % 3
	parts := []string{}
	if first > 0 {
		parts = append(parts, digits[:first])
	}
	for i := first; i < len(digits); i += 3 {
		parts = append(parts, digits[i:i+3])
	}
	return sign + strings.Join(parts, ",")
}

// percent rounds down: 100% means that all of a quota is used.
func percent(ratio float64) string {
	const most = 9999
	whole := math.Floor(ratio*100 + 1e-9)
	if whole > most {
		return "over " + number(most) + "%"
	}
	return number(whole) + "%"
}

// count writes a number with its noun: 1 page, 2 pages.
func count[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// span writes a duration in its two largest units: 3 h 20 min.
func span(d time.Duration) string {
	seconds := int64(d.Round(time.Second) / time.Second)
	// From a few of a unit on, the smaller unit is of no interest.
	units := []struct {
		size int64
		name string
		few  int64
	}{{86400, "d", 3}, {3600, "h", 10}, {60, "min", 10}, {1, "s", 0}}
	for i, unit := range units {
		if seconds < unit.size && unit.size > 1 {
			continue
		}
		text := number(seconds/unit.size) + " " + unit.name
		if seconds/unit.size < unit.few {
			smaller := units[i+1]
			if n := seconds % unit.size / smaller.size; n > 0 {
				text += " " + number(n) + " " + smaller.name
			}
		}
		return text
	}
	return "0 s"
}

// stamp is a time as the page shows it: relative, with the absolute time as its title.
type stamp struct {
	ISO, Absolute, Relative string
}

const absolute = "2 Jan 2006 15:04:05 MST"

// Known is false for the zero time.
func (s stamp) Known() bool { return s.ISO != "" }

func stampOf(now, t time.Time) stamp {
	if t.IsZero() {
		return stamp{}
	}
	s := stamp{ISO: t.UTC().Format(time.RFC3339), Absolute: t.UTC().Format(absolute)}
	switch d := now.Sub(t).Round(time.Second); {
	case d > 0:
		s.Relative = span(d) + " ago"
	case d < -time.Second: // clocks of two machines differ by a moment
		s.Relative = "in " + span(-d)
	default:
		s.Relative = "just now"
	}
	return s
}

// dayOf returns a stamp whose absolute time is in the zone of t: that of a billing calendar.
func dayOf(now, t time.Time) stamp {
	s := stampOf(now, t)
	if !t.IsZero() {
		s.Absolute = t.Format(absolute)
	}
	return s
}
