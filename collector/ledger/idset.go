package ledger

import "math/bits"

// IDSet is a set of row IDs: a bit each, so that a million rooms cost 125 kB.
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

// Len is the number of IDs in the set.
func (s *IDSet) Len() int { return s.size }

// AppendBinary appends the set's bits to b, eight IDs a byte, the lowest first.
func (s *IDSet) AppendBinary(b []byte) ([]byte, error) {
	for _, word := range s.words {
		for shift := 0; shift < 64; shift += 8 {
			b = append(b, byte(word>>shift))
		}
	}
	return b, nil
}

// UnmarshalBinary reads what AppendBinary wrote; any bytes are a set.
func (s *IDSet) UnmarshalBinary(b []byte) error {
	*s = IDSet{words: make([]uint64, (len(b)+7)/8)}
	for i, c := range b {
		s.words[i/8] |= uint64(c) << (i % 8 * 8)
		s.size += bits.OnesCount8(c)
	}
	return nil
}
