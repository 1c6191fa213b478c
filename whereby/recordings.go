package whereby

import (
	"context"
	"iter"
	"math"
	"net/url"
	"strings"
	"time"
)

// megabyte is the unit of sizeInMegaBytes: a million bytes, as the prefix says and as
// storage is sold. The documentation does not say otherwise.
const megabyte = 1_000_000

// maxMegabytes bounds a size: up to here a float64 holds each whole number of bytes.
const maxMegabytes = maxCount / megabyte

// NewestRecordingsFirst is the order for [RecordingsQuery] in which deleting old recordings
// hides none: it moves only those behind them. It is documented.
const NewestRecordingsFirst = "startDate:desc"

// Recording is a row of GET /recordings: a recording that Whereby stores.
// https://docs.whereby.com/reference/whereby-rest-api-reference/recordings
type Recording struct {
	ID string
	// RoomName begins with a slash. It is the row's roomName, which is not documented, or
	// else what the file's name begins with; "" if neither tells.
	RoomName string
	// StartedAt is zero if the row does not tell.
	StartedAt time.Time
	// Size is in bytes. It means nothing unless SizeKnown.
	Size      int64
	SizeKnown bool
}

// RecordingsQuery selects and sorts recordings.
type RecordingsQuery struct {
	RoomName string // with its slash; "" is all rooms
	SortBy   string
	PageSize int // at most 100, which is also what 0 stands for
}

// Recordings lists the stored recordings page by page, with a request for each page. While
// recordings are made or deleted, the listing may show one twice, or not at all.
func (c *Client) Recordings(ctx context.Context, q RecordingsQuery) iter.Seq2[Page[Recording], error] {
	query := url.Values{}
	set(query, "roomName", q.RoomName)
	set(query, "sortBy", q.SortBy)
	return list[wireRecording](ctx, c, EndpointRecordings, query, q.PageSize)
}

type wireRecording struct {
	RecordingID looseText      `json:"recordingId"`
	RoomName    looseText      `json:"roomName"`
	Filename    looseText      `json:"filename"`
	StartDate   looseTimestamp `json:"startDate"`
	Size        looseSize      `json:"sizeInMegaBytes"`
}

// row insists on the ID alone, by which a recording counts once.
func (w wireRecording) row() (Recording, error) {
	switch {
	case w.RecordingID == "":
		return Recording{}, &fieldError{"recordingId is missing"}
	case len(w.RecordingID) > maxText:
		return Recording{}, &fieldError{"recordingId is longer than 1024 bytes"}
	}
	r := Recording{ID: string(w.RecordingID), Size: w.Size.bytes, SizeKnown: w.Size.known}
	if name := string(w.RoomName); name != "" && len(name) <= maxRoomName {
		r.RoomName = slashed(name)
	} else {
		r.RoomName = roomNameOfFile(string(w.Filename))
	}
	if at := time.Time(w.StartDate); checkStart("startDate", at) == nil {
		r.StartedAt = at
	}
	return r, nil
}

func (w wireRecording) empty() bool { return false }

// maxRoomNamePrefix is the longest roomNamePrefix that Whereby takes.
const maxRoomNamePrefix = 39

// roomNameOfFile returns the room's name if a file's name begins with one as Whereby makes
// them: a prefix and a UUID. Any other text may name a person, so it gives "".
func roomNameOfFile(file string) string {
	file = strings.TrimPrefix(file, "/")
	for start := 0; start <= maxRoomNamePrefix && start+uuidLength <= len(file); start++ {
		end := start + uuidLength
		if isUUID(file[start:end]) && (end == len(file) || !isHex(file[end])) {
			return "/" + file[:end]
		}
		if c := file[start]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return ""
		}
	}
	return ""
}

// looseSize is a number of megabytes, which may be a fraction, or none.
type looseSize struct {
	bytes int64
	known bool
}

func (s *looseSize) UnmarshalJSON(data []byte) error {
	*s = looseSize{}
	if data[0] != '-' && (data[0] < '0' || data[0] > '9') {
		return nil
	}
	var n looseNumber
	if n.UnmarshalJSON(data) == nil && n.value >= 0 && n.value <= maxMegabytes {
		*s = looseSize{int64(math.Round(n.value * megabyte)), true}
	}
	return nil
}
