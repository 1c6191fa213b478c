package feed_test

import (
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"whereby_exporter/collector/clock"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/feed"
	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

// TestARecordOfTheFutureIsReplayedAsOfNow replays what arrived while the clock was ahead,
// and what came since.
func TestARecordOfTheFutureIsReplayedAsOfNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(prometheus.NewRegistry(), &usage{}, config.Default())
		for i, ahead := range []time.Duration{0, 24 * time.Hour, 10 * 365 * 24 * time.Hour, 0} {
			f.Apply(whereby.Event{
				ID: string(rune('a' + i)), Type: whereby.ClientJoined, CreatedAt: time.Now(), RoomName: "/acme-1",
				RoleName: "visitor", Clients: map[string]int{"visitor": i + 1},
			}, "", time.Now().Add(ahead))
			time.Sleep(time.Second)
		}
		f.EndReplay()
		v := f.View(nil)
		if v.LastEvent.After(time.Now()) {
			t.Errorf("the last event was at %v, after %v", v.LastEvent, time.Now())
		}
		if got := v.Prefixes[0].Participants; got != 4 {
			t.Errorf("%d people are in rooms, want 4", got)
		}
	})
}

// TestAClockThatWasAheadLeavesNothing has the system's clock be ahead while figures are shown
// and events come, and right again in the same process.
func TestAClockThatWasAheadLeavesNothing(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for name, tc := range map[string]struct {
		ahead, lasts time.Duration
		// believed is true if the clock was ahead for so long that it had to be believed:
		// then who is in rooms is doubted.
		believed bool
	}{
		"for one scrape":  {10 * year, time.Second, false},
		"for a while":     {2 * time.Hour, 40 * time.Second, false},
		"for ten minutes": {8 * time.Hour, 10 * time.Minute, true},
		"for an hour":     {10 * year, time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var off time.Duration
				c := clock.New(func() time.Time { return time.Now().Add(off) })
				file := config.Default()
				file.Segments = &config.Segments{Source: config.FromMetadata, Pattern: regexp.MustCompile(`site=(\w+)`), Limit: 5}
				f := feed.New(prometheus.NewRegistry(), &usage{}, file)
				f.UseClock(c.Now)
				f.EndReplay()
				sent := 0
				send := func(kind whereby.EventType, id string, n int) {
					sent++
					f.Apply(whereby.Event{
						ID: string(rune('a' + sent)), Type: kind, CreatedAt: time.Now(), RoomName: "/acme-1",
						ParticipantID: id, RoleName: "visitor", Clients: map[string]int{"visitor": n},
					}, "north", c.Now())
				}
				view := func() *live.View { return f.View(nil) }
				send(whereby.ClientJoined, "1", 1)
				send(whereby.ClientJoined, "2", 2)
				time.Sleep(10 * time.Minute)

				off = tc.ahead
				for end := time.Now().Add(tc.lasts); time.Now().Before(end); time.Sleep(15 * time.Second) {
					view()
				}
				send(whereby.ClientJoined, "3", 3)
				view()
				off = 0
				time.Sleep(15 * time.Second)

				v := view()
				if at := v.LastEvent; at.After(time.Now()) {
					t.Errorf("the last event was at %v, after %v", at, time.Now())
				}
				if got := v.Prefixes[0].Participants; got != 3 {
					t.Errorf("%d people are in rooms, want 3", got)
				}
				if got, most := v.Prefixes[0].Pending, int64(3*(12+tc.lasts.Minutes())); got > most {
					t.Errorf("%d minutes are pending, want at most %d", got, most)
				}
				if got, most := v.Segments[0].Minutes, int64(3*(12+tc.lasts.Minutes())); got > most {
					t.Errorf("the segment has %d minutes, want at most %d", got, most)
				}
				if got := len(f.Suspects(c.Now())) > 0; got != tc.believed {
					t.Errorf("doubted is %v, want %v", got, tc.believed)
				}
				send(whereby.ClientLeft, "3", 2)
				send(whereby.ClientLeft, "2", 1)
				time.Sleep(5*time.Minute + time.Second)
				if got := view().Prefixes[0].ParticipantsMax; got != 1 {
					t.Errorf("the most people of the last 5 minutes are %d, want 1", got)
				}
				if since := time.Since(view().LastEvent); since < 5*time.Minute {
					t.Errorf("the last event was %v ago", since)
				}
				time.Sleep(6 * time.Hour)
				if s := f.Suspects(c.Now()); len(s) != 1 || s[0].Doubt != live.DoubtSilent {
					t.Errorf("the silent room is not doubted: %v", s)
				}
			})
		})
	}
}
