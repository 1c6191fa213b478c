package exposition

// chunks collects what is written to it in pieces, so that many megabytes are
// neither copied while they grow nor kept with as much spare room.
type chunks struct {
	pieces [][]byte
	size   int
}

// Pieces grow with the whole, between these bounds.
const (
	smallestPiece = 4 << 10
	largestPiece  = 512 << 10
)

// Write implements [io.Writer]. It never fails.
func (c *chunks) Write(b []byte) (int, error) {
	written := len(b)
	for len(b) > 0 {
		last := len(c.pieces) - 1
		if last < 0 || len(c.pieces[last]) == cap(c.pieces[last]) {
			room := min(max(c.size, smallestPiece), largestPiece)
			c.pieces = append(c.pieces, make([]byte, 0, room))
			last++
		}
		piece := c.pieces[last]
		n := min(len(b), cap(piece)-len(piece))
		c.pieces[last] = append(piece, b[:n]...)
		c.size += n
		b = b[n:]
	}
	return written, nil
}
