package ledger

import "fmt"

// maxAside bounds the rooms that are known to be set aside.
const maxAside = 10_000

// SetAside notes rooms of the account whose rows could not be read. They keep the figures
// that they have and are not taken for deleted. One without a name is "".
func (p *Poll) SetAside(names []string) error {
	err := p.ledger.store.Get(names, func(_ int, row Row) { p.seen.Add(row.ID) })
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

// setAside takes the rooms that a poll could not read. Those that it has read, and after
// a full poll those that are gone, are set aside no longer.
func (l *Ledger) setAside(p *Poll, complete bool) error {
	aside := map[string]bool{}
	for name := range p.aside {
		aside[name] = false
	}
	for name := range l.aside {
		if !complete && len(aside) < maxAside {
			aside[name] = false
		}
	}
	names := make([]string, 0, len(aside))
	for name := range aside {
		names = append(names, name)
	}
	err := l.store.Get(names, func(_ int, row Row) {
		_, odd := p.aside[row.Name]
		if p.seen.Has(row.ID) && !odd {
			delete(aside, row.Name)
			return
		}
		aside[row.Name] = true
	})
	if err != nil {
		return fmt.Errorf("look rooms up in the ledger: %w", err)
	}
	l.aside = aside
	return nil
}

// IsSetAside reports whether the row of a room could not be read when it was last seen.
func (l *Ledger) IsSetAside(roomName string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, aside := l.aside[roomName]
	return aside
}

// neverRead returns the labels of rooms of which no row could ever be read: what they
// have used is unknown.
func (l *Ledger) neverRead() map[string]bool {
	labels := map[string]bool{}
	for name, known := range l.aside {
		if !known {
			labels[l.Label(name)] = true
		}
	}
	return labels
}
