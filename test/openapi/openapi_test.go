// Package openapi holds the simulated account's answers against descriptions of
// the API.
package openapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"whereby_exporter/whereby/wherebytest"
)

// schemas are those of the endpoints' answers.
type schemas map[string]*openapi3.Schema

// paths are where the endpoints are.
var paths = map[string]string{
	"rooms": "/insights/rooms", "room-sessions": "/insights/room-sessions",
	"participants": "/insights/participants", "participant": "/insights/participant",
	"transcriptions": "/transcriptions", "recordings": "/recordings",
}

func load(t *testing.T, file string) schemas {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := schemas{}
	for endpoint, path := range paths {
		path := doc.Paths.Find(path)
		if path == nil || path.Get == nil {
			t.Fatalf("%s describes no %s", file, endpoint)
		}
		found[endpoint] = path.Get.Responses.Value("200").Value.Content.Get("application/json").Schema.Value
	}
	return found
}

// ours is this project's own description: stricter than Whereby's where the
// exporter relies on something, and open where the API's documentation is.
const ours = "testdata/insights.json"

// answers calls the endpoints of an account that has everything: rooms of both
// kinds, used and not, sessions past and running, ratings and gaps.
func answers(t *testing.T, config wherebytest.Config) map[string][]any {
	t.Helper()
	config.APIKey = "key"
	account := wherebytest.Demo(7, time.Now(), wherebytest.DemoOptions{Config: config})
	now := time.Now()
	account.AddRoom(wherebytest.Room{Name: "/never-used", CreatedAt: now})
	account.AddRoom(wherebytest.Room{Name: "/busy", CreatedAt: now.Add(-24 * time.Hour)})
	session := account.Schedule("/busy", wherebytest.Session{
		Start: now.Add(-2 * time.Hour), End: now.Add(-time.Hour),
		Participants: []wherebytest.Participant{
			{Role: "host", DisplayName: "A Host", Rating: 4, Tags: []string{"audio-quality"}, Comment: "fine"},
			{Role: "visitor", ExternalID: "ext"},
			{Role: wherebytest.RoleRecorder},
		},
	})
	running := account.Schedule("/busy", wherebytest.Session{
		Start: now.Add(-30 * time.Minute), Participants: []wherebytest.Participant{{Role: "host"}, {Role: "visitor"}},
	})
	for i := range 3 {
		account.AddRecordings(wherebytest.Recording{
			ID: fmt.Sprint("recording-", i), RoomName: "/busy", SessionID: session, Start: now.Add(-time.Hour), End: now.Add(-time.Minute), Megabytes: float64(i) * 51.5,
		})
	}
	client := &http.Client{Transport: account.RoundTripper()}
	found := map[string][]any{}
	call := func(endpoint string, query url.Values) any {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://api.example.com/v1"+paths[endpoint]+"?"+query.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer key")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer any
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d, %v", endpoint, resp.StatusCode, err)
		}
		found[endpoint] = append(found[endpoint], answer)
		return answer
	}
	for cursor := ""; ; {
		query := url.Values{"limit": {"100"}, "sortBy": {"lastSessionStartedAt:desc"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		page, _ := call("rooms", query).(map[string]any)
		if cursor, _ = page["cursor"].(string); cursor == "" {
			break
		}
	}
	for i, failed := range []bool{false, true, false} {
		start := now.Add(-time.Duration(i) * time.Hour)
		account.Transcribe("/busy", wherebytest.Transcription{Start: start, End: start.Add(30 * time.Minute), Billable: time.Hour, Failed: failed})
	}
	call("transcriptions", url.Values{"sortBy": {"startDate:desc"}})
	call("room-sessions", url.Values{"roomName": {"/busy"}})
	call("room-sessions", url.Values{"roomName": {"/standup"}, "limit": {"100"}})
	call("recordings", url.Values{"limit": {"2"}, "sortBy": {"startDate:asc"}})
	call("recordings", url.Values{"roomName": {"/busy"}})
	for _, id := range []string{session, running} {
		page, _ := call("participants", url.Values{"roomSessionId": {id}}).(map[string]any)
		rows, _ := page["results"].([]any)
		if len(rows) == 0 {
			t.Fatal("a session without participants shows nothing")
		}
		for _, row := range rows {
			participant, _ := row.(map[string]any)
			call("participant", url.Values{"roomSessionId": {id}, "participantId": {fmt.Sprint(participant["participantId"])}})
		}
	}
	return found
}

// styles returns the forms in which the documentation lets absent values and the times
// of sessions be written.
func styles() map[string]wherebytest.Config {
	all := map[string]wherebytest.Config{}
	for _, nulls := range []wherebytest.NullStyle{wherebytest.OmitNulls, wherebytest.ExplicitNulls} {
		for _, times := range []wherebytest.SessionTimeStyle{wherebytest.BothPairs, wherebytest.StartedEnded, wherebytest.CreatedEnd} {
			all[fmt.Sprintf("nulls %d, times %d", nulls, times)] = wherebytest.Config{Nulls: nulls, SessionTimes: times}
		}
	}
	return all
}

func TestAnswersAreWhatTheExporterReliesOn(t *testing.T) {
	described := load(t, ours)
	for name, config := range styles() {
		t.Run(name, func(t *testing.T) {
			for endpoint, bodies := range answers(t, config) {
				for _, body := range bodies {
					if err := described[endpoint].VisitJSON(body, openapi3.MultiErrors()); err != nil {
						t.Errorf("%s: %.2000s", endpoint, err)
					}
				}
			}
		})
	}
}

// mayBeAbsent are the fields that Whereby's description calls required strings and
// that can't always have a value: a permanent room has no end, a room that was
// never used no session, one who is still in the room has not left, and who joined
// without an external id has none.
var mayBeAbsent = []string{"cursor", "endAt", "endedAt", "firstSessionStartedAt", "lastSessionStartedAt", "leftAt", "userId", "displayName", "externalId", "filename"}

// TestAnswersAreWhatWherebyDescribes is skipped where the description is not at
// hand: it is Whereby's text, and not part of this repository.
func TestAnswersAreWhatWherebyDescribes(t *testing.T) {
	file := os.Getenv("WHEREBY_OPENAPI")
	if file == "" {
		t.Skip("WHEREBY_OPENAPI does not name Whereby's OpenAPI document")
	}
	described := load(t, file)
	found := answers(t, wherebytest.Config{Nulls: wherebytest.ExplicitNulls})
	for endpoint, bodies := range found {
		rows := 0
		for _, body := range bodies {
			rows += fill(body)
			if err := described[endpoint].VisitJSON(body, openapi3.MultiErrors()); err != nil {
				t.Errorf("%s: %.2000s", endpoint, err)
			}
		}
		if rows == 0 {
			t.Errorf("%s gave no rows to validate", endpoint)
		}
		t.Logf("%s: %d rows in %d answers", endpoint, rows, len(bodies))
	}
}

// fill returns the fields that may be absent a value, and counts the rows.
func fill(body any) int {
	var rows []any
	switch body := body.(type) {
	case []any:
		rows = body
	case map[string]any:
		rows, _ = body["results"].([]any)
		if body["cursor"] == nil {
			body["cursor"] = ""
		}
	}
	for _, row := range rows {
		fields, _ := row.(map[string]any)
		if fields["durationInSeconds"] == nil {
			delete(fields, "durationInSeconds") // it is not required
		}
		for _, name := range mayBeAbsent {
			if value, ok := fields[name]; ok && value == nil {
				fields[name] = ""
			}
		}
	}
	return len(rows)
}

// TestTheDescriptionCanFail shows that the validation is one.
func TestTheDescriptionCanFail(t *testing.T) {
	described := load(t, ours)
	for name, body := range map[string]string{
		"no results":         `{"cursor":null}`,
		"a negative figure":  `{"cursor":null,"results":[{"roomName":"/a","createdAt":"2025-01-01T00:00:00.000Z","totalParticipantMinutes":-1,"totalRecorderMinutes":0,"totalStreamerMinutes":0,"totalUniqueParticipants":0,"totalUniqueRecorders":0,"totalUniqueStreamers":0,"totalSessions":0}]}`,
		"a figure as string": `{"cursor":null,"results":[{"roomName":"/a","createdAt":"2025-01-01T00:00:00.000Z","totalParticipantMinutes":"1","totalRecorderMinutes":0,"totalStreamerMinutes":0,"totalUniqueParticipants":0,"totalUniqueRecorders":0,"totalUniqueStreamers":0,"totalSessions":0}]}`,
	} {
		var value any
		if err := json.NewDecoder(strings.NewReader(body)).Decode(&value); err != nil {
			t.Fatal(err)
		}
		if described["rooms"].VisitJSON(value) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
