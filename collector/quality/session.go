package quality

import (
	"hash/fnv"
	"slices"
	"strconv"
	"time"
)

// record is what the store keeps of a session.
type record struct {
	// Room and Start, in seconds since 1970, identify the session: a room has one at a
	// time, and the listing of rooms shows no more of it.
	Room  string `json:"room"`
	Start int64  `json:"start"`
	// ID is "" until the sessions of the room were listed. Ended is in seconds since
	// 1970, 0 while unknown.
	ID    string `json:"id,omitempty"`
	Ended int64  `json:"ended,omitempty"`
	// UniqueBefore is how many participants the room had before, as far as known.
	UniqueBefore int64 `json:"unique_before,omitempty"`
	// Sessions is how many sessions the room had, including this one. Unseen are those
	// that began since the session before this one, and were not looked at.
	Sessions int64 `json:"sessions,omitempty"`
	Unseen   int64 `json:"unseen,omitempty"`
	// Read are hashes of the participants that were read or given up.
	Read    []uint64 `json:"read,omitempty"`
	Sampled int64    `json:"sampled,omitempty"`
	GivenUp int64    `json:"given_up,omitempty"`
	// Done means that there is nothing more to read.
	Done bool `json:"done,omitempty"`
	// Ratings and Stars are those already counted.
	Ratings int64 `json:"ratings,omitempty"`
	Stars   int64 `json:"stars,omitempty"`
}

// key is the key of the record in the store.
func (r record) key() string { return sessionKey + r.Room + "@" + strconv.FormatInt(r.Start, 10) }

// session is one to look at, or one that was.
type session struct {
	record
	// unique is the number of participants in the listing of sessions; 0 if unknown.
	unique int64
	// minutes and roomUnique are the room's participant minutes and participants as
	// last read; 0 is unknown.
	minutes, roomUnique int64
	// touched is when its room's figures were last seen to grow.
	touched time.Time
	// listed is true once total and pending are known: its participants without machines,
	// and those still to be read.
	listed  bool
	total   int64
	pending []string

	// These belong to the queue.
	queue     *prefixQueue
	notBefore time.Time
	index     int // in the heap that it is in; -1 is none
}

// newest returns when a session ended or, if that is unknown, began; sessions are sorted by it.
func (s *session) newest() int64 { return max(s.Start, s.Ended) }

// expires returns when it is too late to read the session.
func (s *session) expires() time.Time {
	last := time.Unix(s.newest(), 0)
	if s.touched.After(last) && s.Ended == 0 {
		last = s.touched
	}
	return last.Add(horizon)
}

// skippedOf returns how many participants will not be read if r is final, as far as is
// known: a session has at least two. Those given up are not included.
func (s *session) skippedOf(r *record) int64 {
	return max(0, s.participants()-r.Sampled-r.GivenUp)
}

// participants returns how many there are, as far as is known: if they were not listed, the
// number that Insights shows, which may include assistants.
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

// grown returns how many participants its room has had since the session before, including
// those of unseen sessions.
func (s *session) grown() int64 { return max(0, s.roomUnique-s.UniqueBefore) }

// unseenParticipants returns how many the unseen sessions had: at least two each, and the
// room's growth without this session.
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
	// Sorted by hash: if only some can be read, who joined first must not matter.
	slices.SortFunc(s.pending, func(a, b string) int {
		if hash(a) < hash(b) {
			return -1
		}
		return 1
	})
}

// hash identifies a participant; nothing else about them is stored.
func hash(participantID string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(participantID)) // it never fails
	return h.Sum64()
}
