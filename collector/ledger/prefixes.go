package ledger

import (
	"hash/maphash"
	"slices"
	"sync"
)

// The reserved prefixes can't collide with Whereby's, which hold no underscore.
const (
	// NonePrefix stands for rooms without a prefix, or named by hand.
	NonePrefix = "_none"
	// OtherPrefix stands for all prefixes beyond the limit.
	OtherPrefix = "_other"
)

// prefixTable decides under which label a room counts, up to a limit of prefixes.
// Which prefixes are admitted is decided once, by first come, and kept in the store: a
// series that was there must not go away because the rooms are read in another order.
// It is safe for concurrent use, and waits for no disk.
type prefixTable struct {
	limit    int
	classify func(roomName string) string
	seed     maphash.Seed
	always   map[string]struct{} // admitted beside the limit

	mu       sync.Mutex
	admitted map[string]struct{}
	// unsaved are admitted prefixes that the store does not know yet.
	unsaved []string
	// dropped holds hashes instead of prefixes: a flood of prefixes is what the
	// limit is for, and it must not fill the memory here instead.
	dropped map[uint64]struct{}
}

// newPrefixTable admits prefixes that were admitted before, of which the store knows
// the saved ones.
func newPrefixTable(o Options, saved, unsaved []string) *prefixTable {
	t := &prefixTable{
		limit:    o.PrefixLimit,
		classify: o.Classify,
		seed:     maphash.MakeSeed(),
		always:   map[string]struct{}{},
		admitted: map[string]struct{}{},
		dropped:  map[uint64]struct{}{},
	}
	for _, prefix := range o.Configured {
		t.always[prefix] = struct{}{}
	}
	for _, prefix := range saved {
		if len(t.admitted) < t.limit {
			t.admitted[prefix] = struct{}{}
		}
	}
	for _, prefix := range unsaved {
		if len(t.admitted) < t.limit {
			t.admitted[prefix] = struct{}{}
			t.unsaved = append(t.unsaved, prefix)
		}
	}
	return t
}

// label is the value under which a room's figures are exposed. It admits the
// room's prefix where it is new and the limit allows.
func (t *prefixTable) label(roomName string) string {
	prefix := t.classify(roomName)
	if prefix == NonePrefix || prefix == OtherPrefix {
		// Only a name made by hand can look like the latter.
		return NonePrefix
	}
	if t.configured(prefix) {
		return prefix
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.admitted[prefix]; ok {
		return prefix
	}
	if len(t.admitted) < t.limit {
		t.admitted[prefix] = struct{}{}
		t.unsaved = append(t.unsaved, prefix)
		return prefix
	}
	t.dropped[maphash.String(t.seed, prefix)] = struct{}{}
	return OtherPrefix
}

// configured tells whether a prefix is admitted whatever the limit.
func (t *prefixTable) configured(prefix string) bool {
	_, ok := t.always[prefix]
	return ok
}

// toSave are the admitted prefixes that the store does not know.
func (t *prefixTable) toSave() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.unsaved)
}

// saved notes that the store knows the first n of them.
func (t *prefixTable) saved(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unsaved = t.unsaved[n:]
}

// droppedCount is how many prefixes count under OtherPrefix.
func (t *prefixTable) droppedCount() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.dropped)
}
