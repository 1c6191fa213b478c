package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/logtest"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/prefix"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// apiKey is planted, and looked for in everything that is logged or served.
const apiKey = "planted-key-90c1"

// bench is a running collector on a simulated account, in fake time.
type bench struct {
	*testing.T
	account   *wherebytest.Account
	collector *Collector
	log       *logtest.Buffer
	end       func() // nil before the start
}

func newAccount(config wherebytest.Config) *wherebytest.Account {
	config.APIKey = apiKey
	account := wherebytest.New(config)
	for i := range 250 {
		account.AddRoom(room(i))
	}
	account.AddRoom(wherebytest.Room{Name: "/standup", Totals: wherebytest.Totals{Sessions: 3, ParticipantMinutes: 50}})
	return account
}

// smallAccount has three rooms, for what the number of rooms proves nothing.
func smallAccount(config wherebytest.Config) *wherebytest.Account {
	config.APIKey = apiKey
	account := wherebytest.New(config)
	for i := range 3 {
		account.AddRoom(room(i))
	}
	return account
}

func room(i int) wherebytest.Room {
	prefix := []string{"acme-", "globex-", ""}[i%3]
	used := time.Now().Add(-time.Duration(i+60) * time.Hour)
	return wherebytest.Room{
		Name:         fmt.Sprintf("/%s%08x-0000-4000-8000-%012x", prefix, i*7919, i),
		CreatedAt:    used,
		FirstSession: used, LastSession: used,
		Totals: wherebytest.Totals{Sessions: 1, ParticipantMinutes: int64(i), RecorderMinutes: int64(i % 5), StreamerMinutes: int64(i % 2)},
	}
}

// prepare makes a collector, which does nothing yet.
func prepare(t *testing.T, account *wherebytest.Account, s ledger.Store) *bench {
	t.Helper()
	return prepareWith(t, account, s, Config{})
}

// prepareWith takes webhooks, configuration and the directory of the event log from a
// Config.
func prepareWith(t *testing.T, account *wherebytest.Account, s ledger.Store, c Config) *bench {
	t.Helper()
	return prepareKept(t, account, newKept(kept{ledger: s, events: c.StoragePath}), c)
}

// prepareKept takes webhooks, configuration and the intervals of polls from a Config.
func prepareKept(t *testing.T, account *wherebytest.Account, k keeper, c Config) *bench {
	t.Helper()
	budget, err := whereby.NewBudget(0.25)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, account: account, log: &logtest.Buffer{}}
	b.collector, err = newCollector(Config{
		Client: &whereby.Client{
			APIKey: whereby.StaticKey(apiKey), HTTPClient: &http.Client{Transport: account.RoundTripper()}, Budget: budget,
		},
		PollInterval: cmp.Or(c.PollInterval, time.Minute), FullPollInterval: cmp.Or(c.FullPollInterval, time.Hour),
		Webhooks: c.Webhooks, File: c.File,
		Logger: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}, k)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// start has the collector poll, until stop.
func (b *bench) start() {
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- b.collector.Run(ctx) }()
	b.end = func() {
		cancel()
		if err := <-done; err != nil {
			b.Errorf("Run returned %v; want nil", err)
		}
	}
}

func (b *bench) stop() {
	if b.end != nil {
		b.end()
	}
	if err := b.collector.Close(); err != nil {
		b.Error(err)
	}
	if strings.Contains(b.log.String(), apiKey) {
		b.Error("the log holds the API key")
	}
}

// polls lets the time of some polls pass. The first call starts the collector.
func (b *bench) polls(n int) {
	if b.end == nil {
		b.start()
	}
	time.Sleep(time.Duration(n)*time.Minute - time.Second)
	synctest.Wait()
	time.Sleep(time.Second)
	synctest.Wait()
}

// exposition is what a scrape gets, as text.
func (b *bench) exposition() string {
	b.Helper()
	answer := httptest.NewRecorder()
	b.collector.Metrics().ServeHTTP(answer, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		b.Fatalf("a scrape is answered %d %s", answer.Code, answer.Body)
	}
	if strings.Contains(answer.Body.String(), apiKey) {
		b.Error("the metrics hold the API key")
	}
	return answer.Body.String()
}

func (b *bench) families() map[string]*dto.MetricFamily {
	b.Helper()
	return b.parse(b.exposition())
}

func (b *bench) parse(exposition string) map[string]*dto.MetricFamily {
	b.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(exposition))
	if err != nil {
		b.Fatal(err)
	}
	return families
}

// samples returns a family's values by label values in the order of the labels' names.
func (b *bench) samples(m metrics.Metric) map[string]float64 {
	b.Helper()
	return b.samplesOf(m, b.exposition())
}

// samplesOf are those of an exposition. Only the lines of the family are parsed, as
// some tests ask thousands of times.
func (b *bench) samplesOf(m metrics.Metric, exposition string) map[string]float64 {
	b.Helper()
	var lines strings.Builder
	for line := range strings.Lines(exposition) {
		name := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE ")
		if strings.HasPrefix(name, m.Name) {
			lines.WriteString(line)
		}
	}
	samples := map[string]float64{}
	for _, sample := range b.parse(lines.String())[m.Name].GetMetric() {
		var values []string
		for _, label := range sample.GetLabel() {
			values = append(values, label.GetValue())
		}
		samples[strings.Join(values, ",")] = sample.GetCounter().GetValue() + sample.GetGauge().GetValue() +
			float64(sample.GetHistogram().GetSampleCount()) + float64(sample.GetSummary().GetSampleCount())
	}
	return samples
}

func (b *bench) assertSamples(m metrics.Metric, want map[string]float64) {
	b.Helper()
	if got := b.samples(m); !maps.Equal(got, want) {
		b.Errorf("%s is %v; want %v", m.Name, got, want)
	}
}

func (b *bench) assertValue(m metrics.Metric, want float64) {
	b.Helper()
	b.assertSamples(m, map[string]float64{"": want})
}

// usage returns the families that tell of the account.
func usage() []metrics.Metric {
	return []metrics.Metric{metrics.ParticipantMinutes, metrics.RecorderMinutes, metrics.StreamerMinutes, metrics.Sessions, metrics.Rooms}
}

// assertTruth compares what is exposed with what the account knows.
func (b *bench) assertTruth() {
	b.Helper()
	truth := b.account.Truth(config.Default().Prefixes().Classify)
	figure := map[string]func(wherebytest.PrefixTruth) int64{
		metrics.ParticipantMinutes.Name: func(p wherebytest.PrefixTruth) int64 { return p.ParticipantMinutes },
		metrics.RecorderMinutes.Name:    func(p wherebytest.PrefixTruth) int64 { return p.RecorderMinutes },
		metrics.StreamerMinutes.Name:    func(p wherebytest.PrefixTruth) int64 { return p.StreamerMinutes },
		metrics.Sessions.Name:           func(p wherebytest.PrefixTruth) int64 { return p.Sessions },
		metrics.Rooms.Name:              func(p wherebytest.PrefixTruth) int64 { return int64(p.Rooms) },
	}
	for _, m := range usage() {
		want := map[string]float64{}
		for prefix, p := range truth {
			want[prefix] = float64(figure[m.Name](p))
		}
		b.assertSamples(m, want)
	}
}

func inFakeTime(t *testing.T, config wherebytest.Config, f func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := prepare(t, newAccount(config), store.NewMemory())
		defer b.stop()
		f(b)
	})
}

func TestEveryMetricIsExposedAsDescribed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := newAccount(wherebytest.Config{})
		account.Schedule(room(0).Name, wherebytest.Session{
			Start: time.Now().Add(-time.Hour), End: time.Now().Add(-time.Hour / 2),
			Participants: []wherebytest.Participant{{Rating: 4}, {Role: "host"}},
		})
		account.AddRecordings(wherebytest.Recording{ID: "r", Start: time.Now().Add(-time.Hour), End: time.Now().Add(-time.Hour / 2), Megabytes: 5})
		file := customers(t)
		file.Organization.RecordingsRetention = 24 * time.Hour
		file.Customers[0].RoomCapacity = 4
		file.Prices = parse(t, "prices: {participant_minute: 0.004, currency: USD}").Prices
		b := prepareWith(t, account, store.NewMemory(), Config{Webhooks: verifier(t), File: file})
		defer b.stop()
		b.polls(2)
		b.sendOneOfEach()
		b.collector.RulesLoaded(true)
		families := b.families()
		types := map[metrics.Type]dto.MetricType{
			metrics.Counter: dto.MetricType_COUNTER, metrics.Gauge: dto.MetricType_GAUGE, metrics.Histogram: dto.MetricType_HISTOGRAM,
			metrics.Summary: dto.MetricType_SUMMARY,
		}
		described := map[string]bool{}
		for _, m := range metrics.All() {
			described[m.Name] = true
			family := families[m.Name]
			if family == nil {
				b.Errorf("%s is not exposed", m.Name)
				continue
			}
			if family.GetType() != types[m.Type] {
				b.Errorf("%s is a %v; want a %s", m.Name, family.GetType(), m.Type)
			}
			if family.GetHelp() != m.Help {
				b.Errorf("%s: the help is %q; want %q", m.Name, family.GetHelp(), m.Help)
			}
			for _, sample := range family.GetMetric() {
				var labels []string
				for _, label := range sample.GetLabel() {
					labels = append(labels, label.GetName())
				}
				if slices.Sort(labels); !slices.Equal(labels, slices.Sorted(slices.Values(m.Labels))) {
					b.Errorf("%s has the labels %v; want %v", m.Name, labels, m.Labels)
				}
			}
		}
		for name := range families {
			if strings.HasPrefix(name, "whereby_") && !described[name] {
				b.Errorf("%s is exposed and not described", name)
			}
		}
	})
}

func TestTheExpositionPassesPromlint(t *testing.T) {
	inFakeTime(t, wherebytest.Config{}, func(b *bench) {
		b.polls(2)
		problems, err := promlint.New(strings.NewReader(b.exposition())).Lint()
		if err != nil {
			b.Fatal(err)
		}
		for _, problem := range problems {
			// Participant minutes are rounded up for each connection: no number of
			// seconds equals them.
			if strings.Contains(problem.Metric, "_minutes_") && strings.Contains(problem.Text, `"seconds"`) {
				continue
			}
			b.Errorf("%s: %s", problem.Metric, problem.Text)
		}
	})
}

func TestFiguresAreTheAccountsTruth(t *testing.T) {
	inFakeTime(t, wherebytest.Config{}, func(b *bench) {
		b.polls(1)
		b.assertTruth()
		b.account.Use(room(4).Name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 90, StreamerMinutes: 5}, time.Now())
		b.account.AddRoom(wherebytest.Room{Name: "/initech-793e9ec1-c686-423d-9043-9b7a10c553fd"})
		b.account.Use("/initech-793e9ec1-c686-423d-9043-9b7a10c553fd", wherebytest.Totals{Sessions: 1, ParticipantMinutes: 8}, time.Now())
		b.account.Delete(room(0).Name)
		b.polls(62) // a full poll too
		b.assertTruth()
		b.assertValue(metrics.Up, 1)
	})
}

func TestNothingOfUsageIsExposedBeforeTheFirstCompletePoll(t *testing.T) {
	inFakeTime(t, wherebytest.Config{}, func(b *bench) {
		if b.collector.Ready() {
			b.Error("ready before anything was read")
		}
		b.account.Inject(wherebytest.Hang().Page(2))
		b.polls(1)
		if b.collector.Ready() {
			b.Error("ready after one page of three")
		}
		families := b.families()
		for _, m := range append(usage(), metrics.LedgerDrift, metrics.RoomPrefixesDropped) {
			if families[m.Name] != nil {
				b.Errorf("%s is exposed after one page of three", m.Name)
			}
		}
		b.assertValue(metrics.Up, 0)
		b.assertValue(metrics.LastFullScan, 0)
		answer := httptest.NewRecorder()
		b.collector.Rooms().ServeHTTP(answer, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/?room_prefix=acme-", nil))
		if answer.Code != http.StatusServiceUnavailable {
			b.Errorf("the rooms are answered with %d; want 503", answer.Code)
		}
		b.account.ClearFaults()
		b.polls(4)
		if !b.collector.Ready() {
			b.Error("not ready although the account answers")
		}
		b.assertTruth()
	})
}

func TestRequestsAreCountedByEndpointAndCode(t *testing.T) {
	inFakeTime(t, wherebytest.Config{}, func(b *bench) {
		b.assertSamples(metrics.APIRequests, map[string]float64{"200,rooms": 0}) // so that increase() sees the first
		b.account.Inject(wherebytest.Drop().Times(2))
		b.account.Inject(wherebytest.Status(http.StatusBadGateway).Times(1))
		b.polls(3) // before the first answer, two requests a minute are as expensive as they can be
		want := map[string]float64{"200,transcriptions": 1, "200,recordings": 1, "error,rooms": 2, "502,rooms": 1, "200,rooms": float64(b.account.Count(wherebytest.EndpointRooms) - 3)}
		b.assertSamples(metrics.APIRequests, want)
		b.assertSamples(metrics.APIRequestDuration, map[string]float64{"rooms": float64(b.account.Count(wherebytest.EndpointRooms)), "transcriptions": 1, "recordings": 1})
	})
}

// TestLabelsOfRequestsAreBounded has the account fail in every way it knows.
func TestLabelsOfRequestsAreBounded(t *testing.T) {
	inFakeTime(t, wherebytest.Config{}, func(b *bench) {
		for _, fault := range []wherebytest.Fault{
			wherebytest.Drop(), wherebytest.Reset(), wherebytest.Hang(), wherebytest.Malformed(), wherebytest.Truncated(),
			wherebytest.Status(400), wherebytest.Status(401), wherebytest.Status(404), wherebytest.Status(418), wherebytest.StatusHTML(503),
			wherebytest.Status(599), wherebytest.Throttled(wherebytest.RetryAfterSeconds, time.Second), wherebytest.WrongTypes(),
		} {
			b.account.Inject(fault)
			b.polls(3)
			b.account.ClearFaults()
		}
		for _, sample := range b.families()[metrics.APIRequests.Name].GetMetric() {
			code, endpoint := sample.GetLabel()[0].GetValue(), sample.GetLabel()[1].GetValue()
			if endpoint != whereby.EndpointRooms && endpoint != whereby.EndpointTranscriptions {
				b.Errorf("the endpoint is %q", endpoint)
			}
			if code != "error" && (len(code) != 3 || strings.Trim(code, "0123456789") != "") {
				b.Errorf("the code is %q", code)
			}
		}
		b.polls(5)
		b.assertTruth()
	})
}

func TestAFailedPollChangesNothingOfUsage(t *testing.T) {
	inFakeTime(t, wherebytest.Config{}, func(b *bench) {
		b.polls(1)
		before := b.samples(metrics.ParticipantMinutes)
		succeeded := b.samples(metrics.Polls)["success"]
		b.account.Use(room(1).Name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 90}, time.Now())
		b.account.Inject(wherebytest.Status(http.StatusUnauthorized))
		b.polls(3)
		b.assertSamples(metrics.ParticipantMinutes, before)
		b.assertValue(metrics.Up, 0)
		if polls := b.samples(metrics.Polls); polls["success"] != succeeded || polls["error"] < 2 {
			b.Errorf("polls are %v; want %v successes and some errors", polls, succeeded)
		}
		b.assertValue(metrics.StorageErrors, 0)
		if !b.collector.Ready() {
			b.Error("no longer ready although figures are served")
		}
		b.account.ClearFaults()
		b.polls(2)
		b.assertTruth()
		b.assertValue(metrics.Up, 1)
	})
}

func TestTimesOfPolls(t *testing.T) {
	inFakeTime(t, wherebytest.Config{}, func(b *bench) {
		b.assertSamples(metrics.Polls, map[string]float64{"success": 0, "error": 0})
		b.assertValue(metrics.LastSuccessfulPoll, 0)
		b.assertValue(metrics.LastFullScan, 0)
		began := float64(time.Now().UnixMilli()) / 1000
		b.start()
		synctest.Wait() // nothing takes time here, so the first poll is over
		b.assertValue(metrics.LastSuccessfulPoll, began)
		b.assertValue(metrics.LastFullScan, began)
		b.polls(5)
		b.assertValue(metrics.LastSuccessfulPoll, began+300)
		b.assertValue(metrics.LastFullScan, began)
		if n := b.samples(metrics.PollDuration)[""]; n != b.samples(metrics.Polls)["success"] {
			b.Errorf("the durations of %v polls are known", n)
		}
	})
}

func TestTheRateLimitIsTheLastAnswers(t *testing.T) {
	inFakeTime(t, wherebytest.Config{PointsPerMinute: 400}, func(b *bench) {
		b.account.Inject(wherebytest.NoRateLimitHeaders())
		b.polls(1)
		b.assertSamples(metrics.APIRateLimit, map[string]float64{})
		b.assertSamples(metrics.APIRateLimitRemaining, map[string]float64{})
		b.account.ClearFaults()
		b.polls(2) // in the first one, requests of several readers overtake each other
		b.assertValue(metrics.APIRateLimit, 400)
		b.assertValue(metrics.APIRateLimitRemaining, float64(b.account.Remaining()))
		b.account.Inject(wherebytest.NoRateLimitHeaders())
		b.polls(1)
		b.assertValue(metrics.APIRateLimit, 400)
	})
}

func TestARestatedFigureIsDrift(t *testing.T) {
	inFakeTime(t, wherebytest.Config{}, func(b *bench) {
		b.polls(1)
		b.assertSamples(metrics.LedgerDrift, map[string]float64{"participant_minutes": 0, "recorder_minutes": 0, "streamer_minutes": 0, "sessions": 0})
		lowered := room(249).Totals
		lowered.ParticipantMinutes -= 9
		b.account.Restate(room(249).Name, lowered)
		b.polls(62) // the room was not used, so only a full poll sees it
		b.assertSamples(metrics.LedgerDrift, map[string]float64{"participant_minutes": 9, "recorder_minutes": 0, "streamer_minutes": 0, "sessions": 0})
		b.assertTruth()
	})
}

func TestAFloodOfPrefixesIsCountedTogether(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		account := wherebytest.New(wherebytest.Config{APIKey: apiKey})
		const over = 30
		for i := range prefix.DefaultLimit + over {
			account.AddRoom(wherebytest.Room{Name: fmt.Sprintf("/c%d-00000000-0000-4000-8000-%012x", i, i), Totals: wherebytest.Totals{Sessions: 1, ParticipantMinutes: 2}})
		}
		b := prepare(t, account, store.NewMemory())
		defer b.stop()
		b.polls(3)
		minutes := b.samples(metrics.ParticipantMinutes)
		if len(minutes) != prefix.DefaultLimit+1 || minutes[prefix.Other] != 2*over {
			b.Errorf("%d series are exposed, %v minutes under %s; want %d and %d", len(minutes), minutes[prefix.Other],
				prefix.Other, prefix.DefaultLimit+1, 2*over)
		}
		b.assertValue(metrics.RoomPrefixesDropped, over)
	})
}

// fullDisk is a store that can be told to refuse writes.
type fullDisk struct {
	ledger.Store
	full atomic.Bool
}

func (d *fullDisk) Commit(c ledger.Change) error {
	if d.full.Load() {
		return errors.New("no space left on device")
	}
	return d.Store.Commit(c)
}

func TestAFullDiskIsCountedAndFiguresAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &fullDisk{Store: store.NewMemory()}
		b := prepare(t, newAccount(wherebytest.Config{}), disk)
		defer b.stop()
		b.polls(1)
		b.assertValue(metrics.StorageErrors, 0)
		before := b.samples(metrics.ParticipantMinutes)
		disk.full.Store(true)
		b.account.Use(room(2).Name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 90}, time.Now())
		b.polls(2)
		if n := b.samples(metrics.StorageErrors)[""]; n < 1 || n != b.samples(metrics.Polls)["error"] {
			b.Errorf("%v errors of storage, and %v failed polls", n, b.samples(metrics.Polls)["error"])
		}
		b.assertValue(metrics.Up, 0)
		b.assertSamples(metrics.ParticipantMinutes, before)
		if !strings.Contains(b.log.String(), "no space left on device") || !strings.Contains(b.log.String(), "class=store") {
			b.Errorf("the log does not say what is wrong:\n%s", b.log)
		}
		disk.full.Store(false)
		b.polls(2)
		b.assertTruth()
		b.assertValue(metrics.Up, 1)
	})
}

func TestFiguresAreThereAtOnceAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		account := newAccount(wherebytest.Config{})
		first := prepare(t, account, s)
		first.polls(1)
		scanned := first.samples(metrics.LastFullScan)[""]
		first.stop()

		account.Inject(wherebytest.Drop())
		second := prepare(t, account, s)
		defer second.stop()
		second.assertTruth()
		second.assertValue(metrics.LastFullScan, scanned)
		second.assertValue(metrics.Up, 0)
		second.assertValue(metrics.LastSuccessfulPoll, 0)
		if second.collector.Ready() {
			t.Error("ready before a poll has succeeded")
		}
		second.polls(3)
		second.assertTruth()
		second.assertValue(metrics.Up, 0)
		if second.collector.Ready() {
			t.Error("ready although no poll has succeeded")
		}
		account.ClearFaults()
		second.polls(2)
		second.assertValue(metrics.Up, 1)
		if !second.collector.Ready() {
			t.Error("not ready although a poll has succeeded")
		}
	})
}

// unreadable is a store that can't be read, as ledger.Open finds out.
type unreadable struct{ *store.Memory }

func (unreadable) State() (ledger.State, error) {
	return ledger.State{}, errors.New("input/output error")
}

func TestAStoreThatCannotBeReadIsAnErrorAtTheStart(t *testing.T) {
	config := Config{Client: &whereby.Client{}, Logger: slog.New(slog.DiscardHandler)}
	if _, err := newCollector(config, newKept(kept{ledger: unreadable{store.NewMemory()}})); err == nil || !strings.Contains(err.Error(), "input/output error") {
		t.Errorf("got %v", err)
	}
}

// TestTheStorageDirectoryIsLocked opens it twice, as a second exporter would.
func TestTheStorageDirectoryIsLocked(t *testing.T) {
	config := Config{Client: &whereby.Client{}, StoragePath: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(config); err == nil || !strings.Contains(err.Error(), "is in use by another process") {
		t.Errorf("the second one got %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	again, err := New(config)
	if err != nil {
		t.Fatalf("after the first was closed: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestRoomsCountUnderTheirPrefix(t *testing.T) {
	for _, c := range []struct{ name, room, want string }{
		{"a prefix and a UUID", "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd", "acme-"},
		{"a UUID alone", "/793e9ec1-c686-423d-9043-9b7a10c553fd", "_none"},
		{"a name given by hand", "/standup", "_none"},
		{"a short name with what looks like a prefix", "/acme-standup", "_none"},
		{"nothing", "", "_none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := config.Default().Prefixes().Classify(c.room); got != c.want {
				t.Errorf("%q counts under %q; want %q", c.room, got, c.want)
			}
		})
	}
}
