package collector

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/prefix"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby/wherebytest"
)

// assertRecordings compares the gauges with what the account lists now.
func (b *bench) assertRecordings() {
	b.Helper()
	number, size := map[string]float64{}, map[string]float64{}
	label := prefix.NewClassifier(nil, nil)
	var all, bytes float64
	for _, r := range b.account.StoredRecordings() {
		under := label.Of(r.RoomName)
		number[under]++
		size[under] += r.Megabytes * 1e6
		all++
		bytes += r.Megabytes * 1e6
	}
	b.assertSamples(metrics.RecordingsStored, number)
	b.assertSamples(metrics.RecordingsStoredBytes, size)
	b.assertSamples(metrics.OrganizationRecordingsStored, map[string]float64{"": all})
	b.assertSamples(metrics.OrganizationRecordingsStoredBytes, map[string]float64{"": bytes})
}

// TestRecordingsAreThoseOfTheAccount has pages move while they are read, and a restart.
func TestRecordingsAreThoseOfTheAccount(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		account := newAccount(wherebytest.Config{Recordings: wherebytest.Recordings{
			RoomNames: true,
			Lateness: func(id string) time.Duration {
				if id == "r0" {
					return 4 * time.Hour // so that it appears after the restart
				}
				return 0
			},
			NullSizes: func(id string) bool { return strings.HasSuffix(id, "5") },
			OddRows: func(id string, at time.Time) bool {
				return strings.HasSuffix(id, "77") && at.Before(begin.Add(5*time.Hour))
			},
			MovingPages: func(id string, at time.Time) bool {
				return strings.HasSuffix(id, "13") && at.Before(begin.Add(5*time.Minute))
			},
		}})
		for i := range 350 {
			start := begin.Add(-time.Duration(i+1) * time.Hour)
			account.AddRecordings(wherebytest.Recording{ID: fmt.Sprint("r", i), RoomName: room(i).Name, Start: start, End: start.Add(time.Minute), Megabytes: float64(i)})
		}
		kept := store.NewMemory()
		b := prepare(t, account, kept)
		b.polls(5)
		b.assertRecordings()
		b.stop()
		requests := account.Count(wherebytest.EndpointRecordings)
		b = prepare(t, account, kept)
		b.polls(60)
		b.assertRecordings()
		if n := account.Count(wherebytest.EndpointRecordings); n != requests {
			t.Errorf("%d requests after a restart", n-requests)
		}
		for i := 1; i < 100; i++ {
			account.DeleteRecording(fmt.Sprint("r", i))
		}
		b.polls(6 * 60)
		b.assertRecordings()
		b.stop()
	})
}

// TestWithoutRecordingsThereAreNoFamilies also has a key that may not read them.
func TestWithoutRecordingsThereAreNoFamilies(t *testing.T) {
	for _, status := range []int{0, 403, 404} {
		synctest.Test(t, func(t *testing.T) {
			b := prepare(t, smallAccount(wherebytest.Config{Recordings: wherebytest.Recordings{Status: func(time.Time) int { return status }}}), nil)
			defer b.stop()
			b.polls(5 * 60)
			if n := b.account.Count(wherebytest.EndpointRecordings); n != 1 || strings.Contains(b.exposition(), "recordings_stored") {
				t.Errorf("status %d: %d requests, or families", status, n)
			}
		})
	}
}
