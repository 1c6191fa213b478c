package config

import (
	"math"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// scalar is a value read from one piece of text.
type scalar func(r *reader, n node)

func (s scalar) read(r *reader, n node) { s(r, n) }

// text passes a text to accept, which returns its fault, or "".
func text(accept func(string) string) scalar {
	return func(r *reader, n node) {
		switch {
		case n.isNull():
			r.problem(n, "has no value; give it one, or remove the key")
		case n.isText():
			if problem := accept(n.Value); problem != "" {
				r.problem(n, "%s", problem)
			}
		case n.Kind == yaml.ScalarNode:
			r.problem(n, "must be text, but is %s; put it in quotes", n.kind())
		default:
			r.wrong(n, "text")
		}
	}
}

// boolean is true or false.
func boolean(to *bool) scalar {
	return func(r *reader, n node) {
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
			r.wrong(n, "true or false")
			return
		}
		*to = strings.EqualFold(n.Value, "true")
	}
}

var (
	digits  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	decimal = regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
)

// whole returns a whole number from low to high. why explains why it can't be a fraction.
func whole(low, high int64, why string, accept func(int64)) scalar {
	return func(r *reader, n node) {
		if !r.isNumber(n) {
			return
		}
		if !digits.MatchString(n.Value) {
			r.problem(n, "must be a whole number in plain digits, such as 10%s", why)
			return
		}
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil || i < low || i > high {
			r.problem(n, "must be from %d to %d", low, high)
			return
		}
		accept(i)
	}
}

// number returns a finite number; accept returns its fault, or "".
func number(accept func(float64) string) scalar {
	return func(r *reader, n node) {
		if !r.isNumber(n) {
			return
		}
		f, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || math.IsInf(f, 0) || !decimal.MatchString(n.Value) {
			r.problem(n, "must be a number in plain digits, such as 0.8")
			return
		}
		if problem := accept(f); problem != "" {
			r.problem(n, "%s", problem)
		}
	}
}

// isNumber reports an error for a node that is no number.
func (r *reader) isNumber(n node) bool {
	switch {
	case n.isNull():
		r.problem(n, "has no value; give it one, or remove the key")
	case n.isText() && decimal.MatchString(n.Value):
		r.problem(n, "must be a number, but is text; remove the quotes")
	case n.Kind != yaml.ScalarNode || n.Tag != "!!int" && n.Tag != "!!float":
		r.wrong(n, "a number")
	default:
		return true
	}
	return false
}

// maxPattern bounds the memory of a pattern, in bytes.
const maxPattern = 1024

// pattern returns a regular expression with one capture group; "" means none.
func pattern(to **regexp.Regexp) scalar {
	return text(func(s string) string {
		if s == "" {
			return ""
		}
		if len(s) > maxPattern {
			return "is longer than " + strconv.Itoa(maxPattern) + " bytes"
		}
		re, err := regexp.Compile(s)
		if err != nil {
			reason := "is no regular expression that RE2 knows"
			if e, ok := err.(*syntax.Error); ok { //nolint:errorlint // regexp.Compile wraps nothing
				reason += ": " + e.Code.String()
			}
			return reason
		}
		if groups := re.NumSubexp(); groups != 1 {
			return "must have exactly one capture group, but has " + strconv.Itoa(groups) + "; write (…) around what is to be captured, and (?:…) for any other group"
		}
		*to = re
		return ""
	})
}

// oneOf is one of a few texts.
func oneOf[T ~string](accept func(T), choices ...T) scalar {
	return text(func(s string) string {
		known := make([]string, len(choices))
		for i, c := range choices {
			known[i] = string(c)
			if s == known[i] {
				accept(c)
				return ""
			}
		}
		return "must be one of " + strings.Join(known, ", ")
	})
}
