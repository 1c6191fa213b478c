package config

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby"
)

// maxLabel bounds labels that come from outside, in bytes.
const maxLabel = 64

// Classifier returns the function that gives the prefix under which a room counts.
// It takes a room's name, with or without the slash, and may be called from several
// goroutines. In this order:
//
//   - the longest prefix of a customer that the name begins with, even where the
//     room was named by hand;
//   - what room_prefixes.pattern captures in the name without the slash, if there
//     is a pattern: a name that it does not match has no prefix;
//   - the name less its trailing UUID;
//   - else ledger.NonePrefix. That is also where prefixes count that are no label:
//     empty, over 64 bytes, with control characters, or reserved. They are not cut,
//     because two customers might become one.
func (c *Config) Classifier() func(roomName string) string {
	index := newPrefixIndex(c.Customers)
	pattern := c.RoomPrefixes.Pattern
	return func(roomName string) string {
		name := strings.TrimPrefix(roomName, "/")
		if prefix := index.longest(name); prefix != "" {
			return prefix
		}
		if prefix := prefixOf(pattern, name); isLabel(prefix) {
			return prefix
		}
		return ledger.NonePrefix
	}
}

func prefixOf(pattern *regexp.Regexp, name string) string {
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

// isLabel tells whether a text from outside may be a label's value.
func isLabel(s string) bool {
	return s != "" && len(s) <= maxLabel && utf8.ValidString(s) &&
		s != ledger.NonePrefix && s != ledger.OtherPrefix &&
		!strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) })
}

// prefixIndex finds the longest prefix of a name among many. Sorted, all prefixes
// that begin another one come before it; so the last prefix that is not above the
// name either begins the name, or begins like every prefix that does.
type prefixIndex struct {
	prefixes []string
	// shorter is where the longest prefix is that begins this one, or -1.
	shorter []int
}

func newPrefixIndex(customers []Customer) prefixIndex {
	var x prefixIndex
	for _, c := range customers {
		// The reserved value stands for no name, not even one that begins like it.
		if c.RoomPrefix != ledger.NonePrefix {
			x.prefixes = append(x.prefixes, c.RoomPrefix)
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
func (x prefixIndex) longest(name string) string {
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
