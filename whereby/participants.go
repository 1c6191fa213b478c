package whereby

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// Participant is a row of GET /insights/participants: one connection to a session. Its free
// texts (display name, comment) are deliberately left out: they name people, and nothing here
// needs them. See https://docs.whereby.com/reference/whereby-rest-api-reference/insights.
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
	ParticipantID looseText   `json:"participantId"`
	RoomSessionID looseText   `json:"roomSessionId"`
	DeviceID      looseText   `json:"deviceId"`
	UserID        looseText   `json:"userId"`
	RoleName      looseText   `json:"roleName"`
	JoinedAt      timestamp   `json:"joinedAt"`
	LeftAt        timestamp   `json:"leftAt"`
	ExternalID    freeText    `json:"externalId"`
	Rating        looseNumber `json:"rating"`
	Tags          looseTexts  `json:"tags"`
}

func (w wireParticipant) empty() bool { return false }

func (w wireParticipant) row() (Participant, error) {
	if w.ParticipantID == "" {
		return Participant{}, &fieldError{"participantId is missing"}
	}
	p := Participant{
		ID:            string(w.ParticipantID),
		RoomSessionID: string(w.RoomSessionID),
		DeviceID:      string(w.DeviceID),
		UserID:        string(w.UserID),
		Role:          string(w.RoleName),
		JoinedAt:      w.JoinedAt.Time,
		LeftAt:        w.LeftAt.Time,
		ExternalID:    string(w.ExternalID),
		Tags:          w.Tags,
	}
	if stars := w.Rating.value; stars >= 1 && stars <= 5 {
		p.Stars = stars
	}
	return p, nil
}
