// Package sessions lists the sessions of a room from Insights, no further back than is
// needed.
package sessions

import (
	"context"
	"errors"
	"iter"
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
	requests, err = l.pages(ctx, roomName, since, latest, func(page []whereby.RoomSession) bool {
		list = append(list, page...)
		return true
	})
	if notFound(err) {
		return nil, requests, nil
	}
	if err != nil {
		return nil, requests, err
	}
	return list, requests, nil
}

// Pages is Sessions a page at a time, for rooms with more sessions than should be held
// at once. A session may come twice where others begin during the listing. An error ends
// it; what came before is part of the list nonetheless.
func (l *Lister) Pages(ctx context.Context, roomName string, since time.Time) iter.Seq2[[]whereby.RoomSession, error] {
	return func(yield func([]whereby.RoomSession, error) bool) {
		stopped := false
		_, err := l.pages(ctx, roomName, since, time.Time{}, func(page []whereby.RoomSession) bool {
			stopped = !yield(page, nil)
			return !stopped
		})
		if err != nil && !stopped && !notFound(err) {
			yield(nil, err)
		}
	}
}

// pages gives each page to a function until that returns false, or the rest is older.
func (l *Lister) pages(ctx context.Context, roomName string, since, latest time.Time, give func([]whereby.RoomSession) bool) (requests int, err error) {
	query := whereby.RoomSessionsQuery{RoomName: roomName, SortBy: newestFirst}
	if l.unsorted.Load() {
		query.SortBy = ""
	}
	requests, err = l.list(ctx, query, since, latest, give)
	var refused *whereby.RequestError
	if errors.As(err, &refused) && !notFound(err) && query.SortBy != "" && requests == 1 {
		// Perhaps it was the order that was refused.
		query.SortBy = ""
		var more int
		more, err = l.list(ctx, query, since, latest, give)
		requests += more
		if err == nil && !l.unsorted.Swap(true) {
			l.log.Info("Insights do not sort sessions; rooms with many of them cost more requests", "refusal", refused)
		}
	}
	return requests, err
}

// notFound says whether Insights do not know a room, perhaps no more since the first page.
func notFound(err error) bool {
	var refused *whereby.RequestError
	return errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound
}

// list goes through the pages of one order.
func (l *Lister) list(ctx context.Context, query whereby.RoomSessionsQuery, since, latest time.Time, give func([]whereby.RoomSession) bool) (requests int, err error) {
	sorted, first := query.SortBy != "", true
	var last time.Time
	for page, err := range l.client.RoomSessions(ctx, query) {
		requests++
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
		if !give(page.Rows) || sorted && older {
			break
		}
	}
	return requests, nil
}
