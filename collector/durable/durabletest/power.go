package durabletest

import (
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
)

// sector is what is written as a whole or not at all. It is small, so that records have
// several.
const sector = 24

// LosePower leaves what is on disk and, by chance, part of what was not synced: of each
// write any sectors, in whatever order they were written, and of the names any. Sectors
// that are lost are zeros, or anything. All faults end.
func (f *FS) LosePower(random *rand.Rand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	// All, none or some: extremes are more likely to show something.
	survives := func() func() bool {
		share := []float64{0, 1, 0.5}[random.IntN(3)]
		return func() bool { return random.Float64() < share }
	}
	for _, c := range f.changes {
		if random.IntN(2) == 0 {
			c.apply(f.disk)
		}
	}
	f.changes = nil
	maps.DeleteFunc(f.disk, func(path string, file *inode) bool {
		return !file.dir && f.disk[filepath.Dir(path)] == nil // its directory is gone
	})
	f.seen = maps.Clone(f.disk)
	for _, path := range slices.Sorted(maps.Keys(f.seen)) {
		file := f.seen[path]
		kept := survives()
		for _, w := range append(file.lost, file.writes...) {
			file.disk = w.tear(file.disk, kept, random)
		}
		file.lost, file.writes, file.seen = nil, nil, slices.Clone(file.disk)
	}
	f.dead, f.Fault, f.space = false, nil, unlimited
}

// tear applies part of a write.
func (w write) tear(to []byte, kept func() bool, random *rand.Rand) []byte {
	zeros, longer := random.IntN(2) == 0, random.IntN(2) == 0
	for begin := 0; begin < len(w.bytes); begin += sector {
		part := write{w.at + begin, w.bytes[begin:min(begin+sector, len(w.bytes))]}
		if kept() {
			to = part.apply(to)
			continue
		}
		if !longer {
			continue // a later sector that is kept leaves zeros here
		}
		lost := make([]byte, len(part.bytes))
		for i := range lost {
			if !zeros {
				lost[i] = byte(random.IntN(256))
			}
		}
		to = write{part.at, lost}.apply(to)
	}
	return to
}
