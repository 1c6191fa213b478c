package poller

import "whereby_exporter/collector/ledger"

// tolerated means that one page in so many may contradict the order: a room that becomes visible
// between two requests may be at the boundary of two pages, and then the second page begins
// with a later session than the first one ends with.
const tolerated = 4

// order checks whether rows come in the order of their last sessions, latest first. Rooms without
// the time of a session may come before or after all others; which is not documented.
type order struct {
	// pages counts the pages checked, and broken those that contradict the order.
	pages, broken int
	// undated is true once a row was used and has no time of a session.
	undated bool
	// dated is true once a row with a session has come, since the top of the list.
	dated bool
	// oldest is the earliest last session so far.
	oldest int64
	// newest is the latest last session of the page checked last; 0 if its rooms have none.
	// For a page without rows it is the earliest of the pages before.
	newest int64
}

// top starts at the top of the list again, and keeps the findings.
func (o *order) top() { o.dated, o.oldest = false, 0 }

// holds reports whether all but a few pages were in order.
func (o *order) holds() bool { return o.broken <= o.pages/tolerated }

// shown reports whether the rows had an order that can be checked.
func (o *order) shown() bool { return o.dated || !o.undated }

// check checks one page. A page is one response, so its rows must be in order. Repeated rows of
// another page prove nothing: rooms that are used while the pages are read move to the top, and
// others move down to a page where they are read a second time.
func (o *order) check(page []ledger.Row, repeated []bool) {
	o.pages++
	dated, oldest := o.dated, o.oldest // of the pages before
	o.newest = 0
	if len(page) == 0 {
		o.newest = oldest
	}
	var last int64
	broken := false
	for i, row := range page {
		if row.LastSession == 0 {
			o.undated = o.undated || row.Sessions > 0
			continue
		}
		if last != 0 && row.LastSession > last || dated && row.LastSession > oldest && !repeated[i] {
			broken = true
		}
		if last == 0 || row.LastSession > o.newest {
			o.newest = row.LastSession
		}
		if !o.dated || row.LastSession < o.oldest {
			o.oldest = row.LastSession
		}
		o.dated, last = true, row.LastSession
	}
	if broken {
		o.broken++
	}
}

// ascending reports whether the rows of a page are in the opposite order.
func ascending(rows []ledger.Row) bool {
	var last int64
	for _, row := range rows {
		if row.LastSession == 0 {
			continue
		}
		if row.LastSession < last {
			return false
		}
		last = row.LastSession
	}
	return true
}
