package whereby

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"net/url"
	"strconv"
	"time"
)

// Connection is an element of GET /insights/participant: the network figures of one part of a
// participant's time in a session. The display name is deliberately left out. See
// https://docs.whereby.com/reference/whereby-rest-api-reference/insights.
type Connection struct {
	Role      string
	UserAgent string
	// JoinedAt is the element's timeStamp.
	JoinedAt time.Time
	// SampleRate is the time between samples, typically 2 s, or 0 if the API does not say.
	SampleRate time.Duration
	// The samples may differ in length, and are NaN where Whereby has a gap. Packet loss is in
	// percent.
	PacketLossSend, PacketLossRecv []float64
	// Bitrates are in bits per second.
	BitrateSend, BitrateRecv []float64
}

// Participant reads the network figures of one participant of a session, except the parts that
// cannot be read.
func (c *Client) Participant(ctx context.Context, roomSessionID, participantID string) ([]Connection, error) {
	query := url.Values{"roomSessionId": {roomSessionID}, "participantId": {participantID}}
	var connections []Connection
	var unusable int
	err := c.get(ctx, EndpointParticipant, query, func(body []byte) (err error) {
		connections, unusable, err = decodeParticipant(body)
		return err
	})
	if err != nil {
		return nil, &Error{Endpoint: EndpointParticipant, Err: err}
	}
	c.tellUnusable(EndpointParticipant, unusable)
	return connections, nil
}

type wireConnection struct {
	UserRole     freeText   `json:"userRole"`
	UserAgent    freeText   `json:"userAgent"`
	TimeStamp    timestamp  `json:"timeStamp"`
	SampleRateMs sampleRate `json:"sampleRateMs"`
	Samples      allSamples `json:"samples"`
}

type allSamples struct {
	PacketLossSend samples `json:"packetLossSend"`
	PacketLossRecv samples `json:"packetLossRecv"`
	BitrateSend    samples `json:"bitrateSend"`
	BitrateRecv    samples `json:"bitrateRecv"`
}

// UnmarshalJSON takes anything but an object for no samples.
func (a *allSamples) UnmarshalJSON(data []byte) error {
	type plain allSamples
	*a = allSamples{}
	if data[0] != '{' {
		return nil
	}
	return json.Unmarshal(data, (*plain)(a))
}

// sampleRate is a time from 0 to an hour; anything else is unknown, and 0.
type sampleRate time.Duration

func (r *sampleRate) UnmarshalJSON(data []byte) error {
	*r = 0
	if ms, err := strconv.ParseFloat(string(data), 64); err == nil && ms >= 0 && ms <= float64(time.Hour/time.Millisecond) {
		*r = sampleRate(ms * float64(time.Millisecond))
	}
	return nil
}

// decodeParticipant reads an array of connections, and how many of them could not be read.
func decodeParticipant(body []byte) (connections []Connection, unusable int, err error) {
	var wire *[]looseConnection
	if err := decodeJSON(body, &wire); err != nil {
		return nil, 0, err
	}
	if wire == nil {
		return nil, 0, &fieldError{"the answer is null where an array was expected"}
	}
	connections = make([]Connection, 0, len(*wire))
	var first error
	for _, w := range *wire {
		if w.err != nil {
			unusable++
			first = cmp.Or(first, w.err)
			continue
		}
		connections = append(connections, Connection{
			Role:           string(w.UserRole),
			UserAgent:      string(w.UserAgent),
			JoinedAt:       w.TimeStamp.Time,
			SampleRate:     time.Duration(w.SampleRateMs),
			PacketLossSend: w.Samples.PacketLossSend,
			PacketLossRecv: w.Samples.PacketLossRecv,
			BitrateSend:    w.Samples.BitrateSend,
			BitrateRecv:    w.Samples.BitrateRecv,
		})
	}
	if unusable > 0 && len(connections) == 0 {
		return nil, 0, &MalformedError{rows: true, Err: first}
	}
	return connections, unusable, nil
}

// looseConnection is a connection, or why it could not be read.
type looseConnection struct {
	wireConnection
	err error
}

func (c *looseConnection) UnmarshalJSON(data []byte) error {
	*c = looseConnection{}
	c.err = decodeJSON(data, &c.wireConnection)
	return nil
}

// samples reads an array of figures. What is no figure (null, negative, a string) is a
// gap, and what is no array has no samples: one bad sample of a call is no reason to
// lose the others, nor is one bad array.
type samples []float64

func (s *samples) UnmarshalJSON(data []byte) error {
	*s = nil
	var raw []json.RawMessage
	if data[0] != '[' || json.Unmarshal(data, &raw) != nil {
		return nil
	}
	*s = make(samples, len(raw))
	for i, element := range raw {
		f, err := strconv.ParseFloat(string(element), 64)
		if err != nil || f < 0 || element[0] > '9' {
			// ParseFloat takes words such as Inf too; JSON has none.
			f = math.NaN()
		}
		(*s)[i] = f
	}
	return nil
}
