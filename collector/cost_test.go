package collector

import (
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/logtest"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// pricing is a price list as an accountant has it: prices of a participant, a recorder and a
// transcription minute by the day from which on they hold.
type pricing []struct{ from, participant, recorder, transcription string }

func (p pricing) price(kind string, start time.Time) *big.Rat {
	price := new(big.Rat)
	for _, step := range p {
		if start.Format(time.DateOnly) < step.from {
			break
		}
		text := map[string]string{
			"participant_minute": step.participant, "recorder_minute": step.recorder, "transcription_minute": step.transcription,
		}[kind]
		if _, ok := price.SetString(text); !ok {
			panic(text)
		}
	}
	return price
}

// item is what is on an accountant's list: minutes of a kind that began together.
type item struct {
	room, kind string
	start      time.Time
	minutes    *big.Rat
}

// costBench compares costs with what an accountant makes of the account's sessions.
type costBench struct {
	*bench
	pricing
	calendars map[string]billing.Calendar // by prefix; "" is the account's
	// moved is from when on rooms of acme-eu- count under that prefix, and not under acme-.
	moved       time.Time
	rooms       []string
	ledger      *store.Memory
	transcripts *store.TranscriptionsInMemory
	costs       *store.MemoryCosts
	last        map[string]float64
}

// open starts an exporter on what was kept.
func (b *costBench) open(file string) {
	b.Helper()
	budget, err := whereby.NewBudget(0.25)
	if err != nil {
		b.Fatal(err)
	}
	b.log, b.end = &logtest.Buffer{}, nil
	b.collector, err = newCollector(Config{
		Client: &whereby.Client{
			APIKey: whereby.StaticKey(apiKey), HTTPClient: &http.Client{Transport: b.account.RoundTripper()}, Budget: budget,
		},
		PollInterval: time.Duration(secondTier(60, 30)) * time.Minute, FullPollInterval: 12 * time.Hour, File: parse(b.T, file),
		Logger: slog.New(slog.NewTextHandler(b.log, nil)),
	}, newKept(kept{ledger: b.ledger, transcriptions: b.transcripts, costs: b.costs}))
	if err != nil {
		b.Fatal(err)
	}
	b.start()
}

// prefixOf returns the prefix that a room counted under at a time.
func (b *costBench) prefixOf(room string, at time.Time) string {
	prefix := room[1 : len(room)-len("00000000-0000-4000-8000-000000000000")]
	if prefix == "acme-eu-" && at.Before(b.moved) {
		return "acme-"
	}
	return prefix
}

// items are all that was used until now.
func (b *costBench) items() []item {
	var items []item
	for _, room := range b.rooms {
		for _, session := range b.account.Sessions(room) {
			items = append(items,
				item{room, "participant_minute", session.StartedAt, new(big.Rat).SetInt64(session.Totals.ParticipantMinutes)},
				item{room, "recorder_minute", session.StartedAt, new(big.Rat).SetInt64(session.Totals.RecorderMinutes)})
		}
		for _, t := range b.account.Transcriptions(room) {
			items = append(items, item{room, "transcription_minute", t.Start, big.NewRat(int64(t.Billable/time.Second), 60)})
		}
	}
	return items
}

// cost is what an item comes to.
func (b *costBench) cost(i item) *big.Rat {
	return new(big.Rat).Mul(b.price(i.kind, i.start), i.minutes)
}

// worked is what the items that count cost, by kind and prefix; "kind" alone is the
// account's. In counters, an item stays with the prefix at its time; a billing period has
// all items of the rooms that count under its prefix now.
func (b *costBench) worked(items []item, counter bool, counts func(prefix string, start time.Time) bool) map[string]*big.Rat {
	costs := map[string]*big.Rat{}
	for _, item := range items {
		at := time.Now()
		if counter {
			at = item.start
		}
		cost := b.cost(item)
		for _, prefix := range []string{b.prefixOf(item.room, at), ""} {
			key := strings.TrimSuffix(item.kind+","+prefix, ",")
			if costs[key] == nil {
				costs[key] = new(big.Rat)
			}
			if counts(prefix, item.start) {
				costs[key].Add(costs[key], cost)
			}
		}
	}
	return costs
}

func (b *costBench) calendar(prefix string) billing.Calendar {
	if calendar, ok := b.calendars[prefix]; ok {
		return calendar
	}
	return b.calendars[""]
}

// compare finds what is not shown as it was computed, in a quiet hour.
func (b *costBench) compare() {
	b.Helper()
	shown, items := b.exposition(), b.items()
	expect := func(m metrics.Metric, account bool, counts func(prefix string, start time.Time) bool) {
		b.Helper()
		got := b.samplesOf(m, shown)
		for key, cost := range b.worked(items, m.Type == metrics.Counter, counts) {
			if account == strings.Contains(key, ",") {
				continue
			}
			want, _ := cost.Float64()
			if value, ok := got[key]; !ok || value != want {
				b.Errorf("%v: %s of %s is %v (there: %t); want %v", time.Now().UTC(), m.Name, key, value, ok, want)
			}
		}
	}
	current := func(prefix string, start time.Time) bool { return b.calendar(prefix).At(time.Now()).Contains(start) }
	previous := func(prefix string, start time.Time) bool {
		calendar := b.calendar(prefix)
		return calendar.At(calendar.At(time.Now()).Start.Add(-time.Second)).Contains(start)
	}
	all := func(string, time.Time) bool { return true }
	expect(metrics.Cost, false, all)
	expect(metrics.PeriodCost, false, current)
	expect(metrics.PreviousPeriodCost, false, previous)
	expect(metrics.OrganizationPeriodCost, true, current)
	expect(metrics.OrganizationPreviousPeriodCost, true, previous)
	for _, cost := range b.collector.statusSource().Report().Account.Costs.Current {
		if want := b.samplesOf(metrics.OrganizationPeriodCost, shown)[string(cost.Kind)]; cost.Amount.Float() != want {
			b.Errorf("the status page has %v for %s, and the metrics %v", cost.Amount.Float(), cost.Kind, want)
		}
	}

	sums := map[string]*big.Rat{}
	for key, value := range b.samplesOf(metrics.Cost, shown) {
		kind, _, _ := strings.Cut(key, ",")
		if sums[kind] == nil {
			sums[kind] = new(big.Rat)
		}
		exact := big.NewRat(int64(math.Round(value*float64(config.Unit))), int64(config.Unit))
		sums[kind].Add(sums[kind], exact)
	}
	account := b.worked(items, true, all)
	for kind, sum := range sums {
		if account[kind] != nil && sum.Cmp(account[kind]) != 0 {
			b.Errorf("the sum over prefixes of %s is %s, and the account's is %s", kind, sum.FloatString(6), account[kind].FloatString(6))
		}
	}
}

// watch lets time pass, and looks that no counter falls or goes away.
func (b *costBench) watch(until time.Time) {
	b.Helper()
	for {
		synctest.Wait()
		shown := b.samples(metrics.Cost)
		for key, before := range b.last {
			if now, ok := shown[key]; !ok || now < before {
				b.Fatalf("%v: the cost of %s falls from %v to %v (there: %t)", time.Now().UTC(), key, before, now, ok)
			}
		}
		b.last = shown
		if !time.Now().Before(until) {
			return
		}
		time.Sleep(min(8*time.Hour, time.Until(until)))
	}
}

// furnish has rooms meet for months. On some evenings they meet until after midnight.
func (b *costBench) furnish(random *rand.Rand, late ...time.Time) {
	start := time.Now()
	for i, prefix := range []string{"acme-", "acme-", "acme-eu-", "globex-", "initech-", "initech-"} {
		name := fmt.Sprintf("/%s%08x-0000-4000-8000-%012x", prefix, i, i)
		b.rooms = append(b.rooms, name)
		b.account.AddRoom(wherebytest.Room{Name: name, CreatedAt: start})
		for day := range 62 {
			if random.IntN(2) == 0 {
				begins := start.AddDate(0, 0, day).Add(7*time.Hour + time.Duration(random.Int64N(int64(15*time.Hour))))
				b.account.Use(name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 2 + random.Int64N(200), RecorderMinutes: random.Int64N(60)}, begins)
			}
			if random.IntN(4) == 0 {
				b.transcribe(name, start.AddDate(0, 0, day).Add(7*time.Hour+time.Duration(random.Int64N(int64(15*time.Hour)))), random)
			}
		}
		for _, evening := range late {
			begins := evening.Add(-time.Duration(1+random.IntN(50)) * time.Minute)
			b.account.Schedule(name, wherebytest.Session{
				Start: begins, End: begins.Add(time.Hour + time.Duration(random.IntN(120))*time.Minute),
				Participants: []wherebytest.Participant{{}, {Role: wherebytest.RoleRecorder}},
			})
			b.transcribe(name, begins, random)
		}
	}
}

// transcribe has a transcription grow over an hour or two.
func (b *costBench) transcribe(room string, start time.Time, random *rand.Rand) {
	b.account.Transcribe(room, wherebytest.Transcription{
		Start: start, End: start.Add(time.Hour + time.Duration(random.IntN(60))*time.Minute), Billable: time.Duration(random.IntN(4*3600)) * time.Second,
	})
}

// TestCostsAreTheTruth goes over changes of prices, billing periods, restarts and reloads:
// one that moves rooms to another prefix, and one that edits prices of the past.
func TestCostsAreTheTruth(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		b := &costBench{
			bench: &bench{T: t, account: wherebytest.New(wherebytest.Config{APIKey: apiKey, Lag: time.Minute})}, ledger: store.NewMemory(), costs: &store.MemoryCosts{}, transcripts: store.NewTranscriptionsInMemory(),
			calendars: map[string]billing.Calendar{"": {AnchorDay: 1}, "initech-": {AnchorDay: 15}},
		}
		b.moved = time.Now().AddDate(1, 0, 0)
		day := func(month time.Month, day int) time.Time { return time.Date(2000, month, day, 0, 0, 0, 0, time.UTC) }
		b.furnish(rand.New(rand.NewPCG(seed, 0)), day(1, 11), day(2, 1), day(2, 5), day(2, 20), day(3, 1))
		quiet := func(month time.Month, d int) time.Time { return day(month, d).Add(6 * time.Hour) }
		const customers = "customers: [{room_prefix: acme-}, {room_prefix: initech-, anchor_day: 15}]\n"

		// The first prices had changed when the exporter first runs. The next ones are known
		// beforehand, and fall in the middle of a period, at its start, and in between.
		b.pricing = pricing{
			{"", "0.004", "0.01", "0.02"}, {"2000-01-11", "0.0055", "0.01", "0.02"}, {"2000-01-16", "0.0055", "0.01", "0.0131"},
			{"2000-02-01", "0.003001", "0.02", "0.0131"}, {"2000-02-20", "0.007", "0.02", "0.0207"},
		}
		file := customers + `prices:
  - {participant_minute: 0.004, recorder_minute: 0.01, transcription_minute: 0.02, currency: USD}
  - {from: 2000-01-11, participant_minute: 0.0055}
  - {from: 2000-01-16, transcription_minute: 0.0131}
  - {from: 2000-02-01, participant_minute: 0.003001, recorder_minute: 0.02}
  - {from: 2000-02-20, participant_minute: 0.007, transcription_minute: 0.0207}
`
		time.Sleep(time.Until(quiet(time.January, 28)))
		b.open(file)
		for _, day := range []int{29, 31} {
			b.watch(quiet(time.January, day))
			b.compare()
		}
		// The exporter is away while a price changes.
		b.stop()
		time.Sleep(time.Until(quiet(time.February, 2)))
		b.open(file)
		b.watch(quiet(time.February, 4))
		b.compare()

		// Rooms move to a customer of their own: what they have cost stays where it is.
		b.moved = time.Now()
		file = strings.Replace(file, "[{", "[{room_prefix: acme-eu-}, {", 1)
		if err := b.collector.Reload(parse(t, file)); err != nil {
			t.Fatal(err)
		}
		b.watch(quiet(time.February, 8))
		b.compare()

		// An edited list holds from the start of the account's period on: January stays as
		// it was charged.
		b.pricing = pricing{
			{"", "0.004", "0.01", "0.02"}, {"2000-01-11", "0.0055", "0.01", "0.02"}, {"2000-01-16", "0.0055", "0.01", "0.0131"},
			{"2000-02-01", "0.003001", "0.02", "0.017"}, {"2000-02-05", "0.004", "0.02", "0.017"}, {"2000-02-20", "0.002", "0", "0.003"},
		}
		file, _, _ = strings.Cut(file, "prices:")
		file += `prices:
  - {participant_minute: 9, recorder_minute: 8, transcription_minute: 7, currency: USD}
  - {from: 2000-01-20, participant_minute: 0.003001, recorder_minute: 0.02, transcription_minute: 0.017}
  - {from: 2000-02-05, participant_minute: 0.004}
  - {from: 2000-02-20, participant_minute: 0.002, recorder_minute: 0, transcription_minute: 0.003}
`
		if err := b.collector.Reload(parse(t, file)); err != nil {
			t.Fatal(err)
		}
		b.watch(quiet(time.February, 10))
		b.compare()
		b.stop()
		time.Sleep(time.Until(quiet(time.February, 18)))
		b.open(file)
		b.watch(quiet(time.February, 19))
		b.compare()
		b.stop()
		time.Sleep(time.Until(quiet(time.February, 21)))
		b.open(file)
		b.watch(quiet(time.February, 23))
		b.compare()
		b.stop()
		time.Sleep(time.Until(day(time.February, 29)))
		b.open(file)
		b.watch(quiet(time.March, 2))
		b.compare()
		b.stop()
	})
}
