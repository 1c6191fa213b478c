package statuspage

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"whereby_exporter/collector/prefix"
	"whereby_exporter/collector/rooms"
	"whereby_exporter/whereby"
)

// roomsPage lists the rooms behind a prefix.
type roomsPage struct {
	frame
	Customer, Prefix string
	// Current and Previous are the usage of the current billing period and of the one
	// before; nil if unknown.
	Current, Previous *periodLine
	Head              []headCell
	Rows              []roomRow
	// Waiting is set before the first full poll.
	Waiting     bool
	First, Next string // addresses; "" if there is none
	// All is the address of all rooms if the page shows only those with the highest figures.
	// Found is their number.
	All, Found string
	Mixed      string
}

type roomRow struct {
	Key, Name, Address                                        string
	Period                                                    string
	ParticipantMinutes, RecorderMinutes, StreamerMinutes, All string
	Last                                                      stamp
}

// roomColumns are the columns of rooms, from left to right.
var roomColumns = []struct {
	order rooms.Order
	text  string
}{
	{rooms.ByName, "Room"},
	{rooms.ByPeriod, "Minutes this period"},
	{rooms.ByParticipantMinutes, "Participant minutes"},
	{rooms.ByRecorderMinutes, "Recorder minutes"},
	{rooms.ByStreamerMinutes, "Streamer minutes"},
	{rooms.BySessions, "Sessions"},
	{rooms.ByLastSession, "Last session started"},
}

// parseRoomsQuery ignores what it does not understand. By default, the rooms that explain
// the customer's figures come first.
func parseRoomsQuery(v url.Values) rooms.Query {
	q := rooms.Query{Prefix: v.Get("room_prefix"), Order: rooms.ByPeriod, Cursor: v.Get("cursor"), Limit: roomsLimit}
	if o := rooms.Order(v.Get("sort")); slices.Contains(rooms.Orders(), o) {
		q.Order = o
	}
	if q.Cursor != "" {
		q.Order = rooms.ByName
	}
	return q
}

func roomsAddress(root, prefix string) string {
	return sortedRooms(root, prefix, rooms.ByPeriod, "")
}

// sortedRooms returns the address of rooms in an order, starting at a cursor.
func sortedRooms(root, prefix string, order rooms.Order, cursor string) string {
	v := url.Values{"room_prefix": {prefix}}
	if order != rooms.ByPeriod {
		v.Set("sort", string(order))
	}
	if cursor != "" {
		v.Set("cursor", cursor)
	}
	return root + "status/rooms?" + v.Encode()
}

func roomAddress(root, name string) string {
	return root + "status/room?" + url.Values{"name": {name}}.Encode()
}

func newRoomsPage(f frame, now time.Time, customer Customer, q rooms.Query, found rooms.Listing) roomsPage {
	p := roomsPage{
		frame: f, Customer: customer.title(), Prefix: q.Prefix,
		Current: currentPeriod(now, customer), Previous: previousPeriod(now, customer),
	}
	p.Title = "Rooms of " + p.Customer + " – whereby_exporter"
	switch q.Prefix {
	case prefix.None:
		p.Mixed = "Rooms without a prefix, or named by hand: their names do not end in a UUID. To count some of them for a customer, set a room_prefix in the configuration file to how their names begin."
	case prefix.Other:
		p.Mixed = "Rooms of prefixes beyond room_prefixes.limit in the configuration file."
	}
	p.Head = roomHeads(q)
	for _, room := range found.Rooms {
		row := newRoomRow(now, room.Room)
		row.Period = number(room.Period)
		if !room.Exact {
			row.Period = "at least " + row.Period
		}
		p.Rows = append(p.Rows, row)
	}
	if q.Cursor != "" {
		p.First = sortedRooms(f.Root, q.Prefix, rooms.ByName, "")
	}
	if found.Next != "" {
		p.Next = sortedRooms(f.Root, q.Prefix, rooms.ByName, found.Next)
	}
	if found.All > len(found.Rooms) {
		p.All = sortedRooms(f.Root, q.Prefix, rooms.ByName, "")
		p.Found = fmt.Sprintf("The %d highest of %s.", len(found.Rooms), count(int64(found.All), "room", "rooms"))
	}
	return p
}

// roomHeads returns the heads of the columns, which link to the orders.
func roomHeads(q rooms.Query) []headCell {
	var cells []headCell
	for _, c := range roomColumns {
		cell := headCell{Text: c.text, Class: "figure", Key: string(c.order), Sort: "none", Address: sortedRooms("../", q.Prefix, c.order, "")}
		if c.order == q.Order {
			cell.Sort = "descending"
		}
		if c.order == rooms.ByName {
			cell.Class = ""
			if c.order == q.Order {
				cell.Sort = "ascending"
			}
		}
		cells = append(cells, cell)
	}
	return cells
}

func newRoomRow(now time.Time, room rooms.Room) roomRow {
	row := roomRow{
		Key: room.RoomName, Name: room.RoomName, Address: roomAddress("../", room.RoomName),
		ParticipantMinutes: number(room.ParticipantMinutes), RecorderMinutes: number(room.RecorderMinutes),
		StreamerMinutes: number(room.StreamerMinutes), All: number(room.Sessions),
	}
	if room.LastSession != nil {
		row.Last = stampOf(now, *room.LastSession)
	}
	return row
}

// roomPage shows one room and, if requested, its sessions.
type roomPage struct {
	frame
	Room             roomRow
	First            stamp
	Customer, Prefix string
	Up               string
	// Read is when the sessions were read; not known if they never were.
	Read     stamp
	Rows     []sessionRow
	More     bool
	Problem  string
	Failure  *failure
	Address  string // of the form
	Unlisted bool   // Insights no longer knows the room
}

type sessionRow struct {
	Key                                                  string
	Started, Ended                                       stamp
	Length                                               string
	ParticipantMinutes, RecorderMinutes, StreamerMinutes string
	People, Rating                                       string
}

func newRoomPage(f frame, now time.Time, room rooms.Room, prefix, customer string, last reading) roomPage {
	p := roomPage{
		frame: f, Room: newRoomRow(now, room), Customer: customer, Prefix: prefix,
		Up: roomsAddress("../", prefix), Address: roomAddress("../", room.RoomName), More: last.more,
	}
	p.Title = room.RoomName + " – whereby_exporter"
	if room.FirstSession != nil {
		p.First = stampOf(now, *room.FirstSession)
	}
	p.Read = stampOf(now, last.at)
	for _, session := range last.sessions {
		p.Rows = append(p.Rows, newSessionRow(now, session))
	}
	switch err := last.err; {
	case err == nil:
	case errors.Is(err, errTooMany):
		p.Problem = fmt.Sprintf("This page has read the sessions of %d rooms in the last minute, which is its limit: reads cost points that your production application shares. Try again in a minute.", perMinute)
	case errors.Is(err, ErrNoPoint):
		p.Problem = "No point of the rate limit was free: polls come first, and your production application shares the points. Nothing was spent. Try again in a minute."
	case errors.Is(err, ErrNoAnswer):
		p.Problem = fmt.Sprintf("Insights did not respond within %s. Try again.", span(answerWithin))
	case whereby.NotFound(err):
		p.Unlisted = true
		p.Problem = "Insights no longer lists this room: it was deleted. Its lifetime figures still count."
	default:
		p.Failure = failureOf(now, last.failed, err)
	}
	return p
}

func newSessionRow(now time.Time, s whereby.RoomSession) sessionRow {
	row := sessionRow{
		Key: s.ID, Started: stampOf(now, s.StartedAt), Ended: stampOf(now, s.EndedAt),
		ParticipantMinutes: number(s.ParticipantMinutes), RecorderMinutes: number(s.RecorderMinutes),
		StreamerMinutes: number(s.StreamerMinutes), People: number(s.UniqueParticipants),
	}
	ended := s.EndedAt
	if ended.IsZero() {
		ended = now
	}
	row.Length = span(max(0, ended.Sub(s.StartedAt)))
	if s.Rating.Count > 0 {
		row.Rating = strconv.FormatFloat(s.Rating.Mean, 'f', 1, 64) + " of 5 (" + number(s.Rating.Count) + ")"
	}
	return row
}
