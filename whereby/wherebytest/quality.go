package wherebytest

import "strconv"

// sampleRate is how far apart samples are, in milliseconds.
const sampleRate = 2000

// participantBody answers for one participant: an array with an object for each
// of their connections, empty if there is none.
func (a *Account) participantBody(q *query, h int64) []byte {
	e := encoder{b: []byte("["), nulls: a.cfg.Nulls}
	if l, ok := a.session(q.values.Get("roomSessionId"), h); ok {
		for _, c := range a.connections(l, h) {
			if c.ID != q.values.Get("participantId") {
				continue
			}
			if len(e.b) > 1 {
				e.b = append(e.b, ',')
			}
			e.quality(&c, h)
		}
	}
	return append(e.b, ']')
}

func (e *encoder) quality(c *connection, h int64) {
	until := c.left
	if until == 0 {
		until = h
	}
	n := int((until - c.joined) / sampleRate)
	e.open()
	e.string("displayName", c.DisplayName)
	e.string("userRole", c.Role)
	e.string("userAgent", c.UserAgent)
	e.time("timeStamp", c.joined)
	e.int("sampleRateMs", sampleRate)
	e.name("samples")
	line := lineOf(hash(c.ID))
	sends := c.Role != RoleRecorder && c.Role != RoleStreamer
	e.open()
	e.series("packetLossSend", n, func(i int) int64 { return line.loss(i, 1, sends) }, 10)
	e.series("packetLossRecv", n, func(i int) int64 { return line.loss(i, 2, true) }, 10)
	e.series("bitrateSend", n, func(i int) int64 { return line.bitrate(i, 3, sends) }, 1)
	e.series("bitrateRecv", n, func(i int) int64 { return line.bitrate(i, 4, true) }, 1)
	e.close()
	e.name("events")
	e.b = append(e.b, "[]"...)
	e.close()
}

// series writes an array of n values, given times scale. Where absent values are
// written, one in 256 is missing.
func (e *encoder) series(name string, n int, value func(i int) int64, scale int64) {
	e.name(name)
	e.b = append(e.b, '[')
	for i := range n {
		if i > 0 {
			e.b = append(e.b, ',')
		}
		v := value(i)
		switch {
		case e.nulls == ExplicitNulls && i%256 == 255:
			e.b = append(e.b, "null"...)
		case v%scale == 0:
			e.b = strconv.AppendInt(e.b, v/scale, 10)
		default:
			e.b = strconv.AppendFloat(e.b, float64(v)/float64(scale), 'f', -1, 64)
		}
	}
	e.b = append(e.b, ']')
}

// line is a participant's connection to the network.
type line struct {
	seed uint64
	base int64 // packet loss in tenths of a percent
	rate int64 // bits per second
}

// lineOf makes most lines good, some middling and a few poor throughout.
func lineOf(seed uint64) line {
	l := line{seed: seed, base: 2, rate: 1_400_000 + int64(seed>>32%800_000)}
	switch class := seed % 100; {
	case class < 6:
		l.base, l.rate = 60, 250_000+int64(seed>>32%200_000)
	case class < 18:
		l.base, l.rate = 12, 700_000+int64(seed>>32%300_000)
	}
	return l
}

// loss gives a sample of packet loss in tenths of a percent: noise around the
// base, and now and then a spike of two samples, as good lines have them too.
func (l line) loss(i int, stream uint64, active bool) int64 {
	if !active {
		return 0
	}
	noise := int64(mix(l.seed^stream<<56^uint64(i))%uint64(l.base+1)) - l.base/2
	loss := l.base + noise
	if mix(l.seed^stream<<48^uint64(i/2))%200 == 0 {
		loss += 80
	}
	return max(0, loss)
}

func (l line) bitrate(i int, stream uint64, active bool) int64 {
	if !active {
		return 0
	}
	spread := uint64(l.rate / 4)
	return l.rate - int64(spread/2) + int64(mix(l.seed^stream<<56^uint64(i))%spread)
}
