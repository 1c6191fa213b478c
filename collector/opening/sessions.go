package opening

import (
	"context"
	"fmt"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby"
)

// list is a room's sessions by ID, back to the latest from before a time at least.
type list map[string]whereby.RoomSession

// sessions lists a room's sessions back to the latest from before a time.
func (r *Reader) sessions(ctx context.Context, row ledger.Row, since int64) (list, error) {
	sessions, _, err := r.lister.Sessions(ctx, row.Name, time.Unix(since, 0), time.Unix(row.LastSession, 0))
	if err != nil {
		return nil, fmt.Errorf("list the sessions of a room: %w", err)
	}
	listed := list{}
	for _, session := range sessions {
		listed[session.ID] = session
	}
	return listed, nil
}

// since sums the sessions that started at a time or later.
func (l list) since(start int64) ledger.Totals {
	var sum ledger.Totals
	for _, session := range l {
		if ledger.Seconds(session.StartedAt) >= start {
			sum = sum.Add(ledger.Totals{
				ParticipantMinutes: session.ParticipantMinutes, RecorderMinutes: session.RecorderMinutes,
				StreamerMinutes: session.StreamerMinutes, Sessions: 1,
			})
		}
	}
	return sum
}

// latest is the session that started last.
func (l list) latest() (latest whereby.RoomSession, ok bool) {
	for _, session := range l {
		if !ok || session.StartedAt.After(latest.StartedAt) {
			latest, ok = session, true
		}
	}
	return latest, ok
}

// settles is from when on no session that started before a time can grow. A room has
// one session at a time, so each is over when the next begins, whether or not Insights
// give its end.
func (l list) settles(start int64) time.Time {
	var before, next whereby.RoomSession
	for _, session := range l {
		switch {
		case ledger.Seconds(session.StartedAt) < start:
			if session.StartedAt.After(before.StartedAt) {
				before = session
			}
		case next.StartedAt.IsZero() || session.StartedAt.Before(next.StartedAt):
			next = session
		}
	}
	ended := before.EndedAt
	if ended.IsZero() || !next.StartedAt.IsZero() && next.StartedAt.Before(ended) {
		ended = next.StartedAt
	}
	if before.ID == "" || ended.IsZero() {
		return time.Time{}
	}
	return ended.Add(whereby.InsightsDelay)
}
