package exposition

import (
	"maps"
	"slices"
	"sync"
)

// demand remembers which forms scrapes ask for.
type demand struct {
	mu sync.Mutex
	// idle counts, for each form, how often the set was replaced since the form was
	// last asked for.
	idle map[form]int
}

// patience is how many sets in a row nobody may ask for in a form before it is no
// longer made ahead. Sets may well be replaced more often than they are scraped.
const patience = 10

// note remembers that a scrape asked for a form.
func (d *demand) note(f form) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.idle == nil {
		d.idle = map[form]int{}
	}
	d.idle[f] = 0
}

// next returns the forms to make ahead of the next set.
func (d *demand) next() []form {
	d.mu.Lock()
	defer d.mu.Unlock()
	for f, idle := range d.idle {
		if idle >= patience {
			delete(d.idle, f)
			continue
		}
		d.idle[f] = idle + 1
	}
	return slices.Collect(maps.Keys(d.idle))
}
