package billing_test

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"whereby_exporter/collector/billing"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	location, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

func TestAt(t *testing.T) {
	for _, c := range []struct {
		name           string
		anchor         int
		zone           string
		at, start, end string // RFC 3339
	}{
		{"in the middle", 1, "UTC", "2026-07-15T12:00:00Z", "2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z"},
		{"at the start", 1, "UTC", "2026-07-01T00:00:00Z", "2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z"},
		{"just before the end", 1, "UTC", "2026-07-31T23:59:59.999999999Z", "2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z"},
		{"at the end the next one begins", 1, "UTC", "2026-08-01T00:00:00Z", "2026-08-01T00:00:00Z", "2026-09-01T00:00:00Z"},
		{"before the anchor day", 15, "UTC", "2026-07-14T23:59:59Z", "2026-06-15T00:00:00Z", "2026-07-15T00:00:00Z"},
		{"over the new year", 15, "UTC", "2026-01-03T00:00:00Z", "2025-12-15T00:00:00Z", "2026-01-15T00:00:00Z"},
		{"into the new year", 15, "UTC", "2026-12-15T00:00:00Z", "2026-12-15T00:00:00Z", "2027-01-15T00:00:00Z"},

		{"the 31st in a short month", 31, "UTC", "2026-04-30T00:00:00Z", "2026-04-30T00:00:00Z", "2026-05-31T00:00:00Z"},
		{"the 31st in February", 31, "UTC", "2026-03-01T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"},
		{"the 30th in February", 30, "UTC", "2026-02-27T00:00:00Z", "2026-01-30T00:00:00Z", "2026-02-28T00:00:00Z"},
		{"the 29th in a leap year", 29, "UTC", "2028-02-28T12:00:00Z", "2028-01-29T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"the 29th in another year", 29, "UTC", "2100-02-28T12:00:00Z", "2100-02-28T00:00:00Z", "2100-03-29T00:00:00Z"},
		{"the 29th in the year 2000", 29, "UTC", "2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "2000-03-29T00:00:00Z"},

		{"east of UTC", 1, "Asia/Tokyo", "2026-06-30T15:00:00Z", "2026-07-01T00:00:00+09:00", "2026-08-01T00:00:00+09:00"},
		{"west of UTC", 1, "America/Los_Angeles", "2026-07-01T06:59:59Z", "2026-06-01T00:00:00-07:00", "2026-07-01T00:00:00-07:00"},
		{"over the begin of summer time", 1, "Europe/Oslo", "2026-03-29T12:00:00Z", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"},
		{"far away", 31, "Europe/Oslo", "2250-12-31T00:00:00Z", "2250-12-31T00:00:00+01:00", "2251-01-31T00:00:00+01:00"},
		{"long ago", 1, "UTC", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-02-01T00:00:00Z"},

		{"the last day of a leap year to come", 31, "America/New_York", "2056-12-31T12:00:00Z", "2056-12-31T00:00:00-05:00", "2057-01-31T00:00:00-05:00"},
		{"the first day after it", 1, "America/New_York", "2057-01-01T12:00:00Z", "2057-01-01T00:00:00-05:00", "2057-02-01T00:00:00-05:00"},

		{"no midnight, from then on", 4, "America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04T01:00:00-02:00", "2018-12-04T00:00:00-02:00"},
		{"no midnight, until then", 4, "America/Sao_Paulo", "2018-11-04T02:59:59Z", "2018-10-04T00:00:00-03:00", "2018-11-04T01:00:00-02:00"},
		{"no midnight in Beirut", 27, "Asia/Beirut", "2022-03-27T12:00:00Z", "2022-03-27T01:00:00+03:00", "2022-04-27T00:00:00+03:00"},
		// Clocks went from 00:01 back to 23:01.
		{"two midnights, at the first", 4, "America/St_Johns", "2007-11-04T02:30:00Z", "2007-11-04T00:00:00-02:30", "2007-12-04T00:00:00-03:30"},
		{"two midnights, between them", 4, "America/St_Johns", "2007-11-04T02:31:30Z", "2007-11-04T00:00:00-02:30", "2007-12-04T00:00:00-03:30"},
		{"two midnights, before the first", 4, "America/St_Johns", "2007-11-04T02:29:59Z", "2007-10-04T00:00:00-02:30", "2007-11-04T00:00:00-02:30"},
		{"two midnights on the first of a month", 1, "America/St_Johns", "2009-11-01T12:00:00Z", "2009-11-01T00:00:00-02:30", "2009-12-01T00:00:00-03:30"},
		{"October's last half hour, after November has begun", 1, "America/St_Johns", "2009-11-01T02:31:30Z", "2009-11-01T00:00:00-02:30", "2009-12-01T00:00:00-03:30"},
		// In Havana 00:00 to 00:59 comes twice.
		{"the first hour twice", 1, "America/Havana", "2026-11-01T05:30:00Z", "2026-11-01T00:00:00-04:00", "2026-12-01T00:00:00-05:00"},
		{"a day that never was", 30, "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31T00:00:00+14:00", "2012-01-30T00:00:00+14:00"},
		{"the day before it", 30, "Pacific/Apia", "2011-12-30T09:59:59Z", "2011-11-30T00:00:00-10:00", "2011-12-31T00:00:00+14:00"},
		{"a day that came twice", 18, "America/Juneau", "1867-10-19T12:00:00Z", "1867-10-18T00:00:00+15:02", "1867-11-18T00:00:00-08:57"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339Nano, c.at)
			if err != nil {
				t.Fatal(err)
			}
			p := billing.Calendar{AnchorDay: c.anchor, Zone: zone(t, c.zone)}.At(at)
			if start, end := p.Start.Format(time.RFC3339), p.End.Format(time.RFC3339); start != c.start || end != c.end {
				t.Errorf("%s is in %s to %s; want %s to %s", c.at, start, end, c.start, c.end)
			}
		})
	}
}

func TestTheZeroCalendarIsTheFirstInUTC(t *testing.T) {
	now := time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)
	want := billing.Calendar{AnchorDay: 1, Zone: time.UTC}.At(now)
	if got := (billing.Calendar{}).At(now); got != want {
		t.Errorf("got %v; want %v", got, want)
	}
	if got := (billing.Calendar{AnchorDay: -3}).At(now); got != want {
		t.Errorf("got %v; want %v", got, want)
	}
}

func TestANewAnchorDayCountsAtOnce(t *testing.T) {
	now := time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)
	before, after := billing.Calendar{AnchorDay: 1}.At(now), billing.Calendar{AnchorDay: 10}.At(now)
	if !before.Contains(now) || !after.Contains(now) || before == after {
		t.Errorf("before %v, after %v", before, after)
	}
}

// TestPeriodsInEveryZone holds, for every zone there is, what a bill rests on.
func TestPeriodsInEveryZone(t *testing.T) {
	content, err := os.ReadFile("testdata/zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(content))
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	from, to := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(2101, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	times := 4
	if testing.Short() {
		times = 1
	}
	for _, name := range names {
		location := zone(t, name)
		for anchor := 1; anchor <= 31; anchor++ {
			c := billing.Calendar{AnchorDay: anchor, Zone: location}
			for range times {
				checkPeriod(t, c, time.Unix(from+random.Int64N(to-from), random.Int64N(1e9)))
			}
		}
	}
	// The days on which clocks do what they do nowhere else.
	for _, odd := range []struct {
		zone string
		day  time.Time
	}{
		{"America/Sao_Paulo", time.Date(2018, 11, 4, 0, 0, 0, 0, time.UTC)},
		{"Asia/Beirut", time.Date(2022, 3, 27, 0, 0, 0, 0, time.UTC)},
		{"Asia/Amman", time.Date(2022, 2, 25, 0, 0, 0, 0, time.UTC)},
		{"America/St_Johns", time.Date(2007, 11, 4, 0, 0, 0, 0, time.UTC)},
		{"America/Havana", time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
		{"Pacific/Apia", time.Date(2011, 12, 30, 0, 0, 0, 0, time.UTC)},
		{"Pacific/Kwajalein", time.Date(1993, 8, 21, 0, 0, 0, 0, time.UTC)},
		{"Pacific/Kiritimati", time.Date(1994, 12, 31, 0, 0, 0, 0, time.UTC)},
	} {
		c := billing.Calendar{AnchorDay: odd.day.Day(), Zone: zone(t, odd.zone)}
		for minute := -36 * 60; minute <= 36*60; minute++ {
			checkPeriod(t, c, odd.day.Add(time.Duration(minute)*time.Minute))
		}
	}
}

func checkPeriod(t *testing.T, c billing.Calendar, at time.Time) {
	t.Helper()
	p := c.At(at)
	if !p.Contains(at) {
		t.Fatalf("%v: %v is not in %v", c, at, p)
	}
	for _, same := range []time.Time{p.Start, p.End.Add(-1)} {
		if got := c.At(same); got != p {
			t.Fatalf("%v: %v is in %v; want %v", c, same, got, p)
		}
	}
	next, previous := c.Next(p), c.At(p.Start.Add(-1))
	if !next.Start.Equal(p.End) || !previous.End.Equal(p.Start) {
		t.Fatalf("%v: %v, %v and %v do not touch", c, previous, p, next)
	}
	// Clocks are never changed by more than a day, when a zone changes the side of
	// the date line.
	if length := p.End.Sub(p.Start); length < 27*24*time.Hour || length > 32*24*time.Hour {
		t.Fatalf("%v: %v is %v long", c, p, length)
	}
	checkStart(t, c, p.Start)
}

// checkStart wants a start on the anchor day or the month's last day, and no
// instant of that day before it.
func checkStart(t *testing.T, c billing.Calendar, start time.Time) {
	t.Helper()
	year, month, day := start.Date()
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if day != min(c.AnchorDay, last) && !skipped(start) {
		t.Fatalf("%v: a period starts on %v", c, start)
	}
	for _, before := range []time.Duration{1, time.Minute, time.Hour, 2 * time.Hour, 23 * time.Hour} {
		if earlier := start.Add(-before); !dateOf(earlier).Before(dateOf(start)) {
			t.Fatalf("%v: a period starts on %v, but %v is of that day", c, start, earlier)
		}
	}
}

// skipped reports whether the zone had no day before the one that begins at start.
func skipped(start time.Time) bool {
	return dateOf(start).Sub(dateOf(start.Add(-1))) > 24*time.Hour
}

func dateOf(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func BenchmarkAt(b *testing.B) {
	c := billing.Calendar{AnchorDay: 15, Zone: zone(b, "America/New_York")}
	now := time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		c.At(now)
	}
}
