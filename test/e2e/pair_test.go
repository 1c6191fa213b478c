package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

const (
	// pairLimit is the organization's points per minute. Half of the share is 90: polls
	// every second need some 70, and call quality spends all that is left, so the share
	// is always spent.
	pairLimit = 720
	// pairShare is what all members together may spend.
	pairShare = 0.25
)

// effort is how long the tests of pairs and backups go on.
type effort struct {
	chaos   time.Duration // for how long members are killed and paused
	backups int
}

// thoroughness returns the effort of an ordinary run. PAIR_CHAOS, for example 5m, asks for so
// much chaos, and for all backups.
func thoroughness(t *testing.T) effort {
	t.Helper()
	text := os.Getenv("PAIR_CHAOS")
	if text == "" {
		return effort{chaos: 35 * time.Second, backups: 15}
	}
	chaos, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("PAIR_CHAOS: %v", err)
	}
	return effort{chaos: chaos, backups: 100}
}

// member is one of several exporters of an account that share nothing.
type member struct {
	exporter
	name    string
	webhook string // host and port
	secret  string // of the webhook
	flags   []string
	sender  *wherebytest.Sender
	missed  atomic.Int64 // the time in ms of the newest event that was not delivered
}

// newMember prepares a member with a directory, a webhook and a secret of its own.
func newMember(t testing.TB, name, api string, account *wherebytest.Account, share float64, flags ...string) *member {
	t.Helper()
	address, webhook := programs.FreeAddress(t), programs.FreeAddress(t)
	// What a read costs is given: an exporter that has to learn it next to others takes what
	// they spend for a part of it, and would come nowhere near its share.
	m := &member{exporter: exporter{base: "http://" + address}, name: name, webhook: webhook, secret: webhookSecret + "-" + name}
	m.flags = append([]string{
		"run", "--whereby.url=" + api, "--web.listen-address=" + address, "--webhook.listen-address=" + webhook,
		"--storage.path=" + t.TempDir(), fmt.Sprintf("--whereby.rate-limit-share=%v", share), "--whereby.read-cost=1",
		"--poll.interval=1s", "--poll.full-scan-interval=10s", "--log.level=debug",
	}, flags...)
	m.sender = &wherebytest.Sender{
		Account: account, URL: "http://" + webhook + "/webhook", Secret: m.secret,
		OnDone: func(e wherebytest.Event, status int, err error) {
			if err != nil || status != http.StatusNoContent {
				m.missed.Store(max(m.missed.Load(), e.CreatedAt.UnixMilli()))
			}
		},
	}
	return m
}

// start runs the member in the directory that it had before.
func (m *member) start(t testing.TB) {
	t.Helper()
	p := start(t, []string{"WHEREBY_API_KEY=" + apiKey, "WHEREBY_WEBHOOK_SECRET=" + m.secret}, build(t, programs.Exporter), m.flags...)
	t.Cleanup(func() {
		if strings.Contains(p.out.String(), m.secret) {
			t.Errorf("%s printed the webhook's secret", m.name)
		}
	})
	m.process = p
}

// signal sends a signal to the member's process.
func (m *member) signal(s syscall.Signal) {
	m.t.Helper()
	if err := m.cmd.Process.Signal(s); err != nil {
		m.t.Fatalf("%v to %s: %v", s, m.name, err)
	}
}

// shows returns an error unless the member shows what the account knows.
func (m *member) shows(account *wherebytest.Account) error {
	samples, err := m.metrics()
	if err != nil {
		return err
	}
	used, want := usage(samples), map[string]float64{}
	for prefix, truth := range account.Truth(prefixOf) {
		for family, figure := range counters {
			want[fmt.Sprintf("%s{room_prefix=%q}", family, prefix)] = float64(figure(truth))
		}
		want[fmt.Sprintf("whereby_rooms{room_prefix=%q}", prefix)] = float64(truth.Rooms)
	}
	for series, value := range want {
		if got, ok := used[series]; !ok || got != value {
			return fmt.Errorf("%s of %s is %v (%v), want %v", series, m.name, got, ok, value)
		}
	}
	if len(used) != len(want) {
		return fmt.Errorf("%s has %d series of usage, want %d", m.name, len(used), len(want))
	}
	inRooms := map[string]float64{}
	for prefix, truth := range account.Live(time.Now(), prefixOf) {
		inRooms[fmt.Sprintf("whereby_live_participants{room_prefix=%q}", prefix)] = float64(truth.People)
		inRooms[fmt.Sprintf("whereby_live_rooms{room_prefix=%q}", prefix)] = float64(truth.Rooms)
	}
	for series, value := range samples {
		if family, _, _ := strings.Cut(series, "{"); family != "whereby_live_participants" && family != "whereby_live_rooms" {
			continue
		}
		if value != inRooms[series] {
			return fmt.Errorf("%s of %s is %v, want %v", series, m.name, value, inRooms[series])
		}
		delete(inRooms, series)
	}
	for series, value := range inRooms { // a prefix without a sample has nobody
		if value != 0 {
			return fmt.Errorf("%s of %s is missing, want %v", series, m.name, value)
		}
	}
	return nil
}

// acknowledgedIsCounted compares the events that a member acknowledged with its counters.
func (m *member) acknowledgedIsCounted() {
	m.t.Helper()
	stats := m.sender.Stats() // before the scrape: what it acknowledged is in there
	samples, err := m.metrics()
	if err != nil {
		m.t.Fatal(err)
	}
	counted := int64(0)
	for series, value := range samples {
		if strings.HasPrefix(series, "whereby_webhook_events_total{") {
			counted += int64(value)
		}
	}
	happened := m.sender.Stats().Events
	m.t.Logf("%s: %d events, %d acknowledged, %d lost, %d counted", m.name, happened, stats.Acknowledged, stats.Lost, counted)
	if counted < stats.Acknowledged || counted > happened {
		m.t.Errorf("%s counted %d events; %d happened and %d were acknowledged", m.name, counted, happened, stats.Acknowledged)
	}
}

// company is an account that is in use, and the exporters that are its members.
type company struct {
	t       *testing.T
	account *wherebytest.Account
	api     string
	traffic *traffic
	chance  *rand.Rand // of what happens to members
	members []*member
	running sync.WaitGroup
}

// newCompany returns an account whose rooms are used, created and deleted, and in which
// people meet, until the test ends.
func newCompany(t *testing.T) *company {
	t.Helper()
	account, api := newAccount(t, wherebytest.Config{PointsPerMinute: pairLimit})
	c := &company{t: t, account: account, api: api, traffic: newTraffic(t, account)}
	c.chance = rand.New(rand.NewPCG(c.traffic.seed, 1))
	t.Cleanup(c.running.Wait) // the test's context is done by then
	c.running.Go(func() { c.traffic.run(t.Context()) })
	return c
}

// join starts a member. From now on, the account's events are sent to its webhook.
func (c *company) join(m *member) {
	c.t.Helper()
	c.members = append(c.members, m)
	m.start(c.t)
	c.running.Go(func() {
		transport := &http.Transport{MaxIdleConnsPerHost: 64}
		defer transport.CloseIdleConnections()
		m.sender.Client = &http.Client{Transport: transport}
		if err := m.sender.Run(c.t.Context()); err != nil {
			c.t.Errorf("the sender to %s: %v", m.name, err)
		}
	})
	c.running.Go(func() { neverFalls(c.t, m) })
}

// expectTruth interrupts the use of the account, lets every room have another event, and
// waits until all members show the account's truth.
func (c *company) expectTruth(after string) {
	c.t.Helper()
	for _, m := range c.members {
		programs.Eventually(c.t, patience, m.name+" is ready after "+after, m.ready)
	}
	c.traffic.pause()
	programs.Eventually(c.t, patience, "the meetings are over", c.traffic.quiet)
	began := time.Now()
	since := c.traffic.hold()
	programs.Eventually(c.t, patience, "all members show the truth after "+after, func() error {
		for _, m := range c.members {
			if m.missed.Load() >= since.UnixMilli() {
				// Not all of the rooms have had another event that all members got.
				since = c.traffic.hold()
				return fmt.Errorf("events did not reach %s", m.name)
			}
		}
		var errs []error
		for _, m := range c.members {
			errs = append(errs, m.shows(c.account))
		}
		return errors.Join(errs...)
	})
	c.t.Logf("%s; all members show the truth %v later", after, time.Since(began).Round(100*time.Millisecond))
	c.traffic.resume()
}

// strike does something bad to a member, and says what.
func (c *company) strike(m *member) string {
	c.t.Helper()
	upTo := func(longest time.Duration) time.Duration { return time.Duration(c.chance.Int64N(int64(longest))) }
	switch away := upTo(8 * time.Second); c.chance.IntN(4) {
	case 0, 1:
		m.kill()
		wait(c.t.Context(), away)
		m.start(c.t)
		return fmt.Sprintf("%s was killed and away for %v", m.name, away.Round(time.Millisecond))
	case 2:
		for range 3 {
			m.kill()
			m.start(c.t)
			wait(c.t.Context(), upTo(time.Second))
		}
		return m.name + " was killed three times in a row"
	default:
		m.signal(syscall.SIGSTOP)
		wait(c.t.Context(), away)
		m.signal(syscall.SIGCONT)
		return fmt.Sprintf("%s was paused for %v", m.name, away.Round(time.Millisecond))
	}
}

// wait lets time pass: the moment is what is random.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// neverFalls scrapes a member whenever it answers, also after restarts, until the test
// ends.
func neverFalls(t *testing.T, m *member) {
	highest := map[string]float64{}
	for ctx := t.Context(); ctx.Err() == nil; wait(ctx, 200*time.Millisecond) {
		status, body, err := get(ctx, m.base+"/metrics")
		if err != nil || status != http.StatusOK {
			continue
		}
		for line := range strings.Lines(body) {
			series, text, ok := strings.Cut(strings.TrimSpace(line), " ")
			if name, _, _ := strings.Cut(series, "{"); !ok || !keptCounter(name) {
				continue
			}
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Errorf("%s: %v", line, err)
			}
			if value < highest[series] {
				t.Errorf("%s of %s fell from %v to %v", series, m.name, highest[series], value)
			}
			highest[series] = max(highest[series], value)
		}
	}
}

// keptCounter reports whether a metric is a counter that continues after a restart.
func keptCounter(name string) bool {
	return strings.HasPrefix(name, "whereby_") && strings.HasSuffix(name, "_total") &&
		!strings.HasPrefix(name, "whereby_exporter_") && name != "whereby_webhook_rejected_total"
}

// neverOverspent looks at the requests of every minute, from all members. Each may have had
// one on its way when it was paused or killed: it arrives in a later minute than the one
// that it was charged to.
func neverOverspent(t *testing.T, account *wherebytest.Account, members int) {
	t.Helper()
	allowed := int(pairShare*pairLimit) + members
	requests := account.Requests()
	most, first := 0, 0
	for i := range requests {
		for requests[i].Time.Sub(requests[first].Time) >= time.Minute {
			first++
		}
		most = max(most, i-first+1)
	}
	t.Logf("%d requests, at most %d in a minute, %d allowed", len(requests), most, allowed)
	if most > allowed {
		t.Errorf("%d requests in a minute, %d are allowed", most, allowed)
	}
	if most < allowed/5 {
		t.Errorf("at most %d requests in a minute, %d are allowed: this shows nothing", most, allowed)
	}
}

// TestAPairShowsTheTruthWhateverHappens kills and pauses either of two exporters of one
// account at random while it is in use.
func TestAPairShowsTheTruthWhateverHappens(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	for _, name := range []string{"a", "b"} {
		c.join(newMember(t, name, c.api, c.account, pairShare/2))
	}
	c.expectTruth("the start")
	const least = 3 // however slow the machine is
	end := time.Now().Add(thoroughness(t).chaos)
	for n := 0; n < least || time.Now().Before(end); n++ {
		wait(t.Context(), time.Duration(c.chance.Int64N(int64(4*time.Second))))
		happened := c.strike(c.members[c.chance.IntN(2)])
		if c.chance.IntN(3) == 0 {
			happened += ", " + c.strike(c.members[c.chance.IntN(2)])
		}
		c.expectTruth(happened)
	}
	for _, m := range c.members {
		m.acknowledgedIsCounted()
	}
	neverOverspent(t, c.account, len(c.members))
}
