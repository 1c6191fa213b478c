package exposition

import (
	"bytes"
	"testing"
)

func TestChunksKeepWhatIsWritten(t *testing.T) {
	var want []byte
	var c chunks
	for n := range 3000 {
		b := bytes.Repeat([]byte{byte(n)}, n)
		want = append(want, b...)
		if written, err := c.Write(b); written != n || err != nil {
			t.Fatalf("wrote %d of %d: %v", written, n, err)
		}
	}
	if !bytes.Equal(bytes.Join(c.pieces, nil), want) || c.size != len(want) {
		t.Errorf("%d bytes differ from the %d written", c.size, len(want))
	}
	// Neither many pieces nor much room that is not used.
	room := 0
	for _, piece := range c.pieces {
		room += cap(piece)
	}
	if len(c.pieces) > 20 || room-c.size > largestPiece {
		t.Errorf("%d pieces with room for %d bytes hold %d", len(c.pieces), room, c.size)
	}
}
