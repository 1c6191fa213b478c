package ledger

import (
	"fmt"
	"maps"
)

// maxAside bounds the rooms that are known to be set aside.
const maxAside = 10_000

// SetAside notes rooms of the account whose rows could not be read. They keep the figures
// that they have and are not taken for deleted. One without a name is "".
func (p *Poll) SetAside(names []string) error {
	err := p.ledger.store.Get(names, func(_ int, row Row) {
		p.seen.Add(row.ID)
		p.identity.known = true
	})
	if err != nil {
		return fmt.Errorf("look rooms up in the ledger: %w", err)
	}
	for _, name := range names {
		if len(p.aside) < maxAside {
			p.aside[name] = struct{}{}
		}
	}
	return nil
}

// asideAfter returns the rooms that are set aside after a poll. Those that it has read,
// and after a full poll those that are gone, are not any more.
func (l *Ledger) asideAfter(p *Poll, complete bool) (map[string]struct{}, error) {
	aside := maps.Clone(p.aside)
	var names []string
	for name := range l.aside {
		if _, again := aside[name]; !again && !complete {
			names = append(names, name)
		}
	}
	read := make([]bool, len(names))
	err := l.store.Get(names, func(i int, row Row) { read[i] = p.seen.Has(row.ID) })
	if err != nil {
		return nil, fmt.Errorf("look rooms up in the ledger: %w", err)
	}
	for i, name := range names {
		_, staged := p.staged[name]
		if !read[i] && !staged && len(aside) < maxAside {
			aside[name] = struct{}{}
		}
	}
	return aside, nil
}

// IsSetAside reports whether the row of a room could not be read when it was last seen.
func (l *Ledger) IsSetAside(roomName string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, aside := l.aside[roomName]
	return aside
}

// asideByLabel counts the rooms that are set aside: what they have used since they were
// last read is unknown.
func (l *Ledger) asideByLabel() map[string]int64 {
	labels := map[string]int64{}
	for name := range l.aside {
		labels[l.Label(name)]++
	}
	return labels
}
