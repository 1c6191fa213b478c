package wherebytest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// query is what a request asks for.
type query struct {
	endpoint string
	values   url.Values
	limit    int
	field    string // to sort by
	desc     bool
	cursor   cursor

	// Of the answer, once there is one.
	rows       int
	last       bool     // of the listing's pages
	served     []*room  // by the endpoint rooms
	recordings []string // of the page, by ID
	// transcribed are the IDs by the endpoint transcriptions.
	transcribed []string

	repeat bool // a fault: begin a row early, as if one had been put in front
}

const (
	defaultLimit = 10
	maxLimit     = 100
	// defaultStored is the default limit of transcriptions and recordings.
	defaultStored = 50
)

// parse reads the parameters. The query is usable for choosing faults even if
// there is an error, which is the text for a 400.
func parse(r *http.Request, endpoint string) (*query, error) {
	q := &query{endpoint: endpoint, limit: defaultLimit, cursor: cursor{page: 1}}
	if endpoint == EndpointTranscriptions || endpoint == EndpointRecordings {
		q.limit = defaultStored
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	q.values = values
	if err != nil {
		return q, errors.New("malformed query")
	}
	if endpoint == EndpointParticipant {
		for _, name := range []string{"roomSessionId", "participantId"} {
			if values.Get(name) == "" {
				return q, fmt.Errorf("%s is required", name)
			}
		}
		return q, nil
	}
	return q, errors.Join(q.parseCursor(), q.parseLimit(), q.parseSort(), q.parseSelection())
}

func (q *query) parseCursor() error {
	text := q.values.Get("cursor")
	if text == "" {
		return nil
	}
	c, ok := parseCursor(text, q.fingerprint())
	if !ok {
		return errors.New("unknown cursor")
	}
	q.cursor = c
	return nil
}

func (q *query) parseLimit() error {
	if !q.values.Has("limit") {
		return nil
	}
	n, err := strconv.Atoi(q.values.Get("limit"))
	if err != nil || n < 1 || n > maxLimit {
		return fmt.Errorf("limit must be a whole number from 1 to %d", maxLimit)
	}
	q.limit = n
	return nil
}

func (q *query) parseSort() error {
	q.field = defaultSort(q.endpoint)
	if !q.values.Has("sortBy") {
		return nil
	}
	field, direction, _ := strings.Cut(q.values.Get("sortBy"), ":")
	if !sortable(q.endpoint, field) {
		return fmt.Errorf("can't sort by %q", field)
	}
	if direction != "asc" && direction != "desc" {
		return fmt.Errorf("sort direction %q is neither asc nor desc", direction)
	}
	q.field, q.desc = field, direction == "desc"
	return nil
}

func defaultSort(endpoint string) string {
	switch endpoint {
	case EndpointRoomSessions:
		return "startedAt"
	case EndpointParticipants:
		return "joinedAt"
	case EndpointTranscriptions, EndpointRecordings:
		return "startDate"
	}
	return "createdAt"
}

func sortable(endpoint, field string) bool {
	switch endpoint {
	case EndpointRooms:
		return roomValue(field) != nil
	case EndpointRoomSessions:
		return sessionValue(field) != nil
	case EndpointParticipants:
		return field == "joinedAt" || field == "leftAt"
	case EndpointTranscriptions:
		return field == "roomName" || field == "startDate" || field == "durationInSeconds"
	case EndpointRecordings:
		return recordingValue(field) != nil
	}
	return false
}

// parseSelection checks what chooses the rows.
func (q *query) parseSelection() error {
	switch q.endpoint {
	case EndpointRooms:
		for _, name := range []string{"createdAt[from]", "createdAt[to]"} {
			if _, err := q.date(name); err != nil {
				return err
			}
		}
	case EndpointRoomSessions:
		if q.values.Get("roomName") == "" {
			return errors.New("roomName is required")
		}
	case EndpointParticipants:
		if q.values.Get("roomSessionId") == "" && q.values.Get("externalId") == "" {
			return errors.New("roomSessionId or externalId is required")
		}
	}
	return nil
}

// date reads a date filter; 0 is none.
func (q *query) date(name string) (int64, error) {
	if !q.values.Has(name) {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339, q.values.Get(name))
	if err != nil {
		return 0, fmt.Errorf("%s is not a date", name)
	}
	return millis(t), nil
}

// filter returns the condition that rooms have to meet; nil if any will do.
func (q *query) filter() func(*room) bool {
	has := func(name string) bool { return q.values.Get(name) != "" }
	if !has("roomName[startsWith]") && !has("roomName[contains]") && !has("createdAt[from]") && !has("createdAt[to]") {
		return nil
	}
	start, part := q.values.Get("roomName[startsWith]"), q.values.Get("roomName[contains]")
	from, _ := q.date("createdAt[from]")
	to, _ := q.date("createdAt[to]")
	return func(r *room) bool {
		return strings.HasPrefix(r.name, start) && strings.Contains(r.name, part) &&
			r.created >= from && (to == 0 || r.created <= to)
	}
}
