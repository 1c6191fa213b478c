package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

const (
	// reconcileInterval is the time between two checks of rooms in doubt.
	reconcileInterval = time.Minute
	// reconcileLimit is the maximum number of such rooms per check: each costs a request.
	reconcileLimit = 5
	// A room for which a request fails is requested again after firstPause, and then each
	// time after twice as long, up to maxPause.
	firstPause = time.Minute
	maxPause   = 4 * time.Hour
	// behindFor is how long Insights may still show a session that has ended.
	behindFor = 6 * time.Hour
)

// Reconciler checks rooms with Insights if their events leave open who is in them. Its requests
// yield to those of polls.
type Reconciler struct {
	client   *whereby.Client
	sessions *whereby.SessionLister
	feed     *Feed
	log      *slog.Logger
	pauses   map[string]pause
}

// pause is the time until which a room is not requested.
type pause struct {
	until time.Time
	next  time.Duration
	told  bool // an error was logged
}

// NewReconciler returns a reconciler of a feed. It starts nothing.
func NewReconciler(client *whereby.Client, feed *Feed, log *slog.Logger) *Reconciler {
	client = client.Background()
	return &Reconciler{
		client: client, sessions: whereby.NewSessionLister(client, log), feed: feed, log: log, pauses: map[string]pause{},
	}
}

// Run checks rooms until the context is done, and returns nil then.
func (r *Reconciler) Run(ctx context.Context) error {
	ticker := time.NewTicker(reconcileInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			r.round(ctx, r.feed.now())
		}
	}
}

// errBehind means that Insights does not have the answer yet.
var errBehind = errors.New("insights does not know yet")

// round checks the rooms in doubt, and then requests the ends of rooms.
func (r *Reconciler) round(ctx context.Context, now time.Time) {
	open := map[string]bool{}
	asked := 0
	ask := func(room string, about func() error) (more bool) {
		open[room] = true
		if asked == reconcileLimit || now.Before(r.pauses[room].until) {
			return true
		}
		asked++
		err := about()
		if ctx.Err() != nil {
			return false
		}
		return r.note(room, now, err)
	}
	for _, suspect := range r.suspects(now) {
		if !ask(suspect.RoomName, func() error { return r.check(ctx, suspect) }) {
			return
		}
	}
	for _, room := range r.feed.WithoutEnd(now.Add(-whereby.InsightsDelay)) {
		if !open[room] && !ask(room, func() error { return r.findEnd(ctx, room) }) {
			return
		}
	}
	for room := range r.pauses {
		if !open[room] {
			delete(r.pauses, room)
		}
	}
}

// note records the result of a request for a room, and reports whether to request others now.
func (r *Reconciler) note(room string, now time.Time, err error) (more bool) {
	if err == nil {
		delete(r.pauses, room)
		return true
	}
	class := whereby.ClassOf(err)
	if class == whereby.ClassThrottled {
		r.log.Warn("checking live counts against Insights failed", "err", err)
		return false // the room is not at fault
	}
	p := r.pauses[room]
	p.next = min(max(firstPause, 2*p.next), maxPause)
	p.until = now.Add(p.next)
	behind := errors.Is(err, errBehind)
	if !behind {
		level := slog.LevelDebug
		if !p.told {
			level = slog.LevelWarn
		}
		r.log.Log(context.Background(), level, "checking a room's live count against Insights failed", "room", room, "next", p.until, "err", err)
		p.told = true
	}
	r.pauses[room] = p
	// After other errors the next room would fail too.
	return behind || class == whereby.ClassRequest || class == whereby.ClassMalformed
}

// suspects returns the rooms that have been in doubt for longer than the delay of Insights.
func (r *Reconciler) suspects(now time.Time) []live.Suspect {
	var known []live.Suspect
	for _, suspect := range r.feed.Suspects(now) {
		// An empty room needs no check: only rooms that show somebody are worth a request.
		if suspect.Doubt != live.DoubtEmpty && now.Sub(suspect.Since) >= whereby.InsightsDelay {
			known = append(known, suspect)
		}
	}
	return known
}

// check reads the room's latest session and corrects the room's count accordingly.
func (r *Reconciler) check(ctx context.Context, suspect live.Suspect) error {
	now := r.feed.now()
	var latest whereby.RoomSession
	for page, err := range r.sessions.Pages(ctx, suspect.RoomName, now) {
		if err != nil {
			return fmt.Errorf("read the latest session: %w", err)
		}
		for _, session := range page {
			if session.StartedAt.After(latest.StartedAt) {
				latest = session
			}
		}
	}
	runs := latest.ID != "" && latest.EndedAt.IsZero()
	if runs && suspect.Doubt == live.DoubtEnded && latest.StartedAt.Before(suspect.Since) && now.Sub(suspect.Since) < behindFor {
		return errBehind
	}
	r.feed.Answer(suspect, runs, now.Add(-whereby.InsightsDelay))
	return nil
}

// findEnd reads the end of a room with somebody in it that no poll has read, because nobody has
// met there.
func (r *Reconciler) findEnd(ctx context.Context, room string) error {
	for row, err := range whereby.Rows(r.client.Rooms(ctx, whereby.RoomsQuery{NameExact: room})) {
		if err != nil {
			return fmt.Errorf("read the end of the room: %w", err)
		}
		if row.Name == room {
			r.feed.SetEnds([]whereby.Room{row})
			return nil
		}
	}
	return errBehind
}
