package quality

import (
	"maps"
	"time"
)

// window is the range of the means, in hours.
const window = 24

// Figures are the figures of a room prefix. The counters never fall.
type Figures struct {
	// Sampled participants were read, Skipped ones could not be read within a day. Poor
	// ones are sampled participants with sustained loss.
	Sampled, Skipped, Poor int64
	// SessionsSampled had a sampled participant, SessionsSkipped none.
	SessionsSampled, SessionsSkipped int64
	// Samples are the samples of all sampled participants.
	Samples [directions]Samples
	// Ratings is the number of ratings, Stars their sum.
	Ratings, Stars int64
	// Hours are the figures of the last day, by the hour since 1970 in which the
	// session ended; of ratings, in which it began.
	Hours map[int64]Hour
}

// Hour is an hour's part of the figures.
type Hour struct {
	Samples        [directions]Samples
	Ratings, Stars int64
}

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// clone returns a copy that shares nothing.
func (f *Figures) clone() *Figures {
	c := *f
	c.Hours = maps.Clone(f.Hours)
	return &c
}

// sample adds a participant of a session that ended at the given time.
func (f *Figures) sample(m Measurement, poorAfter time.Duration, ended time.Time) {
	f.Sampled++
	if m.Sustained >= poorAfter {
		f.Poor++
	}
	f.hour(ended, func(h *Hour) {
		for d := range m.Samples {
			f.Samples[d] = f.Samples[d].Add(m.Samples[d])
			h.Samples[d] = h.Samples[d].Add(m.Samples[d])
		}
	})
}

// rate adds ratings of a session that began at the given time.
func (f *Figures) rate(ratings, stars int64, began time.Time) {
	f.Ratings += ratings
	f.Stars += stars
	f.hour(began, func(h *Hour) {
		h.Ratings += ratings
		h.Stars += stars
	})
}

func (f *Figures) hour(at time.Time, change func(*Hour)) {
	if f.Hours == nil {
		f.Hours = map[int64]Hour{}
	}
	hour := f.Hours[hourOf(at)]
	change(&hour)
	f.Hours[hourOf(at)] = hour
}

// forget drops the hours that are too old for any mean.
func (f *Figures) forget(now time.Time) {
	maps.DeleteFunc(f.Hours, func(hour int64, _ Hour) bool { return hour <= hourOf(now)-window })
}

// lastDay sums the last 24 clock hours, including the current one.
func (f *Figures) lastDay(now time.Time) Hour {
	var sum Hour
	for hour, h := range f.Hours {
		if hour <= hourOf(now)-window {
			continue
		}
		for d := range h.Samples {
			sum.Samples[d] = sum.Samples[d].Add(h.Samples[d])
		}
		sum.Ratings += h.Ratings
		sum.Stars += h.Stars
	}
	return sum
}
