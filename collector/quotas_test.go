package collector

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby/wherebytest"
)

const customersFile = `
segments: {source: metadata, pattern: "^planted-(m)etadata$"}
organization:
  quotas: {participant_minutes: 100000, live_participants: 500}
customers:
  - room_prefix: acme-
    name: Acme Inc
    near_ratio: 0.7
    quotas: {participant_minutes: 5000, recorder_minutes: 0}
  - room_prefix: initech-
    anchor_day: 15
    quotas: {sessions: 10, live_participants: 20}
`

func parse(t *testing.T, content string) *config.Config {
	t.Helper()
	file, err := config.Parse("test.yml", []byte(content), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func customers(t *testing.T) *config.Config { return parse(t, customersFile) }

func TestQuotasOfConfiguredCustomers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := prepareWith(t, newAccount(wherebytest.Config{}), store.NewMemory(), Config{Webhooks: verifier(t), File: customers(t)})
		defer b.stop()
		if used := b.samples(metrics.QuotaUsed); len(used) != 0 {
			t.Errorf("before the first poll, used is %v", used)
		}
		b.polls(1)
		b.sendOneOfEach()
		b.assertSamples(metrics.QuotaLimit, map[string]float64{
			"participant_minutes,acme-": 5000, "recorder_minutes,acme-": 0,
			"sessions,initech-": 10, "live_participants,initech-": 20,
		})
		b.assertSamples(metrics.QuotaNearRatio, map[string]float64{"acme-": 0.7, "initech-": 0.8})
		b.assertSamples(metrics.CustomerInfo, map[string]float64{"Acme Inc,acme-": 1, "initech,initech-": 1})
		b.assertSamples(metrics.OrganizationQuotaLimit, map[string]float64{"participant_minutes": 100000, "live_participants": 500})

		// A customer who was never there stands at 0, in every family.
		for _, m := range []metrics.Metric{metrics.ParticipantMinutes, metrics.Sessions, metrics.Rooms, metrics.LiveParticipants} {
			if got, ok := b.samples(m)["initech-"]; !ok || got != 0 {
				t.Errorf("%s of initech- is %v (there: %t)", m.Name, got, ok)
			}
		}
		used := b.samples(metrics.QuotaUsed)
		for _, resource := range config.Resources() {
			if got, ok := used[string(resource)+",initech-"]; !ok || got != 0 {
				t.Errorf("initech- used %v of %s (there: %t)", got, resource, ok)
			}
		}
		// Everybody has figures, with a quota or without one.
		live := b.samples(metrics.LiveParticipants)
		var people float64
		for prefix, n := range live {
			people += n
			if got := used["live_participants,"+prefix]; got != n {
				t.Errorf("%s used %v live participants, and has %v", prefix, got, n)
			}
		}
		if got := b.samples(metrics.OrganizationQuotaUsed)["live_participants"]; got != people || people == 0 {
			t.Errorf("the organization used %v live participants of %v", got, people)
		}
		if _, ok := used["participant_minutes,globex-"]; !ok {
			t.Errorf("globex- has no used participant minutes: %v", used)
		}
	})
}

// TestUsedAndPendingAreTheTruth lets the simulated account live, and send webhooks,
// some twice and in disorder, but each before Insights knows of it. Whenever all that
// has happened has been told, what Insights shows and what is pending is what was used.
func TestUsedAndPendingAreTheTruth(t *testing.T) {
	for _, lag := range []time.Duration{5 * time.Second, 12 * time.Minute} {
		t.Run(fmt.Sprintf("Insights lags by %v", lag), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				random := rand.New(rand.NewPCG(seed, 0))
				account := wherebytest.New(wherebytest.Config{APIKey: apiKey, Lag: lag})
				scheduleMeetings(account, random)
				b := prepareWith(t, account, store.NewMemory(), Config{Webhooks: verifier(t)})
				defer b.stop()
				b.polls(1)
				stop := b.sendWebhooks(wherebytest.DeliveryFaults{Seed: seed, Duplicated: 0.2, Delayed: 0.3, MaxDelay: min(20*time.Second, lag/2)})
				sawPending := false
				for range 150 {
					b.waitForQuiet(account)
					exposition := b.exposition()
					used, pending := b.samplesOf(metrics.ParticipantMinutes, exposition), b.samplesOf(metrics.LivePending, exposition)
					for prefix, truth := range account.Minutes(config.Default().Prefixes().Classify) {
						sawPending = sawPending || pending[prefix] > 0
						if got := used[prefix] + pending[prefix]; got != float64(truth.True) {
							t.Errorf("%v: %s used %v and %v are pending, which is %v; want %d (Insights shows %d)",
								time.Now(), prefix, used[prefix], pending[prefix], got, truth.True, truth.Shown)
						}
					}
					if t.Failed() {
						break
					}
				}
				if !sawPending {
					t.Error("nothing was ever pending")
				}
				stop()
			})
		})
	}
}

// scheduleMeetings fills some rooms for hours.
func scheduleMeetings(account *wherebytest.Account, random *rand.Rand) {
	for i := range 12 {
		name := fmt.Sprintf("/%s%08x-0000-4000-8000-%012x", []string{"acme-", "globex-"}[i%2], i, i)
		account.AddRoom(wherebytest.Room{Name: name, CreatedAt: time.Now().Add(-90 * 24 * time.Hour)})
		account.Use(name, wherebytest.Totals{Sessions: 20, ParticipantMinutes: 300}, time.Now().Add(-10*24*time.Hour))
		for at := time.Now().Add(5 * time.Minute); at.Before(time.Now().Add(4 * time.Hour)); {
			length := 6*time.Minute + time.Duration(random.Int64N(int64(40*time.Minute)))
			session := wherebytest.Session{Start: at, End: at.Add(length)}
			for p := range 2 + random.IntN(4) {
				joined := at
				if p > 1 {
					joined = joined.Add(time.Duration(random.Int64N(int64(length / 2))))
				}
				left := at.Add(length - time.Duration(random.Int64N(int64(length/3))))
				session.Participants = append(session.Participants, wherebytest.Participant{
					Role: []string{"host", "visitor"}[min(p, 1)], Joined: joined.Add(time.Duration(p) * 7 * time.Millisecond), Left: left,
				})
			}
			account.Schedule(name, session)
			at = at.Add(length + time.Duration(random.Int64N(int64(30*time.Minute))) + time.Second)
		}
	}
}

// sendWebhooks sends the account's events until it is stopped.
func (b *bench) sendWebhooks(faults wherebytest.DeliveryFaults) (stop func()) {
	return sendTo(b.T, b.account, faults, b.collector.Webhook())
}

// waitForQuiet waits for a minute, and then until no event was due for as long as one
// may be delayed.
func (b *bench) waitForQuiet(account *wherebytest.Account) {
	const longest = 25 * time.Second
	time.Sleep(time.Minute)
	for {
		events := account.Events(time.Now().Add(-longest), time.Now().Add(time.Second))
		if len(events) == 0 {
			break
		}
		// The next time at which it may be quiet.
		time.Sleep(time.Until(events[len(events)-1].CreatedAt.Add(longest + time.Millisecond)))
	}
	synctest.Wait()
}

// TestAPeriodEndsInOneScrape scrapes around the end of a billing period: what was used
// and the period's bounds change together.
func TestAPeriodEndsInOneScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30*24*time.Hour + 23*time.Hour) // to an hour before February
		account := newAccount(wherebytest.Config{})
		name := "/acme-00000000-0000-4000-8000-999999999999"
		account.AddRoom(wherebytest.Room{Name: name})
		account.Use(name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 77}, time.Now())
		b := prepareWith(t, account, store.NewMemory(), Config{File: customers(t)})
		defer b.stop()
		b.polls(10)
		end := time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC)
		const label = "participant_minutes,acme-"
		before := b.samples(metrics.QuotaUsed)[label]
		if before < 77 || b.samples(metrics.QuotaPeriodEnd)["acme-"] != float64(end.Unix()) {
			t.Fatalf("used %v until %v", before, b.samples(metrics.QuotaPeriodEnd))
		}
		time.Sleep(time.Until(end) - time.Millisecond)
		synctest.Wait()
		for range 3 {
			families := b.families()
			used, until := -1.0, -1.0
			for _, sample := range families[metrics.QuotaUsed.Name].GetMetric() {
				if sample.GetLabel()[0].GetValue()+","+sample.GetLabel()[1].GetValue() == label {
					used = sample.GetGauge().GetValue()
				}
			}
			for _, sample := range families[metrics.QuotaPeriodEnd.Name].GetMetric() {
				if sample.GetLabel()[0].GetValue() == "acme-" {
					until = sample.GetGauge().GetValue()
				}
			}
			switch now := time.Now(); {
			case now.Before(end) && (used != before || until != float64(end.Unix())):
				t.Errorf("before the end, used is %v until %v", used, until)
			case !now.Before(end) && (used != 0 || until != float64(end.AddDate(0, 1, 0).Unix())):
				t.Errorf("after the end, used is %v until %v", used, until)
			}
			time.Sleep(time.Millisecond)
			synctest.Wait()
		}
	})
}

// TestReload puts other files in force while the exporter runs.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := prepareWith(t, newAccount(wherebytest.Config{}), store.NewMemory(), Config{Webhooks: verifier(t), File: customers(t)})
		defer b.stop()
		b.polls(2)
		b.sendOneOfEach()
		usage := b.samples(metrics.ParticipantMinutes)
		joins := b.samples(metrics.Joins)
		time.Sleep(time.Hour)
		if err := b.collector.Reload(parse(t, "customers: [{room_prefix: labs-, quotas: {sessions: 3}}, {room_prefix: acme-, anchor_day: 20}]")); err != nil {
			t.Fatal(err)
		}
		b.assertSamples(metrics.QuotaLimit, map[string]float64{"sessions,labs-": 3})
		now := b.samples(metrics.ParticipantMinutes)
		usage["labs-"], now["initech-"] = 0, 0
		if fmt.Sprint(now) != fmt.Sprint(usage) {
			t.Errorf("usage is %v, was %v", now, usage)
		}
		if got := b.samples(metrics.Joins); fmt.Sprint(got) != fmt.Sprint(joins) {
			t.Errorf("joins are %v, were %v", got, joins)
		}
		if start := b.samples(metrics.QuotaPeriodStart)["acme-"]; time.Unix(int64(start), 0).UTC().Day() != 20 {
			t.Errorf("the period of acme- begins at %v", time.Unix(int64(start), 0).UTC())
		}
		b.collector.ReloadFailed()
		b.assertValue(metrics.ConfigLastReloadSuccessful, 0)
		b.collector.Reloaded()
		b.assertValue(metrics.ConfigLastReloadSuccessful, 1)
		b.assertValue(metrics.ConfigLastReloadSuccess, float64(time.Now().UnixNano())/1e9)
	})
}

// TestAReloadIsInOneScrape scrapes while files are put in force by turns, with webhooks on: a
// customer's period and limit are always those of one file.
func TestAReloadIsInOneScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := prepareWith(t, newAccount(wherebytest.Config{}), store.NewMemory(), Config{Webhooks: verifier(t), File: customers(t)})
		defer b.stop()
		b.polls(2)
		b.sendOneOfEach()
		files := []*config.Config{
			parse(t, "customers: [{room_prefix: acme-, anchor_day: 10, quotas: {sessions: 10}}]"),
			parse(t, "customers: [{room_prefix: acme-, anchor_day: 20, quotas: {sessions: 20}}]"),
		}
		done := make(chan struct{})
		var wg sync.WaitGroup
		defer wg.Wait()
		defer close(done)
		if err := b.collector.Reload(files[0]); err != nil {
			t.Fatal(err)
		}
		var reloads atomic.Int64
		wg.Go(func() {
			for i := 1; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				if err := b.collector.Reload(files[i%2]); err != nil {
					t.Error(err)
					return
				}
				reloads.Add(1)
			}
		})
		seen := map[float64]int{}
		for scrapes := 0; scrapes < 200 || len(seen) < 2 && scrapes < 10_000; scrapes++ {
			exposition := b.exposition()
			limit := b.samplesOf(metrics.QuotaLimit, exposition)["sessions,acme-"]
			start := time.Unix(int64(b.samplesOf(metrics.QuotaPeriodStart, exposition)["acme-"]), 0).UTC()
			if float64(start.Day()) != limit {
				t.Fatalf("a limit of %v goes with a period from %v", limit, start)
			}
			seen[limit]++
		}
		if len(seen) != len(files) {
			t.Errorf("%d reloads, and scrapes of %v only", reloads.Load(), seen)
		}
		t.Logf("%d reloads, scrapes of each file: %v", reloads.Load(), seen)
	})
}
