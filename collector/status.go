package collector

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/version"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/poller"
	"whereby_exporter/collector/rooms"
	"whereby_exporter/collector/statuspage"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

// Status serves the status page. The metrics are at metricsPath.
func (c *Collector) Status(metricsPath string) (http.Handler, error) {
	return statuspage.New(statuspage.Options{Source: c.statusSource(), MetricsPath: metricsPath, Logger: c.config.Logger})
}

func (c *Collector) statusSource() *statusSource {
	client := c.config.Client.Background()
	client.OnExchange = c.onExchange
	// A person waits for the answer, and can ask again.
	client.Retry.MaxAttempts = 1
	client.Retry.MaxThrottleWait = time.Nanosecond
	return &statusSource{Handler: c.rooms(), collector: c, client: client}
}

// onExchange is told of every request.
func (c *Collector) onExchange(e whereby.Exchange) {
	c.self.onExchange(e)
	c.watch.onExchange(e)
}

// watch notes what the status page tells beside the figures.
type watch struct {
	mu      sync.Mutex
	started time.Time
	polls   statuspage.Polls
	points  statuspage.Points
	reloads statuspage.Reloads
	polled  bool
}

func newWatch() *watch {
	now := time.Now()
	return &watch{started: now, reloads: statuspage.Reloads{Loaded: now}}
}

func (w *watch) onPass(r poller.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.polls.Pages = 0
	if r.Err != nil {
		w.polls.Err, w.polls.Failed = r.Err, r.Ended
		w.polls.LastErr, w.polls.LastErrAt = r.Err, r.Ended
		w.polls.Failing++
		return
	}
	w.polled = true
	w.polls.Err, w.polls.Failed, w.polls.Failing = nil, time.Time{}, 0
	w.polls.Succeeded = r.Ended
}

func (w *watch) onExchange(e whereby.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	// Until the first poll has succeeded there is no other reader of rooms.
	if !w.polled && e.Endpoint == whereby.EndpointRooms && e.StatusCode == http.StatusOK {
		w.polls.Pages++
	}
	if e.RateLimit.LimitKnown && e.RateLimit.RemainingKnown {
		w.points.Limit, w.points.Remaining, w.points.At = e.RateLimit.Limit, e.RateLimit.Remaining, time.Now()
	}
}

func (w *watch) onReload() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reloads = statuspage.Reloads{Loaded: time.Now()}
}

func (w *watch) onReloadFailed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reloads.Failed = time.Now()
}

// statusSource is a [statuspage.Source].
type statusSource struct {
	*rooms.Handler
	collector *Collector
	client    *whereby.Client
}

var _ statuspage.Source = (*statusSource)(nil)

// Report implements [statuspage.Source].
func (s *statusSource) Report() statuspage.Report {
	c := s.collector
	c.publishing.Lock()
	file := c.file
	c.publishing.Unlock()

	c.watch.mu.Lock()
	r := statuspage.Report{
		Started: c.watch.started, Polls: c.watch.polls, Points: c.watch.points, Reloads: c.watch.reloads,
	}
	c.watch.mu.Unlock()
	r.Now, r.Version = time.Now(), version.Version
	if r.Version == "" {
		r.Version = "(a build of no release)"
	}
	r.Polls.Interval = c.config.PollInterval
	if budget := c.config.Client.Budget; budget != nil {
		spending := budget.Spending()
		r.Points.Spent, r.Points.Allowed = spending.Spent, spending.Allowed
	}
	s.addCustomers(&r, file)
	s.addWebhooks(&r)
	return r
}

// defaultNearRatio is that of the account and of prefixes that the configuration file
// does not name; it matters to the account only, which alone can have quotas.
const defaultNearRatio = 0.8

// addCustomers lists every prefix with figures, and every configured one.
func (s *statusSource) addCustomers(r *statuspage.Report, file *config.Config) {
	now := r.Now
	r.Account = statuspage.Customer{Quotas: file.Organization.Quotas, NearRatio: defaultNearRatio}
	r.Account.Period = file.Billing.At(now)
	at := make(map[string]int, len(file.Customers))
	for _, customer := range file.Customers {
		at[customer.RoomPrefix] = len(r.Customers)
		shown := statuspage.Customer{
			Prefix: customer.RoomPrefix, Name: customer.Name, Quotas: customer.Quotas, NearRatio: customer.NearRatio,
		}
		shown.Period = customer.Calendar.At(now)
		r.Customers = append(r.Customers, shown)
	}
	snapshot := s.collector.ledger.Snapshot()
	if snapshot == nil {
		return
	}
	r.Polls.AsOf, r.Polls.FullScan, r.DroppedPrefixes = snapshot.PassStarted, snapshot.FullScan, snapshot.DroppedPrefixes
	r.Account.Known, r.Account.PeriodUsage = true, snapshot.Account
	for _, usage := range snapshot.Prefixes {
		i, configured := at[usage.Prefix]
		if !configured {
			i = len(r.Customers)
			at[usage.Prefix] = i
			r.Customers = append(r.Customers, statuspage.Customer{Prefix: usage.Prefix})
		}
		shown := &r.Customers[i]
		shown.Known, shown.Rooms, shown.PeriodUsage = true, usage.Rooms, usage.PeriodUsage
	}
}

// addWebhooks adds who is in rooms now, and how events come. Without webhooks that is
// not known, which is something else than nobody.
func (s *statusSource) addWebhooks(r *statuspage.Report) {
	feed := s.collector.feed
	if feed == nil {
		return
	}
	view := feed.view(nil)
	w := &statuspage.Webhooks{LastEvent: view.LastEvent, Duplicates: view.Duplicates}
	for _, event := range view.Events {
		w.Events += event.N
	}
	for _, correction := range view.Corrections {
		w.Corrections += correction.N
	}
	for _, reason := range webhook.Reasons() {
		var m dto.Metric
		if err := feed.rejected.WithLabelValues(string(reason)).Write(&m); err == nil {
			w.Rejected = append(w.Rejected, statuspage.Rejected{Reason: string(reason), N: int64(m.GetCounter().GetValue())})
		}
	}
	at := make(map[string]int, len(r.Customers))
	for i, customer := range r.Customers {
		at[customer.Prefix] = i
	}
	for _, p := range view.Prefixes {
		w.People += p.Participants
		w.Rooms += p.Rooms
		i, ok := at[p.Prefix]
		if !ok {
			if p.Participants == 0 {
				continue
			}
			// Somebody is in a room that Insights know nothing of yet.
			i = len(r.Customers)
			r.Customers = append(r.Customers, statuspage.Customer{Prefix: p.Prefix})
		}
		r.Customers[i].People = p.Participants
	}
	r.Account.People = w.People
	r.Webhooks = w
}

// Sessions implements [statuspage.Source]. It costs one point, or two where Insights
// refuses to sort.
func (s *statusSource) Sessions(ctx context.Context, room string) ([]whereby.RoomSession, bool, error) {
	sessions, more, err := s.sessions(ctx, whereby.RoomSessionsQuery{RoomName: room, SortBy: whereby.SessionsNewestFirst})
	if whereby.SortRefused(err) {
		return s.sessions(ctx, whereby.RoomSessionsQuery{RoomName: room})
	}
	return sessions, more, err
}

func (s *statusSource) sessions(ctx context.Context, query whereby.RoomSessionsQuery) ([]whereby.RoomSession, bool, error) {
	var asked atomic.Bool
	client := *s.client
	client.OnExchange = func(e whereby.Exchange) {
		asked.Store(true)
		s.client.OnExchange(e)
	}
	for page, err := range client.RoomSessions(ctx, query) {
		var throttled *whereby.ThrottledError
		switch {
		case err == nil:
			return page.Rows, !page.Last, nil
		case !asked.Load() && (ctx.Err() != nil || errors.As(err, &throttled)):
			return nil, false, statuspage.ErrNoPoint
		}
		return nil, false, err
	}
	return nil, false, nil
}
