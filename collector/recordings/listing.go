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
	seen  ids
	pages int
	// deep is true if a recording that was not known is on another page than the first.
	deep bool
	// settled is false if something may be missing.
	settled bool
	// unsized are recordings whose size is not told, unusable rows that could not be read.
	unsized, unusable int
}

// ids are hashes of recordings' IDs.
type ids map[uint64]struct{}

func (i ids) has(id uint64) bool {
	_, ok := i[id]
	return ok
}

// read reads the listing until nothing can be missing. A recording that is deleted while
// pages are read moves those after it, and hides the first of the next page. So a pass is
// repeated if it lacks a recording that was there before, or has a new one where none begins:
// of a first page, or of the only one, nothing is hidden.
func (r *Reader) read(ctx context.Context) (last *listing, passes int, err error) {
	known := r.known
	for passes = 1; ; passes++ {
		if last, err = r.pass(ctx, known); whereby.SortRefused(err) && r.sortBy != "" {
			r.sortBy = ""
			last, err = r.pass(ctx, known)
		}
		if err != nil {
			return nil, passes, err
		}
		known, last.settled = last.seen, last.pages == 1 || !last.deep && last.holds(known)
		switch {
		case last.settled:
			r.known = known
			return last, passes, nil
		case passes == maxPasses:
			r.known = nil
			return last, passes, nil
		}
	}
}

// holds reports whether a pass has all recordings that were known. It has not if none was
// read before.
func (l *listing) holds(known ids) bool {
	if known == nil {
		return false
	}
	for id := range known {
		if !l.seen.has(id) {
			return false
		}
	}
	return true
}

func (r *Reader) pass(ctx context.Context, known ids) (*listing, error) {
	l := &listing{rooms: map[string]Figures{}, seen: ids{}}
	for page, err := range r.client.Recordings(ctx, whereby.RecordingsQuery{SortBy: r.sortBy}) {
		if err != nil {
			return nil, err
		}
		l.pages++
		l.unusable += len(page.Unusable)
		for _, row := range page.Rows {
			id := maphash.String(r.seed, row.ID)
			l.deep = l.deep || l.pages > 1 && !known.has(id)
			l.add(row, id)
		}
	}
	return l, nil
}

func (l *listing) add(row whereby.Recording, id uint64) {
	if l.seen.has(id) {
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
