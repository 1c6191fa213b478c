package whereby

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// RoomSession is a row of GET /insights/room-sessions: one session of a room.
// https://docs.whereby.com/reference/whereby-rest-api-reference/insights
type RoomSession struct {
	ID       string
	RoomName string
	// StartedAt is the row's startedAt, or its createdAt where that is absent: the
	// API's documentation has both names.
	StartedAt time.Time
	// EndedAt is the row's endedAt or endAt; zero while the session runs.
	EndedAt time.Time

	Usage
	Rating Rating
}

// RoomSessionsQuery selects sessions of one room. There is no filter by time.
type RoomSessionsQuery struct {
	RoomName  string // required, with its slash
	SessionID string
	SortBy    string
	PageSize  int
}

// RoomSessions lists the sessions of a room page by page, with a
// request for each page.
func (c *Client) RoomSessions(ctx context.Context, q RoomSessionsQuery) iter.Seq2[Page[RoomSession], error] {
	query := url.Values{"roomName": {q.RoomName}}
	set(query, "roomSessionId", q.SessionID)
	set(query, "sortBy", q.SortBy)
	return list[wireRoomSession](ctx, c, EndpointRoomSessions, query, q.PageSize)
}

type wireRoomSession struct {
	RoomSessionID string    `json:"roomSessionId"`
	RoomName      string    `json:"roomName"`
	StartedAt     timestamp `json:"startedAt"`
	EndedAt       timestamp `json:"endedAt"`
	CreatedAt     timestamp `json:"createdAt"`
	EndAt         timestamp `json:"endAt"`
	wireUsage
}

func (w wireRoomSession) row() (RoomSession, error) {
	if w.RoomSessionID == "" {
		return RoomSession{}, &fieldError{"roomSessionId is missing"}
	}
	started := w.StartedAt.orElse(w.CreatedAt)
	if started.IsZero() {
		return RoomSession{}, &fieldError{"startedAt is missing, and createdAt too"}
	}
	if err := checkStart("startedAt", started); err != nil {
		return RoomSession{}, err
	}
	usage, err := w.usage()
	if err != nil {
		return RoomSession{}, err
	}
	return RoomSession{
		ID:        w.RoomSessionID,
		RoomName:  slashed(w.RoomName),
		StartedAt: started,
		EndedAt:   w.EndedAt.orElse(w.EndAt),
		Usage:     usage,
		Rating:    ratingOf(w.Rating, w.TotalRatings),
	}, nil
}

func (w wireRoomSession) empty() bool { return false }
