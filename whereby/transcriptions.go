package whereby

import (
	"context"
	"iter"
	"net/url"
	"strconv"
	"time"
)

// TranscriptionsNewestFirst is for [TranscriptionsQuery].
const TranscriptionsNewestFirst = "startDate:desc"

// Transcription is a row of GET /transcriptions.
// https://docs.whereby.com/reference/whereby-rest-api-reference
type Transcription struct {
	ID string
	// RoomName begins with a slash.
	RoomName string
	// StartedAt is the row's startDate, or its createdAt if that is absent.
	StartedAt time.Time
	// EndedAt is the row's endDate; zero if it has none.
	EndedAt time.Time
	// State is one of the TranscriptionState constants, or one that is not documented yet.
	State string
	// Billable is durationInSeconds, the total billable time; 0 if the row has none yet. It
	// is in whole milliseconds.
	Billable time.Duration
}

// The documented states of a transcription.
const (
	TranscriptionReady      = "ready"
	TranscriptionFailure    = "failed"
	TranscriptionInProgress = "in_progress"
)

// TranscriptionsQuery selects and sorts transcriptions. The zero value is all of them in the
// API's own order. There is no filter by time.
type TranscriptionsQuery struct {
	RoomName string // "" is every room
	// SortBy is FIELD:asc or FIELD:desc of roomName, startDate or durationInSeconds.
	SortBy string
	// PageSize is at most 100, which is also what 0 stands for.
	PageSize int
	// Cursor is as in [RoomsQuery].
	Cursor string
}

// Transcriptions lists transcriptions page by page, with a request for each page. While they
// start or are deleted, the listing may show one twice, or not at all.
func (c *Client) Transcriptions(ctx context.Context, q TranscriptionsQuery) iter.Seq2[Page[Transcription], error] {
	query := url.Values{}
	set(query, "roomName", q.RoomName)
	set(query, "sortBy", q.SortBy)
	set(query, "cursor", q.Cursor)
	return list[wireTranscription](ctx, c, EndpointTranscriptions, query, q.PageSize)
}

type wireTranscription struct {
	TranscriptionID looseText      `json:"transcriptionId"`
	RoomName        string         `json:"roomName"`
	StartDate       timestamp      `json:"startDate"`
	CreatedAt       timestamp      `json:"createdAt"`
	EndDate         looseTimestamp `json:"endDate"`
	State           looseText      `json:"state"`
	Duration        billable       `json:"durationInSeconds"`
}

// empty reports false: each transcription has a start.
func (w wireTranscription) empty() bool { return false }

func (w wireTranscription) row() (Transcription, error) {
	started := w.StartDate.orElse(w.CreatedAt)
	switch {
	case w.TranscriptionID == "":
		return Transcription{}, &fieldError{"transcriptionId is missing"}
	case len(w.TranscriptionID) > maxText:
		return Transcription{}, &fieldError{"transcriptionId is longer than 1024 bytes"}
	case w.RoomName == "":
		return Transcription{}, &fieldError{"roomName is missing"}
	case len(w.RoomName) > maxRoomName:
		return Transcription{}, &fieldError{"roomName is longer than 1024 bytes"}
	case started.IsZero():
		return Transcription{}, &fieldError{"startDate is missing, and createdAt too"}
	}
	if err := checkStart("startDate", started); err != nil {
		return Transcription{}, err
	}
	state := string(w.State)
	if len(state) > maxText {
		state = ""
	}
	return Transcription{
		ID: string(w.TranscriptionID), RoomName: slashed(w.RoomName), StartedAt: started, EndedAt: time.Time(w.EndDate),
		State: state, Billable: time.Duration(w.Duration),
	}, nil
}

// maxBillable bounds the time of one transcription: a year of several people at once.
const maxBillable = 10 * 365 * 24 * time.Hour

// billable is a number of seconds, which may have a fraction; null is 0.
type billable time.Duration

func (b *billable) UnmarshalJSON(data []byte) error {
	*b = 0
	if string(data) == "null" {
		return nil
	}
	if data[0] != '-' && (data[0] < '0' || data[0] > '9') {
		return &fieldError{"durationInSeconds is not a number"}
	}
	seconds, err := strconv.ParseFloat(string(data), 64)
	if err != nil || seconds < 0 || seconds > maxBillable.Seconds() {
		return &fieldError{"durationInSeconds is negative or too large"}
	}
	*b = billable(time.Duration(seconds * float64(time.Second)).Round(time.Millisecond))
	return nil
}

// looseBillable is such a number, or 0.
type looseBillable time.Duration

func (b *looseBillable) UnmarshalJSON(data []byte) error {
	var strict billable
	if strict.UnmarshalJSON(data) != nil {
		strict = 0
	}
	*b = looseBillable(strict)
	return nil
}
