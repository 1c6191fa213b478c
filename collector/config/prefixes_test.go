package config_test

import (
	"fmt"
	"strings"
	"testing"

	"whereby_exporter/collector/config"
	"whereby_exporter/whereby"
)

const uuid = "793e9ec1-c686-423d-9043-9b7a10c553fd"

func TestClassifier(t *testing.T) {
	customers := "customers: [{room_prefix: acme-}, {room_prefix: acme-beta-}, {room_prefix: acme-beta-two-}, {room_prefix: globex}, {room_prefix: _none}]\n"
	withPattern := customers + "room_prefixes: {pattern: '^(?:eu-)?([^-]*)-'}\n"
	for _, c := range []struct{ name, file, room, want string }{
		{"by default the name less its UUID", "", "/acme-" + uuid, "acme-"},
		{"without the slash", "", "acme-" + uuid, "acme-"},
		{"no prefix", "", "/" + uuid, "_none"},
		{"named by hand", "", "/standup", "_none"},
		{"no name", "", "", "_none"},
		{"a customer", customers, "/acme-" + uuid, "acme-"},
		{"a customer's room named by hand", customers, "/acme-standup", "acme-"},
		{"a customer's prefix alone", customers, "/acme-", "acme-"},
		{"a customer's short prefix of a longer one", customers, "/globexeu-" + uuid, "globex"},
		{"the longest prefix wins", customers, "/acme-beta-" + uuid, "acme-beta-"},
		{"between two prefixes", customers, "/acme-beta-x", "acme-beta-"},
		{"before a longer prefix", customers, "/acme-alpha-x", "acme-"},
		{"after a longer prefix", customers, "/acme-zeta", "acme-"},
		{"less than a prefix", customers, "/acme", "_none"},
		{"another prefix", customers, "/initech-" + uuid, "initech-"},
		{"a reserved prefix is of no name", customers, "/_nonesuch", "_none"},
		{"a reserved prefix by hand", customers, "/_other" + uuid, "_none"},
		{"a customer before the pattern", withPattern, "/acme-" + uuid, "acme-"},
		{"the pattern's group", withPattern, "/eu-initech-" + uuid, "initech"},
		{"where the pattern matches not", withPattern, "/initech" + uuid[:8], "_none"},
		{"where it matches not, the UUID does not count", "room_prefixes: {pattern: '^x(y)'}", "/initech-" + uuid, "_none"},
		{"an empty group", withPattern, "/-" + uuid, "_none"},
		{"a group that took no part", "room_prefixes: {pattern: 'a|(b)'}", "/a", "_none"},
		{"a group that is reserved", "room_prefixes: {pattern: '(.*)-'}", "/_other-", "_none"},
		{"a group with a control character", "room_prefixes: {pattern: '(.*)-'}", "/a\tb-", "_none"},
		{"a group with a joiner", "room_prefixes: {pattern: '(.*)-'}", "/نرم\u200cافزار-", "نرم\u200cافزار"},
		{"a group that turns the direction", "room_prefixes: {pattern: '(.*)-'}", "/a\u202eb-", "_none"},
		{"a group of nothing that can be seen", "room_prefixes: {pattern: '(.*)-'}", "/\u00a0\u200d-", "_none"},
		{"a group that is no UTF-8", "room_prefixes: {pattern: '(.*)-'}", "/a\xff-", "_none"},
		{"the longest label", "room_prefixes: {pattern: '(.*)'}", "/" + strings.Repeat("a", 64), strings.Repeat("a", 64)},
		{"too long for a label", "room_prefixes: {pattern: '(.*)'}", "/" + strings.Repeat("a", 65), "_none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := parse(t, c.file).Prefixes().Classify(c.room); got != c.want {
				t.Errorf("%q counts under %q; want %q", c.room, got, c.want)
			}
		})
	}
}

func TestSegments(t *testing.T) {
	segments := func(source, pattern string) *config.Segments {
		return parse(t, fmt.Sprintf("segments: {source: %s, pattern: '%s'}", source, pattern)).Segments
	}
	clinic := segments("metadata", "clinic=([a-z]*)")
	any := segments("external_id", "(.*)")
	for _, c := range []struct {
		name                 string
		segments             *config.Segments
		metadata, externalID string
		want                 string // "" is none
	}{
		{"the group and no more", clinic, "name=Ann;clinic=north;born=1970", "clinic=south", "north"},
		{"no match", clinic, "name=Ann", "clinic=south", ""},
		{"an empty group", clinic, "clinic=", "", ""},
		{"the other source", any, "clinic=north", "south", "south"},
		{"the longest", any, "", strings.Repeat("ø", 32), strings.Repeat("ø", 32)},
		{"too long is not cut", any, "", strings.Repeat("a", 65), ""},
		{"reserved", any, "", "_other", ""},
		{"no UTF-8", any, "", "a\xff", ""},
		{"control characters", any, "", "a\x00", ""},
		{"a joiner", any, "", "ශ්\u200dරී ලංකා", "ශ්\u200dරී ලංකා"},
		{"a space that does not break", any, "", "Acme\u00a0Inc", "Acme\u00a0Inc"},
		{"a line break of another kind", any, "", "a\u2028b", ""},
		{"an isolate", any, "", "a\u2067b", ""},
		{"off", nil, "clinic=north", "south", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := c.segments.Of(whereby.Event{Metadata: c.metadata, ExternalID: c.externalID})
			if got != c.want || ok != (c.want != "") {
				t.Errorf("got %q, %v; want %q", got, ok, c.want)
			}
		})
	}
}
