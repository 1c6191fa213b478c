package quality

import (
	"hash/fnv"
	"slices"
	"strconv"
	"time"
)

// record is what the store keeps of a session.
type record struct {
	// Room and Start, in seconds since 1970, name the session: a room has one at a
	// time, and the listing of rooms tells no more of it.
	Room  string `json:"room"`
	Start int64  `json:"start"`
	// ID is "" until the sessions of the room were listed. Ended is in seconds since
	// 1970, 0 while unknown.
	ID    string `json:"id,omitempty"`
	Ended int64  `json:"ended,omitempty"`
	// UniqueBefore is how many participants the room had had before, as far as known.
	UniqueBefore int64 `json:"unique_before,omitempty"`
	// Sessions is how many sessions the room had had, this one included. Unseen are
	// those among them that began since the one before this, and were not looked at.
	Sessions int64 `json:"sessions,omitempty"`
	Unseen   int64 `json:"unseen,omitempty"`
	// Read are hashes of the participants that were read, or given up.
	Read    []uint64 `json:"read,omitempty"`
	Sampled int64    `json:"sampled,omitempty"`
	GivenUp int64    `json:"given_up,omitempty"`
	// Done means that there is nothing more to read.
	Done bool `json:"done,omitempty"`
	// Ratings and Stars are those counted.
	Ratings int64 `json:"ratings,omitempty"`
	Stars   int64 `json:"stars,omitempty"`
}

// key is under which the store keeps the record.
func (r record) key() string { return sessionKey + r.Room + "@" + strconv.FormatInt(r.Start, 10) }

// session is one to look at, or one that was.
type session struct {
	record
	// unique is how many participants the listing of sessions gives it; 0 is unknown.
	unique int64
	// minutes and roomUnique are the room's participant minutes and participants as
	// last read; 0 is unknown.
	minutes, roomUnique int64
	// touched is when its room's figures were last seen to grow.
	touched time.Time
	// listed is true once total and pending are known: its participants, machines
	// apart, and those of them to read yet.
	listed  bool
	total   int64
	pending []string

	// The queue's own.
	queue     *prefixQueue
	notBefore time.Time
	index     int // in the heap that it is in; -1 is none
}

// newest orders sessions by when they ended or, where that is unknown, began.
func (s *session) newest() int64 { return max(s.Start, s.Ended) }

// expires is when it is too late to read the session.
func (s *session) expires() time.Time {
	last := time.Unix(s.newest(), 0)
	if s.touched.After(last) && s.Ended == 0 {
		last = s.touched
	}
	return last.Add(horizon)
}

// skippedOf is how many participants will not be read where r is all that was, as far
// as that is known: a session has two at least. Those given up are not among them.
func (s *session) skippedOf(r *record) int64 {
	return max(0, s.participants()-r.Sampled-r.GivenUp)
}

// participants is how many it has, as far as is known: of one whose participants were not
// listed, what Insights says, which may count assistants.
func (s *session) participants() int64 {
	switch {
	case s.listed:
		return s.total
	case s.unique > 0 && s.Ended != 0:
		return max(2, s.unique)
	}
	// Others may have come since it was listed while it ran.
	return max(2, s.unique, s.grown()-2*s.Unseen)
}

// grown is how many participants its room has had since the session before, those of
// unseen sessions included.
func (s *session) grown() int64 { return max(0, s.roomUnique-s.UniqueBefore) }

// unseenParticipants is how many those sessions had that were not looked at: two each
// at least, and what the room has grown by without this one.
func (s *session) unseenParticipants() int64 {
	return max(2*s.Unseen, s.grown()-s.participants())
}

// expect sets the participants to read.
func (s *session) expect(ids []string) {
	s.listed, s.total, s.pending = true, int64(len(ids)), nil
	for _, id := range ids {
		if !slices.Contains(s.Read, hash(id)) {
			s.pending = append(s.pending, id)
		}
	}
	// By hash: where only some can be read, who joined first must not matter.
	slices.SortFunc(s.pending, func(a, b string) int {
		if hash(a) < hash(b) {
			return -1
		}
		return 1
	})
}

// hash stands for a participant, of whom nothing else is kept.
func hash(participantID string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(participantID)) // it never fails
	return h.Sum64()
}
