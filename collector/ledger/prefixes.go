package ledger

import "hash/maphash"

// The reserved prefixes can't collide with Whereby's, which hold no underscore.
const (
	// NonePrefix stands for rooms without a prefix, or named by hand.
	NonePrefix = "_none"
	// OtherPrefix stands for all prefixes beyond the limit.
	OtherPrefix = "_other"
)

// prefixTable sums rows by prefix, up to a limit of prefixes. Which prefixes are
// admitted is decided once, by first come, and kept in the store: a series that
// was there must not go away because the rooms are read in another order.
type prefixTable struct {
	limit    int
	classify func(roomName string) string
	sums     map[string]*prefixSum
	admitted int
	// unsaved are admitted prefixes that the store does not know yet.
	unsaved []string
	// dropped holds hashes instead of prefixes: a flood of prefixes is what the
	// limit is for, and it must not fill the memory here instead.
	dropped map[uint64]struct{}
	seed    maphash.Seed
}

// prefixSum is what the rows of a prefix come to. Rooms are those that the last
// complete pass saw, rows all that were ever seen.
type prefixSum struct {
	Totals
	rooms, rows int64
}

func newPrefixTable(limit int, classify func(string) string, admitted []string) *prefixTable {
	t := &prefixTable{
		limit:    limit,
		classify: classify,
		sums:     map[string]*prefixSum{},
		dropped:  map[uint64]struct{}{},
		seed:     maphash.MakeSeed(),
	}
	for _, prefix := range admitted {
		if t.admitted < limit {
			t.admitted++
			t.sums[prefix] = &prefixSum{}
		}
	}
	return t
}

// label is the value under which a room's figures are exposed. It admits the
// room's prefix where it is new and the limit allows.
func (t *prefixTable) label(roomName string) string {
	prefix := t.classify(roomName)
	switch {
	case prefix == NonePrefix:
		return NonePrefix
	case prefix == OtherPrefix:
		// Only a name made by hand can look like this.
		return NonePrefix
	case t.sums[prefix] != nil:
		return prefix
	case t.admitted < t.limit:
		t.admitted++
		t.unsaved = append(t.unsaved, prefix)
		t.sums[prefix] = &prefixSum{}
		return prefix
	}
	t.dropped[maphash.String(t.seed, prefix)] = struct{}{}
	return OtherPrefix
}

// sum returns the sums of a label, for adding to them.
func (t *prefixTable) sum(label string) *prefixSum {
	s := t.sums[label]
	if s == nil {
		s = &prefixSum{}
		t.sums[label] = s
	}
	return s
}
