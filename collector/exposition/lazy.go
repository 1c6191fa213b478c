package exposition

import (
	"errors"
	"sync"
)

// lazyPiece is the piece of one block in one variant. It is made at its first use.
type lazyPiece struct {
	once  sync.Once
	piece piece
	err   error
}

var errPanicked = errors.New("encoding has panicked")

// get returns the piece. If several goroutines need it at once, one of them makes it.
func (l *lazyPiece) get(e *encoders, b *block, v variant) (piece, error) {
	l.once.Do(func() {
		l.err = errPanicked
		l.piece, l.err = e.block(b, v)
	})
	return l.piece, l.err
}

// lazyPieces are the pieces of one variant, by block.
type lazyPieces map[*block]*lazyPiece

// add takes the pieces of a set from others, or adds new ones.
func (l lazyPieces) add(s *set, from lazyPieces) {
	for _, f := range s.families {
		for _, b := range f.blocks {
			p := from[b]
			if p == nil {
				p = &lazyPiece{}
			}
			l[b] = p
		}
	}
}

// assemble returns the pieces of sets in order, with the frames of families.
func (l lazyPieces) assemble(e *encoders, v variant, sets ...*set) ([]piece, error) {
	pieces := make([]piece, 0, len(l)+len(l)/4)
	for _, s := range sets {
		for _, f := range s.families {
			begins := len(pieces)
			pieces = append(pieces, piece{}) // for the frame
			for _, b := range f.blocks {
				p, err := l[b].get(e, b, v)
				if err != nil {
					return nil, err
				}
				pieces = append(pieces, p)
			}
			pieces[begins] = frame(v, pieces[begins+1:])
		}
	}
	return pieces, nil
}
