package wherebytest

import (
	"slices"
	"time"
)

// drawTranscriptions draws how transcriptions are listed. Its dice are its own, so that what
// else a seed stands for does not depend on them.
func (x *Adversary) drawTranscriptions() {
	d := dice(mix(x.seed + 3))
	c := &x.Config.Transcriptions
	c.MovingPages = d.chance(0.5)
	odd := chances{d.roll(), 20}
	half := x.begin.Add(x.length / 2)
	if d.chance(0.5) {
		kinds := OddTranscriptionKinds()
		c.OddRows = func(id string, at time.Time) string {
			d, hit := odd.draw(id)
			if !hit || !at.Before(half) {
				return ""
			}
			return kinds[d.upTo(int64(len(kinds)))]
		}
		x.note("the rows of one transcription in %d are odd", odd.oneIn)
	}
	x.note("pages of transcriptions move: %v", c.MovingPages)
}

// transcribe adds transcriptions to the rooms that there are, over three fifths of the
// length, some dozens of them before it began. They grow, fail, are listed late, deleted long
// after, and announced or not.
func (x *Adversary) transcribe(a *Account) {
	d := dice(mix(x.seed + 4))
	var names []string
	for name := range a.Shown() {
		names = append(names, name)
	}
	slices.Sort(names)
	n := 150 + d.upTo(300)
	from := x.begin.Add(-x.length / 2)
	span := x.length/2 + x.length*3/5
	for range n {
		start := from.Add(x.part(&d, 1.5, span)).Truncate(time.Millisecond)
		t := Transcription{
			Start: start, End: start.Add(time.Minute + x.part(&d, 0.05, 2*time.Hour)),
			Failed:      d.chance(0.1),
			Unannounced: d.chance(0.3),
		}
		t.Billable = time.Duration(d.upTo(4*int64(t.End.Sub(start)/time.Second))) * time.Second
		if d.chance(0.2) {
			t.Late = x.part(&d, 0.1, 8*time.Hour)
		}
		if t.Failed && d.chance(0.5) {
			t.Billable = 0
		}
		if x.length >= 20*time.Hour && d.chance(0.2) {
			// A reader that looks at everything some times a day has seen it.
			t.Deleted = later(t.End, x.begin).Add(t.Late + movable + x.part(&d, 0.3, 24*time.Hour))
		}
		a.Transcribe(names[d.upTo(int64(len(names)))], t)
	}
}

func later(t, u time.Time) time.Time {
	if t.After(u) {
		return t
	}
	return u
}
