package wherebytest

import (
	"math"
	"strconv"
	"time"

	"whereby_exporter/whereby"
)

// sampleRate is how far apart samples are, in milliseconds.
const sampleRate = 2000

// Trace is what GET /insights/participant returns for one connection.
type Trace struct {
	SampleRate time.Duration
	// Loss is in percent, bitrates are in bits per second. NaN is a gap, and nil is an omitted
	// array.
	PacketLossSend, PacketLossRecv []float64
	BitrateSend, BitrateRecv       []float64
}

// trace makes that of a connection by horizon h. It is made again each time: while
// somebody is there it grows, and what was said stays.
func (a *Account) trace(l located, c *connection, h int64) Trace {
	until := c.left
	if until == 0 {
		until = h
	}
	// The horizon may be before the connection began: endpoints lag differently.
	n := int(max(0, until-c.joined) / sampleRate)
	line := lineOf(c.ID, a.network(l, &c.Participant), whereby.IsMachine(c.Role))
	missing := -1
	if a.cfg.MissingSeries && line.seed%8 == 0 {
		missing = int(line.seed / 8 % 4)
	}
	series := func(which int, scale float64, value func(i int) int64) []float64 {
		if which == missing {
			return nil
		}
		s := make([]float64, n)
		for i := range s {
			if s[i] = float64(value(i)) / scale; a.cfg.Nulls == ExplicitNulls && i%256 == 255 {
				s[i] = math.NaN()
			}
		}
		return s
	}
	return Trace{
		SampleRate:     sampleRate * time.Millisecond,
		PacketLossSend: series(0, 10, func(i int) int64 { return line.loss(i, 1, !line.machine) }),
		PacketLossRecv: series(1, 10, func(i int) int64 { return line.loss(i, 2, true) }),
		BitrateSend:    series(2, 1, func(i int) int64 { return line.bitrate(i, 1, !line.machine) }),
		BitrateRecv:    series(3, 1, func(i int) int64 { return line.bitrate(i, 2, true) }),
	}
}

// participantBody answers for one participant: an array with an object for each
// of their connections, empty if there is none.
func (a *Account) participantBody(q *query, now int64) []byte {
	e := encoder{b: []byte("["), nulls: a.cfg.Nulls}
	q.rows = 0
	if l, ok := a.session(q.values.Get("roomSessionId"), now); ok {
		h := a.met(l, now)
		for _, c := range a.connections(l, h) {
			if c.ID != q.values.Get("participantId") {
				continue
			}
			if len(e.b) > 1 {
				e.b = append(e.b, ',')
			}
			q.rows++
			e.quality(&c, a.trace(l, &c, h))
		}
	}
	return append(e.b, ']')
}

func (e *encoder) quality(c *connection, t Trace) {
	e.open()
	e.string("displayName", c.DisplayName)
	e.string("userRole", c.Role)
	e.string("userAgent", c.UserAgent)
	e.time("timeStamp", c.joined)
	e.int("sampleRateMs", t.SampleRate.Milliseconds())
	e.name("samples")
	e.open()
	e.series("packetLossSend", t.PacketLossSend)
	e.series("packetLossRecv", t.PacketLossRecv)
	e.series("bitrateSend", t.BitrateSend)
	e.series("bitrateRecv", t.BitrateRecv)
	e.close()
	e.name("events")
	e.b = append(e.b, "[]"...)
	e.close()
}

// series writes an array; one that is nil is left out.
func (e *encoder) series(name string, values []float64) {
	if values == nil {
		return
	}
	e.name(name)
	e.b = append(e.b, '[')
	for i, v := range values {
		if i > 0 {
			e.b = append(e.b, ',')
		}
		if math.IsNaN(v) {
			e.b = append(e.b, "null"...)
			continue
		}
		e.b = strconv.AppendFloat(e.b, v, 'f', -1, 64)
	}
	e.b = append(e.b, ']')
}

// ParticipantTruth is what Insights shows for somebody who took part in a session.
type ParticipantTruth struct {
	RoomName, SessionID, ID string
	// SessionEnded is when the session ended.
	SessionEnded time.Time
	UserAgent    string
	Network      Network
	// Traces has one for each of their connections: somebody who came back has several.
	Traces []Trace
}

// Quality returns everybody who took part in sessions that Insights shows as ended and that
// began at or after a time, not counting machines.
func (a *Account) Quality(since time.Time) []ParticipantTruth {
	now := a.lock()
	defer a.mu.Unlock()
	var all []ParticipantTruth
	for _, r := range a.rooms {
		if !r.shown || r.past == nil {
			continue
		}
		for _, s := range a.begun(r, a.horizonOf(EndpointParticipants, r, now)) {
			l := located{r, s}
			h := a.met(l, now)
			if s.start < since.UnixMilli() || s.end == 0 || s.end > h {
				continue
			}
			all = append(all, a.took(l, h)...)
		}
	}
	return all
}

// took returns those who took part in one session.
func (a *Account) took(l located, h int64) []ParticipantTruth {
	var people []ParticipantTruth
	at := map[string]int{}
	for _, c := range a.connections(l, h) {
		if !whereby.IsPerson(c.Role) {
			continue
		}
		i, known := at[c.ID]
		if !known {
			i = len(people)
			at[c.ID] = i
			people = append(people, ParticipantTruth{
				RoomName: l.room.name, SessionID: c.sessionID, ID: c.ID, SessionEnded: moment(l.session.end),
				UserAgent: c.UserAgent, Network: a.network(l, &c.Participant),
			})
		}
		people[i].Traces = append(people[i].Traces, a.trace(l, &c, h))
	}
	return people
}
