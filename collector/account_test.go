package collector

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby/wherebytest"
)

// TestAWrongKeyAddsNothing restarts the exporter with the key of another account.
func TestAWrongKeyAddsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := store.NewMemory()
		mine := newAccount(wherebytest.Config{})
		b := prepare(t, mine, kept)
		b.polls(1)
		b.assertTruth()
		families := []metrics.Metric{metrics.ParticipantMinutes, metrics.Sessions, metrics.Rooms}
		var before []map[string]float64
		for _, m := range families {
			before = append(before, b.samples(m))
		}
		b.stop()

		other := wherebytest.New(wherebytest.Config{APIKey: apiKey})
		for i := range 120 {
			r := room(i)
			r.Name = strings.Replace(r.Name, "-4000-", "-4fff-", 1)
			other.AddRoom(r)
		}
		b = prepare(t, other, kept)
		b.polls(90) // a full poll is due too
		for i, m := range families {
			b.assertSamples(m, before[i])
		}
		b.assertValue(metrics.Up, 0)
		b.assertValue(metrics.StorageErrors, 0)
		if b.collector.Ready() {
			t.Error("ready though no poll has succeeded")
		}
		b.stop()

		b = prepare(t, mine, kept)
		defer b.stop()
		mine.Use(room(1).Name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 5}, time.Now())
		b.polls(1)
		b.assertTruth()
		b.assertValue(metrics.Up, 1)
	})
}
