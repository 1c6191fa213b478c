package prefix

import (
	"fmt"
	"strings"
	"unicode"
)

// Refused returns the first character of a text from outside that may not be shown to a
// person, nor stand in a label: a control character, a line break, or one that turns the
// direction of the text that follows. ok is false if there is none.
//
// All else is text in some script. Persian and Sinhala are written with invisible joiners,
// Hebrew and Arabic with marks of direction, French with spaces that do not break; and a
// character that is too new for this program's tables is one nevertheless.
func Refused(s string) (c rune, ok bool) {
	for _, c := range s {
		if isRefused(c) {
			return c, true
		}
	}
	return 0, false
}

// Escape returns a text with each character that is [Refused] as its code point, for a
// terminal that would obey it.
func Escape(s string) string {
	if !strings.ContainsFunc(s, isRefused) {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if isRefused(c) {
			fmt.Fprintf(&b, "<%U>", c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// isRefused reports whether a character breaks out of its line, or of its place in it.
func isRefused(c rune) bool {
	switch {
	case unicode.IsControl(c):
	case c == '\u2028', c == '\u2029': // separators of lines and paragraphs
	case '\u202a' <= c && c <= '\u202e', '\u2066' <= c && c <= '\u2069': // embeddings, overrides, isolates
	case c == '\ufeff': // the mark at the begin of a file, which got into a text
	case unicode.Is(unicode.Noncharacter_Code_Point, c):
	default:
		return false
	}
	return true
}

// IsBlank reports whether nothing of a text can be seen.
func IsBlank(s string) bool {
	for _, c := range s {
		if !unicode.IsSpace(c) && !unicode.Is(unicode.Cf, c) {
			return false
		}
	}
	return true
}
