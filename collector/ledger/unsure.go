package ledger

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// unsureRows are the rows with opening balances that are not settled, so that the store need not
// be searched for them.
type unsureRows struct {
	rows map[uint32]unsureRow // by ID
	// partial is true if there are too many to remember all.
	partial bool
}

type unsureRow struct {
	name         string
	ends, raised int64
	// listed is true if no balance is provisional.
	listed bool
}

// maxUnsure bounds the rows that are remembered.
const maxUnsure = 20_000

// note records the present state of a row.
func (u *unsureRows) note(row Row) {
	known, ok := u.rows[row.ID]
	switch {
	case !row.unsure():
		delete(u.rows, row.ID)
		return
	case !ok && len(u.rows) >= maxUnsure:
		u.partial = true
		return
	case u.rows == nil:
		u.rows = map[uint32]unsureRow{}
	}
	_, provisional := row.drop(math.MaxInt64)
	u.rows[row.ID] = unsureRow{name: row.Name, ends: max(row.Ends, known.ends), raised: row.Raised, listed: !provisional}
}

// noteEnds records the ends of rooms by ID.
func (u *unsureRows) noteEnds(ends map[uint32]int64) {
	for id, at := range ends {
		if row, ok := u.rows[id]; ok {
			row.ends = at
			u.rows[id] = row
		}
	}
}

// among returns the names of the rows that are in a set, sorted.
func (u *unsureRows) among(set *IDSet) []string {
	var names []string
	for id, row := range u.rows {
		if set.Has(id) {
			names = append(names, row.name)
		}
	}
	slices.Sort(names)
	return names
}

// leaving returns up to limit names of rooms that should be listed before Whereby deletes them,
// which is within a day of their end. The earliest end comes first.
func (u *unsureRows) leaving(now int64, limit int, skip func(roomName string) bool) []string {
	var due []unsureRow
	for _, row := range u.rows {
		if row.ends != 0 && !row.listed && now-row.raised >= int64(still/time.Second) && !skip(row.name) {
			due = append(due, row)
		}
	}
	slices.SortFunc(due, func(a, b unsureRow) int { return cmp.Or(cmp.Compare(a.ends, b.ends), cmp.Compare(a.name, b.name)) })
	var names []string
	for _, row := range due[:min(limit, len(due))] {
		names = append(names, row.name)
	}
	return names
}

// listLeaving lists rooms that will be deleted, and whose opening balances would be dropped
// then.
func (l *Ledger) listLeaving(limit int, skip func(roomName string) bool) ([]Unread, error) {
	var list []Unread
	err := l.store.Get(l.unsure.leaving(l.now.Unix(), limit, skip), func(_ int, row Row) {
		starts := slices.DeleteFunc(l.sum(l.Label(row.Name)).starts(), func(start int64) bool {
			return row.opening(start).Certainty != Provisional
		})
		if len(starts) > 0 {
			list = append(list, Unread{Row: row, Starts: starts, All: starts, Leaving: true})
		}
	})
	if err != nil {
		return nil, fmt.Errorf("look up rooms that will be deleted: %w", err)
	}
	return list, nil
}
