package backfill

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/transcriptions"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// TestTranscriptionsOfTheHistory places transcriptions at their starts, those that only the
// exporter's store knows too, and leaves to the live counters what was not over by the seam.
func TestTranscriptionsOfTheHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		now := time.Now()
		b.options.End = now.Add(-HeadAge)
		acme, globex := b.room("acme-"), b.room("globex-")
		b.account.Use(acme, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 30}, now.Add(-20*day))
		add := func(room, id string, ago, length, billable time.Duration, failed bool) {
			start := now.Add(-ago)
			b.account.Transcribe(room, wherebytest.Transcription{ID: id, Start: start, End: start.Add(length), Billable: billable, Failed: failed})
		}
		add(acme, "old", 10*day, time.Hour, 90*time.Second, false)
		add(acme, "failed", 9*day, time.Hour, 5*time.Second, true)
		add(acme, "over the seam", HeadAge+90*time.Minute, time.Hour, time.Hour, false)
		add(acme, "runs", HeadAge+4*time.Hour, 9*time.Hour, 9*time.Hour, false)
		add(globex, "new", time.Hour, time.Minute, time.Minute, false)
		dir := t.TempDir()
		s, err := store.OpenBolt(dir)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Transcriptions().Commit([]transcriptions.Row{
			{ID: "old", Room: acme, Label: "acme-", Started: now.Add(-10 * day).UnixMilli(), Billable: 80_000, Status: transcriptions.Finished},
			{ID: "deleted", Room: acme, Label: "acme-", Started: now.Add(-8 * day).UnixMilli(), Billable: 1_500, Status: transcriptions.Finished},
		}, nil)
		if err := errorsOf(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		b.options.StoragePath = dir
		date := func(days int) string { return now.AddDate(0, 0, -days).UTC().Format(time.DateOnly) }
		b.options.File, err = config.Parse("test.yml", fmt.Appendf(nil, `
prices:
  - {transcription_minute: 0.06, currency: USD}
  - {from: %s, transcription_minute: 0.0611}
  - {from: %s, transcription_minute: 0.06}
`, date(9), date(7)), config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, files := b.mustRun()
		// As the live counter has it, "failed" costs more, and "deleted", which was never
		// listed, the least that it may.
		costs := parse(t, files)[metrics.Cost.Name+`{kind="transcription_minute",room_prefix="acme-"}`]
		if want := int64(90_000 + 5_092 + 1_500); len(costs) == 0 || costs[len(costs)-1].value != want {
			t.Errorf("the costs end with %v, want %d", costs, want)
		}
		var names []string
		var values []string
		for name, samples := range parseSeconds(t, files) {
			names = append(names, name)
			for _, s := range samples {
				if len(values) == 0 || values[len(values)-1] != s {
					values = append(values, s)
				}
			}
		}
		if len(names) != 1 || names[0] != metrics.TranscriptionSeconds.Name+`{room_prefix="acme-"}` {
			t.Errorf("the series are %v", names)
		}
		if want := []string{"0", "90", "95", "96.5"}; len(values) != len(want) || values[1] != want[1] || values[3] != want[3] {
			t.Errorf("the values are %v, want %v", values, want)
		}
	})
}

func TestTheHistoryGoesWithoutTranscriptionsThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.furnish(10, 20)
		b.account.Inject(wherebytest.Status(403).On(whereby.EndpointTranscriptions))
		_, files := b.mustRun()
		if series := parseSeconds(t, files); len(series) > 0 {
			t.Errorf("there are %d series", len(series))
		}
	})
}
