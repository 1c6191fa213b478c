package wherebytest

import (
	"encoding/json"
	"strconv"
	"time"
)

// timeFormat is how the API writes a time, in UTC.
const timeFormat = "2006-01-02T15:04:05.000Z"

// encoder writes JSON objects. It is by hand because a page of rooms is what
// benchmarks of readers ask for by the ten thousand.
type encoder struct {
	b     []byte
	nulls NullStyle
	first bool
}

func (e *encoder) open() {
	e.b = append(e.b, '{')
	e.first = true
}

func (e *encoder) close() {
	e.b = append(e.b, '}')
	e.first = false // in what is around it
}

func (e *encoder) name(name string) {
	e.next()
	e.b = append(e.b, '"')
	e.b = append(e.b, name...)
	e.b = append(e.b, '"', ':')
}

// key writes a name that may hold anything.
func (e *encoder) key(name string) {
	e.next()
	e.b = append(appendString(e.b, name), ':')
}

// next separates a field from the one before it.
func (e *encoder) next() {
	if !e.first {
		e.b = append(e.b, ',')
	}
	e.first = false
}

// absent writes a value there is none of.
func (e *encoder) absent(name string) {
	if e.nulls == ExplicitNulls {
		e.name(name)
		e.b = append(e.b, "null"...)
	}
}

func (e *encoder) int(name string, n int64) {
	e.name(name)
	e.b = strconv.AppendInt(e.b, n, 10)
}

func (e *encoder) string(name, s string) {
	e.name(name)
	e.b = appendString(e.b, s)
}

// text writes a string that is absent where it is empty.
func (e *encoder) text(name, s string) {
	if s == "" {
		e.absent(name)
		return
	}
	e.string(name, s)
}

// time writes a time that is absent where it is 0.
func (e *encoder) time(name string, ms int64) {
	if ms == 0 {
		e.absent(name)
		return
	}
	e.name(name)
	e.b = append(e.b, '"')
	e.b = time.UnixMilli(ms).UTC().AppendFormat(e.b, timeFormat)
	e.b = append(e.b, '"')
}

func (e *encoder) rating(sum, n uint16) {
	mean, ok := meanRating(sum, n)
	if !ok {
		e.absent("rating")
		e.absent("totalRatings")
		return
	}
	e.name("rating")
	e.b = strconv.AppendFloat(e.b, mean, 'g', 4, 64)
	e.int("totalRatings", int64(n))
}

func (e *encoder) totals(t *Totals) {
	e.int("totalParticipantMinutes", t.ParticipantMinutes)
	e.int("totalRecorderMinutes", t.RecorderMinutes)
	e.int("totalStreamerMinutes", t.StreamerMinutes)
	e.int("totalUniqueParticipants", t.UniqueParticipants)
	e.int("totalUniqueRecorders", t.UniqueRecorders)
	e.int("totalUniqueStreamers", t.UniqueStreamers)
}

// appendString writes a JSON string; nearly all are plain.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			quoted, err := json.Marshal(s)
			if err != nil {
				panic(err) // a string can always be encoded
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
