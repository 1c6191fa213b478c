package exposition

import (
	"maps"
	"sync"
)

// recentVariants keeps the pieces of blocks in the variants that recent scrapes have
// requested.
type recentVariants struct {
	encoders encoders

	mu       sync.Mutex
	variants map[variant]*cachedVariant
	scrapes  uint64
}

// cachedVariant holds the pieces of one variant.
type cachedVariant struct {
	pieces lazyPieces // replaced as a whole, as scrapes read it without the lock
	// idle counts the sets that were published since the variant was last requested.
	idle int
	// scrape is the number of the scrape that last requested it.
	scrape uint64
}

// maxIdle is the number of sets after which a variant that is no longer requested is
// dropped. Sets may be published more often than they are scraped.
const maxIdle = 10

// maxVariants bounds the memory of variants. Servers request one or two, and a person who
// looks at the page another one.
const maxVariants = 4

// scrape returns the pieces of sets in a variant. It drops those of other blocks.
func (r *recentVariants) scrape(v variant, sets ...*set) ([]piece, error) {
	return r.only(v, sets).assemble(&r.encoders, v, sets...)
}

// only returns the pieces of sets in a variant, and keeps no others of it.
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

// upcoming returns the pieces of a set in each of the variants. It drops the variants that
// are no longer requested.
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
