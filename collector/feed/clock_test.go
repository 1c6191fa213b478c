package feed_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/feed"
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
