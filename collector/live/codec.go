package live

import (
	"encoding/binary"
	"errors"
)

// ErrDamaged means that a state was not written by AppendBinary.
var ErrDamaged = errors.New("the live state is damaged")

// codec writes or reads a state. One description of the state serves both ways, so
// that the two can't differ.
type codec struct {
	reading bool
	version byte
	now     int64  // no later time is read
	ahead   bool   // whether one was later, by more than skew
	bytes   []byte // written, or still to be read
	damaged bool
}

// damage ends the reading: from here on everything is 0.
func (c *codec) damage() {
	c.damaged = true
	c.bytes = nil
}

// whole writes or reads a whole number.
func (c *codec) whole(v *int64) {
	if !c.reading {
		c.bytes = binary.AppendVarint(c.bytes, *v)
		return
	}
	n, size := binary.Varint(c.bytes)
	if size <= 0 {
		c.damage()
		*v = 0
		return
	}
	*v, c.bytes = n, c.bytes[size:]
}

// wholes does so with several.
func (c *codec) wholes(vs ...*int64) {
	for _, v := range vs {
		c.whole(v)
	}
}

// times does so with times that this clock told. One later than now is from a clock that
// was ahead, and becomes now.
func (c *codec) times(vs ...*int64) {
	for _, v := range vs {
		c.whole(v)
		if c.reading && *v > c.now {
			c.ahead = c.ahead || *v > c.now+skew.Microseconds()
			*v = c.now
		}
	}
}

// eventTimes does so with times that Whereby's clock told, or this one. That may be ahead of
// this one a little.
func (c *codec) eventTimes(vs ...*int64) {
	for _, v := range vs {
		c.whole(v)
		if c.reading && *v > c.now+skew.Microseconds() {
			*v = c.now // not later, or what happens next would come too late
		}
	}
}

// figures does so with figures that can't be below 0.
func (c *codec) figures(vs []int64) {
	for i := range vs {
		c.whole(&vs[i])
		if vs[i] < 0 {
			c.damage()
		}
	}
}

// size returns the number of things that follow, n where they are written. Each takes a
// byte at least, so that a damaged number claims no memory.
func (c *codec) size(n int) int {
	v := int64(n)
	c.whole(&v)
	if c.reading && (v < 0 || v > int64(len(c.bytes))) {
		c.damage()
		return 0
	}
	return int(v)
}

// text is a string.
func (c *codec) text(s *string) {
	n := c.size(len(*s))
	if !c.reading {
		c.bytes = append(c.bytes, *s...)
		return
	}
	*s, c.bytes = string(c.bytes[:n]), c.bytes[n:]
}

// hash is 16 bytes.
func (c *codec) hash(h *hash) {
	switch {
	case !c.reading:
		c.bytes = append(c.bytes, h[:]...)
	case len(c.bytes) < len(h):
		c.damage()
	default:
		c.bytes = c.bytes[copy(h[:], c.bytes):]
	}
}
