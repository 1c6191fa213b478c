package live_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// history is every number of people that there ever was, in all rooms or in the fullest, and from when.
type history []struct {
	people int64
	from   time.Time
}

// highest returns the highest number of the 5 minutes before a time. One that ended exactly
// 5 minutes ago still counts, and so does one that did not last.
func (h history) highest(now time.Time) int64 {
	var highest int64
	for i, v := range h {
		if last := i == len(h)-1; last || !h[i+1].from.Before(now.Add(-5*time.Minute)) {
			highest = max(highest, v.people)
		}
	}
	return highest
}

var pauses = []time.Duration{
	0, time.Microsecond, time.Second, time.Minute, 5*time.Minute - time.Microsecond, 5 * time.Minute, 5*time.Minute + time.Microsecond,
}

// pause is for how long nothing changes.
func pause(random *rand.Rand) time.Duration {
	if random.IntN(3) == 0 {
		return pauses[random.IntN(len(pauses))]
	}
	return time.Duration(random.Int64N(120_000_000)) * time.Microsecond
}

// TestThePeakIsTheHighestOfTheLast5Minutes looks after each change, whenever one falls
// out of the window, and a microsecond before and after that.
func TestThePeakIsTheHighestOfTheLast5Minutes(t *testing.T) {
	random := seeded(t)
	for range accounts {
		b := newBench(t, options)
		var truth, fullest history
		look := func(at time.Time) {
			t.Helper()
			if random.IntN(10) == 0 {
				b.now = at
				b.restart()
			}
			v := b.View(at).Prefixes[0]
			if got, want := v.ParticipantsMax, truth.highest(at); got != want {
				t.Fatalf("the peak at %v is %d, want %d", at.Sub(start), got, want)
			}
			if got, want := v.FullestMax, fullest.highest(at); got != want {
				t.Fatalf("the most in one room at %v are %d, want %d", at.Sub(start), got, want)
			}
		}
		rooms := [3]int64{}
		var borders []time.Time
		var people int64
		for range 300 {
			i := random.IntN(len(rooms))
			people -= rooms[i]
			rooms[i] = random.Int64N(20) * random.Int64N(2)
			people += rooms[i]
			// Later than all before it, though it arrives at the same time as another.
			b.send(b.ago(-time.Duration(b.events)*time.Microsecond, joined([]string{"/acme-1", "/acme-2", "/acme-3"}[i], "a", int(rooms[i]))))
			truth = append(truth, history{{people, b.now}}...)
			fullest = append(fullest, history{{slices.Max(rooms[:]), b.now}}...)
			look(b.now)
			border := b.now.Add(5 * time.Minute)
			borders = append(borders, border.Add(-time.Microsecond), border, border.Add(time.Microsecond))

			next := b.now.Add(pause(random))
			slices.SortFunc(borders, time.Time.Compare)
			for len(borders) > 0 && !borders[0].After(next) {
				look(borders[0])
				borders = borders[1:]
			}
			b.now = next
		}
	}
}
