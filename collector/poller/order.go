package poller

import "whereby_exporter/collector/ledger"

// order watches whether rows come in the order of their last sessions, latest
// first. Rooms that were never used may stand before or after all others: where,
// is not documented.
type order struct {
	// sorted is true as long as no row contradicts it; it starts as true.
	sorted bool
	// dated is true once a row with a session has come.
	dated bool
	// oldest is the earliest last session so far.
	oldest int64
	// newest is the latest last session of the page checked last. For a page
	// without dated rows it is the earliest of the pages before.
	newest int64
}

// check looks at one page. Repeated rows prove nothing: when rooms are used while
// the pages are read, they move to the top, and the others move down to a page
// where they are read a second time.
func (o *order) check(page []ledger.Row, repeated []bool) {
	o.newest = o.oldest
	first := true
	for i, row := range page {
		if row.LastSession == 0 {
			continue
		}
		if o.dated && row.LastSession > o.oldest && !repeated[i] {
			o.sorted = false
		}
		if first || row.LastSession > o.newest {
			o.newest = row.LastSession
		}
		if !o.dated || row.LastSession < o.oldest {
			o.oldest = row.LastSession
		}
		o.dated, first = true, false
	}
}
