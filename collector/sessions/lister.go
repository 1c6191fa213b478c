// Package sessions lists the sessions of a room from Insights, no further back than is
// needed.
package sessions

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"whereby_exporter/whereby"
)

// newestFirst is the order in which a listing may stop early. That sessions can be
// sorted by it is not documented.
const newestFirst = "startedAt:desc"

// Lister lists sessions, and is safe for concurrent use.
type Lister struct {
	client *whereby.Client
	log    *slog.Logger
	// unsorted is set where the API refuses to sort sessions.
	unsorted atomic.Bool
}

// New returns a lister that spends the points of a client.
func New(client *whereby.Client, log *slog.Logger) *Lister { return &Lister{client: client, log: log} }

// Sessions lists a room's sessions back to those that began before a time. One is known
// to have begun at latest: where the first of the list is older, or they do not come
// newest first, all are listed. A room that Insights do not know has none. requests is
// how many it took, retries not among them.
func (l *Lister) Sessions(ctx context.Context, roomName string, since, latest time.Time) (list []whereby.RoomSession, requests int, err error) {
	query := whereby.RoomSessionsQuery{RoomName: roomName, SortBy: newestFirst}
	if l.unsorted.Load() {
		query.SortBy = ""
	}
	list, requests, err = l.list(ctx, query, since, latest)
	var refused *whereby.RequestError
	if errors.As(err, &refused) && refused.StatusCode != http.StatusNotFound && query.SortBy != "" {
		// Perhaps it was the order that was refused.
		query.SortBy = ""
		var more int
		list, more, err = l.list(ctx, query, since, latest)
		requests += more
		if err == nil && !l.unsorted.Swap(true) {
			l.log.Info("Insights do not sort sessions; rooms with many of them cost more requests", "refusal", refused)
		}
	}
	if errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound {
		return nil, requests, nil
	}
	return list, requests, err
}

func (l *Lister) list(ctx context.Context, query whereby.RoomSessionsQuery, since, latest time.Time) (list []whereby.RoomSession, requests int, err error) {
	sorted := query.SortBy != ""
	var last time.Time
	for page, err := range l.client.RoomSessions(ctx, query) {
		requests++
		if err != nil {
			return nil, requests, err
		}
		older := false
		for _, session := range page.Rows {
			// To the second, which is as fine as some know the latest.
			if session.StartedAt.Unix() > last.Unix() && len(list) > 0 || session.StartedAt.Unix() < latest.Unix() && len(list) == 0 {
				sorted = false
			}
			last = session.StartedAt
			older = older || session.StartedAt.Before(since)
			list = append(list, session)
		}
		if sorted && older {
			break
		}
	}
	return list, requests, nil
}
