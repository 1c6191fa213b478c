package feed

import (
	"context"
	"log/slog"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

const (
	// reconcileInterval is how often doubted rooms are looked at.
	reconcileInterval = time.Minute
	// reconcileLimit is how many of them at most: each costs a point.
	reconcileLimit = 5
)

// Reconciler asks Insights about rooms of which the events leave it open whether
// their meeting is over. Its requests yield to those of polls.
type Reconciler struct {
	client *whereby.Client
	feed   *Feed
	log    *slog.Logger
}

// NewReconciler returns a reconciler of a feed. It starts nothing.
func NewReconciler(client *whereby.Client, feed *Feed, log *slog.Logger) *Reconciler {
	return &Reconciler{client: client.Background(), feed: feed, log: log}
}

// Run checks rooms until the context is done, and returns nil then.
func (r *Reconciler) Run(ctx context.Context) error {
	ticker := time.NewTicker(reconcileInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			for _, suspect := range r.suspects(now) {
				if err := r.check(ctx, suspect); err != nil {
					if ctx.Err() == nil {
						r.log.Warn("a room's live count could not be checked against Insights", "err", err)
					}
					break // the next one would fail too
				}
			}
		}
	}
}

// suspects are the rooms in doubt for so long that Insights can know.
func (r *Reconciler) suspects(now time.Time) []live.Suspect {
	var known []live.Suspect
	for _, suspect := range r.feed.Suspects(now) {
		// An empty room is over as far as anyone can tell, and most are: only those
		// that show somebody are worth a point.
		if suspect.Doubt != live.DoubtEmpty && now.Sub(suspect.Since) >= whereby.InsightsDelay && len(known) < reconcileLimit {
			known = append(known, suspect)
		}
	}
	return known
}

// check reads the room's sessions and corrects its count by what they say.
func (r *Reconciler) check(ctx context.Context, suspect live.Suspect) error {
	asOf := time.Now().Add(-whereby.InsightsDelay)
	var latest whereby.RoomSession
	for session, err := range whereby.Rows(r.client.RoomSessions(ctx, whereby.RoomSessionsQuery{RoomName: suspect.RoomName})) {
		if err != nil {
			return err
		}
		if session.StartedAt.After(latest.StartedAt) {
			latest = session
		}
	}
	switch {
	case latest.ID != "" && latest.EndedAt.IsZero():
		r.feed.Confirm(suspect.RoomName, asOf)
	case suspect.Doubt == live.DoubtEnded:
		r.feed.Drop(suspect.RoomName, live.SessionEnded, asOf)
	default:
		r.feed.Drop(suspect.RoomName, live.Stale, asOf)
	}
	return nil
}
