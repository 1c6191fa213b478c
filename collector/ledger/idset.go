package ledger

import (
	"math/bits"
	"slices"
)

// IDSet is a set of row IDs with one bit each, so that a million rooms take 125 kB.
type IDSet struct {
	words []uint64
	size  int
}

// Add adds id and reports whether it was new.
func (s *IDSet) Add(id uint32) bool {
	word, bit := int(id/64), uint64(1)<<(id%64)
	if word >= len(s.words) {
		s.words = append(s.words, make([]uint64, word+1-len(s.words))...)
	}
	if s.words[word]&bit != 0 {
		return false
	}
	s.words[word] |= bit
	s.size++
	return true
}

// Has reports whether id is in the set.
func (s *IDSet) Has(id uint32) bool {
	word := int(id / 64)
	return word < len(s.words) && s.words[word]&(1<<(id%64)) != 0
}

// clone returns a set that does not change with this one.
func (s *IDSet) clone() IDSet { return IDSet{words: slices.Clone(s.words), size: s.size} }

// union returns the IDs that are in one of two sets.
func (s *IDSet) union(o *IDSet) IDSet {
	u := IDSet{words: make([]uint64, max(len(s.words), len(o.words)))}
	for i := range u.words {
		u.set(i, s.word(i)|o.word(i))
	}
	return u
}

// without returns the IDs that another set does not have.
func (s *IDSet) without(o *IDSet) IDSet {
	rest := IDSet{words: make([]uint64, len(s.words))}
	for i := range rest.words {
		rest.set(i, s.word(i)&^o.word(i))
	}
	return rest
}

// end returns the lowest ID from which on the set has none.
func (s *IDSet) end() uint32 {
	for i := len(s.words) - 1; i >= 0; i-- {
		if s.words[i] != 0 {
			return uint32(i*64 + bits.Len64(s.words[i]))
		}
	}
	return 0
}

// word returns 64 bits of the set.
func (s *IDSet) word(i int) uint64 {
	if i < len(s.words) {
		return s.words[i]
	}
	return 0
}

// set sets 64 bits that were 0.
func (s *IDSet) set(i int, word uint64) {
	s.words[i] = word
	s.size += bits.OnesCount64(word)
}

// Len returns the number of IDs in the set.
func (s *IDSet) Len() int { return s.size }

// AppendBinary appends the set's bits to b: eight IDs per byte, lowest first.
func (s *IDSet) AppendBinary(b []byte) ([]byte, error) {
	for _, word := range s.words {
		for shift := 0; shift < 64; shift += 8 {
			b = append(b, byte(word>>shift))
		}
	}
	return b, nil
}

// UnmarshalBinary decodes the output of AppendBinary. Any bytes are a valid set.
func (s *IDSet) UnmarshalBinary(b []byte) error {
	*s = IDSet{words: make([]uint64, (len(b)+7)/8)}
	for i, c := range b {
		s.words[i/8] |= uint64(c) << (i % 8 * 8)
		s.size += bits.OnesCount8(c)
	}
	return nil
}
