package dashboards

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// account is who uses how much when.
type account struct {
	begins    int64
	customers []customer
	// total is all customers together.
	total customer
}

// customer is who owns a room prefix.
type customer struct {
	index        int
	prefix, name string
	begins       int64
	// hours are the participant minutes used by the beginning of each hour.
	hours []float64
	// quota is the share of its quota that it uses in a month; 0 is without one.
	quota float64
}

// known are the customers that have names.
var known = []struct{ prefix, name string }{
	{"acme-", "Acme"}, {"acme-eu-", "Acme"}, {"acme-us-", "Acme"}, {"globex-", "Globex"}, {"globex-clinic-", "Globex Clinic"},
	{"initech-", "Initech"}, {"initech-labs-", "Initech Labs"}, {"initech-trial-", "Initech (trial)"},
}

// shares are what customers use of their quotas in a month: within, near and over.
var shares = []float64{0.7, 0.5, 0.62, 1.1, 0.4, 0.8, 0, 1.4}

func (h History) account() *account {
	end := h.End.Unix()
	a := &account{begins: end/day*day - int64(h.Days)*day}
	shift := int64(0) // of working hours
	if h.Workday {
		shift = time.Date(2026, 7, 1, 15, 0, 0, 0, time.UTC).Unix() - end // a Wednesday
	}
	n := int((end-a.begins)/hour) + 2
	scale := cmp.Or(h.Scale, 1)
	a.total = customer{index: -1, begins: a.begins, hours: make([]float64, n), quota: 0.75}
	for i := range h.Customers {
		c := customer{index: i, begins: a.begins, hours: make([]float64, n), quota: shares[i%len(shares)]}
		if i < len(known) {
			c.prefix, c.name = known[i].prefix, known[i].name
		} else {
			c.prefix, c.name = fmt.Sprintf("customer-%03d-", i), fmt.Sprintf("Customer %d", i)
		}
		size := 3000 * scale / math.Pow(float64(i+1), 0.7)
		used := 50_000 * size / 3000 // by then
		for j := range n {
			c.hours[j] = math.Floor(used)
			a.total.hours[j] += c.hours[j]
			// Growth of a half to a double in half a year, more or less by customer.
			growth := 1 + float64(j)/(26*7*24)*(0.5+0.5*math.Sin(float64(i)))
			used += size * growth * busy(a.begins+int64(j)*hour+shift, i)
		}
		a.customers = append(a.customers, c)
	}
	return a
}

// busy is how busy an hour is, from 0 to about 1.
func busy(at int64, seed int) float64 {
	t := time.Unix(at, 0).UTC()
	shape := math.Max(0, math.Sin(float64(t.Hour()-6)/13*math.Pi))
	if shape < 0.01 || t.Hour() > 19 {
		shape = 0.01
	}
	if d := t.Weekday(); d == time.Saturday || d == time.Sunday {
		shape *= 0.12
	}
	// Hours differ, and so do days, but each is the same whenever it is asked.
	return shape * (0.8 + 0.4*noise(at, seed)) * (0.85 + 0.3*noise(at/day, seed))
}

func noise(at int64, seed int) float64 {
	x := uint64(at)*0x9e3779b97f4a7c15 ^ uint64(seed+1)*0xbf58476d1ce4e5b9
	x = (x ^ x>>31) * 0x94d049bb133111eb
	return float64((x^x>>29)>>11) / (1 << 53)
}

// minutes returns the participant minutes used by a time.
func (c *customer) minutes(at int64) float64 {
	i := min(max(0, int((at-c.begins)/hour)), len(c.hours)-2)
	part := float64((at-c.begins)-int64(i)*hour) / float64(hour)
	return math.Floor(c.hours[i] + (c.hours[i+1]-c.hours[i])*min(max(part, 0), 1))
}

// people is how many are in rooms.
func (c *customer) people(at int64) float64 {
	return math.Round((c.minutes(at) - c.minutes(at-10*minute)) / 10)
}

// month returns the billing period that a time is in.
func month(at int64) (start, end int64) {
	t := time.Unix(at, 0).UTC()
	first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	return first.Unix(), first.AddDate(0, 1, 0).Unix()
}

// quarter returns the calendar quarter that a time is in.
func quarter(at int64) (start, end int64) {
	t := time.Unix(at, 0).UTC()
	first := time.Date(t.Year(), (t.Month()-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	return first.Unix(), first.AddDate(0, 3, 0).Unix()
}

// usage are the lifetime figures.
var usage = []struct {
	resource, metric string
	figure           func(c *customer, at int64) float64
}{
	{"participant_minutes", "whereby_participant_minutes_total", (*customer).minutes},
	{"recorder_minutes", "whereby_recorder_minutes_total", func(c *customer, at int64) float64 { return math.Floor(c.minutes(at) / 14) }},
	{"streamer_minutes", "whereby_streamer_minutes_total", func(c *customer, at int64) float64 { return math.Floor(c.minutes(at) / 80) }},
	{"sessions", "whereby_sessions_total", func(c *customer, at int64) float64 { return math.Floor(c.minutes(at) / 60) }},
}

// used is what was used of a resource in the month.
func (c *customer) used(resource string, at int64) float64 {
	start, _ := month(at)
	for _, u := range usage {
		if u.resource == resource {
			return u.figure(c, at) - u.figure(c, max(start, c.begins))
		}
	}
	return c.people(at)
}

// limit returns the quota of a resource.
func (c *customer) limit(resource string) float64 {
	last := c.begins + int64(len(c.hours)-2)*hour
	expected := 30 * (c.minutes(last) - c.minutes(last-7*day)) / 7
	switch resource {
	case "participant_minutes":
		return math.Ceil(expected / c.quota)
	case "sessions":
		return math.Ceil(expected / 30)
	case "live_participants":
		return math.Ceil(expected/30/60/4) + 5
	}
	return math.NaN()
}
