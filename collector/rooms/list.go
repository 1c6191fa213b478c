package rooms

import (
	"cmp"
	"context"
	"encoding/base64"
	"iter"
	"slices"
	"strings"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/prefix"
)

// Order is what rooms are listed by.
type Order string

// The orders. Rooms come by name from the first to the last; in all other orders those with
// the highest figures come first, and alone.
const (
	ByPeriod             Order = "period"
	ByParticipantMinutes Order = "minutes"
	ByRecorderMinutes    Order = "recorder"
	ByStreamerMinutes    Order = "streamer"
	BySessions           Order = "sessions"
	ByLastSession        Order = "last"
	ByName               Order = "name"
)

// Orders are all orders.
func Orders() []Order {
	return []Order{ByName, ByPeriod, ByParticipantMinutes, ByRecorderMinutes, ByStreamerMinutes, BySessions, ByLastSession}
}

// Used is a room with what it used in a billing period.
type Used struct {
	Room
	// Period are the participant minutes of the period if Exact is set, else those that are
	// certain.
	Period int64
	Exact  bool
}

// Query asks for rooms of a prefix.
type Query struct {
	Prefix string
	// Since is the start of the billing period.
	Since time.Time
	Order Order
	// Cursor is where to go on; only ByName has one.
	Cursor string
	Limit  int
}

// Listing is what a query finds.
type Listing struct {
	Rooms []Used
	// Next is the cursor of the next rooms by name; "" is none.
	Next string
	// All is how many rooms there are; it is not counted ByName.
	All int
}

// List finds rooms. A cursor that no listing gave is [ErrCursor].
func (h *Handler) List(ctx context.Context, q Query) (Listing, error) {
	if q.Order == ByName {
		return h.byName(ctx, q)
	}
	return h.highest(ctx, q)
}

// byName lists the next rooms by name.
func (h *Handler) byName(ctx context.Context, q Query) (Listing, error) {
	var found Listing
	from, err := decodeCursor(q.Cursor)
	if err != nil {
		return found, err
	}
	for row, err := range h.rows(ctx, q.Prefix, from) {
		if err != nil {
			return found, err
		}
		if len(found.Rooms) == q.Limit {
			found.Next = encodeCursor(row.Name)
			break
		}
		found.Rooms = append(found.Rooms, used(row, q.Since))
	}
	return found, nil
}

// highest keeps the rooms with the highest figures while it goes through all: a prefix may
// have a million.
func (h *Handler) highest(ctx context.Context, q Query) (Listing, error) {
	var found Listing
	compare := q.Order.compare()
	for row, err := range h.rows(ctx, q.Prefix, "") {
		if err != nil {
			return found, err
		}
		found.All++
		room := used(row, q.Since)
		at, _ := slices.BinarySearchFunc(found.Rooms, room, compare)
		if at == q.Limit {
			continue
		}
		found.Rooms = slices.Insert(found.Rooms, at, room)
		found.Rooms = found.Rooms[:min(len(found.Rooms), q.Limit)]
	}
	return found, nil
}

// rows yields the rows of a prefix by name, from a name on.
func (h *Handler) rows(ctx context.Context, label, from string) iter.Seq2[ledger.Row, error] {
	// The names of a prefix's rooms begin with it, and so stand together; those of
	// the reserved ones stand anywhere.
	begin := "/"
	if label != prefix.None && label != prefix.Other {
		begin += label
	}
	return func(yield func(ledger.Row, error) bool) {
		for row, err := range h.Source.Rows(max(from, begin)) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(ledger.Row{}, err)
				return
			}
			if !strings.HasPrefix(row.Name, begin) {
				return
			}
			if h.Label(row.Name) == label && !yield(row, nil) {
				return
			}
		}
	}
}

func used(row ledger.Row, since time.Time) Used {
	totals, exact := row.UsedSince(since)
	return Used{Room: roomOf(row), Period: totals.ParticipantMinutes, Exact: exact}
}

// compare puts the highest first, and rooms that are alike by name.
func (o Order) compare() func(a, b Used) int {
	figure := func(u Used) int64 {
		switch o {
		case ByParticipantMinutes:
			return u.ParticipantMinutes
		case ByRecorderMinutes:
			return u.RecorderMinutes
		case ByStreamerMinutes:
			return u.StreamerMinutes
		case BySessions:
			return u.Sessions
		case ByLastSession:
			if u.LastSession == nil {
				return 0
			}
			return u.LastSession.Unix()
		}
		return u.Period
	}
	return func(a, b Used) int {
		return cmp.Or(cmp.Compare(figure(b), figure(a)), cmp.Compare(a.RoomName, b.RoomName))
	}
}

func encodeCursor(name string) string { return base64.RawURLEncoding.EncodeToString([]byte(name)) }
