package live

import "time"

// peakWindow is how far back the highest count is looked for.
const peakWindow = 5 * time.Minute

// peak knows the highest value of the window, exactly. It holds only values that
// can still be the highest: each was higher than all that came after it. They fall
// from one to the next, so there are never more of them than the highest value, and
// one.
type peak struct {
	values []lasting // the last one is the present value
}

// lasting is a value and until when it was the present one.
type lasting struct {
	value, until int64
}

// set takes a new present value.
func (p *peak) set(value, now int64) {
	if len(p.values) == 0 {
		p.values = append(p.values, lasting{value: 0}) // what it was before
	}
	p.values[len(p.values)-1].until = now
	p.expire(now)
	n := len(p.values)
	for n > 0 && p.values[n-1].value <= value {
		n--
	}
	p.values = append(p.values[:n], lasting{value: value})
}

// highest returns the highest value since the window's begin.
func (p *peak) highest(now int64) int64 {
	p.expire(now)
	if len(p.values) == 0 {
		return 0
	}
	return p.values[0].value
}

// expire drops values that ended before the window; never the present one.
func (p *peak) expire(now int64) {
	n := 0
	for n < len(p.values)-1 && p.values[n].until < now-peakWindow.Microseconds() {
		n++
	}
	p.values = p.values[n:]
}

// present returns the value that was set last.
func (p *peak) present() int64 {
	if len(p.values) == 0 {
		return 0
	}
	return p.values[len(p.values)-1].value
}
