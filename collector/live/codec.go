package live

import (
	"encoding/binary"
	"errors"
)

// ErrDamaged means that a state was not written by AppendBinary.
var ErrDamaged = errors.New("the live state is damaged")

// codec writes or reads a state. The same description of the state serves for both, so that
// the two cannot differ.
type codec struct {
	reading bool
	version byte
	now     int64  // no later time is read
	ahead   bool   // a time was later than now by more than skew
	bytes   []byte // written, or left to read
	damaged bool
}

// damage marks the state as damaged. Everything that is read from here on is 0.
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

// wholes writes or reads several whole numbers.
func (c *codec) wholes(vs ...*int64) {
	for _, v := range vs {
		c.whole(v)
	}
}

// times writes or reads times of this machine's clock. A time after now is from a clock that
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

// eventTimes writes or reads times of Whereby's clock or this machine's. Whereby's may be
// slightly ahead.
func (c *codec) eventTimes(vs ...*int64) {
	for _, v := range vs {
		c.whole(v)
		if c.reading && *v > c.now+skew.Microseconds() {
			*v = c.now // a later time would win over the next events
		}
	}
}

// figures writes or reads figures that cannot be below 0.
func (c *codec) figures(vs []int64) {
	for i := range vs {
		c.whole(&vs[i])
		if vs[i] < 0 {
			c.damage()
		}
	}
}

// size writes or reads the number of items that follow. Each takes at least a byte, so a
// damaged number allocates no memory.
func (c *codec) size(n int) int {
	v := int64(n)
	c.whole(&v)
	if c.reading && (v < 0 || v > int64(len(c.bytes))) {
		c.damage()
		return 0
	}
	return int(v)
}

// text writes or reads a string.
func (c *codec) text(s *string) {
	n := c.size(len(*s))
	if !c.reading {
		c.bytes = append(c.bytes, *s...)
		return
	}
	*s, c.bytes = string(c.bytes[:n]), c.bytes[n:]
}

// hash writes or reads a hash.
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
