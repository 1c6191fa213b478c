package wherebytest

import (
	"fmt"
	"slices"
	"time"

	"whereby_exporter/whereby"
)

// minute in milliseconds: participant minutes are counted by it.
const minute = int64(time.Minute / time.Millisecond)

// Clients of these roles have minutes of their own.
const (
	RoleRecorder = whereby.RoleRecorder
	RoleStreamer = whereby.RoleStreamer
)

// Session is a meeting in a room, in the past, ongoing or in the future.
type Session struct {
	ID           string // "": made up
	Start        time.Time
	End          time.Time // zero: runs on
	Participants []Participant
	Knocks       []Knock // of those who gave up; Insights knows nothing of them
	// Outlasted means that those who leave or give up after End stay until then. Otherwise,
	// everybody leaves with the session's end at the latest. Time after End counts no minutes.
	Outlasted bool
}

// Participant is one connection to a session. A person who connects twice is two participants
// with the same DeviceID.
type Participant struct {
	ID          string // "": made up
	DeviceID    string // "": made up; distinct people have distinct ones
	UserID      string
	Role        string // "" is "visitor", and after a knock "granted_visitor"
	DisplayName string
	ExternalID  string
	Metadata    string    // only in events; Insights does not have it
	DialIn      bool      // by telephone; in events alone
	UserAgent   string    // "": made up
	Knocked     time.Time // at the door, before being let in; zero: came straight in
	Joined      time.Time // zero: with the session's start; may be before it
	Left        time.Time // zero: with the session's end
	// Replaces means that the connection replaces one that ends in the same millisecond: it
	// joins after that one has left, not before.
	Replaces bool
	Network  Network // AnyNetwork: drawn from the room's mix
	Rating   int     // 1 to 5, given on leaving; 0: none
	Tags     []string
	Comment  string
}

// Schedule adds a session to a room and returns its ID. Its figures are computed as time
// passes: a connection counts from the moment it joins, in minutes rounded up, for the part
// that Insights has reached; recorders and streamers count separately. A session counts from
// its start, and no minute counts after its end. Nothing lasts longer than [whereby.EndGrace]
// after the room's EndAt: then everybody is gone, and no event reports it. A session with the
// ID of an earlier one replaces it; that is the way to end a session early.
//
// The unique counts of a room are the sums of those of its sessions.
//
// [Account.Events] returns the events of the session. Replacing it does not take back what was
// sent, so the new description should agree with the past.
func (a *Account) Schedule(name string, s Session) (id string) {
	now := a.lock()
	defer a.mu.Unlock()
	r := a.room("Schedule", name)
	added := newSession(s, r.closes())
	if old, ok := a.named[s.ID]; ok && s.ID != "" {
		if old.room != r {
			panic(fmt.Sprintf("wherebytest: Schedule: session %q is in room %q", s.ID, old.room.name))
		}
		a.touch(r)
		r.history().drop(old.session)
		a.meetings.drop(old.session)
	}
	r.history().insert(added)
	if s.ID == "" {
		s.ID = a.sessionID(r, added)
	} else {
		a.named[s.ID] = located{r, added}
	}
	a.meet(r, added)
	a.settle(r, now)
	return s.ID
}

// session is what an account keeps of a session. There are hundreds of thousands
// of them in a demo, most of them over: only those that run, and those a test
// described, keep their connections.
type session struct {
	start, end int64 // end 0: runs on
	seq        uint32
	whole      bool // totals are final and shown from the start on
	ratings    uint16
	ratingSum  uint16
	plan       uint64 // the seed its connections can be made from again; 0: none
	detail     *detail
	totals     Totals // as far as shown
}

// detail is what a session has while it runs or because a test described it.
type detail struct {
	id     string
	legs   []leg
	people []Participant // the descriptions legs were made from, or nil

	knocks  []knock
	callers []Knock // the descriptions knocks were made from
}

// leg is a connection as far as figures need it.
type leg struct {
	joined, left int64 // left 0: stays
	knocked      int64 // 0: did not
	role         string
	rating       int
	again        bool // the same device was there before
	replaces     bool // joins after those have left who leave in the same moment
}

// located is a session and where it takes place.
type located struct {
	room    *room
	session *session
}

// newSession makes a session of its description, in a room that closes at a time; 0 is
// never.
func newSession(s Session, closes int64) *session {
	if s.Start.IsZero() {
		panic("wherebytest: Schedule: a session needs a start")
	}
	d := &detail{id: s.ID, people: slices.Clone(s.Participants), callers: slices.Clone(s.Knocks)}
	devices := make(map[string]bool)
	end := millis(s.End)
	if closes != 0 && (end == 0 || end > closes) {
		end = closes
	}
	last := end // until when people may stay
	if s.Outlasted && end != 0 {
		last = closes
	}
	for i := range d.people {
		p := &d.people[i]
		switch {
		case p.Role == "" && p.Knocked.IsZero():
			p.Role = "visitor"
		case p.Role == "":
			p.Role = "granted_visitor"
		}
		l := leg{joined: millis(p.Joined), left: millis(p.Left), knocked: millis(p.Knocked), role: p.Role, rating: p.Rating, replaces: p.Replaces}
		if l.joined == 0 {
			l.joined = millis(s.Start)
		}
		if l.knocked > l.joined {
			panic("wherebytest: Schedule: a participant knocks after joining")
		}
		if l.left == 0 {
			l.left = end
		}
		if last != 0 {
			l.left = min(l.left, last)
		}
		if p.DeviceID != "" {
			l.again = devices[p.DeviceID]
			devices[p.DeviceID] = true
		}
		d.legs = append(d.legs, l)
	}
	for _, k := range d.callers {
		d.knocks = append(d.knocks, newKnock(k, millis(s.Start), end, last))
	}
	return &session{start: millis(s.Start), end: end, detail: d}
}

// minutesAt returns the minutes of a connection that Insights knows at horizon h,
// and when that changes next (0: never). A connection that has begun counts a
// minute at least.
func (l *leg) minutesAt(h int64) (minutes, next int64) {
	if h < l.joined {
		return 0, l.joined
	}
	until := h
	if l.left != 0 {
		until = min(h, l.left)
	}
	minutes = max(1, (until-l.joined+minute-1)/minute)
	next = l.joined + minutes*minute + 1
	if l.left != 0 && next > l.left {
		next = 0
	}
	return minutes, next
}

// until is up to when minutes count at horizon h.
func (s *session) until(h int64) int64 {
	if s.end == 0 {
		return h
	}
	return min(h, s.end)
}

// count computes a session's figures at horizon h from its connections, tells
// when they change next (0: never), and whether they are final.
func (s *session) count(h int64, legs []leg) (next int64, final bool) {
	if h < s.start {
		return s.start, false
	}
	s.totals = Totals{Sessions: 1}
	s.ratings, s.ratingSum = 0, 0
	final = s.end != 0 && s.end <= h
	if !final {
		next = s.end
	}
	for i := range legs {
		l := &legs[i]
		minutes, changes := l.minutesAt(s.until(h))
		if !final {
			next = earliest(next, changes)
		}
		if l.left > h {
			if !final {
				next = earliest(next, l.left) // a rating may come with it
			}
		} else if l.left != 0 && l.rating != 0 {
			s.ratings++
			s.ratingSum += uint16(l.rating)
		}
		if minutes != 0 {
			s.totals.add(l, minutes)
		}
	}
	return next, final
}

func (t *Totals) add(l *leg, minutes int64) {
	unique := int64(1)
	if l.again {
		unique = 0
	}
	switch whereby.BilledAs(l.role) {
	case whereby.BilledAsRecorder:
		t.RecorderMinutes += minutes
		t.UniqueRecorders += unique
	case whereby.BilledAsStreamer:
		t.StreamerMinutes += minutes
		t.UniqueStreamers += unique
	case whereby.BilledAsParticipant:
		t.ParticipantMinutes += minutes
		t.UniqueParticipants += unique
	case whereby.NotBilled:
	}
}

// earliest returns the earlier of two times of which 0 is none.
func earliest(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
