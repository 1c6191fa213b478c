package billing

import "time"

// Calendar says when billing periods begin. The zero Calendar begins them on the
// first of each month, in UTC.
type Calendar struct {
	// AnchorDay is the day of the month a period begins with, 1 to 31. In a month
	// that is shorter, its last day stands in. Less than 1 is taken for 1.
	AnchorDay int
	// Zone is where midnight is; nil is UTC.
	Zone *time.Location
}

// Period is the time from Start until, but without, End.
type Period struct {
	Start, End time.Time
}

// Contains reports whether t is in the period.
func (p Period) Contains(t time.Time) bool {
	return !t.Before(p.Start) && t.Before(p.End)
}

// At returns the period that contains t, in the calendar's zone. It allocates
// nothing and may be called from several goroutines.
func (c Calendar) At(t time.Time) Period {
	year, month, _ := t.In(c.zone()).Date()
	// Where clocks are set back over midnight, a local date may come before the
	// start of a period that has begun already; so instants decide, not dates.
	start := c.start(year, month)
	for t.Before(start) {
		month--
		start = c.start(year, month)
	}
	end := c.start(year, month+1)
	for !t.Before(end) {
		month++
		start, end = end, c.start(year, month+1)
	}
	return Period{Start: start, End: end}
}

// Next returns the period after p.
func (c Calendar) Next(p Period) Period { return c.At(p.End) }

// Day returns the first instant of a day in the calendar's zone.
func (c Calendar) Day(year int, month time.Month, day int) time.Time {
	return firstInstant(time.Date(year, month, day, 0, 0, 0, 0, time.UTC), c.zone())
}

func (c Calendar) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// start returns when the period of a month begins. The month may lie outside
// 1 to 12, as for [time.Date].
func (c Calendar) start(year int, month time.Month) time.Time {
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return firstInstant(time.Date(year, month, min(max(c.AnchorDay, 1), last), 0, 0, 0, 0, time.UTC), c.zone())
}

// farthest is more than any clock ever was ahead of UTC.
const farthest = 36 * time.Hour

// firstInstant returns the first instant at which clocks in zone show the day, or
// a later one where the zone skipped the day. The day is given by its midnight in
// UTC.
//
// time.Date does not promise which instant it gives where midnight happens twice
// or never, so this looks at each stretch of constant offset in turn.
func firstInstant(day time.Time, zone *time.Location) time.Time {
	at := day.Add(-farthest).In(zone)
	for {
		_, offset := at.Zone()
		_, end := at.ZoneBounds()
		if !end.IsZero() && !end.After(at) {
			// Go ends the rules of years to come after 365 days, so that on the last
			// day of a leap year the bound has passed. No rule changes clocks then.
			end = at.Add(24 * time.Hour)
		}
		midnight := day.Add(-time.Duration(offset) * time.Second).In(zone)
		if midnight.Before(at) {
			// The clock jumped over midnight when this stretch began.
			midnight = at
		}
		if end.IsZero() || midnight.Before(end) {
			return midnight
		}
		at = end
	}
}
