package app

import (
	"bytes"
	"fmt"
	"text/template"
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/whereby/wherebytest"
)

// demoCustomer is a customer of the demo whose usage is planned against its quota.
type demoCustomer struct {
	Prefix, Name string
	// Quota is of participant minutes in a billing period.
	Quota int
	// age is how many days ago the billing period began.
	age int
	// daily are the participant minutes of each day of half a year, and used are those of
	// the period until the demo starts.
	daily, used int
	// AnchorDay follows from age.
	AnchorDay int
}

// demoCustomers returns the planned customers of a demo that starts at a time.
func demoCustomers(now time.Time) []demoCustomer {
	customers := []demoCustomer{
		// Over: the rest of the quota is used up by the meetings of the first minutes.
		{Prefix: "initech-trial-", Name: "Initech (trial)", Quota: 1200, age: 20, daily: 55, used: 1185},
		// Near: five days before the end of its period.
		{Prefix: "acme-training-", Name: "Acme Training", Quota: 10_000, age: 24, daily: 360, used: 8_700},
		// Heading for an overrun: two thirds are used when half of the period is over.
		{Prefix: "globex-academy-", Name: "Globex Academy", Quota: 12_000, age: 15, daily: 530, used: 8_000},
	}
	for i := range customers {
		customers[i].AnchorDay = anchorDay(now, customers[i].age)
	}
	return customers
}

// anchorDay returns the day of the month that was so many days ago; the 28th stands for the
// days after it, which not every month has.
func anchorDay(now time.Time, age int) int {
	return min(now.UTC().AddDate(0, 0, -age).Day(), 28)
}

// periodStart is when the customer's billing period began.
func (c demoCustomer) periodStart(now time.Time) time.Time {
	return billing.Calendar{AnchorDay: c.AnchorDay}.At(now).Start
}

// room returns the room of a planned customer with a number.
func (c demoCustomer) room(n int) string {
	return fmt.Sprintf("/%s5d0f7c1e-8a43-4c0b-9a6e-0f4b1d2c3e%02x", c.Prefix, n)
}

// addTo adds the customer's rooms with half a year of meetings, and what goes on in them
// for the next days.
func (c demoCustomer) addTo(account *wherebytest.Account, now time.Time) {
	const (
		rooms   = 3
		people  = 4
		history = 180
		ahead   = 14 // days that a demo may run
	)
	start := c.periodStart(now)
	for n := range rooms {
		account.AddRoom(wherebytest.Room{Name: c.room(n), CreatedAt: now.AddDate(0, 0, -history-1)})
	}
	meet := func(day int, at time.Time, minutes int) {
		account.Use(c.room(day%rooms), wherebytest.Totals{
			Sessions: 1, ParticipantMinutes: int64(minutes), UniqueParticipants: people,
		}, at)
	}
	today := now.UTC().Truncate(24 * time.Hour)
	days := int(today.Sub(start) / (24 * time.Hour))
	for day := range history {
		at := today.AddDate(0, 0, day-history).Add(10 * time.Hour)
		if at.Before(start) {
			// Business grew to what it is.
			meet(day, at, c.daily*(history+day)/(2*history))
			continue
		}
		past := int(at.Sub(start) / (24 * time.Hour))
		meet(day, at, c.used*(past+1)/days-c.used*past/days)
	}
	for day := range ahead {
		minutes := c.daily / people
		begin := today.AddDate(0, 0, day+1).Add(10 * time.Hour)
		c.schedule(account, day%rooms, begin, min(minutes, 120), max(people, c.daily/120))
	}
}

// schedule plans a meeting.
func (c demoCustomer) schedule(account *wherebytest.Account, room int, begin time.Time, minutes, people int) {
	session := wherebytest.Session{Start: begin, End: begin.Add(time.Duration(minutes) * time.Minute)}
	for p := range people {
		session.Participants = append(session.Participants, wherebytest.Participant{
			Role: "member", Joined: begin.Add(time.Duration(p) * 3 * time.Second),
		})
	}
	account.Schedule(c.room(room), session)
}

// overrun lets the customer meet now in all of its rooms: four people in each for
// 25 minutes.
func (c demoCustomer) overrun(account *wherebytest.Account, now time.Time) {
	for room := range 3 {
		c.schedule(account, room, now.Add(time.Duration(room+1)*2*time.Second), 25, 4)
	}
}

// storeRecordings stores a recording of each day of the last two months.
func storeRecordings(account *wherebytest.Account, customers []demoCustomer, now time.Time) {
	const days, length = 60, 40 * time.Minute
	for day := range days {
		c := customers[day%len(customers)]
		start := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -day-1).Add(10 * time.Hour)
		account.AddRecordings(wherebytest.Recording{
			ID:       fmt.Sprintf("recording-%d", day),
			RoomName: c.room(0), Filename: c.room(0)[1:] + ".mp4",
			Start: start, End: start.Add(length), Megabytes: 250 + float64(day%7)*40,
		})
	}
}

// demoFile returns the demo's configuration with the planned customers.
func demoFile(customers []demoCustomer) ([]byte, error) {
	t, err := template.New("demo.yml").Parse(demoConfig)
	if err != nil {
		return nil, fmt.Errorf("parse the demo's configuration: %w", err)
	}
	var file bytes.Buffer
	if err := t.Execute(&file, customers); err != nil {
		return nil, fmt.Errorf("write the demo's configuration: %w", err)
	}
	return file.Bytes(), nil
}
