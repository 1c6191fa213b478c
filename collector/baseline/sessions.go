package baseline

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby"
)

// newestFirst is the order in which a listing may stop early. That sessions can be
// sorted by it is not documented.
const newestFirst = "startedAt:desc"

// list is a room's sessions by ID, back to the latest from before a time at least.
type list map[string]whereby.RoomSession

// sessions lists a room's sessions back to the latest from before a time. Where they do
// not come newest first, it lists all.
func (r *Reader) sessions(ctx context.Context, row ledger.Row, since int64) (list, error) {
	query := whereby.RoomSessionsQuery{RoomName: row.Name, SortBy: newestFirst}
	if r.unsorted {
		query.SortBy = ""
	}
	listed, err := r.list(ctx, query, row, since)
	var refused *whereby.RequestError
	if errors.As(err, &refused) && query.SortBy != "" {
		// Perhaps it was the order that was refused.
		query.SortBy = ""
		if listed, err = r.list(ctx, query, row, since); err == nil {
			r.unsorted = true
			r.log.Info("Insights do not sort sessions; rooms older than the billing period cost more requests", "refusal", refused)
		}
	}
	if errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound {
		return list{}, nil // deleted since
	}
	if err != nil {
		return nil, fmt.Errorf("list the sessions of a room: %w", err)
	}
	return listed, nil
}

func (r *Reader) list(ctx context.Context, query whereby.RoomSessionsQuery, row ledger.Row, since int64) (list, error) {
	listed := list{}
	sorted := true
	var last int64
	for page, err := range r.client.RoomSessions(ctx, query) {
		if err != nil {
			return nil, err
		}
		older := false
		for _, session := range page.Rows {
			started := ledger.Seconds(session.StartedAt)
			// The first of them is at least as new as the last one that polls saw.
			if len(listed) == 0 && started < row.LastSession || len(listed) > 0 && started > last {
				sorted = false
			}
			older = older || started < since
			last = started
			listed[session.ID] = session
		}
		if sorted && older {
			break
		}
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
	return ended.Add(insightsDelay)
}
