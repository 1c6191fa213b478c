package app

import (
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/config"
	"whereby_exporter/whereby/wherebytest"
)

// TestTheDemoShowsEachKindOfCustomer starts the demo on each day of a year: one customer
// goes over its quota within two minutes and is not far above it the next morning, one is
// near its quota, and one heads for an overrun.
func TestTheDemoShowsEachKindOfCustomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 366 {
			now := time.Now()
			account := wherebytest.New(wherebytest.Config{})
			customers := demoCustomers(now)
			for _, c := range customers {
				c.addTo(account, now)
			}
			customers[0].overrun(account, now)
			over, near, heading := customers[0], customers[1], customers[2]

			time.Sleep(2 * time.Minute)
			within(t, "over after two minutes", over.share(account), 1, 1.05)
			within(t, "near", near.share(account), 0.85, 0.95)
			within(t, "heading", heading.share(account), 0.6, 0.75)
			within(t, "heading at the period's end", heading.projected(account), 1.1, 1.6)
			within(t, "near at the period's end", near.projected(account), 0.9, 1.2)

			time.Sleep(18 * time.Hour)
			within(t, "over the next morning", over.share(account), 1.2, 1.5)
			within(t, "near the next morning", near.share(account), 0.85, 1)
			within(t, "heading the next morning", heading.share(account), 0.6, 0.8)
			if t.Failed() {
				t.Fatalf("the demo of %v", now)
			}
			time.Sleep(6*time.Hour - 2*time.Minute + 61*time.Second)
		}
	})
}

func within(t *testing.T, what string, got, least, most float64) {
	t.Helper()
	if got < least || got > most {
		t.Errorf("%s: %.3f of the quota, want %v to %v", what, got, least, most)
	}
}

// share is which share of its quota a customer has used.
func (c demoCustomer) share(account *wherebytest.Account) float64 {
	start := c.periodStart(time.Now())
	used := 0
	for n := range 3 {
		for _, session := range account.Sessions(c.room(n)) {
			if !session.StartedAt.Before(start) {
				used += int(session.Totals.ParticipantMinutes)
			}
		}
	}
	return float64(used) / float64(c.Quota)
}

// projected returns the share at the end of the period at the pace of the period so far.
func (c demoCustomer) projected(account *wherebytest.Account) float64 {
	period := billing.Calendar{AnchorDay: c.AnchorDay}.At(time.Now())
	return c.share(account) * float64(period.End.Sub(period.Start)) / float64(time.Since(period.Start))
}

func TestTheDemosConfigurationIsValid(t *testing.T) {
	text, err := demoFile(demoCustomers(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Parse("demo.yml", text, alertOptions()); err != nil {
		t.Error(err)
	}
}
