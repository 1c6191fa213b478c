package whereby_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"whereby_exporter/whereby"
)

// replaced returns a row with another value of a field.
func replaced(row, field, value string) string {
	before, rest, _ := strings.Cut(row, `"`+field+`":`)
	end := strings.IndexAny(rest, ",}")
	return before + `"` + field + `":` + value + rest[end:]
}

// TestAnOddRowCostsOnlyItself puts a room that cannot be read between two that can.
func TestAnOddRowCostsOnlyItself(t *testing.T) {
	odd := strings.Replace(room, "/acme-1", "/acme-odd", 1)
	for name, tc := range map[string]struct {
		row, says string
		nameless  bool
	}{
		"a figure is null":       {row: replaced(odd, "totalRecorderMinutes", "null"), says: "totalRecorderMinutes is missing"},
		"a figure is absent":     {row: strings.Replace(odd, "totalStreamerMinutes", "other", 1), says: "totalStreamerMinutes is missing"},
		"the sessions are null":  {row: replaced(odd, "totalSessions", "null"), says: "totalSessions is missing"},
		"text for a number":      {row: replaced(odd, "totalParticipantMinutes", `"124"`), says: "not a number"},
		"an object for a number": {row: replaced(odd, "totalParticipantMinutes", `{}`), says: "not a number"},
		"a negative figure":      {row: replaced(odd, "totalParticipantMinutes", `-1`), says: "negative"},
		"a year of five digits":  {row: replaced(odd, "lastSessionStartedAt", `"10000-01-01T00:00:00.000Z"`), says: "a time is not in the form"},
		"a year with a sign":     {row: replaced(odd, "firstSessionStartedAt", `"+010000-01-01T00:00:00.000Z"`), says: "a time is not in the form"},
		"a far year":             {row: replaced(odd, "lastSessionStartedAt", `"9999-12-31T00:00:00.000Z"`), says: "another age"},
		"the first of all times": {row: replaced(odd, "lastSessionStartedAt", `"1970-01-01T00:00:00.000Z"`), says: "another age"},
		"a number for a time":    {row: replaced(odd, "createdAt", "1735689600"), says: "not a string"},
		"the name is a number":   {row: replaced(odd, "roomName", "7"), says: "roomName is of a wrong type", nameless: true},
		"no name":                {row: replaced(odd, "roomName", "null"), says: "roomName is missing", nameless: true},
		"null":                   {row: "null", says: "roomName is missing", nameless: true},
		"no object":              {row: `["x"]`, says: "wrong type", nameless: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: []answer{{status: 200, body: `{"results":[` + room + "," + tc.row + "," + strings.Replace(room, "/acme-1", "/acme-2", 1) + `]}`}}}
			c := client(s)
			told := ""
			c.OnUnusable = func(endpoint string, rows int) { told += fmt.Sprint(endpoint, rows) }
			for page, err := range c.Rooms(t.Context(), whereby.RoomsQuery{}) {
				if err != nil {
					t.Fatal(err)
				}
				if len(page.Rows) != 2 || page.Rows[0].Name != "/acme-1" || page.Rows[1].Name != "/acme-2" || page.Rows[1].ParticipantMinutes != 124 {
					t.Errorf("the rows are %+v", page.Rows)
				}
				if len(page.Unusable) != 1 {
					t.Fatalf("unusable are %v", page.Unusable)
				}
				u := page.Unusable[0]
				if want := "/acme-odd"; (u.RoomName != want) != tc.nameless || !whereby.UnusableRows(u.Err) ||
					whereby.ClassOf(u.Err) != whereby.ClassMalformed || !strings.Contains(u.Err.Error(), tc.says) {
					t.Errorf("unusable is %q: %v, want %q in it", u.RoomName, u.Err, tc.says)
				}
			}
			if told != "rooms1" || len(s.requests) != 1 {
				t.Errorf("told %q after %d requests", told, len(s.requests))
			}
			if _, err := names(t, c); !whereby.UnusableRows(err) {
				t.Errorf("rows without pages end with %v", err)
			}
		})
	}
}

// TestWhatNoFigureDependsOnCostsNoRow has odd values in fields other than the figures.
func TestWhatNoFigureDependsOnCostsNoRow(t *testing.T) {
	for field, value := range map[string]string{
		"endAt": `"10000-01-01T00:00:00.000Z"`, "totalUniqueParticipants": `"4"`, "totalUniqueRecorders": "null",
		"rating": `"good"`, "totalRatings": "{}", "subdomain": "[1]",
	} {
		row := strings.TrimSuffix(room, "}") + fmt.Sprintf(`,%q:%s}`, field, value)
		s := &script{answers: []answer{{status: 200, body: `{"results":[` + row + `]}`}}}
		if found, err := names(t, client(s)); err != nil || len(found) != 1 {
			t.Errorf("%s of %s: %v, %v", field, value, found, err)
		}
	}
}

// TestAPageOfWhichNothingIsReadIsMalformed tells an odd row from another API.
func TestAPageOfWhichNothingIsReadIsMalformed(t *testing.T) {
	odd, unused := replaced(room, "totalRecorderMinutes", "null"), `{"roomName":"/acme-unused","totalParticipantMinutes":null}`
	page := func(cursor string, rows ...string) answer {
		return answer{status: 200, body: `{"cursor":` + cursor + `,"results":[` + strings.Join(rows, ",") + `]}`}
	}
	repeat := func(n int, row string) (rows []string) {
		for range n {
			rows = append(rows, row)
		}
		return rows
	}
	for name, tc := range map[string]struct {
		answers  []answer
		unusable int
		failed   bool
	}{
		"the only row":                      {answers: []answer{page("null", odd)}, failed: true},
		"next to rooms that were not used":  {answers: []answer{page("null", unused, odd, unused)}, failed: true},
		"next to such rooms, before others": {answers: []answer{page(`"2"`, unused, odd, unused), page("null", room)}, unusable: 1},
		"next to such rooms on all pages":   {answers: []answer{page(`"2"`, unused, odd), page("null", unused)}, unusable: 1, failed: true},
		"asked for again":                   {answers: []answer{page("null", odd), page("null", unused)}},
		"all but one":                       {answers: []answer{page("null", append(repeat(50, odd), room)...)}, unusable: 50},
		"a short last page":                 {answers: []answer{page(`"2"`, room), page("null", repeat(9, odd)...)}, unusable: 9},
		"a long second page":                {answers: []answer{page(`"2"`, room), page("null", repeat(10, odd)...)}, failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			unusable := 0
			var failed error
			synctest.Test(t, func(t *testing.T) {
				for page, err := range client(&script{answers: tc.answers}).Rooms(t.Context(), whereby.RoomsQuery{}) {
					failed = err
					unusable += len(page.Unusable)
				}
			})
			if unusable != tc.unusable || (failed != nil) != tc.failed || tc.failed && whereby.ClassOf(failed) != whereby.ClassMalformed {
				t.Errorf("%d rows are unusable, and the error is %v", unusable, failed)
			}
		})
	}
}

func TestAnOddParticipantAndAnOddStretchCostOnlyThemselves(t *testing.T) {
	s := &script{answers: []answer{{status: 200, body: `{"results":[{"participantId":7,"roleName":null,"rating":"x","tags":{}},{"participantId":"p2","joinedAt":"10000-01-01T00:00:00Z"}]}`}}}
	for page, err := range client(s).Participants(t.Context(), whereby.ParticipantsQuery{RoomSessionID: "s"}) {
		if err != nil || len(page.Rows) != 1 || page.Rows[0].ID != "7" || len(page.Unusable) != 1 {
			t.Errorf("the page is %+v, %v", page, err)
		}
	}
	c := client(&script{answers: []answer{{status: 200, body: `[{"timeStamp":"10000-01-01T00:00:00Z"},{"userRole":"host"},3]`}}})
	told := 0
	c.OnUnusable = func(_ string, rows int) { told += rows }
	connections, err := c.Participant(t.Context(), "s", "p")
	if err != nil || len(connections) != 1 || connections[0].Role != "host" || told != 2 {
		t.Errorf("the connections are %+v, %v; %d are unusable", connections, err, told)
	}
}
