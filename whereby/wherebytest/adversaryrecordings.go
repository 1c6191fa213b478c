package wherebytest

import (
	"slices"
	"strings"
	"time"
)

// drawRecordings draws how recordings are listed.
func (x *Adversary) drawRecordings(d *dice) {
	r := &x.Config.Recordings
	half := x.begin.Add(x.length / 2)
	r.RoomNames = d.chance(0.5)
	late, null, odd, gone := chances{d.roll(), 5}, chances{d.roll(), 7}, chances{d.roll(), 9}, chances{d.roll(), 3}
	most := x.part(d, 0.1, 6*time.Hour)
	r.Lateness = func(id string) time.Duration {
		d, hit := late.draw(id)
		if !hit {
			return 0
		}
		return time.Duration(d.upTo(int64(most/time.Second))) * time.Second
	}
	if d.chance(0.5) {
		r.NullSizes = func(id string) bool { _, hit := null.draw(id); return hit }
	}
	if d.chance(0.5) {
		r.OddRows = func(id string, at time.Time) bool { _, hit := odd.draw(id); return hit && at.Before(half) }
	}
	if d.chance(0.7) {
		r.MovingPages = func(id string, at time.Time) bool { _, hit := gone.draw(id); return hit && at.Before(half) }
	}
	x.note("recordings name their rooms: %v, one in %d is up to %v late, sizes are null: %v, rows are odd: %v, pages move: %v",
		r.RoomNames, late.oneIn, most, r.NullSizes != nil, r.OddRows != nil, r.MovingPages != nil)
}

// record stores recordings of the rooms that there are, from long before the begin to three
// fifths of the length: some name their room in the file's name, a bunch of the oldest is
// deleted at once, and others one by one.
func (x *Adversary) record(a *Account) {
	d := dice(mix(x.seed + 5))
	var names []string
	for name := range a.Shown() {
		names = append(names, name)
	}
	slices.Sort(names)
	const before = 30 * 24 * time.Hour
	kept := x.begin.Add(-before / 3)
	cleaned := x.begin.Add(x.part(&d, 0.5, x.length))
	for range 50 + d.upTo(600) {
		start := x.begin.Add(-time.Duration(d.upTo(int64(before/time.Second))) * time.Second)
		if d.chance(0.3) {
			start = x.begin.Add(x.part(&d, 0.6, x.length))
		}
		r := Recording{
			ID: uuid(d.roll(), 6), RoomName: names[d.upTo(int64(len(names)))],
			Start: start, End: start.Add(time.Minute + x.part(&d, 0.05, 2*time.Hour)),
			Megabytes: float64(d.upTo(1_000_000)) / 1000,
		}
		if d.chance(0.5) {
			r.Filename = strings.TrimPrefix(r.RoomName, "/") + ".mp4"
		}
		switch {
		case start.Before(kept):
			r.Deleted = cleaned
		case d.chance(0.2):
			r.Deleted = later(r.End, x.begin).Add(x.part(&d, 0.6, x.length))
		}
		a.AddRecordings(r)
	}
}
