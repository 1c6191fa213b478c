package ledger

import (
	"fmt"
	"maps"
	"slices"
)

// maxAside bounds the rooms that are known to be set aside.
const maxAside = 10_000

// SetAside records rooms of the account whose rows could not be read. They keep their figures
// and do not count as deleted. A room without a name is "".
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

// asideAfter returns the rooms that are set aside after a poll: those that it could not read,
// and earlier ones that it has not seen. left are the latter, which a full poll has missed,
// except those that are gone.
func (l *Ledger) asideAfter(p *Poll, c Completion) (aside map[string]struct{}, left []string, err error) {
	aside = maps.Clone(p.aside)
	if c.OnePage {
		return aside, nil, nil
	}
	var names []string
	hidNothing := l.exist.hidNothing(p, c)
	for name := range l.aside {
		_, again := aside[name]
		_, gone := p.gone[name]
		gone = gone || hidNothing && slices.Contains(l.exist.missedAside, name)
		_, staged := p.staged[name]
		if !again && !gone && !staged && (name != "" || !c.Complete) {
			names = append(names, name)
		}
	}
	read := make([]bool, len(names))
	err = l.store.Get(names, func(i int, row Row) { read[i] = p.seen.Has(row.ID) })
	if err != nil {
		return nil, nil, fmt.Errorf("look rooms up in the ledger: %w", err)
	}
	for i, name := range names {
		if !read[i] && len(aside) < maxAside {
			aside[name] = struct{}{}
			left = append(left, name)
		}
	}
	return aside, left, nil
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
