package whereby

import (
	"cmp"
	"context"
	"iter"
	"net/url"
	"time"
)

// Room is a row of GET /insights/rooms: a room and its lifetime totals.
// https://docs.whereby.com/reference/whereby-rest-api-reference/insights
type Room struct {
	// Name begins with a slash, whether or not the row's does, e.g. /acme-793e9ec1-c686-423d-9043-9b7a10c553fd.
	Name string
	// CreatedAt and EndAt are zero if the API gives none; a permanent room has
	// no EndAt.
	CreatedAt, EndAt time.Time
	// FirstSessionStartedAt and LastSessionStartedAt are zero for a room that was
	// never used, or of which Insights does not tell when.
	FirstSessionStartedAt, LastSessionStartedAt time.Time

	Usage
	// Sessions counts the room's sessions. A session starts once two people are
	// in the room.
	Sessions int64
	// Rating is of the room's last session only.
	Rating Rating
}

// RoomsQuery selects and sorts rooms. The zero value is all rooms in the API's
// own order. There is no filter by time of use.
type RoomsQuery struct {
	NameExact, NameStartsWith, NameContains string
	CreatedFrom, CreatedTo                  time.Time
	// SortBy is FIELD:asc or FIELD:desc. Which fields may be sorted on is not
	// documented beyond totalSessions and totalUniqueParticipants.
	SortBy string
	// PageSize is at most 100, which is also what 0 stands for.
	PageSize int
	// Cursor is that of a [Page] of the same query: the listing continues after that page,
	// and its pages are numbered from 1 again. How long a cursor lasts is not documented;
	// one that does no longer is refused with a [RequestError].
	Cursor string
}

// Rooms lists rooms page by page, with a request for each page. While rooms
// are created, used or deleted, the listing may show a room twice, or not at all.
func (c *Client) Rooms(ctx context.Context, q RoomsQuery) iter.Seq2[Page[Room], error] {
	query := url.Values{}
	set(query, "roomName[exact]", q.NameExact)
	set(query, "roomName[startsWith]", q.NameStartsWith)
	set(query, "roomName[contains]", q.NameContains)
	set(query, "createdAt[from]", formatTime(q.CreatedFrom))
	set(query, "createdAt[to]", formatTime(q.CreatedTo))
	set(query, "sortBy", q.SortBy)
	set(query, "cursor", q.Cursor)
	return list[wireRoom](ctx, c, EndpointRooms, query, q.PageSize)
}

func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

type wireRoom struct {
	RoomName              string         `json:"roomName"`
	CreatedAt             timestamp      `json:"createdAt"`
	EndAt                 looseTimestamp `json:"endAt"`
	FirstSessionStartedAt timestamp      `json:"firstSessionStartedAt"`
	LastSessionStartedAt  timestamp      `json:"lastSessionStartedAt"`
	TotalSessions         count          `json:"totalSessions"`
	wireUsage
}

// maxRoomName is far above any name that Whereby makes: a prefix has at most 39
// characters, and the random part 36.
const maxRoomName = 1024

// empty reports whether the room was never used.
func (w wireRoom) empty() bool {
	return w.LastSessionStartedAt.IsZero() && w.TotalSessions.value == 0 &&
		w.ParticipantMinutes.value == 0 && w.RecorderMinutes.value == 0 && w.StreamerMinutes.value == 0
}

// row insists on all figures that are counted: one that is unknown must not look like one
// that is lower, and figures of two moments are no reading of a room.
func (w wireRoom) row() (Room, error) {
	if w.RoomName == "" {
		return Room{}, &fieldError{"roomName is missing"}
	}
	if len(w.RoomName) > maxRoomName {
		return Room{}, &fieldError{"roomName is longer than 1024 bytes"}
	}
	if w.empty() {
		// Totals of a room that was never used may be null: sums over nothing.
		for _, c := range []*count{&w.ParticipantMinutes, &w.RecorderMinutes, &w.StreamerMinutes, &w.TotalSessions} {
			c.known = true
		}
	}
	usage, err := w.usage()
	if err != nil {
		return Room{}, err
	}
	sessions, err := w.TotalSessions.required("totalSessions")
	if err != nil {
		return Room{}, err
	}
	if err := cmp.Or(checkStart("firstSessionStartedAt", w.FirstSessionStartedAt.Time), checkStart("lastSessionStartedAt", w.LastSessionStartedAt.Time)); err != nil {
		return Room{}, err
	}
	return Room{
		Name:                  slashed(w.RoomName),
		CreatedAt:             w.CreatedAt.Time,
		EndAt:                 time.Time(w.EndAt),
		FirstSessionStartedAt: w.FirstSessionStartedAt.Time,
		LastSessionStartedAt:  w.LastSessionStartedAt.Time,
		Usage:                 usage,
		Sessions:              sessions,
		Rating:                ratingOf(w.Rating, w.TotalRatings),
	}, nil
}
