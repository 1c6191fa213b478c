package prefix

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"regexp"
	"slices"
	"sync"
)

// Table decides which value of the label a room counts under, up to a limit of prefixes.
// Which prefixes are admitted is decided once, by first come, and kept in the store: a
// series that was there must not go away because the rooms are read in another order.
// It is safe for concurrent use, and waits for no disk.
type Table struct {
	limit    int
	classify func(roomName string) string
	seed     maphash.Seed
	always   map[string]struct{} // admitted in addition to the limit

	mu       sync.Mutex
	admitted map[string]struct{}
	// unsaved are admitted prefixes that the store does not know yet.
	unsaved []string
	// dropped holds hashes instead of prefixes: a flood of prefixes is what the
	// limit is for, and it must not fill the memory here instead.
	dropped map[uint64]struct{}
}

// Options say which prefixes a table admits.
type Options struct {
	// Classify gives the prefix of a room, or [None].
	Classify func(roomName string) string
	// Pattern is the one that Classify goes by, if there is one.
	Pattern string
	// Limit is the number of prefixes admitted; 0 is [DefaultLimit].
	Limit int
	// Configured prefixes are admitted whatever the limit.
	Configured []string
}

// Rules is what Options come from, in a form that can be kept.
type Rules struct {
	// Pattern is that of the classifier; "" is the room's name less its trailing UUID.
	Pattern string `json:"pattern"`
	// Limit and Configured are as in Options.
	Limit      int      `json:"limit"`
	Configured []string `json:"configured"`
}

// Equal reports whether rooms count under the same labels by both.
func (r Rules) Equal(o Rules) bool {
	return r.Pattern == o.Pattern && r.Limit == o.Limit && slices.Equal(slices.Sorted(slices.Values(r.Configured)), slices.Sorted(slices.Values(o.Configured)))
}

// Options returns the options that follow from the rules.
func (r Rules) Options() (Options, error) {
	var pattern *regexp.Regexp
	if r.Pattern != "" {
		var err error
		if pattern, err = regexp.Compile(r.Pattern); err != nil {
			return Options{}, fmt.Errorf("compile the pattern of room prefixes: %w", err)
		}
	}
	return Options{
		Classify: NewClassifier(r.Configured, pattern).Of, Pattern: r.Pattern,
		Limit: r.Limit, Configured: r.Configured,
	}, nil
}

// Rules returns what the options come from.
func (o Options) Rules() Rules {
	return Rules{Pattern: o.Pattern, Limit: cmp.Or(o.Limit, DefaultLimit), Configured: o.Configured}
}

// NewTable admits prefixes that were admitted before, of which the store knows the saved
// ones.
func NewTable(o Options, saved, unsaved []string) *Table {
	if o.Limit == 0 {
		o.Limit = DefaultLimit
	}
	t := &Table{
		limit:    o.Limit,
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

// Label returns the value under which a room's figures are exposed. It admits the
// room's prefix where it is new and the limit allows.
func (t *Table) Label(roomName string) string {
	prefix := t.classify(roomName)
	if prefix == None || prefix == Other {
		// Only a name made by hand can look like the latter.
		return None
	}
	if t.Configured(prefix) {
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
	return Other
}

// Configured reports whether a prefix is admitted whatever the limit.
func (t *Table) Configured(prefix string) bool {
	_, ok := t.always[prefix]
	return ok
}

// ToSave returns the admitted prefixes that the store does not know.
func (t *Table) ToSave() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.unsaved)
}

// Saved notes that the store knows the first n of them.
func (t *Table) Saved(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unsaved = t.unsaved[n:]
}

// Dropped is how many prefixes count under Other.
func (t *Table) Dropped() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.dropped)
}
