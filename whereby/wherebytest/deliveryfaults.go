package wherebytest

import (
	"errors"
	"time"
)

// DeliveryFaults are the faults of webhook delivery. Shares are of the events, from 0 to 1.
// The zero value means no faults. What happens to an event depends only on Seed and the
// event's ID, so it is repeatable.
type DeliveryFaults struct {
	Seed uint64
	// Withheld is the share that is never sent. The other shares are of those that are sent.
	Withheld float64
	// Delayed is the share that is sent late, by up to MaxDelay, so that other events overtake
	// them.
	Delayed float64
	// Duplicated is the share that is sent twice, the second time up to MaxDelay after the
	// event.
	Duplicated float64
	// MaxDelay must be positive if Delayed is.
	MaxDelay time.Duration
}

func (f DeliveryFaults) check() error {
	for _, share := range []float64{f.Withheld, f.Delayed, f.Duplicated} {
		if !(share >= 0 && share <= 1) { // NaN is neither
			return errors.New("sender: a share of faults is not from 0 to 1")
		}
	}
	if f.MaxDelay < 0 || f.MaxDelay == 0 && f.Delayed > 0 {
		return errors.New("sender: the longest delay must be above 0")
	}
	return nil
}

// fate is what happens to an event.
type fate struct {
	withhold, duplicate   bool
	delay, duplicateDelay time.Duration // 0: none
}

func (f DeliveryFaults) fate(id string) fate {
	dice := dice(mix(f.Seed ^ hash(id)))
	withhold, late, twice := dice.chance(f.Withheld), dice.chance(f.Delayed), dice.chance(f.Duplicated)
	fate := fate{withhold: withhold, duplicate: twice}
	if late {
		fate.delay = 1 + time.Duration(dice.upTo(int64(f.MaxDelay)))
	}
	fate.duplicateDelay = time.Duration(dice.upTo(int64(f.MaxDelay) + 1))
	return fate
}
