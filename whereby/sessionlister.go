package whereby

import (
	"context"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"
)

// SessionLister lists the sessions of a room no further back than is needed. It is safe
// for concurrent use.
type SessionLister struct {
	client *Client
	log    *slog.Logger
	// unsorted is set if the API refuses to sort sessions.
	unsorted atomic.Bool
}

// NewSessionLister returns a lister that spends the points of a client.
func NewSessionLister(client *Client, log *slog.Logger) *SessionLister {
	return &SessionLister{client: client, log: log}
}

// SessionList is what SessionLister.Sessions has listed.
type SessionList struct {
	Sessions []RoomSession
	// Complete reports whether these are all sessions of the room that Insights shows.
	Complete bool
	// Requests is how many it took, without retries.
	Requests int
}

// Sessions lists a room's sessions back to those that began before since. One is known
// to have begun at latest: if the first of the list is older, or they do not come newest
// first, all are listed. A room that Insights does not know has none. After an error only
// Requests is set.
func (l *SessionLister) Sessions(ctx context.Context, roomName string, since, latest time.Time) (SessionList, error) {
	var list SessionList
	requests, err := l.pages(ctx, roomName, since, latest, func(page Page[RoomSession]) bool {
		list.Sessions = append(list.Sessions, page.Rows...)
		list.Complete = page.Last
		return true
	})
	if NotFound(err) {
		return SessionList{Complete: true, Requests: requests}, nil
	}
	if err != nil {
		return SessionList{Requests: requests}, err
	}
	list.Requests = requests
	return list, nil
}

// Pages is Sessions a page at a time, for rooms with more sessions than should be held
// at once. A session may come twice where others begin during the listing. An error ends
// it; what came before is part of the list nonetheless.
func (l *SessionLister) Pages(ctx context.Context, roomName string, since time.Time) iter.Seq2[[]RoomSession, error] {
	return func(yield func([]RoomSession, error) bool) {
		stopped := false
		_, err := l.pages(ctx, roomName, since, time.Time{}, func(page Page[RoomSession]) bool {
			stopped = !yield(page.Rows, nil)
			return !stopped
		})
		if err != nil && !stopped && !NotFound(err) {
			yield(nil, err)
		}
	}
}

// pages returns each page to a function until that returns false, or the rest is older.
func (l *SessionLister) pages(ctx context.Context, roomName string, since, latest time.Time, give func(Page[RoomSession]) bool) (requests int, err error) {
	query := RoomSessionsQuery{RoomName: roomName, SortBy: SessionsNewestFirst}
	if l.unsorted.Load() {
		query.SortBy = ""
	}
	requests, err = l.list(ctx, query, since, latest, give)
	if SortRefused(err) && query.SortBy != "" && requests == 1 {
		refusal := err
		query.SortBy = ""
		var more int
		more, err = l.list(ctx, query, since, latest, give)
		requests += more
		if err == nil && !l.unsorted.Swap(true) {
			l.log.Info("Insights does not sort sessions; rooms with many of them cost more requests", "refusal", refusal)
		}
	}
	return requests, err
}

// list goes through the pages of one order.
func (l *SessionLister) list(ctx context.Context, query RoomSessionsQuery, since, latest time.Time, give func(Page[RoomSession]) bool) (requests int, err error) {
	sorted, first := query.SortBy != "", true
	var last time.Time
	for page, err := range l.client.RoomSessions(ctx, query) {
		requests++
		if err == nil && len(page.Unusable) > 0 {
			// Without it nothing adds up, and a session that can't be dated may be any.
			err = page.Unusable[0].Err
		}
		if err != nil {
			return requests, err
		}
		older := false
		for _, session := range page.Rows {
			// To the second, which is as fine as some know the latest.
			if !first && session.StartedAt.Unix() > last.Unix() || first && session.StartedAt.Unix() < latest.Unix() {
				sorted = false
			}
			last, first = session.StartedAt, false
			older = older || session.StartedAt.Before(since)
		}
		if !give(page) || sorted && older {
			break
		}
	}
	return requests, nil
}
