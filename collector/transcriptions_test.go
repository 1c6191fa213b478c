package collector

import (
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/state"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby/wherebytest"
)

// TestTranscriptionsAreAnAdversarysTruth has accounts in which transcriptions start, grow,
// fail, are listed late and on pages that move, are deleted, and announced twice, in disorder
// or never. The exporter is killed while it runs, and a billing period begins.
func TestTranscriptionsAreAnAdversarysTruth(t *testing.T) {
	long(t)
	// Other seeds: SEED=N.
	seeds := []uint64{1, 7}[:secondTier(1, 2)]
	if n, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
		seeds = []uint64{n}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { adversarialTranscriptions(t, seed) })
		})
	}
}

func adversarialTranscriptions(t *testing.T, seed uint64) {
	const length = 24 * time.Hour
	rollover := time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC)
	time.Sleep(time.Until(rollover.Add(-length / 4)))
	adversary := wherebytest.NewAdversary(seed, time.Now(), length)
	adversary.Transcribe, adversary.Record = true, true
	adversary.Config.APIKey, adversary.Config.NoRequestLog = apiKey, true
	adversary.Config.Recordings.RoomNames = true // else nothing tells the prefix of most
	t.Log(adversary)
	account := wherebytest.New(adversary.Config)
	adversary.Furnish(account)
	dir := t.TempDir()
	faults := wherebytest.DeliveryFaults{Seed: seed, Duplicated: 0.3, Delayed: 0.3, MaxDelay: 20 * time.Second}
	var b *bench
	var stopWebhooks func()
	start := func() {
		kept, err := state.Open(dir, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		b = prepareKept(t, account, kept, Config{
			Webhooks: verifier(t), PollInterval: 10 * time.Minute, FullPollInterval: 3 * time.Hour,
			File: parse(t, "prices: {transcription_minute: 0.06, currency: USD}"),
		})
		b.start()
		stopWebhooks = b.sendWebhooks(faults)
	}
	start()
	seconds, ended, costs := map[string]float64{}, map[string]float64{}, map[string]float64{}
	look := func() {
		t.Helper()
		exposition := b.exposition()
		expectRising(t, metrics.TranscriptionSeconds, seconds, b.samplesOf(metrics.TranscriptionSeconds, exposition))
		expectRising(t, metrics.Transcriptions, ended, b.samplesOf(metrics.Transcriptions, exposition))
		expectRising(t, metrics.Cost, costs, b.samplesOf(metrics.Cost, exposition))
	}
	for hour := range int((length + 10*time.Hour) / time.Hour) {
		time.Sleep(time.Hour + time.Duration(hour)*time.Second)
		look()
		if hour%9 == 4 {
			// What a killed process leaves is what is on disk.
			killed := t.TempDir()
			if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			stopWebhooks()
			b.stop()
			dir = killed
			start()
			look()
		}
	}
	b.waitForQuiet(account)
	time.Sleep(30 * time.Minute)
	look()
	defer b.stop()
	defer stopWebhooks()
	b.assertTranscriptionsTruth(rollover)
	b.assertTranscriptionsCost(rollover)
	if n := len(seconds); n < 3 {
		t.Errorf("there are %d prefixes", n)
	}
	time.Sleep(7 * time.Hour) // recordings are read every 6 hours
	if len(b.samples(metrics.RecordingsStored)) == 0 {
		t.Error("there are no recordings")
	}
	b.assertRecordings()
	if strings.Contains(b.log.String(), "reading transcriptions failed") {
		t.Error("a reading failed")
	}
}

// expectRising compares samples with those before, and takes their place.
func expectRising(t *testing.T, m metrics.Metric, before, now map[string]float64) {
	t.Helper()
	for labels, n := range before {
		if now[labels] < n {
			t.Errorf("%s of %s fell from %v to %v", m.Name, labels, n, now[labels])
		}
	}
	for labels, n := range now {
		before[labels] = n
	}
}

// assertTranscriptionsTruth compares every figure of transcriptions with the account's. The
// billing period began at a time, with the month.
func (b *bench) assertTranscriptionsTruth(began time.Time) {
	b.Helper()
	exposition := b.exposition()
	classify := config.Default().Prefixes().Classify
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
	var billed, minutes float64
	seconds, counts := b.samplesOf(metrics.TranscriptionSeconds, exposition), b.samplesOf(metrics.Transcriptions, exposition)
	for prefix, truth := range b.account.TranscriptionTruth(classify, time.Time{}, time.Time{}) {
		if !near(seconds[prefix], truth.Billable.Seconds()) {
			b.Errorf("%s has %v s; want %v", prefix, seconds[prefix], truth.Billable.Seconds())
		}
		if counts[prefix+",finished"] != float64(truth.Finished) || counts[prefix+",failed"] != float64(truth.Failed) {
			b.Errorf("%s has %v; want %+v", prefix, counts, truth)
		}
	}
	for _, period := range []struct {
		prefix, account metrics.Metric
		from, to        time.Time
	}{
		{metrics.QuotaUsed, metrics.OrganizationQuotaUsed, began, time.Time{}},
		{metrics.QuotaUsedLowerBound, metrics.OrganizationQuotaUsedLowerBound, began, time.Time{}},
		{metrics.QuotaPreviousUsed, metrics.OrganizationQuotaPreviousUsed, began.AddDate(0, -1, 0), began},
	} {
		used := b.samplesOf(period.prefix, exposition)
		var sum float64
		for prefix, truth := range b.account.TranscriptionTruth(classify, period.from, period.to) {
			sum += truth.Billable.Minutes()
			if got := used["transcription_minutes,"+prefix]; !near(got, truth.Billable.Minutes()) {
				b.Errorf("%s of %s is %v; want %v", period.prefix.Name, prefix, got, truth.Billable.Minutes())
			}
		}
		account := b.samplesOf(period.account, exposition)
		if got := account["transcription_minutes"]; !near(got, sum) {
			b.Errorf("%s is %v; want %v", period.account.Name, got, sum)
		}
		billed = account["participant_minutes"] + account["recorder_minutes"] + account["streamer_minutes"] + sum
		minutes += sum
		if _, known := account["participant_minutes"]; known && !near(account["billed_minutes"], billed) {
			b.Errorf("%s of all is %v; want %v", period.account.Name, account["billed_minutes"], billed)
		}
	}
	if minutes == 0 {
		b.Error("nothing was transcribed")
	}
}

// assertTranscriptionsCost compares what transcriptions cost, at a thousandth a second, with
// the account's truth.
func (b *bench) assertTranscriptionsCost(began time.Time) {
	b.Helper()
	exposition := b.exposition()
	for _, figures := range []struct {
		prefix, account metrics.Metric // account has no name if there is none
		from, to        time.Time
	}{
		{metrics.Cost, metrics.Metric{}, time.Time{}, time.Time{}},
		{metrics.PeriodCost, metrics.OrganizationPeriodCost, began, time.Time{}},
		{metrics.PreviousPeriodCost, metrics.OrganizationPreviousPeriodCost, began.AddDate(0, -1, 0), began},
	} {
		costs, seconds := b.samplesOf(figures.prefix, exposition), int64(0)
		for prefix, truth := range b.account.TranscriptionTruth(config.Default().Prefixes().Classify, figures.from, figures.to) {
			seconds += int64(truth.Billable / time.Second)
			if got, want := costs["transcription_minute,"+prefix], truth.Billable.Seconds()/1000; got != want {
				b.Errorf("%s of %s is %v; want %v", figures.prefix.Name, prefix, got, want)
			}
		}
		if figures.account.Name == "" {
			continue
		}
		if got, want := b.samplesOf(figures.account, exposition)["transcription_minute"], float64(seconds)/1000; got != want {
			b.Errorf("%s is %v; want %v", figures.account.Name, got, want)
		}
	}
}

// TestTranscriptionsCostNothingWithoutAny counts requests over a day.
func TestTranscriptionsCostNothingWithoutAny(t *testing.T) {
	long(t)
	refused := wherebytest.Transcriptions{Status: func(time.Time) int { return 403 }}
	tests := []struct {
		name   string
		config wherebytest.Config
		any    bool
		most   int
	}{
		{"none", wherebytest.Config{}, false, 4},
		{"refused", wherebytest.Config{Transcriptions: refused}, true, 4},
		// One request a poll, and one more each quarter of an hour at most: there is one page.
		{"some", wherebytest.Config{}, true, 24 * 60},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := prepare(t, smallAccount(test.config), store.NewMemory())
				defer b.stop()
				if test.any {
					now := time.Now()
					b.account.Transcribe(room(0).Name, wherebytest.Transcription{Start: now.Add(-time.Hour), End: now, Billable: time.Minute})
				}
				b.polls(24*60 - 1)
				requests := 0
				for _, r := range b.account.Requests() {
					if r.Endpoint == wherebytest.EndpointTranscriptions {
						requests++
					}
				}
				if requests == 0 || requests > test.most {
					t.Errorf("it was asked %d times; want at most %d", requests, test.most)
				}
				seconds := b.samples(metrics.TranscriptionSeconds)
				used, all := b.samples(metrics.QuotaUsed), b.samples(metrics.OrganizationQuotaUsed)
				_, thereIs := used["transcription_minutes,acme-"]
				_, billed := all["billed_minutes"]
				if wanted := test.name != "refused"; thereIs != wanted || billed != wanted || wanted != (len(seconds) > 0) {
					t.Errorf("exposed are %v, %v and %v", seconds, used, all)
				}
				if n := strings.Count(b.log.String(), "transcriptions cannot be listed"); (n == 1) != (test.name == "refused") {
					t.Errorf("the log says %d times that transcriptions cannot be listed", n)
				}
				if test.name == "some" && seconds["acme-"] != 60 {
					t.Errorf("seconds are %v", seconds)
				}
				b.account.ClearFaults()
			})
		})
	}
}

// TestAWebhookWakesTheReaderOfTranscriptions has the first transcription of an account be
// listed within a poll of its webhook.
func TestAWebhookWakesTheReaderOfTranscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := newAccount(wherebytest.Config{})
		kept, err := state.Open(filepath.Join(t.TempDir(), "data"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		b := prepareKept(t, account, kept, Config{Webhooks: verifier(t)})
		defer b.stop()
		b.polls(30)
		stop := b.sendWebhooks(wherebytest.DeliveryFaults{})
		defer stop()
		now := time.Now().Add(time.Second)
		account.Transcribe(room(0).Name, wherebytest.Transcription{Start: now, End: now.Add(10 * time.Minute), Billable: 20 * time.Minute})
		b.polls(6)
		if got := b.samples(metrics.TranscriptionSeconds)["acme-"]; got < 400 {
			t.Errorf("after half of it there are %v s", got)
		}
		b.polls(20)
		b.assertSamples(metrics.Transcriptions, map[string]float64{"acme-,finished": 1})
		if got := b.samples(metrics.TranscriptionSeconds)["acme-"]; got != 1200 {
			t.Errorf("in the end there are %v s", got)
		}
	})
}
