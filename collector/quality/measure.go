package quality

import (
	"math"
	"time"

	"whereby_exporter/whereby"
)

const (
	// PoorLoss is the packet loss, in percent, at which Whereby calls a connection poor
	// if the loss is sustained.
	PoorLoss = 3
	// DefaultPoorAfter is how long loss must stay there for a participant to be poor.
	// According to Whereby, spikes of 2 to 4 s are normal.
	DefaultPoorAfter = 10 * time.Second
	// defaultRate is the usual time between samples. It applies if a response does not
	// state one.
	defaultRate = 2 * time.Second
	// maxBitrate, in bits per second, is beyond anything that a browser sends.
	maxBitrate = 1e10
)

// Direction is seen from the participant.
type Direction int

// The directions.
const (
	Send Direction = iota
	Recv
	directions // the number of directions
)

// Directions returns the values of the label direction, by [Direction].
func Directions() []string { return []string{"send", "recv"} }

// Samples are sums over samples of one direction.
type Samples struct {
	// Good and Poor are the numbers of samples with less loss than [PoorLoss], and with
	// as much or more.
	Good, Poor int64
	// Loss is the sum of their loss, in percent.
	Loss float64
	// Bits is the sum of Bitrates samples of the bitrate, in bits per second.
	Bits     float64
	Bitrates int64
}

// Add returns the sum of both.
func (s Samples) Add(o Samples) Samples {
	return Samples{s.Good + o.Good, s.Poor + o.Poor, s.Loss + o.Loss, s.Bits + o.Bits, s.Bitrates + o.Bitrates}
}

// LossRatio returns the mean loss from 0 to 1; ok is false if there is no sample.
func (s Samples) LossRatio() (mean float64, ok bool) {
	n := s.Good + s.Poor
	return s.Loss / 100 / float64(max(1, n)), n > 0
}

// PoorRatio returns the share of poor samples; ok is false if there is no sample.
func (s Samples) PoorRatio() (ratio float64, ok bool) {
	n := s.Good + s.Poor
	return float64(s.Poor) / float64(max(1, n)), n > 0
}

// Bitrate returns the mean in bits per second; ok is false if there is no sample.
func (s Samples) Bitrate() (mean float64, ok bool) {
	return s.Bits / float64(max(1, s.Bitrates)), s.Bitrates > 0
}

// Measurement summarizes a participant's connections.
type Measurement struct {
	Samples [directions]Samples
	// Sustained is the longest time for which loss stayed at [PoorLoss] or above, in
	// either direction of any connection. A gap neither ends nor lengthens it.
	Sustained time.Duration
	Device    Device
}

// Measure summarizes the connections of one participant. A sample with an impossible value
// is ignored.
func Measure(connections []whereby.Connection) Measurement {
	m := Measurement{Device: Device{Browser: other, OS: other}}
	known := false
	for _, c := range connections {
		rate := c.SampleRate
		if rate <= 0 {
			rate = defaultRate
		}
		m.loss(Send, c.PacketLossSend, rate)
		m.loss(Recv, c.PacketLossRecv, rate)
		m.bitrate(Send, c.BitrateSend)
		m.bitrate(Recv, c.BitrateRecv)
		if !known && c.UserAgent != "" {
			m.Device, known = DeviceOf(c.UserAgent), true
		}
	}
	return m
}

func (m *Measurement) loss(d Direction, samples []float64, rate time.Duration) {
	s := &m.Samples[d]
	run := time.Duration(0)
	for _, loss := range samples {
		switch {
		case math.IsNaN(loss) || loss < 0 || loss > 100:
		case loss >= PoorLoss:
			s.Poor++
			s.Loss += loss
			run += rate
			m.Sustained = max(m.Sustained, run)
		default:
			s.Good++
			s.Loss += loss
			run = 0
		}
	}
}

func (m *Measurement) bitrate(d Direction, samples []float64) {
	s := &m.Samples[d]
	for _, bits := range samples {
		if bits >= 0 && bits <= maxBitrate {
			s.Bits += bits
			s.Bitrates++
		}
	}
}
