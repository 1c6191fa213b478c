package exposition

import (
	"maps"
	"sync"
)

// recentVariants keeps the pieces of blocks in the variants that scrapes have asked for
// lately.
type recentVariants struct {
	encoders encoders

	mu       sync.Mutex
	variants map[variant]*cachedVariant
	scrapes  uint64
}

// cachedVariant is the pieces of one variant.
type cachedVariant struct {
	pieces lazyPieces // replaced as a whole, as scrapes read it without the lock
	// idle counts how many sets were published since the variant was last asked for.
	idle int
	// scrape is the number of the scrape that last asked for it.
	scrape uint64
}

// maxIdle is how many sets in a row nobody may ask for in a variant before it is dropped.
// Sets may well be published more often than they are scraped.
const maxIdle = 10

// maxVariants bounds the memory that variants take. Servers ask for one or two, and a
// person who looks at the page for another.
const maxVariants = 4

// scrape returns the pieces of sets in a variant. Those of other blocks are dropped.
func (r *recentVariants) scrape(v variant, sets ...*set) ([]piece, error) {
	return r.only(v, sets).assemble(&r.encoders, v, sets...)
}

// only keeps the pieces of sets, and returns them.
func (r *recentVariants) only(v variant, sets []*set) lazyPieces {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.variants[v]
	if c == nil {
		c = r.admit(v)
	}
	r.scrapes++
	c.idle, c.scrape = 0, r.scrapes
	pieces := make(lazyPieces, len(c.pieces))
	for _, s := range sets {
		pieces.add(s, c.pieces)
	}
	c.pieces = pieces
	return pieces
}

// admit makes room for another variant.
func (r *recentVariants) admit(v variant) *cachedVariant {
	if r.variants == nil {
		r.variants = map[variant]*cachedVariant{}
	}
	if len(r.variants) >= maxVariants {
		oldest, least := variant{}, r.scrapes+1
		for v, c := range r.variants {
			if c.scrape < least {
				oldest, least = v, c.scrape
			}
		}
		delete(r.variants, oldest)
	}
	c := &cachedVariant{}
	r.variants[v] = c
	return c
}

// prepare makes the pieces of a set that is about to be published, so that no scrape waits
// for them.
func (r *recentVariants) prepare(s *set) {
	for v, pieces := range r.upcoming(s) {
		_, _ = pieces.assemble(&r.encoders, v, s) // the scrape that gets the error reports it
	}
}

// upcoming returns the pieces of a set in each of the variants, and drops the variants that
// nobody asks for any more.
func (r *recentVariants) upcoming(s *set) map[variant]lazyPieces {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[variant]lazyPieces{}
	for v, c := range r.variants {
		if c.idle >= maxIdle {
			delete(r.variants, v)
			continue
		}
		c.idle++
		c.pieces = maps.Clone(c.pieces)
		c.pieces.add(s, c.pieces)
		all[v] = c.pieces
	}
	return all
}
