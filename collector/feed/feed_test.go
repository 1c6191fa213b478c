package feed_test

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/feed"
	"whereby_exporter/collector/live"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

// usage is what the account is said to have used. Rooms count under the part of their
// name before the first "-", unless label says otherwise.
type usage struct {
	label map[string]string
	shown map[string]int64
	// unread is set before the first complete poll.
	unread bool
	err    error
}

func (u *usage) Label(roomName string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(roomName, "/"), "-")
	if label, ok := u.label[name]; ok {
		return label
	}
	return name + "-"
}

func (u *usage) ShownMinutes(roomNames []string) (map[string]int64, bool, error) {
	shown := map[string]int64{}
	for _, name := range roomNames {
		if minutes, ok := u.shown[name]; ok {
			shown[name] = minutes
		}
	}
	return shown, !u.unread, u.err
}

// bench is a feed under test, and what it registered.
type bench struct {
	*testing.T
	*feed.Feed
	registry *prometheus.Registry
	events   int
}

func newBench(t *testing.T, u feed.Usage, segments *config.Segments) *bench {
	t.Helper()
	b := &bench{T: t, registry: prometheus.NewRegistry()}
	b.Feed = feed.New(b.registry, u, withSegments(segments))
	return b
}

// withSegments returns a configuration file that says nothing else.
func withSegments(segments *config.Segments) *config.Config {
	file := config.Default()
	file.Segments = segments
	return file
}

// send applies an event of a participant that happened now, after which so many visitors
// are in the room; below 0 the event does not say. It returns the event.
func (b *bench) send(eventType whereby.EventType, room, participant, role string, visitors int) whereby.Event {
	b.events++
	event := whereby.Event{
		ID: fmt.Sprintf("event-%d", b.events), Type: eventType, CreatedAt: time.Now(),
		RoomName: room, ParticipantID: participant, RoleName: role,
	}
	if visitors >= 0 {
		event.Clients = map[string]int{"visitor": visitors}
	}
	b.Apply(event, "", time.Now())
	return event
}

// observed returns the number of observations of each histogram that has any.
func (b *bench) observed() map[string]uint64 {
	b.Helper()
	all, err := b.registry.Gather()
	if err != nil {
		b.Fatal(err)
	}
	counts := map[string]uint64{}
	for _, f := range all {
		for _, m := range f.GetMetric() {
			if n := m.GetHistogram().GetSampleCount(); f.GetType() == dto.MetricType_HISTOGRAM && n > 0 {
				counts[f.GetName()] += n
			}
		}
	}
	return counts
}

// people are those in rooms by prefix.
func (b *bench) people() map[string]int64 {
	people := map[string]int64{}
	for _, p := range b.View(nil).Prefixes {
		people[p.Prefix] = p.Participants
	}
	return people
}

// pending returns the minutes of all prefixes that Insights does not show.
func (b *bench) pending() int64 {
	var sum int64
	for _, p := range b.View(nil).Prefixes {
		sum += p.Pending
	}
	return sum
}

// TestAReplayCountsAndObservesNothing: the histograms of an earlier process have been
// scraped, and its counts have not ended with it.
func TestAReplayCountsAndObservesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &usage{}, nil)
		visit := func(room string) {
			b.send(whereby.ClientKnocked, room, "visitor of "+room, "", -1)
			time.Sleep(10 * time.Second)
			b.send(whereby.ClientJoined, room, "visitor of "+room, "granted_visitor", 1)
			b.send(whereby.ClientJoined, room, "host of "+room, "host", 2)
		}
		visit("/acme-1")
		if got := b.observed(); len(got) > 0 {
			t.Errorf("a replay observed %v", got)
		}
		if n := b.people()["acme-"]; n != 2 {
			t.Errorf("%d people are in rooms after a replay; want 2", n)
		}
		b.EndReplay()
		if got := b.observed(); len(got) > 0 {
			t.Errorf("the end of a replay observed %v", got)
		}
		visit("/acme-2")
		want := map[string]uint64{metrics.KnockWait.Name: 1, metrics.HostWait.Name: 1, metrics.WebhookDelay.Name: 3}
		if got := b.observed(); !maps.Equal(got, want) {
			t.Errorf("observed %v; want %v", got, want)
		}
		again := b.send(whereby.ClientLeft, "/acme-2", "host of /acme-2", "host", 1)
		b.Apply(again, "", time.Now())
		want[metrics.WebhookDelay.Name]++
		if got := b.observed(); !maps.Equal(got, want) {
			t.Errorf("with an event that came twice, observed %v; want %v", got, want)
		}
	})
}

// TestADelayIsNeverNegative: Whereby's clock may be ahead.
func TestADelayIsNeverNegative(t *testing.T) {
	b := newBench(t, &usage{}, nil)
	b.EndReplay()
	b.Apply(whereby.Event{ID: "1", Type: whereby.SessionStarted, CreatedAt: time.Now().Add(time.Minute), RoomName: "/acme-1"}, "", time.Now())
	all, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == metrics.WebhookDelay.Name {
			if h := f.GetMetric()[0].GetHistogram(); h.GetSampleCount() != 1 || h.GetSampleSum() != 0 {
				t.Errorf("observed %v", h)
			}
		}
	}
}

func TestCountsOutliveAConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &usage{}
		segments := &config.Segments{Source: config.FromMetadata, Pattern: regexp.MustCompile(`team=(\w+)`), Limit: 10}
		b := newBench(t, u, segments)
		join := func(room, participant, metadata string, visitors int) {
			b.events++
			event := whereby.Event{
				ID: fmt.Sprintf("event-%d", b.events), Type: whereby.ClientJoined, CreatedAt: time.Now(), RoomName: room,
				ParticipantID: participant, RoleName: "visitor", Metadata: metadata, Clients: map[string]int{"visitor": visitors},
			}
			b.Apply(event, b.Segment(event), time.Now())
		}
		inSegments := func() map[string]int64 {
			people := map[string]int64{}
			for _, s := range b.View(nil).Segments {
				people[s.Prefix+" "+s.Segment] = s.Participants
			}
			return people
		}
		expect := func(when string, people, segments map[string]int64) {
			t.Helper()
			if got := b.people(); !maps.Equal(got, people) {
				t.Errorf("%s %v are in rooms; want %v", when, got, people)
			}
			if got := inSegments(); !maps.Equal(got, segments) {
				t.Errorf("%s %v are in segments; want %v", when, got, segments)
			}
		}
		join("/acme-1", "a", "team=red", 1)
		join("/acme-1", "b", "team=blue", 2)
		join("/globex-1", "c", "", 1)
		teams := map[string]int64{"acme- red": 1, "acme- blue": 1}
		expect("at first", map[string]int64{"acme-": 2, "globex-": 1}, teams)

		u.label = map[string]string{"globex": "initech-"}
		if err := b.Configure(withSegments(segments)); err != nil {
			t.Fatal(err)
		}
		// What a former prefix has counted must not vanish.
		expect("under other prefixes", map[string]int64{"acme-": 2, "globex-": 0, "initech-": 1}, teams)
		time.Sleep(time.Hour)
		if suspects := b.Suspects(time.Now()); len(suspects) > 0 {
			t.Errorf("a configuration brings %v into doubt", suspects)
		}

		// A list admits no other segment, and those that it names last.
		list := &config.Segments{Source: config.FromMetadata, Pattern: regexp.MustCompile(`team=(red|green)`), Limit: 10}
		if err := b.Configure(withSegments(list)); err != nil {
			t.Fatal(err)
		}
		expect("with a list", map[string]int64{"acme-": 2, "globex-": 0, "initech-": 1}, map[string]int64{"acme- red": 1})

		if err := b.Configure(config.Default()); err != nil {
			t.Fatal(err)
		}
		if segment := b.Segment(whereby.Event{Metadata: "team=red"}); segment != "" {
			t.Errorf("without segments there is %q", segment)
		}
		join("/acme-1", "d", "team=red", 3)
		expect("without segments", map[string]int64{"acme-": 3, "globex-": 0, "initech-": 1}, nil)
	})
}

// TestMinutesArePendingUntilInsightsShowsThem follows a meeting of two.
func TestMinutesArePendingUntilInsightsShowsThem(t *testing.T) {
	const room = "/acme-1"
	for name, tc := range map[string]struct {
		usage  usage
		replay bool
		// pending is 10 minutes after both joined, settled once Insights shows 103.
		pending, settled int64
	}{
		"a room that was used before":         {usage: usage{shown: map[string]int64{room: 100}}, pending: 20, settled: 17},
		"a room that Insights does not know":  {pending: 20, settled: 0},
		"before the first complete poll":      {usage: usage{unread: true, shown: map[string]int64{room: 100}}, pending: 0, settled: 0},
		"what it shows can't be read":         {usage: usage{err: errors.New("disk"), shown: map[string]int64{room: 100}}, pending: 0, settled: 0},
		"a replay, when it showed other ones": {usage: usage{shown: map[string]int64{room: 100}}, replay: true, pending: 0, settled: 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, &tc.usage, nil)
				if !tc.replay {
					b.EndReplay()
				}
				if rooms := b.Metered(); len(rooms) > 0 {
					t.Errorf("before any event %q are metered", rooms)
				}
				b.send(whereby.ClientJoined, room, "a", "visitor", 1)
				b.send(whereby.ClientJoined, room, "b", "visitor", 2)
				b.EndReplay()
				time.Sleep(10 * time.Minute)
				if got := b.pending(); got != tc.pending {
					t.Errorf("%d minutes are pending; want %d", got, tc.pending)
				}
				if rooms := b.Metered(); !slices.Equal(rooms, []string{room}) {
					t.Errorf("%q are metered", rooms)
				}
				b.Settle(map[string]int64{room: 103, "/unknown-1": 5}, time.Now(), time.Now())
				if got := b.pending(); got != tc.settled {
					t.Errorf("%d minutes are pending once some are shown; want %d", got, tc.settled)
				}
				b.send(whereby.ClientLeft, room, "a", "visitor", 1)
				b.send(whereby.ClientLeft, room, "b", "visitor", 0)
				time.Sleep(whereby.InsightsDelay + time.Minute)
				b.Settle(map[string]int64{room: 120}, time.Now(), time.Now())
				if rooms := b.Metered(); b.pending() != 0 || len(rooms) > 0 {
					t.Errorf("once all is shown, %d minutes are pending and %q are metered", b.pending(), rooms)
				}
			})
		})
	}
}

func TestRejectionsAreCountedByReason(t *testing.T) {
	b := newBench(t, &usage{}, nil)
	expect := func(want map[webhook.Reason]int64) {
		t.Helper()
		got := b.Rejections()
		if len(got) != len(webhook.Reasons()) {
			t.Errorf("%v lack a reason", got)
		}
		for i, reason := range webhook.Reasons() {
			if got[i] != (feed.Rejection{Reason: reason, N: want[reason]}) {
				t.Errorf("%v; want %d for %s", got[i], want[reason], reason)
			}
		}
	}
	expect(nil)
	b.Rejected(webhook.ReasonExpired)
	b.Rejected(webhook.ReasonSignature)
	b.Rejected(webhook.ReasonSignature)
	expect(map[webhook.Reason]int64{webhook.ReasonExpired: 1, webhook.ReasonSignature: 2})

	all, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	exposed := map[string]float64{}
	for _, f := range all {
		for _, m := range f.GetMetric() {
			if f.GetName() == metrics.WebhookRejected.Name {
				exposed[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	want := map[string]float64{"signature": 2, "expired": 1, "malformed": 0, "too_large": 0, "method": 0}
	if !maps.Equal(exposed, want) {
		t.Errorf("exposed are %v; want %v", exposed, want)
	}
}

func TestConfiguredPrefixesAreInTheView(t *testing.T) {
	b := newBench(t, &usage{}, nil)
	b.send(whereby.ClientJoined, "/acme-1", "a", "visitor", 1)
	people := map[string]int64{}
	for _, p := range b.View([]string{"acme-", "globex-"}).Prefixes {
		if _, twice := people[p.Prefix]; twice {
			t.Errorf("%s is there twice", p.Prefix)
		}
		people[p.Prefix] = p.Participants
	}
	if want := map[string]int64{"acme-": 1, "globex-": 0}; !maps.Equal(people, want) {
		t.Errorf("the view has %v; want %v", people, want)
	}
}

// TestARestoredStateIsDoubtedWhenOld: events may have been lost for good once Whereby has
// stopped to deliver them again.
func TestARestoredStateIsDoubtedWhenOld(t *testing.T) {
	for name, tc := range map[string]struct {
		away    time.Duration
		doubted bool
	}{
		"a quick restart":  {away: 30 * time.Second},
		"a long time away": {away: 5 * time.Minute, doubted: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				before := newBench(t, &usage{}, nil)
				before.send(whereby.ClientJoined, "/acme-1", "a", "visitor", 3)
				state, err := before.AppendBinary(nil)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(tc.away)
				after := newBench(t, &usage{}, nil)
				if err := after.UnmarshalBinary(state); err != nil {
					t.Fatal(err)
				}
				if n := after.people()["acme-"]; n != 3 {
					t.Errorf("%d people were restored; want 3", n)
				}
				suspects := after.Suspects(time.Now())
				if doubted := len(suspects) == 1 && suspects[0].Doubt == live.DoubtRestored; doubted != tc.doubted {
					t.Errorf("suspects are %v", suspects)
				}
				if err := after.UnmarshalBinary([]byte("damaged")); err == nil {
					t.Error("a damaged state was taken")
				}
				if n := after.people()["acme-"]; n != 3 {
					t.Errorf("a damaged state left %d people; want 3", n)
				}
			})
		})
	}
}
