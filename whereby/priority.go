package whereby

import "time"

// Priority determines which requests go first when points are short.
type Priority int

const (
	// Foreground requests go first. While background requests wait, they leave them a
	// quarter of the allowance.
	Foreground Priority = iota
	// Background requests leave a quarter of the allowance to those in the foreground, and
	// pause while the organization has less than a tenth of its points left.
	Background
	// Spare requests get what the others leave: the part of the allowance that the others have
	// not needed in any window of the last minutes, spread evenly over time, and never while
	// one of them waits. They pause while the organization has less than a fifth of its points
	// left, and for a minute after a 429.
	Spare
)

// demandMemory is how many minutes back the demand of foreground and background
// requests counts. Polls come every minute as a rule.
const demandMemory = 5

// demand remembers the most points that foreground and background requests spent in
// a window, by the minute.
type demand struct {
	minute int64 // since 1970, of the newest
	peaks  [demandMemory + 1]int
}

// note takes the number of points in the window that ends now.
func (d *demand) note(now time.Time, points int) {
	d.forget(now)
	newest := &d.peaks[d.minute%int64(len(d.peaks))]
	*newest = max(*newest, points)
}

// peak returns the most of the last minutes.
func (d *demand) peak(now time.Time) int {
	d.forget(now)
	most := 0
	for _, points := range d.peaks {
		most = max(most, points)
	}
	return most
}

// forget empties the minutes that are too old.
func (d *demand) forget(now time.Time) {
	minute := now.Unix() / 60
	if minute-d.minute >= int64(len(d.peaks)) || minute < d.minute { // or the clock was set back
		*d = demand{minute: minute}
		return
	}
	for d.minute < minute {
		d.minute++
		d.peaks[d.minute%int64(len(d.peaks))] = 0
	}
}
