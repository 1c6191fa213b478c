package whereby

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// Participant is a row of GET /insights/participants: one connection to a
// session. Its free texts (display name, comment) are left out on purpose: they
// name people, and nothing here needs them.
// https://docs.whereby.com/reference/whereby-rest-api-reference/insights
type Participant struct {
	ID            string
	RoomSessionID string
	DeviceID      string
	UserID        string
	// Role is e.g. host, visitor, granted_visitor, recorder.
	Role string
	// LeftAt is zero while the participant is in the room.
	JoinedAt, LeftAt time.Time
	ExternalID       string
	// Stars is the participant's rating from 1 to 5, or 0.
	Stars float64
	// Tags are the issues that the participant ticked, e.g. audio-quality.
	Tags []string
}

// ParticipantsQuery selects participants by session or by external id; one of
// the two is required.
type ParticipantsQuery struct {
	RoomSessionID string
	ExternalID    string
	// SortBy is joinedAt or leftAt, with :asc or :desc.
	SortBy   string
	PageSize int
}

// Participants lists participants page by page, with a request for
// each page.
func (c *Client) Participants(ctx context.Context, q ParticipantsQuery) iter.Seq2[Page[Participant], error] {
	query := url.Values{}
	set(query, "roomSessionId", q.RoomSessionID)
	set(query, "externalId", q.ExternalID)
	set(query, "sortBy", q.SortBy)
	return list[wireParticipant](ctx, c, EndpointParticipants, query, q.PageSize)
}

type wireParticipant struct {
	ParticipantID string    `json:"participantId"`
	RoomSessionID string    `json:"roomSessionId"`
	DeviceID      string    `json:"deviceId"`
	UserID        string    `json:"userId"`
	RoleName      string    `json:"roleName"`
	JoinedAt      timestamp `json:"joinedAt"`
	LeftAt        timestamp `json:"leftAt"`
	ExternalID    string    `json:"externalId"`
	Rating        *float64  `json:"rating"`
	Tags          []string  `json:"tags"`
}

func (w wireParticipant) row() (Participant, error) {
	if w.ParticipantID == "" {
		return Participant{}, &fieldError{"participantId is missing"}
	}
	p := Participant{
		ID:            w.ParticipantID,
		RoomSessionID: w.RoomSessionID,
		DeviceID:      w.DeviceID,
		UserID:        w.UserID,
		Role:          w.RoleName,
		JoinedAt:      w.JoinedAt.Time,
		LeftAt:        w.LeftAt.Time,
		ExternalID:    w.ExternalID,
		Tags:          w.Tags,
	}
	if w.Rating != nil && *w.Rating >= 1 && *w.Rating <= 5 {
		p.Stars = *w.Rating
	}
	return p, nil
}
