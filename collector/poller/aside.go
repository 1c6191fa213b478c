package poller

import (
	"fmt"
	"slices"

	"whereby_exporter/whereby"
)

const (
	// maxAside bounds the unreadable rooms that a poll remembers.
	maxAside = 10_000
	// maxNamed bounds the rooms that one poll names in the log.
	maxNamed = 20
)

// setAside sets aside the rows of a page that could not be read.
func (w *walk) setAside(page whereby.Page[whereby.Room]) error {
	for _, room := range page.Rows {
		delete(w.aside, room.Name)
	}
	names := make([]string, 0, len(page.Unusable))
	for _, row := range page.Unusable {
		names = append(names, row.RoomName)
		if len(w.aside) < maxAside {
			w.aside[row.RoomName] = row.Err
		}
	}
	if err := w.poll.SetAside(names); err != nil {
		return fmt.Errorf("set rooms aside: %w", err)
	}
	return nil
}

// freshlyAside returns the rooms that earlier polls could read, or had not seen.
func (w *walk) freshlyAside() []string {
	var fresh []string
	for name := range w.aside {
		if !w.poller.ledger.IsSetAside(name) {
			fresh = append(fresh, name)
		}
	}
	slices.Sort(fresh)
	return fresh
}

// logSetAside names rooms once, until they can be read again.
func (p *Poller) logSetAside(aside map[string]error, fresh []string) {
	for _, name := range fresh[:min(len(fresh), maxNamed)] {
		p.log.Warn("a room's row could not be read; the room keeps its figures", "room", name, "err", aside[name])
	}
	if more := len(fresh) - maxNamed; more > 0 {
		p.log.Warn("more rows could not be read", "rooms", more)
	}
}
