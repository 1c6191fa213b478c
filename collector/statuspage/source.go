package statuspage

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt/version"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/cost"
	"whereby_exporter/collector/feed"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/rooms"
	"whereby_exporter/collector/transcriptions"
	"whereby_exporter/whereby"
)

// Figures are the sources of the status page's figures.
type Figures struct {
	// Rooms lists the rooms of a prefix.
	Rooms *rooms.Handler
	// Snapshot is the usage, or nil before the first full poll.
	Snapshot func() *ledger.Snapshot
	// Costs returns the costs of the usage; nil without prices.
	Costs func() *cost.Figures
	// Transcribed returns the transcriptions; it may be nil.
	Transcribed func() *transcriptions.Snapshot
	// File is the configuration in force.
	File func() *config.Config
	// Live is nil if webhooks are off, or the live state is damaged.
	Live        *feed.Feed
	LiveDamaged bool
	// Client requests the sessions of a room. Its OnExchange must be set.
	Client *whereby.Client
	// PollInterval is as in [poller.Config].
	PollInterval time.Duration
	Recorder     *Recorder
}

// figures is the [Source] of a running exporter.
type figures struct {
	*rooms.Handler
	Figures
	client *whereby.Client
}

var _ Source = (*figures)(nil)

// NewSource returns the source of a running exporter.
func NewSource(f Figures) Source {
	client := f.Client.Background()
	// A visitor waits for the response, and can try again.
	client.Retry.MaxAttempts = 1
	client.Retry.MaxThrottleWait = time.Nanosecond
	return &figures{Handler: f.Rooms, Figures: f, client: client}
}

// Report implements [Source].
func (s *figures) Report() Report {
	r := s.Recorder.report()
	r.Now, r.Version = time.Now(), version.Version
	if r.Version == "" {
		r.Version = "(a build of no release)"
	}
	r.Polls.Interval = s.PollInterval
	if budget := s.client.Budget; budget != nil {
		spending := budget.Spending()
		r.Points.Spent, r.Points.Allowed = spending.Spent, spending.Allowed
	}
	s.addCustomers(&r, s.File())
	s.addCosts(&r)
	s.addWebhooks(&r)
	return r
}

// defaultNearRatio is the ratio of the account, and of prefixes that are not in the
// configuration file. Of these, only the account can have quotas.
const defaultNearRatio = 0.8

// addCustomers adds every prefix with figures, and every configured one.
func (s *figures) addCustomers(r *Report, file *config.Config) {
	now := r.Now
	r.DashboardURL = file.Alerts.DashboardURL
	r.Account = Customer{Quotas: file.Organization.Quotas, NearRatio: defaultNearRatio}
	r.Account.Period = file.Billing.At(now)
	at := make(map[string]int, len(file.Customers))
	for _, customer := range file.Customers {
		at[customer.RoomPrefix] = len(r.Customers)
		shown := Customer{
			Prefix: customer.RoomPrefix, Name: customer.Name, Quotas: customer.Quotas, NearRatio: customer.NearRatio,
		}
		shown.Period = customer.Calendar.At(now)
		r.Customers = append(r.Customers, shown)
	}
	snapshot := s.Snapshot()
	if snapshot == nil {
		return
	}
	var transcribed *transcriptions.Snapshot
	if s.Transcribed != nil {
		transcribed = s.Transcribed()
	}
	if r.Account.HasTranscribed = transcribed.Shown(); r.Account.HasTranscribed {
		r.Account.Transcribed = transcribed.Account()
	}
	r.Polls.AsOf, r.Polls.FullPoll, r.DroppedPrefixes = snapshot.PollStarted, snapshot.FullPoll, snapshot.DroppedPrefixes
	r.Account.Known, r.Account.PeriodUsage = true, snapshot.Account
	for _, usage := range snapshot.Prefixes {
		i, configured := at[usage.Prefix]
		if !configured {
			i = len(r.Customers)
			at[usage.Prefix] = i
			r.Customers = append(r.Customers, Customer{Prefix: usage.Prefix})
		}
		shown := &r.Customers[i]
		shown.Known, shown.Rooms, shown.PeriodUsage = true, usage.Rooms, usage.PeriodUsage
		if shown.HasTranscribed = transcribed.Shown(); shown.HasTranscribed {
			shown.Transcribed = transcribed.Prefix(usage.Prefix)
		}
	}
}

// addWebhooks adds live participants and the state of event delivery. Without webhooks they
// are unknown, which is not the same as 0.
func (s *figures) addWebhooks(r *Report) {
	live := s.Live
	r.LiveDamaged = s.LiveDamaged
	if live == nil {
		return
	}
	view := live.View(nil)
	w := &Webhooks{LastEvent: view.LastEvent, Duplicates: view.Duplicates}
	for _, event := range view.Events {
		w.Events += event.N
	}
	for _, correction := range view.Corrections {
		w.Corrections += correction.N
	}
	for _, rejected := range live.Rejections() {
		w.Rejected = append(w.Rejected, Rejected{Reason: string(rejected.Reason), N: rejected.N})
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
			// People are in a room that Insights does not list yet.
			i = len(r.Customers)
			r.Customers = append(r.Customers, Customer{Prefix: p.Prefix})
		}
		r.Customers[i].People = p.Participants
	}
	r.Account.People = w.People
	r.Webhooks = w
}

// Sessions implements [Source]. It costs one request, or two where Insights
// refuses to sort.
func (s *figures) Sessions(ctx context.Context, room string) ([]whereby.RoomSession, bool, error) {
	sessions, more, err := s.sessions(ctx, whereby.RoomSessionsQuery{RoomName: room, SortBy: whereby.SessionsNewestFirst})
	if whereby.SortRefused(err) {
		return s.sessions(ctx, whereby.RoomSessionsQuery{RoomName: room})
	}
	return sessions, more, err
}

func (s *figures) sessions(ctx context.Context, query whereby.RoomSessionsQuery) ([]whereby.RoomSession, bool, error) {
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
			return nil, false, ErrNoPoint
		}
		return nil, false, err
	}
	return nil, false, nil
}
