package whereby_test

import (
	"strings"
	"testing"

	"whereby_exporter/whereby"
)

const uuid = "793e9ec1-c686-423d-9043-9b7a10c553fd"

func TestRoomPrefix(t *testing.T) {
	for name, tc := range map[string]struct {
		roomName, prefix string
		ok               bool
	}{
		"prefix and UUID":                 {"/acme-" + uuid, "acme-", true},
		"prefix without a hyphen":         {"/acme" + uuid, "acme", true},
		"prefix that looks like the UUID": {"/beef" + uuid, "beef", true},
		"prefix that is a UUID":           {"/" + uuid + "-" + uuid, uuid + "-", true},
		"no slash":                        {"acme-" + uuid, "acme-", true},
		"UUID in capitals":                {"/acme-" + strings.ToUpper(uuid), "acme-", true},
		"no prefix":                       {"/" + uuid, "", true},
		"named by hand":                   {"/standup", "", false},
		"human-short":                     {"/acme-k3n9xp", "", false},
		"UUID in the middle":              {"/acme-" + uuid + "-x", "", false},
		"a UUID too short":                {"/acme-" + uuid[:35], "", false},
		"a UUID with another letter":      {"/acme-" + uuid[:35] + "g", "", false},
		"a UUID with a hyphen missing":    {"/acme-" + strings.Replace(uuid, "-", "0", 1), "", false},
		"empty":                           {"", "", false},
		"a slash":                         {"/", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			prefix, ok := whereby.RoomPrefix(tc.roomName)
			if prefix != tc.prefix || ok != tc.ok {
				t.Errorf("RoomPrefix(%q) is %q, %v; want %q, %v", tc.roomName, prefix, ok, tc.prefix, tc.ok)
			}
		})
	}
}

func FuzzRoomPrefix(f *testing.F) {
	f.Add("/acme-"+uuid, "acme-")
	f.Add("/"+uuid, "")
	f.Add("standup", "x_-")
	f.Fuzz(func(t *testing.T, name, prefix string) {
		if got, ok := whereby.RoomPrefix(name); ok {
			rest, found := strings.CutPrefix(strings.TrimPrefix(name, "/"), got)
			if !found || len(rest) != len(uuid) {
				t.Errorf("RoomPrefix(%q) is %q", name, got)
			}
		}
		if got, ok := whereby.RoomPrefix("/" + prefix + uuid); !ok || got != prefix {
			t.Errorf("a room made with prefix %q has %q, %v", prefix, got, ok)
		}
	})
}
