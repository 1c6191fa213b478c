package wherebytest

import (
	"encoding/json"
	"maps"
	"slices"
)

// oddRows are what may be wrong with one row of rooms or of room-sessions, by name.
var oddRows = map[string]func(row map[string]any){
	"null figure":       func(row map[string]any) { row["totalRecorderMinutes"] = nil },
	"absent figure":     func(row map[string]any) { delete(row, "totalRecorderMinutes") },
	"null minutes":      func(row map[string]any) { row["totalParticipantMinutes"] = nil },
	"text for a number": func(row map[string]any) { row["totalParticipantMinutes"] = "n/a" },
	"number as text": func(row map[string]any) {
		if n, ok := row["totalParticipantMinutes"].(json.Number); ok {
			row["totalParticipantMinutes"] = n.String()
		}
	},
	"negative figure":   func(row map[string]any) { row["totalStreamerMinutes"] = json.Number("-1") },
	"fraction":          func(row map[string]any) { row["totalParticipantMinutes"] = json.Number("12.5") },
	"huge figure":       func(row map[string]any) { row["totalParticipantMinutes"] = json.Number("1e300") },
	"null times":        func(row map[string]any) { replaceTimes(row, nil) },
	"far times":         func(row map[string]any) { replaceTimes(row, "+010000-01-01T00:00:00.000Z") },
	"malformed times":   func(row map[string]any) { replaceTimes(row, "yesterday") },
	"numbers for times": func(row map[string]any) { replaceTimes(row, json.Number("1735689600000")) },
}

// OddRowKinds returns the names that [Insights].OddRows may give.
func OddRowKinds() []string { return slices.Sorted(maps.Keys(oddRows)) }

// replaceTimes puts something in the place of the times of a row's sessions.
func replaceTimes(row map[string]any, with any) {
	names := []string{"firstSessionStartedAt", "lastSessionStartedAt"}
	if _, isSession := row["roomSessionId"]; isSession {
		names = []string{"startedAt", "endedAt", "createdAt", "endAt"}
	}
	for _, name := range names {
		if _, ok := row[name]; ok {
			row[name] = with
		}
	}
}

// oddRow returns what spoils a row, and panics for a kind that does not exist.
func oddRow(kind string) func(row map[string]any) {
	spoil := oddRows[kind]
	if spoil == nil {
		panic("wherebytest: unknown kind of odd row " + kind)
	}
	return spoil
}

// hasOddRows reports whether an endpoint has rows that can be odd.
func hasOddRows(endpoint string) bool {
	return endpoint == EndpointRooms || endpoint == EndpointRoomSessions
}

// spoilOddRows spoils the rows of rooms that are odd at the time of a request.
func (a *Account) spoilOddRows(q *query, x *answer) {
	odd := a.cfg.Insights.OddRows
	if odd == nil || !hasOddRows(q.endpoint) {
		return
	}
	editRows(func(row map[string]any) {
		name, _ := row["roomName"].(string)
		if kind := odd(name, a.points.at); kind != "" {
			oddRow(kind)(row)
		}
	}).spoil(q, x)
}

// OddRow corrupts the first row of every response of the endpoints rooms and room-sessions, in
// one of the ways of OddRowKinds.
func OddRow(kind string) Fault {
	spoil := oddRow(kind)
	f := edit(func(_ *query, d *document) {
		if rows := d.rows(); len(rows) > 0 {
			spoil(rows[0])
		}
	})
	f.when = func(q *query) bool { return hasOddRows(q.endpoint) }
	return f
}
