package recordings

import (
	"context"
	"hash/maphash"
	"strings"

	"whereby_exporter/whereby"
)

// maxPasses bounds how often the listing is read while recordings are deleted.
const maxPasses = 5

// listing is one pass over all pages, each recording once.
type listing struct {
	rooms map[string]Figures
	// seen are hashes of the recordings' IDs.
	seen  map[uint64]struct{}
	pages int
	// unsized are recordings whose size is not told, unusable rows that could not be read.
	unsized, unusable int
}

// read reads the listing until nothing can be missing. A recording that is deleted while
// pages are read moves those after it, and may hide one of them; a later pass then lacks
// what an earlier one had. A single page is of one moment.
func (r *Reader) read(ctx context.Context) (last *listing, passes int, err error) {
	for passes = 1; ; passes++ {
		before := last
		if last, err = r.pass(ctx, r.sortBy); whereby.SortRefused(err) && r.sortBy != "" {
			r.sortBy = ""
			last, err = r.pass(ctx, "")
		}
		if err != nil {
			return nil, passes, err
		}
		if last.pages == 1 || before != nil && last.holds(before) || passes == maxPasses {
			return last, passes, nil
		}
	}
}

// holds reports whether a pass has all recordings of an earlier one.
func (l *listing) holds(before *listing) bool {
	for id := range before.seen {
		if _, ok := l.seen[id]; !ok {
			return false
		}
	}
	return true
}

func (r *Reader) pass(ctx context.Context, sortBy string) (*listing, error) {
	l := &listing{rooms: map[string]Figures{}, seen: map[uint64]struct{}{}}
	for page, err := range r.client.Recordings(ctx, whereby.RecordingsQuery{SortBy: sortBy}) {
		if err != nil {
			return nil, err
		}
		l.pages++
		l.unusable += len(page.Unusable)
		for _, row := range page.Rows {
			l.add(row, maphash.String(r.seed, row.ID))
		}
	}
	return l, nil
}

func (l *listing) add(row whereby.Recording, id uint64) {
	if _, again := l.seen[id]; again {
		return
	}
	l.seen[id] = struct{}{}
	if !row.SizeKnown {
		l.unsized++
	}
	figures := l.rooms[row.RoomName]
	figures.add(Figures{Recordings: 1, Bytes: row.Size, Oldest: row.StartedAt})
	// The row's name is part of a whole page.
	l.rooms[strings.Clone(row.RoomName)] = figures
}
