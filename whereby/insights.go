package whereby

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// InsightsDelay is how far Insights usually lags behind meetings: 10 to 15 minutes, according
// to its documentation. It is not a limit: figures may arrive later.
const InsightsDelay = 15 * time.Minute

// Orders that let a reader of a listing stop early. Neither is documented, so Insights
// may refuse one (see [SortRefused]) or not heed it.
const (
	// RoomsByLastSession is an order for [RoomsQuery]: the most recently used room first.
	RoomsByLastSession = "lastSessionStartedAt:desc"
	// RoomsByLastSessionAscending is the reverse order.
	RoomsByLastSessionAscending = "lastSessionStartedAt:asc"
	// SessionsNewestFirst is an order for [RoomSessionsQuery].
	SessionsNewestFirst = "startedAt:desc"
)

// SortRefused reports whether an error may mean that Insights does not support an order. Other
// mistakes in a request have the same status, so the same request without an order shows which
// one it was.
func SortRefused(err error) bool {
	var refused *RequestError
	return errors.As(err, &refused) &&
		(refused.StatusCode == http.StatusBadRequest || refused.StatusCode == http.StatusUnprocessableEntity)
}

// NotFound reports whether Insights does not know, or no longer knows, what was requested.
func NotFound(err error) bool {
	var refused *RequestError
	return errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound
}

// Unlisted reports whether an endpoint cannot be read at all: the account does not have it
// (404), or the key may not read it (403).
func Unlisted(err error) bool {
	var auth *AuthError
	return NotFound(err) || errors.As(err, &auth) && auth.StatusCode == http.StatusForbidden
}

// slashed returns a room's name its slash if Insights or an event leaves it out: names are
// compared and looked up with it.
func slashed(name string) string {
	if name == "" || strings.HasPrefix(name, "/") {
		return name
	}
	return "/" + name
}
