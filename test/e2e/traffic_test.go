package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

const (
	// trafficRooms is about how many rooms there are: two pages.
	trafficRooms = 150
	// trafficInUse is how many of them are in use, the newest: polls find those on the
	// first page.
	trafficInUse = 40
	// trafficPause is the time between two changes.
	trafficPause = 50 * time.Millisecond
)

// traffic changes an account at random without end: rooms are created, used and deleted,
// and people meet. Rooms in which they meet are not deleted.
//
// A room is deleted only if it was not used since all members of a group last showed the
// truth: what was used after a member's last poll of a room, and before the room was
// deleted, that member cannot know.
type traffic struct {
	*life

	mu     sync.Mutex
	used   map[string]time.Time // when rooms were used last, if since the start
	shown  time.Time            // up to when all members have shown the use of rooms
	gone   int                  // rooms that were deleted
	venues []string             // the rooms in which people meet
	busy   map[string]time.Time // until when a meeting runs there
	held   map[string]wherebytest.Session
	paused bool
}

func newTraffic(t testing.TB, account *wherebytest.Account) *traffic {
	t.Helper()
	l := &traffic{
		life: newLife(t, account, trafficRooms),
		used: map[string]time.Time{}, busy: map[string]time.Time{}, held: map[string]wherebytest.Session{},
	}
	for i := range 24 {
		name := fmt.Sprintf("/%s%08x-0000-4000-9000-000000000000", []string{"acme-", "globex-", "initech-", "umbrella-"}[i%4], i)
		account.AddRoom(wherebytest.Room{Name: name})
		l.venues = append(l.venues, name)
	}
	return l
}

// run goes on until the context is done.
func (l *traffic) run(ctx context.Context) {
	for ; ctx.Err() == nil; wait(ctx, trafficPause) {
		l.step()
	}
}

func (l *traffic) step() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.paused {
		return
	}
	switch n := l.random.IntN(10); {
	case n < 5:
		room := l.rooms[len(l.rooms)-1-l.random.IntN(trafficInUse)]
		l.used[room] = time.Now()
		l.account.Use(room, l.usage(), time.Now())
	case n < 9:
		l.meet(l.venues[l.random.IntN(len(l.venues))])
	case len(l.rooms) < trafficRooms:
		l.add(1, time.Millisecond)
		l.used[l.rooms[len(l.rooms)-1]] = time.Now()
	default:
		l.removeShown()
	}
}

// removeShown deletes a room whose use all members have shown, if there is one.
func (l *traffic) removeShown() {
	i := slices.IndexFunc(l.rooms, func(room string) bool { return l.used[room].Before(l.shown) })
	if i < 0 {
		return
	}
	l.account.Delete(l.rooms[i])
	l.rooms = slices.Delete(l.rooms, i, i+1)
	l.gone++
}

// deletions is how many rooms were deleted.
func (l *traffic) deletions() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gone
}

// meet has people come and go in a room for some seconds.
func (l *traffic) meet(room string) {
	start := time.Now().Add(time.Millisecond)
	if start.Before(l.busy[room]) {
		return
	}
	length := time.Second + time.Duration(l.random.Int64N(int64(3*time.Second)))
	session := wherebytest.Session{Start: start, End: start.Add(length), Participants: make([]wherebytest.Participant, 1+l.random.IntN(4))}
	for i := range session.Participants[1:] {
		joined := start.Add(time.Duration(l.random.Int64N(int64(length / 2))))
		left := joined.Add(time.Duration(l.random.Int64N(int64(length / 2))))
		session.Participants[i+1] = wherebytest.Participant{Joined: joined, Left: left}
	}
	l.account.Schedule(room, session)
	l.busy[room] = session.End.Add(10 * time.Millisecond)
}

// pause ends all changes but those that are scheduled.
func (l *traffic) pause() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = true
}

// quiet returns an error while a meeting runs.
func (l *traffic) quiet() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, until := range l.busy {
		if time.Now().Before(until) {
			return errors.New("a meeting runs")
		}
	}
	return nil
}

// hold lets somebody come and stay in every room in which people meet, and returns the
// time from which on they come.
func (l *traffic) hold() (since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	since = time.Now().Truncate(time.Millisecond)
	for _, room := range l.venues {
		session, there := l.held[room]
		if !there {
			session = wherebytest.Session{ID: fmt.Sprintf("%s at %d", room, since.UnixMilli()), Start: since}
		}
		for i := range 1 + l.random.IntN(3) {
			session.Participants = append(session.Participants, wherebytest.Participant{Joined: since.Add(time.Duration(i) * 10 * time.Millisecond)})
		}
		l.account.Schedule(room, session)
		l.held[room] = session
	}
	return since
}

// resume ends the meetings that hold began, at once, and goes on. All members have shown
// all that was used.
func (l *traffic) resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for room, session := range l.held {
		session.End = now
		l.account.Schedule(room, session)
		l.busy[room] = now.Add(10 * time.Millisecond)
	}
	clear(l.held)
	l.shown, l.paused = now, false
}
