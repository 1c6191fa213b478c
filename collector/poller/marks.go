package poller

import (
	"math/bits"

	"whereby_exporter/whereby"
)

// mark is a page that began with a room that was never used. If such rooms come first, a
// poll that may stop early starts from one of them, and not from the top.
//
// A mark is no proof. Cursors may count rows, so that once some rooms were used for the
// first time, or deleted, a mark points past the rooms that were used last. A page that
// still begins with a room that was never used can't: all others come after it.
type mark struct {
	cursor string
	// number counts the pages before it, as far as is known.
	number int
}

// thin keeps marks at growing distances from the last one. Which ones it keeps depends only on
// their numbers, so repeated thinning has the same result.
func thin(marks []mark) []mark {
	if len(marks) == 0 {
		return marks
	}
	newest := marks[len(marks)-1].number
	kept := make([]mark, 0, len(marks))
	for i, m := range marks {
		step := 1 << max(0, bits.Len(uint(newest-m.number))-2)
		if i == 0 || m.number%step == 0 {
			kept = append(kept, m)
		}
	}
	return kept
}

// startsUnused reports whether a page begins with a room that was never used.
func startsUnused(page whereby.Page[whereby.Room]) bool {
	if len(page.Rows) == 0 {
		return false
	}
	first := page.Rows[0]
	return first.LastSessionStartedAt.IsZero() && first.Sessions == 0 && first.Usage == whereby.Usage{}
}
