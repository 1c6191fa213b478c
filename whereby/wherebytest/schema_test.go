package wherebytest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// kind is what a value may be.
type kind string

const (
	text     kind = "text"
	moment   kind = "time" // UTC, with milliseconds
	whole    kind = "whole number from 0"
	rating   kind = "number from 1 to 5"
	texts    kind = "array of texts"
	series   kind = "array of numbers from 0, with gaps"
	anything kind = "array"
	object   kind = "object"
	flag     kind = "true or false"
)

// field is a field of a row. Others than those listed are errors.
type field struct {
	name     string
	kind     kind
	optional bool // may be null or absent
}

var totalFields = []field{
	{"totalParticipantMinutes", whole, false},
	{"totalRecorderMinutes", whole, false},
	{"totalStreamerMinutes", whole, false},
	{"totalUniqueParticipants", whole, false},
	{"totalUniqueRecorders", whole, false},
	{"totalUniqueStreamers", whole, false},
	{"rating", rating, true},
	{"totalRatings", whole, true},
}

var schemas = map[string][]field{
	"rooms": append([]field{
		{"roomName", text, false},
		{"createdAt", moment, false},
		{"endAt", moment, true},
		{"firstSessionStartedAt", moment, true},
		{"lastSessionStartedAt", moment, true},
		{"totalSessions", whole, false},
	}, totalFields...),
	"room-sessions": append([]field{
		{"roomSessionId", text, false},
		{"roomName", text, false},
		{"startedAt", moment, false},
		{"endedAt", moment, true},
		{"createdAt", moment, false},
		{"endAt", moment, true},
	}, totalFields...),
	"participants": {
		{"roomSessionId", text, false},
		{"participantId", text, false},
		{"deviceId", text, false},
		{"userId", text, true},
		{"roleName", text, false},
		{"displayName", text, true},
		{"joinedAt", moment, false},
		{"leftAt", moment, true},
		{"externalId", text, true},
		{"rating", rating, true},
		{"tags", texts, true},
		{"comment", text, true},
	},
	"participant": {
		{"displayName", text, false},
		{"userRole", text, false},
		{"userAgent", text, false},
		{"timeStamp", moment, false},
		{"sampleRateMs", whole, false},
		{"samples", object, false},
		{"events", anything, false},
	},
	"transcriptions": {
		{"transcriptionId", text, false},
		{"roomSessionId", text, false},
		{"roomName", text, false},
		{"startDate", moment, false},
		{"endDate", moment, false},
		{"createdAt", moment, false},
		{"state", text, false},
		{"type", text, false},
		{"storageType", text, true},
		{"durationInSeconds", whole, true},
		{"filename", text, true},
	},
	"samples": {
		{"packetLossSend", series, false},
		{"packetLossRecv", series, false},
		{"bitrateSend", series, false},
		{"bitrateRecv", series, false},
	},
}

// violations tells what is wrong with a row.
func violations(schema []field, row map[string]any, nulls wherebytest.NullStyle) (wrong []string) {
	for name := range row {
		if !slices.ContainsFunc(schema, func(f field) bool { return f.name == name }) {
			wrong = append(wrong, "unknown field "+name)
		}
	}
	for _, f := range schema {
		v, there := row[f.name]
		switch {
		case f.optional && v == nil:
			if there != (nulls == wherebytest.ExplicitNulls) {
				wrong = append(wrong, fmt.Sprintf("%s is absent the wrong way", f.name))
			}
		case !f.kind.fits(v):
			wrong = append(wrong, fmt.Sprintf("%s is %v, not a %s", f.name, v, f.kind))
		}
	}
	return wrong
}

func (k kind) fits(v any) bool {
	switch v := v.(type) {
	case string:
		if k == moment {
			at, err := time.Parse(time.RFC3339, v)
			return err == nil && at.Format("2006-01-02T15:04:05.000Z") == v
		}
		return k == text
	case float64:
		return k == whole && v >= 0 && v == float64(int64(v)) || k == rating && v >= 1 && v <= 5
	case []any:
		return k == anything || k == texts && !slices.ContainsFunc(v, func(v any) bool { _, ok := v.(string); return !ok }) ||
			k == series && !slices.ContainsFunc(v, func(v any) bool { n, ok := v.(float64); return v != nil && (!ok || n < 0) })
	case map[string]any:
		return k == object
	case bool:
		return k == flag
	}
	return false
}

func TestAnswersHaveTheDocumentedForm(t *testing.T) {
	for name, nulls := range map[string]wherebytest.NullStyle{"absent values left out": wherebytest.OmitNulls, "absent values null": wherebytest.ExplicitNulls} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			a := wherebytest.Demo(3, now, wherebytest.DemoOptions{
				History: 4 * 24 * time.Hour,
				Config:  wherebytest.Config{Nulls: nulls, PointsPerMinute: 1 << 30},
			})
			a.AddRoom(wherebytest.Room{Name: "/by hand \"é\" <\x01>", CreatedAt: now})
			a.Schedule("/by hand \"é\" <\x01>", wherebytest.Session{
				Start: now.Add(-time.Hour), End: now.Add(-time.Minute),
				Participants: []wherebytest.Participant{
					{DisplayName: "D\u2028", UserID: "u", ExternalID: "e", Rating: 3, Tags: []string{"video-quality"}, Comment: "fine"},
					{Role: "host", Left: now.Add(-30 * time.Minute)},
				},
			})
			counts := make(map[string]int)
			check := func(endpoint string, rows ...map[string]any) {
				t.Helper()
				counts[endpoint] += len(rows)
				for _, row := range rows {
					for _, wrong := range violations(schemas[endpoint], row, nulls) {
						t.Errorf("%s: %s", endpoint, wrong)
					}
				}
			}
			rooms := readAll(t, a, "rooms", "limit", "100")
			check("rooms", rooms...)
			for i, room := range rooms {
				if i%20 != 0 && i != len(rooms)-1 {
					continue
				}
				sessions := call(t, a, "room-sessions", "roomName", room["roomName"].(string), "sortBy", "startedAt:desc").listing(t).Results
				check("room-sessions", sessions...)
				if len(sessions) == 0 {
					continue
				}
				id := sessions[0]["roomSessionId"].(string)
				people := call(t, a, "participants", "roomSessionId", id).listing(t).Results
				check("participants", people...)
				for _, p := range people {
					got := call(t, a, "participant", "roomSessionId", id, "participantId", p["participantId"].(string))
					var views []map[string]any
					if err := json.Unmarshal(got.body, &views); err != nil || len(views) != 1 {
						t.Fatalf("participant: %v, body %.200s", err, got.body)
					}
					check("participant", views...)
					samples, _ := views[0]["samples"].(map[string]any)
					check("samples", samples)
				}
			}
			for _, endpoint := range []string{"rooms", "room-sessions", "participants", "participant"} {
				if counts[endpoint] < 50 {
					t.Errorf("only %d rows of %s were checked", counts[endpoint], endpoint)
				}
			}
		})
	}
}

func TestTheNamesOfASessionsTimesCanBeChosen(t *testing.T) {
	tests := []struct {
		name  string
		style wherebytest.SessionTimeStyle
		want  string
	}{
		{"both pairs", wherebytest.BothPairs, "startedAt endedAt createdAt endAt"},
		{"the described pair", wherebytest.StartedEnded, "startedAt endedAt"},
		{"the required pair", wherebytest.CreatedEnd, "createdAt endAt"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := wherebytest.New(wherebytest.Config{SessionTimes: test.style})
			a.AddRoom(wherebytest.Room{Name: acme(1), CreatedAt: day, Totals: wherebytest.Totals{Sessions: 1}})
			row := call(t, a, "room-sessions", "roomName", acme(1)).listing(t).Results[0]
			var got []string
			for _, name := range []string{"startedAt", "endedAt", "createdAt", "endAt"} {
				if _, ok := row[name]; ok {
					got = append(got, name)
				}
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %v, want %s", got, test.want)
			}
		})
	}
}
