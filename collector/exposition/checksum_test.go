package exposition

import (
	"hash/crc32"
	"testing"
)

func FuzzChecksums(f *testing.F) {
	f.Add([]byte(nil), []byte(nil), []byte(nil))
	f.Add([]byte("a"), []byte(""), []byte("bc"))
	f.Add(make([]byte, 1000), make([]byte, 1), []byte("\x00\xff"))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		var sum checksum
		for _, part := range [][]byte{a, b, c} {
			sum = sum.then(sumOf(part))
		}
		whole := append(append(append([]byte(nil), a...), b...), c...)
		if want := crc32.ChecksumIEEE(whole); sum.crc != want || sum.size != uint32(len(whole)) {
			t.Errorf("CRC %08x of %d bytes, want %08x of %d", sum.crc, sum.size, want, len(whole))
		}
	})
}
