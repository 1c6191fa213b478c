package wherebytest

import "time"

// RoomTruth is what Insights shows for a room.
type RoomTruth struct {
	Room            // as far as shown now, sessions included
	Rating  float64 // mean rating of the last session; 0: none
	Ratings int
	Deleted bool // only with [Config].KeepDeleted
}

// SessionTruth is what Insights shows for a session.
type SessionTruth struct {
	ID        string
	RoomName  string
	StartedAt time.Time
	EndedAt   time.Time // zero: it runs
	Totals    Totals
	Rating    float64 // mean of its ratings; 0: none
	Ratings   int
}

// PrefixTruth is what a reader of the account must arrive at for the rooms of a prefix.
type PrefixTruth struct {
	Totals     // see [Account.Truth]
	Rooms  int // that Insights shows now
}

// Shown returns what Insights shows now for every room, by name.
func (a *Account) Shown() map[string]RoomTruth {
	a.lock()
	defer a.mu.Unlock()
	all := make(map[string]RoomTruth, a.shown)
	for _, r := range a.rooms {
		if r.shown {
			all[r.name] = r.truth()
		}
	}
	return all
}

func (r *room) truth() RoomTruth {
	t := RoomTruth{
		Room: Room{
			Name:         r.name,
			CreatedAt:    moment(r.created),
			EndAt:        moment(r.ends),
			Totals:       r.totals,
			FirstSession: moment(r.first),
			LastSession:  moment(r.last),
		},
		Ratings: int(r.ratings),
		Deleted: r.deleted,
	}
	t.Rating, _ = r.rating()
	return t
}

// Sessions returns what Insights shows now for a room's sessions, by start. It is empty for a
// room that is not shown.
func (a *Account) Sessions(roomName string) []SessionTruth {
	now := a.lock()
	defer a.mu.Unlock()
	return a.sessions(roomName, now)
}

func (a *Account) sessions(roomName string, now int64) []SessionTruth {
	r := a.byName[roomName]
	if r == nil || !r.shown {
		return nil
	}
	h := a.horizonOf(EndpointRoomSessions, r, now)
	var all []SessionTruth
	for _, s := range a.sessionsAt(r, h) {
		s := a.listed(r, s, h)
		t := SessionTruth{
			ID:        a.sessionID(r, s),
			RoomName:  r.name,
			StartedAt: moment(s.start),
			EndedAt:   moment(s.endAt(h)),
			Totals:    s.totals,
			Ratings:   int(s.ratings),
		}
		t.Rating, _ = meanRating(s.ratingSum, s.ratings)
		all = append(all, t)
	}
	return all
}

// Truth returns, for each prefix, the sum over all rooms that ever existed of the highest
// lifetime totals that Insights has shown, separately for each figure, and the number of rooms
// shown now.
//
// "Shown" means that a request at that moment would have received it, whether there was one or
// not. So a deleted room counts with its last totals, a figure that was lowered with its
// highest value, a room that was deleted and added again with the higher figures of its lives,
// and a meeting that Insights has not reached not at all. A room that had expired before it
// was added was never shown. Time between two calls counts as if the account had been watched
// throughout: an ongoing session is followed to the moment its room was deleted.
//
// prefixOf returns the prefix of a room's name, in the form that the reader uses.
func (a *Account) Truth(prefixOf func(roomName string) string) map[string]PrefixTruth {
	a.lock()
	defer a.mu.Unlock()
	all := make(map[string]PrefixTruth)
	for _, r := range a.rooms {
		if !r.ever {
			continue
		}
		prefix := prefixOf(r.name)
		t := all[prefix]
		t.Totals = t.Totals.Add(r.counted())
		if r.shown {
			t.Rooms++
		}
		all[prefix] = t
	}
	return all
}
