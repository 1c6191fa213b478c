package app

import (
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// addTrial adds a customer who signed up just now, and meets more than the trial's
// quota allows: demo.yml grants 15 participant minutes.
func addTrial(account *wherebytest.Account, now time.Time) {
	const (
		meeting = 25 * time.Minute
		pause   = 5 * time.Minute
		hours   = 8
		people  = 4
	)
	for i, room := range []string{
		"/initech-trial-5d0f7c1e-8a43-4c0b-9a6e-0f4b1d2c3e01",
		"/initech-trial-5d0f7c1e-8a43-4c0b-9a6e-0f4b1d2c3e02",
		"/initech-trial-5d0f7c1e-8a43-4c0b-9a6e-0f4b1d2c3e03",
	} {
		account.AddRoom(wherebytest.Room{Name: room, CreatedAt: now})
		begin := now.Add(time.Duration(i+1) * 2 * time.Second)
		for at := begin; at.Before(begin.Add(hours * time.Hour)); at = at.Add(meeting + pause) {
			session := wherebytest.Session{Start: at, End: at.Add(meeting)}
			for p := range people {
				session.Participants = append(session.Participants, wherebytest.Participant{
					Role: "member", Joined: at.Add(time.Duration(p) * 3 * time.Second),
				})
			}
			account.Schedule(room, session)
		}
	}
}
