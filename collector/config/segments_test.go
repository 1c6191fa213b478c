package config_test

import (
	"regexp"
	"testing"

	"whereby_exporter/collector/config"
)

// TestOnlyAListOfSegmentsLasts says of patterns which names they admit, and whether visitors
// can make up more than the limit of 10.
func TestOnlyAListOfSegmentsLasts(t *testing.T) {
	for _, c := range []struct {
		pattern         string
		listed          bool
		admitted, other string
	}{
		{"clinic=(north|south)", true, "north", "west"},
		{"clinic=(north|south)", true, "south", "northern"},
		{"(north|south)", true, "south", "a north"},
		{"plan=(basic|pro)(?:;|$)", true, "pro", "pro;"},
		{"plan=([abc])", true, "b", "d"},
		{"plan=(a[0-8])", true, "a7", "a9"},
		{"plan=(x?y?z?)", true, "xz", "zx"},
		{"plan=(a{1,3}|b{2})", true, "aaa", "aaaa"},
		{"plan=(|basic)", true, "basic", "pro"},
		{`clinic=(\bnorth\b)`, true, "north", "south"},
		{"(?i)plan=(ab)", true, "aB", "abc"}, // 4 names
		{"(?i)plan=(abcd)", false, "aBCd", "x"},
		{"clinic=([a-z]+)", false, "north", "North"},
		{"clinic=([a-z]*)", false, "north", "North"},
		{"clinic=(.)", false, "n", "no"},
		{`clinic=(\d{2})`, false, "42", "4"},
		{"clinic=(a{3,})", false, "aaaa", "aa"},
		{"clinic=([[:^alpha:]])", false, "1", "a"},
		{"clinic=(a|b|c|d|e|f|g|h|i|j)", true, "j", "k"},
		{"clinic=(a|b|c|d|e|f|g|h|i|j|k)", false, "k", "l"},
		{"clinic=((?:a|b){3})", true, "abb", "ab"}, // 8 names
		{"clinic=((?:a|b){4})", false, "abba", "ab"},
		{"clinic=((?:[a-z]{1000}){0,1})", false, "", "a"},
	} {
		s := &config.Segments{Source: config.FromMetadata, Pattern: regexp.MustCompile(c.pattern), Limit: 10}
		if got := s.Listed(); got != c.listed {
			t.Errorf("%s is a list: %t; want %t", c.pattern, got, c.listed)
		}
		admits := s.Admits()
		if !admits(c.admitted) || admits(c.other) {
			t.Errorf("%s admits %q: %t, and %q: %t", c.pattern, c.admitted, admits(c.admitted), c.other, admits(c.other))
		}
	}
}
