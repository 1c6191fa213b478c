package opening_test

import (
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// TestARoomThatIsNeverAtRestIsRead has the next session of a room begin minutes after the
// last, day and night, and more sessions than a page holds: all of them are listed, once.
func TestARoomThatIsNeverAtRestIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Date(2000, 2, 10, 12, 0, 0, 0, time.UTC)
		b := newBench(t, wherebytest.Config{})
		sleepUntil(now)
		b.add("/acme-1", now.AddDate(0, -1, 0))
		b.account.Use("/acme-1", wherebytest.Totals{Sessions: 250, ParticipantMinutes: 2500, UniqueParticipants: 500}, now.AddDate(0, 0, -15))
		b.account.Use("/acme-1", wherebytest.Totals{Sessions: 4, ParticipantMinutes: 80, UniqueParticipants: 8}, now.AddDate(0, 0, -5))
		for i := range 40 {
			b.account.Schedule("/acme-1", long("", now.Add(time.Duration(i-2)*20*time.Minute), 18*time.Minute))
		}
		b.start()
		time.Sleep(time.Until(now.Add(20*time.Minute + time.Second)))
		b.expect("acme", 80+3*18+1, 0) // the fourth has begun
		if n := b.account.Count(wherebytest.EndpointRoomSessions); n > 8 {
			t.Errorf("%d requests for its sessions", n)
		}
		b.stop()
	})
}

// TestARoomThatIsNoLongerUnreadIsForgotten has the sessions of a room that is in use be
// refused until the period in which it was unread is over and forgotten: the reader rests.
func TestARoomThatIsNoLongerUnreadIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Date(2000, 2, 27, 12, 0, 0, 0, time.UTC)
		b := newBench(t, wherebytest.Config{NoRequestLog: true})
		sleepUntil(now)
		b.add("/acme-1", now.AddDate(0, -2, 0))
		b.account.Use("/acme-1", wherebytest.Totals{Sessions: 250, ParticipantMinutes: 2500, UniqueParticipants: 500}, now.AddDate(0, -1, 0))
		for i := range 9 {
			b.account.Schedule("/acme-1", long("", now.Add(time.Duration(i-6)*20*time.Minute), 18*time.Minute))
		}
		b.account.Inject(wherebytest.Status(422).On(wherebytest.EndpointRoomSessions).Page(2))
		b.start()
		time.Sleep(time.Minute)
		b.account.Inject(wherebytest.Status(422).On(wherebytest.EndpointRoomSessions))
		if unread := b.of("acme").Unread; unread != 1 {
			t.Errorf("%d rooms are unread", unread)
		}
		sleepUntil(time.Date(2000, 4, 2, 12, 0, 0, 0, time.UTC))
		b.expect("acme", 0, 0)
		b.stop()
	})
}
