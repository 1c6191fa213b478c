package opening_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// TestABalanceThatNobodyCanConfirmIsNone has a room meet on both sides of the start of a
// period, and the earlier meeting be shown with all of its minutes during the later one.
// Only the list of its sessions tells which minutes are whose, and there is none a day
// later: the room counts as unread.
func TestABalanceThatNobodyCanConfirmIsNone(t *testing.T) {
	tooLong(t)
	start := time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		others int // rooms: there are several pages of them, or one
		// gone is what becomes of the room, eight hours after the start.
		gone func(account *wherebytest.Account)
		// refused makes listing fail for the room's sessions.
		refused bool
		// noticed is when the room is unread, and used what is certain then.
		noticed time.Duration
		used    int64
	}{
		"deleted in a small account": {
			gone:    func(account *wherebytest.Account) { account.Delete("/acme-1") },
			noticed: 8*time.Hour + 2*interval,
		},
		"deleted in a large account": {
			others:  150,
			gone:    func(account *wherebytest.Account) { account.Delete("/acme-1") },
			noticed: 14*time.Hour + 3*interval,
		},
		"its name used again": {
			gone: func(account *wherebytest.Account) {
				account.Delete("/acme-1")
				account.AddRoom(wherebytest.Room{Name: "/acme-1", CreatedAt: time.Now()})
				account.Use("/acme-1", minutes(100), time.Now().Add(time.Minute))
			},
			noticed: 10 * time.Hour,
			used:    100,
		},
		"refused": {
			gone:    func(*wherebytest.Account) {},
			refused: true,
			noticed: 27 * time.Hour,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				insights := wherebytest.Insights{
					SeparateLives: true,
					Growth: func(_, id string) time.Duration {
						if id == "grows" {
							return 5 * time.Hour
						}
						return 0
					},
				}
				if c.refused {
					insights.SessionStatus = func(string, time.Time) int { return http.StatusForbidden }
				}
				b := newBench(t, wherebytest.Config{Lag: 5 * time.Second, Insights: insights})
				sleepUntil(start.Add(-20 * time.Hour))
				b.add("/acme-1", start.AddDate(0, -1, 0))
				b.account.Schedule("/acme-1", long("grows", start.Add(-3*time.Hour), 80*time.Minute))
				b.account.Schedule("/acme-1", long("", start.Add(time.Hour), 210*time.Minute))
				for i := range c.others {
					name := fmt.Sprintf("/globex-%d", i)
					b.add(name, start.AddDate(0, -1, 0))
					b.account.Use(name, minutes(10), start.Add(-time.Duration(30+i)*time.Hour))
				}
				b.start()
				sleepUntil(start.Add(8 * time.Hour))
				// Half of the earlier meeting's minutes count to the period for now.
				b.expect("acme", 210+40, 0)
				c.gone(b.account)
				sleepUntil(start.Add(c.noticed))
				for time.Now().Before(start.AddDate(0, 0, 3)) && !t.Failed() {
					b.expect("acme", c.used, 1)
					if got := b.of("acme").Previous; got.Unread != 1 || got.Final {
						t.Errorf("at %v, the previous period is %+v, want an unread room", time.Now().UTC(), got)
					}
					time.Sleep(5 * time.Hour)
				}
				b.stop()
				if c.others > 0 {
					return
				}
				b.start()
				next := start.AddDate(0, 1, 0)
				sleepUntil(next.Add(-time.Hour))
				b.expect("acme", c.used, 1)
				sleepUntil(next.AddDate(0, 0, 2))
				b.expect("acme", 0, 0)
				if got := b.of("acme").Previous; got.Unread != 1 || got.Final {
					t.Errorf("in the next period, the previous one is %+v, want an unread room", got)
				}
				b.stop()
			})
		})
	}
}

// TestARoomWithAnEndIsListedBeforeItIsDeleted has such a room meet on both sides of the start
// of a period, and the earlier meeting be shown with all of its minutes during the later one.
// Whereby deletes it hours before balances are confirmed.
func TestARoomWithAnEndIsListedBeforeItIsDeleted(t *testing.T) {
	tooLong(t)
	start := time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		others  int // rooms: there are several pages of them, or one
		restart bool
		deleted time.Duration
	}{
		"a small account":       {deleted: 8 * time.Hour},
		"a large account":       {others: 150, deleted: 8 * time.Hour},
		"after a restart":       {restart: true, deleted: 8 * time.Hour},
		"large after a restart": {others: 150, restart: true, deleted: 8 * time.Hour},
		"soon after its end":    {others: 150, deleted: 5*time.Hour + 10*time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{Lag: 5 * time.Second, Insights: wherebytest.Insights{
					Growth: func(_, id string) time.Duration {
						if id == "grows" {
							return 5 * time.Hour
						}
						return 0
					},
				}})
				sleepUntil(start.Add(-20 * time.Hour))
				b.rooms = append(b.rooms, "/acme-1")
				b.account.AddRoom(wherebytest.Room{Name: "/acme-1", CreatedAt: start.Add(-30 * time.Hour), EndAt: start.Add(5 * time.Hour)})
				b.account.Schedule("/acme-1", long("grows", start.Add(-3*time.Hour), 80*time.Minute))
				b.account.Schedule("/acme-1", long("", start.Add(time.Hour), 210*time.Minute))
				for i := range c.others {
					name := fmt.Sprintf("/globex-%d", i)
					b.add(name, start.AddDate(0, -1, 0))
					b.account.Use(name, minutes(10), start.Add(-time.Duration(30+i)*time.Hour))
				}
				b.start()
				if c.restart {
					sleepUntil(start.Add(4*time.Hour + 33*time.Minute))
					b.stop()
					b.start()
				}
				sleepUntil(start.Add(c.deleted))
				if lists := b.account.Count(wherebytest.EndpointRoomSessions); lists != 1 {
					t.Errorf("sessions were listed %d times", lists)
				}
				b.account.Delete("/acme-1")
				for time.Now().Before(start.AddDate(0, 0, 3)) && !t.Failed() {
					b.expect("acme", 210, 0)
					time.Sleep(5 * time.Hour)
				}
				if got := b.of("acme").Previous; got.Used.ParticipantMinutes != 80 || !got.Final {
					t.Errorf("the previous period is %+v, want 80 minutes that are final", got)
				}
				b.stop()
			})
		})
	}
}
