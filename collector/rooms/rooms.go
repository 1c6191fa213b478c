// Package rooms serves the rooms behind a room prefix's figures as JSON. Room names are too
// many and too short-lived to be labels.
package rooms

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"time"

	"whereby_exporter/collector/ledger"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// Source gives the rooms; [ledger.Store] does.
type Source interface {
	Rows(from string) iter.Seq2[ledger.Row, error]
}

// Handler answers GET ?room_prefix=PREFIX[&limit=N][&cursor=C].
type Handler struct {
	Source Source
	// Label gives the value of room_prefix under which a room counts.
	Label func(roomName string) string
	// Known reports whether there are figures to look behind yet.
	Known func() bool
}

// Page is the answer.
type Page struct {
	RoomPrefix string `json:"room_prefix"`
	Rooms      []Room `json:"rooms"`
	// NextCursor is the value of cursor for the next page; null on the last one.
	NextCursor *string `json:"next_cursor"`
}

// Room is one room: the highest lifetime totals ever read of it, which are what
// it adds to the counters of its prefix.
type Room struct {
	RoomName           string     `json:"room_name"`
	ParticipantMinutes int64      `json:"participant_minutes"`
	RecorderMinutes    int64      `json:"recorder_minutes"`
	StreamerMinutes    int64      `json:"streamer_minutes"`
	Sessions           int64      `json:"sessions"`
	FirstSession       *time.Time `json:"first_session_started_at"`
	LastSession        *time.Time `json:"last_session_started_at"`
}

// ServeHTTP implements [http.Handler]. Rooms come in the order of their names.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, http.StatusMethodNotAllowed, "use GET")
		return
	}
	query := r.URL.Query()
	prefix := query.Get("room_prefix")
	if prefix == "" {
		fail(w, http.StatusBadRequest, "room_prefix is missing; give a value of the label room_prefix, for instance ?room_prefix=acme-")
		return
	}
	limit := defaultLimit
	if s := query.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxLimit {
			fail(w, http.StatusBadRequest, fmt.Sprintf("limit must be a whole number from 1 to %d", maxLimit))
			return
		}
		limit = n
	}
	cursor := query.Get("cursor")
	if _, err := decodeCursor(cursor); err != nil {
		fail(w, http.StatusBadRequest, "cursor is not one that this endpoint gave")
		return
	}
	if !h.Known() {
		w.Header().Set("Retry-After", "10")
		fail(w, http.StatusServiceUnavailable, "the account has not been read completely yet")
		return
	}
	page, err := h.Page(r.Context(), prefix, cursor, limit)
	if err != nil {
		fail(w, http.StatusInternalServerError, "the rooms could not be read")
		return
	}
	write(w, http.StatusOK, page)
}

// ErrCursor means that a cursor is not one that a Page gave.
var ErrCursor = errors.New("not a cursor of this listing")

func decodeCursor(cursor string) (from string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return "", ErrCursor
	}
	return string(b), nil
}

// Page reads rooms of a prefix by name, from a cursor on; "" is the first page.
func (h *Handler) Page(ctx context.Context, label, cursor string, limit int) (Page, error) {
	page := Page{RoomPrefix: label, Rooms: []Room{}}
	found, err := h.byName(ctx, Query{Prefix: label, Cursor: cursor, Limit: limit})
	if err != nil {
		return page, err
	}
	for _, room := range found.Rooms {
		page.Rooms = append(page.Rooms, room.Room)
	}
	if found.Next != "" {
		page.NextCursor = &found.Next
	}
	return page, nil
}

// Room finds a room by its name, and the prefix under which it counts.
func (h *Handler) Room(name string) (room Room, prefix string, ok bool, err error) {
	for row, err := range h.Source.Rows(name) {
		if err != nil || row.Name != name {
			return Room{}, "", false, err
		}
		return roomOf(row), h.Label(name), true, nil
	}
	return Room{}, "", false, nil
}

func roomOf(row ledger.Row) Room {
	return Room{
		RoomName:           row.Name,
		ParticipantMinutes: row.ParticipantMinutes,
		RecorderMinutes:    row.RecorderMinutes,
		StreamerMinutes:    row.StreamerMinutes,
		Sessions:           row.Sessions,
		FirstSession:       timeOf(row.FirstSession),
		LastSession:        timeOf(row.LastSession),
	}
}

func timeOf(seconds int64) *time.Time {
	if seconds == 0 {
		return nil
	}
	t := time.Unix(seconds, 0).UTC()
	return &t
}

func fail(w http.ResponseWriter, status int, message string) {
	write(w, status, map[string]string{"error": message})
}

func write(w http.ResponseWriter, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer could not be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
