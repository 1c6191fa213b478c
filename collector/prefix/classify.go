package prefix

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"whereby_exporter/whereby"
)

// maxLabel bounds labels that come from outside, in bytes.
const maxLabel = 64

// Classifier gives the prefix of a room. It is safe for concurrent use.
type Classifier struct {
	configured index
	pattern    *regexp.Regexp
}

// NewClassifier returns a classifier that knows the prefixes of the configured customers,
// and the pattern that has one capture group; nil stands for the room's name less its
// trailing UUID.
func NewClassifier(configured []string, pattern *regexp.Regexp) *Classifier {
	return &Classifier{configured: newIndex(configured), pattern: pattern}
}

// Of returns the prefix of a room, whose name may come with or without its slash. In this
// order, it is:
//
//   - the longest prefix of a customer that the name begins with, even if the room was
//     named by hand;
//   - if there is a pattern, what it captures in the name without the slash: a name that
//     it does not match has no prefix;
//   - the name less its trailing UUID;
//   - else [None]. That is also where prefixes count that are no label, see [IsLabel].
//     They are not cut, because two customers might become one.
func (c *Classifier) Of(roomName string) string {
	name := strings.TrimPrefix(roomName, "/")
	if prefix := c.configured.longest(name); prefix != "" {
		return prefix
	}
	if prefix := capture(c.pattern, name); IsLabel(prefix) {
		return prefix
	}
	return None
}

// capture returns the prefix of a name that no customer has.
func capture(pattern *regexp.Regexp, name string) string {
	if pattern == nil {
		prefix, _ := whereby.RoomPrefix(name)
		return prefix
	}
	match := pattern.FindStringSubmatch(name)
	if match == nil {
		return ""
	}
	return match[1]
}

// IsLabel reports whether a text from outside may be the value of a label: not blank, at
// most 64 bytes of UTF-8, none of them [Refused], and not reserved.
func IsLabel(s string) bool {
	return len(s) <= maxLabel && utf8.ValidString(s) && s != None && s != Other &&
		!IsBlank(s) && !strings.ContainsFunc(s, isRefused)
}

// index finds the longest prefix of a name among many. Sorted, all prefixes
// that begin another one come before it; so the last prefix that is not above the
// name either begins the name, or begins like every prefix that does.
type index struct {
	prefixes []string
	// shorter is where the longest prefix is that begins this one, or -1.
	shorter []int
}

func newIndex(prefixes []string) index {
	var x index
	for _, prefix := range prefixes {
		// The reserved value stands for no name, not even one that begins like it.
		if prefix != None {
			x.prefixes = append(x.prefixes, prefix)
		}
	}
	slices.Sort(x.prefixes)
	x.shorter = make([]int, len(x.prefixes))
	for i, prefix := range x.prefixes {
		at := i - 1
		for at >= 0 && !strings.HasPrefix(prefix, x.prefixes[at]) {
			at = x.shorter[at]
		}
		x.shorter[i] = at
	}
	return x
}

// longest returns the longest prefix that name begins with, or "".
func (x index) longest(name string) string {
	at, found := slices.BinarySearch(x.prefixes, name)
	if !found {
		at--
	}
	for at >= 0 && !strings.HasPrefix(name, x.prefixes[at]) {
		at = x.shorter[at]
	}
	if at < 0 {
		return ""
	}
	return x.prefixes[at]
}
