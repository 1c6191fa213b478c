package collector

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/statuspage"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

func TestTheStatusPageHasTheFiguresOfTheMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := prepareWith(t, newAccount(wherebytest.Config{}), store.NewMemory(), Config{Webhooks: verifier(t), File: customers(t)})
		defer b.stop()
		before := b.collector.statusSource().Report()
		if len(before.Customers) != 2 || before.Customers[0].Known || !before.Polls.AsOf.IsZero() {
			t.Errorf("before the first poll the page has %+v", before)
		}
		b.polls(5) // until it is known what older rooms used
		b.sendOneOfEach()
		r := b.collector.statusSource().Report()

		rooms, used, people := b.samples(metrics.Rooms), b.samples(metrics.QuotaUsed), b.samples(metrics.LiveParticipants)
		if len(r.Customers) != len(rooms) {
			t.Errorf("%d customers, %d prefixes", len(r.Customers), len(rooms))
		}
		for _, c := range r.Customers {
			if float64(c.Rooms) != rooms[c.Prefix] || float64(c.People) != people[c.Prefix] {
				t.Errorf("%s has %d rooms and %d people; want %v and %v", c.Prefix, c.Rooms, c.People, rooms[c.Prefix], people[c.Prefix])
			}
			if want, known := used["participant_minutes,"+c.Prefix]; c.PeriodUsage.Known() != known || float64(c.Used.ParticipantMinutes) != want && known {
				t.Errorf("%s used %d (%v); want %v (%v)", c.Prefix, c.Used.ParticipantMinutes, c.PeriodUsage.Known(), want, known)
			}
		}
		if first := r.Customers[0]; first.Name != "Acme Inc" || first.NearRatio != 0.7 || first.Quotas["participant_minutes"] != 5000 {
			t.Errorf("the first customer is %+v", first)
		}
		if want := b.samples(metrics.OrganizationQuotaUsed)["participant_minutes"]; float64(r.Account.Used.ParticipantMinutes) != want {
			t.Errorf("the account used %d; want %v", r.Account.Used.ParticipantMinutes, want)
		}
		b.assertValue(metrics.LastSuccessfulPoll, metrics.Seconds(r.Polls.Succeeded))
		b.assertValue(metrics.LastFullScan, metrics.Seconds(r.Polls.FullPoll))
		b.assertValue(metrics.WebhookDuplicates, float64(r.Webhooks.Duplicates))
		b.assertValue(metrics.WebhookLastEvent, metrics.Seconds(r.Webhooks.LastEvent))
		b.assertValue(metrics.APIRateLimitRemaining, float64(r.Points.Remaining))
		var events float64
		for _, n := range b.samples(metrics.WebhookEvents) {
			events += n
		}
		if float64(r.Webhooks.Events) != events || events == 0 {
			t.Errorf("%d events; want %v", r.Webhooks.Events, events)
		}
		for _, rejected := range r.Webhooks.Rejected {
			if want := b.samples(metrics.WebhookRejected)[rejected.Reason]; float64(rejected.N) != want {
				t.Errorf("%d rejected for %s; want %v", rejected.N, rejected.Reason, want)
			}
		}

		b.collector.ReloadFailed()
		if r := b.collector.statusSource().Report(); !r.Reloads.Failed.Equal(time.Now()) {
			t.Errorf("a configuration was refused at %v; want now", r.Reloads.Failed)
		}
		empty := parse(t, "{}")
		empty.Alerts.DashboardURL = "https://grafana.example.com"
		if err := b.collector.Reload(empty); err != nil {
			t.Fatal(err)
		}
		b.collector.Reloaded()
		if r := b.collector.statusSource().Report(); r.DashboardURL != empty.Alerts.DashboardURL {
			t.Errorf("the dashboards are at %q", r.DashboardURL)
		} else if !r.Reloads.Failed.IsZero() || !r.Reloads.Loaded.Equal(time.Now()) || r.Customers[0].Configured() {
			t.Errorf("after a reload: %+v, %+v", r.Reloads, r.Customers[0])
		}
	})
}

func TestTheStatusPageFollowsPolls(t *testing.T) {
	inFakeTime(t, wherebytest.Config{}, func(b *bench) {
		b.account.Inject(wherebytest.Hang().On("rooms").Page(2).Times(1))
		if err := b.collector.config.Client.Budget.SetReadCost(1); err != nil {
			b.Fatal(err)
		}
		b.start()
		time.Sleep(time.Second)
		r := b.collector.statusSource().Report()
		if r.Polls.Pages != 1 || !r.Polls.AsOf.IsZero() || r.Points.Spent != 2 || r.Points.Allowed != 250 || r.Webhooks != nil {
			b.Errorf("within the first poll: %+v, %+v, %v", r.Polls, r.Points, r.Webhooks)
		}
		b.polls(3)
		r = b.collector.statusSource().Report()
		if r.Polls.Pages != 0 || r.Polls.Succeeded.IsZero() || r.Polls.Err != nil {
			b.Errorf("after it: %+v", r.Polls)
		}
		b.account.Inject(wherebytest.Status(403).On("rooms").Times(2))
		b.polls(2)
		r = b.collector.statusSource().Report()
		var auth *whereby.AuthError
		if r.Polls.Failing != 2 || !errors.As(r.Polls.Err, &auth) {
			b.Errorf("after two polls that failed: %+v", r.Polls)
		}
		b.polls(1)
		r = b.collector.statusSource().Report()
		if r.Polls.Failing != 0 || r.Polls.Err != nil || !errors.As(r.Polls.LastErr, &auth) {
			b.Errorf("after one that did not: %+v", r.Polls)
		}
	})
}

// ask reads sessions the way the page does.
func (b *bench) ask(room string) (n int, took time.Duration, err error) {
	b.Helper()
	ctx, cancel := context.WithTimeoutCause(b.Context(), 8*time.Second, statuspage.ErrNoAnswer)
	defer cancel()
	began := time.Now()
	sessions, _, err := b.collector.statusSource().Sessions(ctx, room)
	return len(sessions), time.Since(began), err
}

func TestSessionsOnDemand(t *testing.T) {
	name := room(3).Name
	requests := func(b *bench) int { return b.account.Count(whereby.EndpointRoomSessions) }
	for _, c := range []struct {
		name     string
		prepare  func(b *bench)
		requests int
		check    func(error) bool
	}{
		{"an answer", func(*bench) {}, 1, func(err error) bool { return err == nil }},
		{"no order of sessions", func(b *bench) { b.account.Inject(wherebytest.Status(400).On(whereby.EndpointRoomSessions).Times(1)) }, 2,
			func(err error) bool { return err == nil }},
		{"no answer", func(b *bench) { b.account.Inject(wherebytest.Hang().On(whereby.EndpointRoomSessions)) }, 1,
			func(err error) bool { return errors.Is(err, statuspage.ErrNoAnswer) }},
		{"a failure is not repeated", func(b *bench) { b.account.Inject(wherebytest.Status(503).On(whereby.EndpointRoomSessions)) }, 1,
			func(err error) bool { var server *whereby.ServerError; return errors.As(err, &server) }},
		{"the exporter's own points are spent", func(b *bench) {
			budget := b.collector.config.Client.Budget
			if err := budget.SetReadCost(1); err != nil {
				b.Fatal(err)
			}
			for s := budget.Spending(); s.Spent < s.Allowed; s = budget.Spending() {
				if err := budget.Wait(b.Context(), whereby.Foreground); err != nil {
					b.Fatal(err)
				}
			}
		}, 0, func(err error) bool { return errors.Is(err, statuspage.ErrNoPoint) }},
		{"the organization has few points left", func(b *bench) {
			b.account.Spend(950)
			b.collector.poller.Run(within(b, time.Second)) // which tells the exporter
		}, 0, func(err error) bool { return errors.Is(err, statuspage.ErrNoPoint) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFakeTime(t, wherebytest.Config{}, func(b *bench) {
				b.collector.poller.Run(within(b, time.Second))
				c.prepare(b)
				before := requests(b)
				_, took, err := b.ask(name)
				if !c.check(err) {
					b.Errorf("got %v", err)
				}
				if n := requests(b) - before; n != c.requests {
					b.Errorf("%d requests; want %d", n, c.requests)
				}
				if took > 8*time.Second {
					b.Errorf("it took %v", took)
				}
			})
		})
	}
}

// within returns a context that ends after a while.
func within(b *bench, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(b.Context(), d)
	b.Cleanup(cancel)
	return ctx
}

func TestARefusalIsHeededByThePageToo(t *testing.T) {
	inFakeTime(t, wherebytest.Config{}, func(b *bench) {
		b.account.Inject(wherebytest.Throttled(wherebytest.RetryAfterSeconds, 30*time.Second).On(whereby.EndpointRoomSessions).Times(1))
		var throttled *whereby.ThrottledError
		if _, _, err := b.ask(room(3).Name); !errors.As(err, &throttled) {
			b.Errorf("got %v; want what the answer said", err)
		}
		if _, took, err := b.ask(room(3).Name); !errors.Is(err, statuspage.ErrNoPoint) || took != 0 {
			b.Errorf("asked again at once, got %v after %v; want that there is no point, at once", err, took)
		}
		if n := b.account.Count(whereby.EndpointRoomSessions); n != 1 {
			b.Errorf("%d requests; want 1", n)
		}
	})
}
