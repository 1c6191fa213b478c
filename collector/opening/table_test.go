package opening_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby/wherebytest"
)

// minutes returns a meeting as far as it is counted.
func minutes(n int64) wherebytest.Totals {
	return wherebytest.Totals{ParticipantMinutes: n, Sessions: 1}
}

// long returns a session of which somebody is there all the time.
func long(id string, start time.Time, length time.Duration) wherebytest.Session {
	return wherebytest.Session{ID: id, Start: start, End: start.Add(length), Participants: make([]wherebytest.Participant, 1)}
}

// add makes a permanent room.
func (b *bench) add(name string, created time.Time) {
	b.rooms = append(b.rooms, name)
	b.account.AddRoom(wherebytest.Room{Name: name, CreatedAt: created})
}

// sleepUntil returns at a time.
func sleepUntil(at time.Time) { time.Sleep(time.Until(at)) }

// of is what a prefix used.
func (b *bench) of(label string) ledger.PeriodUsage {
	b.t.Helper()
	synctest.Wait()
	if snapshot := b.ledger.Snapshot(); snapshot != nil {
		for _, usage := range snapshot.Prefixes {
			if usage.Prefix == label {
				return usage.PeriodUsage
			}
		}
	}
	b.t.Fatalf("nothing is known of %s", label)
	return ledger.PeriodUsage{}
}

// expect has a prefix, and the account, have used some minutes for certain.
func (b *bench) expect(label string, minutes, unread int64) {
	b.t.Helper()
	if got := b.of(label); got.Used.ParticipantMinutes != minutes || got.Unread != unread {
		b.t.Errorf("at %v, %s used %d minutes (%d unread rooms), want %d (%d)",
			time.Now().UTC(), label, got.Used.ParticipantMinutes, got.Unread, minutes, unread)
	}
}

// watch looks every few minutes, for a time, whether the figures of a prefix are true.
// What is certain must not be more than the truth, and what is known not less than what
// was true before the last poll but one.
func (b *bench) watch(label string, length time.Duration, truth func(at time.Time) int64) {
	b.t.Helper()
	const step = 2 * time.Minute
	for end := time.Now().Add(length); time.Now().Before(end); time.Sleep(step) {
		if b.ledger.Snapshot() == nil {
			continue
		}
		got, now := b.of(label), time.Now()
		least, most := truth(now.Add(-2*interval)), truth(now)
		if got.Used.ParticipantMinutes > most || got.Known() && got.Used.ParticipantMinutes < least {
			b.t.Fatalf("at %v, %s used %d minutes (%d unread rooms), want %d to %d",
				now.UTC(), label, got.Used.ParticipantMinutes, got.Unread, least, most)
		}
	}
}

// always returns a truth that does not change.
func always(minutes int64) func(time.Time) int64 { return func(time.Time) int64 { return minutes } }

// TestEndpointsShowASessionOneAfterTheOther has a room whose totals and whose list of
// sessions are of different moments while its opening balance is read.
func TestEndpointsShowASessionOneAfterTheOther(t *testing.T) {
	for name, c := range map[string]struct{ rooms, sessions time.Duration }{
		"totals first, by seconds":          {rooms: 5 * time.Second, sessions: 11 * time.Second},
		"sessions first, by seconds":        {rooms: 11 * time.Second, sessions: 5 * time.Second},
		"totals first, by half an hour":     {rooms: 5 * time.Second, sessions: 30 * time.Minute},
		"sessions first, by half an hour":   {rooms: 30 * time.Minute, sessions: 5 * time.Second},
		"totals first, by nearly two hours": {rooms: 5 * time.Second, sessions: 110 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{Insights: wherebytest.Insights{
					LagOf: func(endpoint, _ string) time.Duration {
						if endpoint == wherebytest.EndpointRooms {
							return c.rooms
						}
						return c.sessions
					},
				}})
				sleepUntil(time.Date(2000, 2, 10, 12, 0, 0, 0, time.UTC))
				now := time.Now()
				b.add("/acme-1", now.AddDate(0, -1, 0))
				b.account.Use("/acme-1", minutes(600), now.AddDate(0, 0, -15))
				b.account.Use("/acme-1", minutes(100), now.AddDate(0, 0, -2))
				begins := now.Add(time.Minute)
				b.account.Use("/acme-1", minutes(40), begins)
				sleepUntil(begins.Add(8 * time.Second)) // one endpoint shows it
				b.start()
				b.watch("acme", 8*time.Hour, always(140))
				b.expect("acme", 140, 0)
				b.expectTruth("in the end")
				b.stop()
			})
		})
	}
}

// TestASessionFromBeforeThePeriodComesLate has it appear after the room was read.
func TestASessionFromBeforeThePeriodComesLate(t *testing.T) {
	start := time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC)
	for name, after := range map[string]time.Duration{"on the first day": 20 * time.Hour, "days later": 80 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{Lag: 5 * time.Second})
				sleepUntil(start.Add(4 * time.Hour))
				b.add("/acme-1", start.AddDate(0, -1, 0))
				b.account.Use("/acme-1", minutes(600), start.Add(-48*time.Hour))
				b.account.Use("/acme-1", minutes(105), start.Add(time.Hour))
				b.start()
				sleepUntil(start.Add(after))
				b.expect("acme", 105, 0)
				b.account.Use("/acme-1", minutes(70), start.Add(-6*time.Hour))
				b.watch("acme", 10*time.Hour, always(105))
				b.expect("acme", 105, 0)
				b.expectTruth("in the end")
				sleepUntil(start.Add(after + 30*time.Hour))
				if got := b.of("acme").Previous; got.Used.ParticipantMinutes != 670 || !got.Final {
					t.Errorf("the previous period is %+v, want 670 minutes that are final", got)
				}
				b.stop()
			})
		})
	}
}

// TestASessionThatComesLateGrowsLate has a session from before the period be shown days
// late as if it ran then.
func TestASessionThatComesLateGrowsLate(t *testing.T) {
	start := time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC)
	for name, after := range map[string]time.Duration{"on the first day": 20 * time.Hour, "days later": 80 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begins := start.Add(-6 * time.Hour)
				b := newBench(t, wherebytest.Config{Lag: 5 * time.Second, Insights: wherebytest.Insights{
					Lateness: func(_, id string) time.Duration {
						if id == "late" {
							return start.Add(after).Sub(begins)
						}
						return 0
					},
				}})
				sleepUntil(start.Add(4 * time.Hour))
				b.add("/acme-1", start.AddDate(0, -1, 0))
				b.account.Use("/acme-1", minutes(600), start.Add(-48*time.Hour))
				b.account.Schedule("/acme-1", long("late", begins, 70*time.Minute))
				b.account.Use("/acme-1", minutes(105), start.Add(time.Hour))
				b.start()
				sleepUntil(start.Add(after - time.Hour))
				b.expect("acme", 105, 0)
				b.watch("acme", 10*time.Hour, always(105))
				b.expect("acme", 105, 0)
				b.expectTruth("in the end")
				b.stop()
			})
		})
	}
}

// TestABalanceIsOfTheTotalsThatAgreed has a room be in use while its opening balance is
// read, so that the ledger's totals are older than those that the sessions agree with.
func TestABalanceIsOfTheTotalsThatAgreed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{PointsPerMinute: 2, Insights: wherebytest.Insights{
			LagOf: func(endpoint, _ string) time.Duration {
				if endpoint == wherebytest.EndpointRooms {
					return 5 * time.Second
				}
				return 95 * time.Second
			},
		}})
		now := time.Date(2000, 2, 10, 12, 0, 0, 0, time.UTC)
		sleepUntil(now)
		b.add("/acme-1", now.AddDate(0, -1, 0))
		b.account.Use("/acme-1", minutes(600), now.AddDate(0, 0, -15))
		b.account.Schedule("/acme-1", long("", now.Add(-30*time.Minute), 2*time.Hour))
		b.start()
		time.Sleep(3 * time.Hour)
		b.expect("acme", 120, 0)
		b.stop()
	})
}

// TestNoSessionsAreNoFigure has a room's sessions be left out of answers, once and for
// hours.
func TestNoSessionsAreNoFigure(t *testing.T) {
	for name, length := range map[string]time.Duration{"once": 30 * time.Second, "for hours": 5 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Date(2000, 2, 10, 12, 0, 0, 0, time.UTC)
				b := newBench(t, wherebytest.Config{Insights: wherebytest.Insights{
					EmptySessions: func(_ string, at time.Time) bool { return at.Before(now.Add(length)) },
				}})
				sleepUntil(now)
				b.add("/acme-1", now.AddDate(0, -1, 0))
				b.account.Use("/acme-1", minutes(300), now.AddDate(0, 0, -15))
				b.account.Use("/acme-1", minutes(600), now.AddDate(0, 0, -2))
				b.start()
				time.Sleep(length / 2)
				b.expect("acme", 0, 1)
				b.watch("acme", 6*time.Hour+2*length, always(600))
				b.expect("acme", 600, 0)
				b.stop()
			})
		})
	}
}

// TestTotalsOfEndedSessionsOnly has totalSessions count a session once it has ended.
func TestTotalsOfEndedSessionsOnly(t *testing.T) {
	start := time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC)
	for name, cold := range map[string]time.Duration{"cold, in a session": 5*2*time.Hour + 20*time.Minute, "running for a day": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{Lag: 5 * time.Second, Insights: wherebytest.Insights{EndedSessions: true}})
				sleepUntil(start.Add(cold))
				b.add("/acme-1", start.AddDate(0, -1, 0))
				for i := range 10 {
					b.account.Schedule("/acme-1", long("", start.Add(-time.Duration(i+20)*2*time.Hour), 50*time.Minute))
					b.account.Schedule("/acme-1", long("", start.Add(time.Duration(i)*2*time.Hour), 50*time.Minute))
				}
				b.start()
				for time.Now().Before(start.Add(30 * time.Hour)) {
					time.Sleep(interval / 2)
					if time.Now().Before(start) || b.ledger.Snapshot() == nil {
						continue
					}
					if got := b.of("acme"); got.Used.Sessions > 10 || got.Used.ParticipantMinutes > 500 {
						t.Fatalf("at %v, %+v were used (%d unread rooms)", time.Now().UTC(), got.Used, got.Unread)
					}
				}
				if got := b.of("acme"); got.Used.Sessions != 10 {
					t.Errorf("%d sessions, want 10", got.Used.Sessions)
				}
				b.expect("acme", 500, 0)
				b.stop()
			})
		})
	}
}

// TestOneRoomThatIsRefusedForEver has all other rooms be read, and restarts.
func TestOneRoomThatIsRefusedForEver(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{Insights: wherebytest.Insights{
			SessionStatus: func(roomName string, _ time.Time) int {
				if roomName == "/acme-01" {
					return http.StatusGatewayTimeout
				}
				return 0
			},
		}})
		now := time.Date(2000, 2, 10, 12, 0, 0, 0, time.UTC)
		sleepUntil(now)
		for i := range 52 {
			label := "acme"
			if i > 40 {
				label = "globex"
			}
			name := fmt.Sprintf("/%s-%02d", label, i)
			b.add(name, now.AddDate(0, -1, 0))
			b.account.Use(name, minutes(300), now.AddDate(0, 0, -15))
			b.account.Use(name, minutes(10), now.AddDate(0, 0, -2))
		}
		right := func(when string) {
			t.Helper()
			b.expect("acme", 400, 1)
			b.expect("globex", 110, 0)
			if got := b.ledger.Snapshot().Account; got.Used.ParticipantMinutes != 510 || got.Unread != 1 {
				t.Errorf("%s: the account used %d minutes (%d unread rooms), want 510 (1)", when, got.Used.ParticipantMinutes, got.Unread)
			}
		}
		open := func() (closeStore func()) {
			bolt, err := store.OpenBolt(dir)
			if err != nil {
				t.Fatal(err)
			}
			b.store = bolt
			return func() {
				if err := bolt.Close(); err != nil {
					t.Error(err)
				}
			}
		}
		closeStore := open()
		b.start()
		time.Sleep(4 * time.Hour)
		right("after hours")
		b.stop()
		closeStore()
		closeStore = open()
		// Nothing answers any more: what is shown was kept.
		b.account.Inject(wherebytest.Status(http.StatusServiceUnavailable))
		b.start()
		right("after a restart")
		time.Sleep(time.Hour)
		right("an hour after a restart")
		b.account.ClearFaults()
		time.Sleep(12 * time.Hour)
		right("in the end")
		b.stop()
		closeStore()
	})
}

// TestTotalsWithoutTimes has the times of a room's sessions be null in its totals.
func TestTotalsWithoutTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{Lag: 5 * time.Second})
		now := time.Date(2000, 2, 10, 12, 0, 0, 0, time.UTC)
		sleepUntil(now)
		b.add("/acme-1", now.AddDate(0, -1, 0))
		b.account.Use("/acme-1", minutes(300), now.AddDate(0, 0, -15))
		b.account.Use("/acme-1", minutes(600), now.AddDate(0, 0, -2))
		b.account.Inject(wherebytest.OddRows("/acme-1", func(row map[string]any) {
			row["firstSessionStartedAt"], row["lastSessionStartedAt"] = nil, nil
		}).On(wherebytest.EndpointRooms))
		b.start()
		b.watch("acme", 4*time.Hour, always(600))
		b.expect("acme", 600, 0)
		b.account.Use("/acme-1", minutes(70), time.Now().Add(time.Hour))
		time.Sleep(9 * time.Hour)
		b.expect("acme", 670, 0)
		b.stop()
	})
}

// TestTheLastMinutesOfAPeriodAreOfThatPeriod has meetings go on over its end, and be
// restated after it.
func TestTheLastMinutesOfAPeriodAreOfThatPeriod(t *testing.T) {
	start := time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{Lag: 15 * time.Minute, Insights: wherebytest.Insights{
			Growth: func(_, id string) time.Duration {
				if id == "grows" {
					return 5 * time.Hour
				}
				return 0
			},
		}})
		sleepUntil(start.Add(-30 * time.Hour))
		var ended int64
		for i := range 12 {
			name := fmt.Sprintf("/acme-%02d", i)
			b.add(name, start.AddDate(0, -2, 0))
			b.account.Use(name, minutes(2000), start.AddDate(0, -1, -7))
			b.account.Use(name, minutes(1100), start.AddDate(0, 0, -7))
			ended += 1100
			b.account.Schedule(name, long("", start.Add(-time.Duration(i*5+1)*time.Minute), time.Hour))
			ended += 60
			b.account.Use(name, minutes(7), start.Add(time.Duration(i+3)*time.Hour))
		}
		b.add("/acme-grows", start.AddDate(0, -1, 0))
		b.account.Schedule("/acme-grows", long("grows", start.Add(-2*time.Hour), 80*time.Minute))
		ended += 80
		b.start()
		sleepUntil(start)
		for time.Now().Before(start.Add(40 * time.Hour)) {
			time.Sleep(interval)
			got := b.of("acme").Previous
			if got.Used.ParticipantMinutes > ended || got.Final && got.Used.ParticipantMinutes != ended {
				t.Fatalf("at %v, the previous period is %+v, want %d minutes", time.Now().UTC(), got, ended)
			}
			if got.Final && time.Now().Before(start.Add(ledger.Closing)) {
				t.Fatalf("at %v, the previous period is final", time.Now().UTC())
			}
		}
		if got := b.of("acme").Previous; !got.Final {
			t.Errorf("the previous period is %+v, want it to be final", got)
		}
		b.expect("acme", 7*12, 0)
		b.stop()
	})
}

// TestANameUsedAgainCountsBothLives has a room be deleted and made again.
func TestANameUsedAgainCountsBothLives(t *testing.T) {
	for name, former := range map[string]bool{"former sessions are listed": true, "former sessions are not listed": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{Lag: 5 * time.Second, Insights: wherebytest.Insights{
					SeparateLives: true, FormerSessions: former,
				}})
				now := time.Date(2000, 2, 10, 12, 0, 0, 0, time.UTC)
				sleepUntil(now)
				b.add("/acme-1", now.AddDate(0, -1, 0))
				b.account.Use("/acme-1", minutes(200), now.AddDate(0, 0, -15))
				b.account.Use("/acme-1", minutes(500), now.AddDate(0, 0, -2))
				b.start()
				time.Sleep(2 * time.Hour)
				b.expect("acme", 500, 0)
				b.account.Delete("/acme-1")
				time.Sleep(time.Hour)
				b.account.AddRoom(wherebytest.Room{Name: "/acme-1", CreatedAt: time.Now()})
				b.account.Use("/acme-1", minutes(100), time.Now().Add(30*time.Minute))
				b.account.Use("/acme-1", minutes(200), time.Now().Add(3*time.Hour))
				time.Sleep(20 * time.Hour)
				b.expect("acme", 800, 0)
				if got := b.ledger.Snapshot().Prefixes[0].ParticipantMinutes; got != 1000 {
					t.Errorf("%d minutes in all, want 1000", got)
				}
				b.stop()
			})
		})
	}
}

// TestANameUsedAgainBeforeItWasRead has no session tell what the former room used.
func TestANameUsedAgainBeforeItWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Date(2000, 2, 10, 12, 0, 0, 0, time.UTC)
		b := newBench(t, wherebytest.Config{Lag: 5 * time.Second, Insights: wherebytest.Insights{
			SeparateLives: true,
			EmptySessions: func(_ string, at time.Time) bool { return at.Before(now.Add(time.Hour)) },
		}})
		sleepUntil(now)
		b.add("/acme-1", now.AddDate(0, -1, 0))
		b.account.Use("/acme-1", minutes(200), now.AddDate(0, 0, -15))
		b.account.Use("/acme-1", minutes(500), now.AddDate(0, 0, -2))
		b.start()
		time.Sleep(30 * time.Minute)
		b.account.Delete("/acme-1")
		b.account.AddRoom(wherebytest.Room{Name: "/acme-1", CreatedAt: time.Now()})
		b.account.Use("/acme-1", minutes(300), time.Now().Add(30*time.Minute))
		time.Sleep(40 * time.Hour)
		b.expect("acme", 300, 1)
		b.stop()
	})
}
