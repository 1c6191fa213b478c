package rooms_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/rooms"
)

// figure is what an order but that by name compares. In manyRows, what was used since a time
// is all of a room that was first used then or later.
func figure(o rooms.Order, row ledger.Row, since int64) int64 {
	switch o {
	case rooms.ByParticipantMinutes:
		return row.ParticipantMinutes
	case rooms.ByRecorderMinutes:
		return row.RecorderMinutes
	case rooms.ByStreamerMinutes:
		return row.StreamerMinutes
	case rooms.BySessions:
		return row.Sessions
	case rooms.ByLastSession:
		return row.LastSession
	}
	if row.FirstSession >= since {
		return row.ParticipantMinutes
	}
	return 0
}

func TestListsBeginWithTheHighestFigures(t *testing.T) {
	all := manyRows()
	const since = 1_700_000_000
	var acme []ledger.Row
	for i := range all {
		if i%3 == 0 {
			all[i].FirstSession = since - 1 // and what was used since is not known
		}
		if classify(all[i].Name) == "acme-" {
			acme = append(acme, all[i])
		}
	}
	a := newAccount(t, all)
	for _, order := range rooms.Orders() {
		for _, limit := range []int{1, 7, len(acme), 1000} {
			t.Run(fmt.Sprintf("%s, %d", order, limit), func(t *testing.T) {
				want := slices.Clone(acme)
				slices.SortFunc(want, func(a, b ledger.Row) int {
					if order == rooms.ByName {
						return cmp.Compare(a.Name, b.Name)
					}
					return cmp.Or(cmp.Compare(figure(order, b, since), figure(order, a, since)), cmp.Compare(a.Name, b.Name))
				})
				query := rooms.Query{Prefix: "acme-", Since: time.Unix(since, 0), Order: order, Limit: limit}
				found, err := a.handler.List(t.Context(), query)
				if err != nil {
					t.Fatal(err)
				}
				for more := found.Next; order == rooms.ByName && more != ""; {
					query.Cursor = more
					page, err := a.handler.List(t.Context(), query)
					if err != nil || len(page.Rooms) == 0 {
						t.Fatalf("%d rooms, %v", len(page.Rooms), err)
					}
					found.Rooms, more = append(found.Rooms, page.Rooms...), page.Next
				}
				if order != rooms.ByName {
					want = want[:min(limit, len(want))]
					if found.All != len(acme) {
						t.Errorf("%d rooms; want %d", found.All, len(acme))
					}
				}
				if len(found.Rooms) != len(want) {
					t.Fatalf("%d rooms; want %d", len(found.Rooms), len(want))
				}
				for i, room := range found.Rooms {
					if room.RoomName != want[i].Name {
						t.Fatalf("room %d is %s; want %s", i, room.RoomName, want[i].Name)
					}
					if exact := want[i].FirstSession >= since; room.Exact != exact || room.Period != figure(rooms.ByPeriod, want[i], since) {
						t.Errorf("%s used %d, exact %v", room.RoomName, room.Period, room.Exact)
					}
				}
			})
		}
	}
}

func TestAListRefusesACursorOfNobody(t *testing.T) {
	a := newAccount(t, nil)
	if _, err := a.handler.List(t.Context(), rooms.Query{Prefix: "acme-", Order: rooms.ByName, Cursor: "!", Limit: 1}); !errors.Is(err, rooms.ErrCursor) {
		t.Errorf("the error is %v", err)
	}
}
