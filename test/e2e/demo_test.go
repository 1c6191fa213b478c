package e2e

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"whereby_exporter/test/programs"
)

// TestTheDemoLives watches the demo as somebody does who tries it: live counts move,
// and a customer goes over its quota within two minutes.
func TestTheDemoLives(t *testing.T) {
	t.Parallel()
	address := programs.FreeAddress(t)
	e := exporter{process: start(t, nil, build(t, programs.Exporter), "demo", "--web.listen-address="+address), base: "http://" + address}
	began := time.Now()
	programs.Eventually(t, patience, "metrics", func() error {
		samples, err := e.metrics()
		if err == nil && samples["whereby_up"] != 1 {
			err = fmt.Errorf("whereby_up is %v", samples["whereby_up"])
		}
		return err
	})
	live := func() map[string]float64 {
		samples, err := e.metrics()
		if err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(samples, func(name string, _ float64) bool { return !strings.HasPrefix(name, "whereby_live_") })
		return samples
	}
	before := live()
	programs.Eventually(t, patience, "live counts move, and there are joins", func() error {
		if now := live(); maps.Equal(now, before) {
			return fmt.Errorf("still %v", now)
		}
		samples, err := e.metrics()
		if err == nil && samples[`whereby_webhook_events_total{type="room.client.joined"}`] == 0 {
			err = fmt.Errorf("no join")
		}
		return err
	})
	programs.Eventually(t, onABusyMachine(t, 2*time.Minute)-time.Since(began), "a customer over its quota", func() error {
		samples, err := e.metrics()
		if err != nil {
			return err
		}
		used := samples[`whereby_quota_used{resource="participant_minutes",room_prefix="initech-trial-"}`]
		limit := samples[`whereby_quota_limit{resource="participant_minutes",room_prefix="initech-trial-"}`]
		if limit == 0 || used < limit {
			return fmt.Errorf("used %v of %v", used, limit)
		}
		return nil
	})
	t.Logf("over quota after %v", time.Since(began).Round(time.Second))
	if samples, err := e.metrics(); err != nil || samples[`whereby_live_corrections_total{reason="lost_event"}`] != 0 {
		t.Errorf("corrections though no event is lost: %v, %v", samples, err)
	}
	e.stop()
}
