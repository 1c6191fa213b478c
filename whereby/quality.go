package whereby

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"time"
)

// Connection is an element of GET /insights/participant: the network figures of
// one stretch of a participant's time in a session. The display name is left out
// on purpose.
// https://docs.whereby.com/reference/whereby-rest-api-reference/insights
type Connection struct {
	Role      string
	UserAgent string
	// JoinedAt is the element's timeStamp.
	JoinedAt time.Time
	// SampleRate is the time from one sample to the next, typically 2 s; 0 where
	// the API gives none.
	SampleRate time.Duration
	// The samples may differ in length, and are NaN where Whereby has a gap.
	// Packet loss is in percent.
	PacketLossSend, PacketLossRecv []float64
	// Bitrates are in bits per second.
	BitrateSend, BitrateRecv []float64
}

// Participant reads the network figures of one participant of a session. It costs
// one point.
func (c *Client) Participant(ctx context.Context, roomSessionID, participantID string) ([]Connection, error) {
	query := url.Values{"roomSessionId": {roomSessionID}, "participantId": {participantID}}
	var connections []Connection
	err := c.get(ctx, EndpointParticipant, query, func(body []byte) (err error) {
		connections, err = decodeParticipant(body)
		return err
	})
	if err != nil {
		return nil, &Error{Endpoint: EndpointParticipant, Err: err}
	}
	return connections, nil
}

type wireConnection struct {
	UserRole     string    `json:"userRole"`
	UserAgent    string    `json:"userAgent"`
	TimeStamp    timestamp `json:"timeStamp"`
	SampleRateMs *float64  `json:"sampleRateMs"`
	Samples      struct {
		PacketLossSend samples `json:"packetLossSend"`
		PacketLossRecv samples `json:"packetLossRecv"`
		BitrateSend    samples `json:"bitrateSend"`
		BitrateRecv    samples `json:"bitrateRecv"`
	} `json:"samples"`
}

func decodeParticipant(body []byte) ([]Connection, error) {
	var wire *[]wireConnection
	if err := decodeJSON(body, &wire); err != nil {
		return nil, err
	}
	if wire == nil {
		return nil, &fieldError{"the answer is null where an array was expected"}
	}
	connections := make([]Connection, 0, len(*wire))
	for i, w := range *wire {
		var rate time.Duration
		if ms := w.SampleRateMs; ms != nil {
			if !(*ms >= 0 && *ms <= float64(time.Hour/time.Millisecond)) {
				return nil, fmt.Errorf("[%d]: sampleRateMs is negative or over an hour", i)
			}
			rate = time.Duration(*ms * float64(time.Millisecond))
		}
		connections = append(connections, Connection{
			Role:           w.UserRole,
			UserAgent:      w.UserAgent,
			JoinedAt:       w.TimeStamp.Time,
			SampleRate:     rate,
			PacketLossSend: w.Samples.PacketLossSend,
			PacketLossRecv: w.Samples.PacketLossRecv,
			BitrateSend:    w.Samples.BitrateSend,
			BitrateRecv:    w.Samples.BitrateRecv,
		})
	}
	return connections, nil
}

// samples reads an array of figures whose elements may be null. A value that is
// not a plausible figure becomes a gap too: one bad sample of a call is no
// reason to lose the others.
type samples []float64

func (s *samples) UnmarshalJSON(data []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return &fieldError{"samples are not an array"}
	}
	*s = make(samples, len(raw))
	for i, element := range raw {
		var f *float64
		if json.Unmarshal(element, &f) != nil || f == nil || *f < 0 {
			(*s)[i] = math.NaN()
			continue
		}
		(*s)[i] = *f
	}
	return nil
}
