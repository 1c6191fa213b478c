package collector

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

// reconciler asks Insights about rooms of which the events leave it open whether
// their meeting is over. Its requests yield to all others.
type reconciler struct {
	client *whereby.Client
	feed   *liveFeed
	log    *slog.Logger
}

// correction puts a room's live count right.
type correction struct {
	Room string
	// Reason is why nobody is in the room; "" means that the count was right.
	Reason live.Correction
	// AsOf is the time of which Insights tell.
	AsOf time.Time
}

// correct applies a correction.
func (f *liveFeed) correct(c correction) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.Reason == "" {
		f.tracker.Confirm(c.Room, c.AsOf)
		return
	}
	f.tracker.Drop(c.Room, c.Reason, c.AsOf)
}

// Run checks rooms until the context is done.
func (r *reconciler) Run(ctx context.Context) error {
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
func (r *reconciler) suspects(now time.Time) []live.Suspect {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	var known []live.Suspect
	for _, suspect := range r.feed.tracker.Suspects(now, 0) {
		// An empty room is over as far as anyone can tell, and most are: only those
		// that show somebody are worth a point.
		if suspect.Doubt != live.DoubtEmpty && now.Sub(suspect.Since) >= whereby.InsightsDelay && len(known) < reconcileLimit {
			known = append(known, suspect)
		}
	}
	return known
}

// check reads the room's sessions and tells the tracker what they say.
func (r *reconciler) check(ctx context.Context, suspect live.Suspect) error {
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
	c := correction{Room: suspect.RoomName, AsOf: asOf}
	switch {
	case latest.ID != "" && latest.EndedAt.IsZero():
	case suspect.Doubt == live.DoubtEnded:
		c.Reason = live.SessionEnded
	default:
		c.Reason = live.Stale
	}
	r.feed.correct(c)
	return nil
}
