package wherebytest

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// index holds the rooms shown in the order of one field, ascending, ties by
// name. It is built when first asked for and then kept: of a million rooms that
// are listed over and over, a few hundred move between two listings.
type index struct {
	value   func(*room) (key int64, ok bool)
	null    int64 // the key of a room without a value
	entries []entry
	moved   map[*room]place // where rooms stand that have changed since
}

// entry is a room and the key it was sorted by.
type entry struct {
	key  int64
	room *room
}

// place is where a room stands in an index.
type place struct {
	key    int64
	listed bool
}

func (e entry) compare(o entry) int {
	if c := cmp.Compare(e.key, o.key); c != 0 {
		return c
	}
	return cmp.Compare(e.room.name, o.room.name)
}

// nullKey returns the key of rows without the sorted field.
func (a *Account) nullKey() int64 {
	if a.cfg.NullsFirst {
		return math.MaxInt64
	}
	return math.MinInt64
}

// touch must be called before a room changes in anything it may be sorted by.
func (a *Account) touch(r *room) {
	for _, x := range a.indexes {
		if _, ok := x.moved[r]; !ok {
			x.moved[r] = place{x.key(r), r.shown}
		}
	}
}

// index returns the rooms shown in the order of a field.
func (a *Account) index(field string) []entry {
	x := a.indexes[field]
	if x == nil {
		x = &index{value: roomValue(field), null: a.nullKey()}
		a.indexes[field] = x
		x.build(a.rooms, a.shown)
		return x.entries
	}
	// Many moves are more expensive than sorting again.
	if len(x.moved) > 1024+len(x.entries)/16 {
		x.build(a.rooms, a.shown)
	} else if len(x.moved) > 0 {
		x.refresh()
	}
	return x.entries
}

func (x *index) key(r *room) int64 {
	if key, ok := x.value(r); ok {
		return key
	}
	return x.null
}

func (x *index) build(rooms []*room, shown int) {
	x.moved = make(map[*room]place)
	x.entries = slices.Grow(x.entries[:0], shown)
	for _, r := range rooms {
		if r.shown {
			x.entries = append(x.entries, entry{x.key(r), r})
		}
	}
	slices.SortFunc(x.entries, entry.compare)
}

// refresh takes the rooms that have moved out and merges them in again, moving
// the rest in long runs.
func (x *index) refresh() {
	var out []int
	var in []entry
	for r, was := range x.moved {
		is := place{x.key(r), r.shown}
		if is == was {
			continue
		}
		if was.listed {
			out = append(out, x.find(entry{was.key, r}, len(x.entries)))
		}
		if is.listed {
			in = append(in, entry{is.key, r})
		}
	}
	clear(x.moved)
	slices.Sort(out)
	slices.SortFunc(in, entry.compare)
	x.takeOut(out)
	x.putIn(in)
}

// find returns the position of the first of n entries not before e.
func (x *index) find(e entry, n int) int {
	return sort.Search(n, func(i int) bool { return x.entries[i].compare(e) >= 0 })
}

func (x *index) takeOut(positions []int) {
	if len(positions) == 0 {
		return
	}
	to := positions[0]
	for i, p := range positions {
		end := len(x.entries)
		if i+1 < len(positions) {
			end = positions[i+1]
		}
		to += copy(x.entries[to:], x.entries[p+1:end])
	}
	clear(x.entries[to:])
	x.entries = x.entries[:to]
}

func (x *index) putIn(in []entry) {
	old := len(x.entries)
	x.entries = slices.Grow(x.entries, len(in))[:old+len(in)]
	to := len(x.entries)
	for i := len(in) - 1; i >= 0; i-- {
		at := x.find(in[i], old)
		to -= old - at
		copy(x.entries[to:], x.entries[at:old])
		to--
		x.entries[to] = in[i]
		old = at
	}
}

// roomValue returns what rooms are sorted by for a field, or nil for a field that
// they can't be sorted by. A million times the mean stands for a rating.
func roomValue(field string) func(*room) (int64, bool) {
	when := func(get func(*room) int64) func(*room) (int64, bool) {
		return func(r *room) (int64, bool) { v := get(r); return v, v != 0 }
	}
	total := func(get func(*Totals) int64) func(*room) (int64, bool) {
		return func(r *room) (int64, bool) { return get(&r.totals), true }
	}
	switch field {
	case "createdAt":
		return when(func(r *room) int64 { return r.created })
	case "endAt":
		return when(func(r *room) int64 { return r.ends })
	case "firstSessionStartedAt":
		return when(func(r *room) int64 { return r.first })
	case "lastSessionStartedAt":
		return when(func(r *room) int64 { return r.last })
	case "totalSessions":
		return total(func(t *Totals) int64 { return t.Sessions })
	case "rating":
		return func(r *room) (int64, bool) { mean, ok := r.rating(); return int64(mean * 1e6), ok }
	case "totalRatings":
		return func(r *room) (int64, bool) { return int64(r.ratings), r.ratings != 0 }
	}
	if get := totalOf(field); get != nil {
		return total(get)
	}
	return nil
}

// totalOf returns the total that rooms and sessions call by the name of a field.
func totalOf(field string) func(*Totals) int64 {
	switch field {
	case "totalParticipantMinutes":
		return func(t *Totals) int64 { return t.ParticipantMinutes }
	case "totalRecorderMinutes":
		return func(t *Totals) int64 { return t.RecorderMinutes }
	case "totalStreamerMinutes":
		return func(t *Totals) int64 { return t.StreamerMinutes }
	case "totalUniqueParticipants":
		return func(t *Totals) int64 { return t.UniqueParticipants }
	case "totalUniqueRecorders":
		return func(t *Totals) int64 { return t.UniqueRecorders }
	case "totalUniqueStreamers":
		return func(t *Totals) int64 { return t.UniqueStreamers }
	}
	return nil
}
