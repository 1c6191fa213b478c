package wherebytest

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"whereby_exporter/whereby"
)

// cast is who takes part in a session, and who knocked in vain.
type cast struct {
	located
	id      string // the session's
	legs    []leg
	people  []Participant // the descriptions legs were made from, or nil
	knocks  []knock
	callers []Knock // the descriptions knocks were made from, or nil
}

// cast returns what is known of a session's people. Of a planned one it is made
// again from the plan.
func (a *Account) cast(l located) cast {
	c := cast{located: l, id: a.sessionID(l.room, l.session)}
	s := l.session
	if d := s.detail; d != nil {
		c.legs, c.people, c.knocks, c.callers = d.legs, d.people, d.knocks, d.callers
	}
	if s.plan != 0 {
		if c.legs == nil {
			c.legs = planLegs(nil, s.plan, s.start, s.end)
		}
		c.knocks = planKnocks(s.plan, s.start, s.end)
	}
	return c
}

// person returns the description of a connection, what was left out made up.
func (c *cast) person(i int) Participant {
	var p Participant
	if c.people != nil {
		p = c.people[i]
	} else {
		p = planPerson(c.session.plan, i, c.legs[i])
	}
	seed := hash(c.id + "/" + strconv.Itoa(i))
	if p.ID == "" {
		p.ID = uuid(seed, 1)
	}
	if p.DeviceID == "" {
		p.DeviceID = uuid(seed, 2)
	}
	if p.UserAgent == "" {
		p.UserAgent = userAgent(seed)
	}
	return p
}

// caller returns the description of a knock, what was left out made up.
func (c *cast) caller(i int) Knock {
	var k Knock
	if c.callers != nil {
		k = c.callers[i]
	} else {
		k = planCaller(c.session.plan, i)
	}
	if k.ID == "" {
		k.ID = uuid(hash(c.id+"/knock/"+strconv.Itoa(i)), 1)
	}
	return k
}

// tail is how long after the end of a recorded session something may still be
// told of it.
const tail = 10 * minute

// span returns the time in which something happens in a session, rather too late
// an end than too early; math.MaxInt64 where it runs on.
func (c *cast) span() (opens, closes int64) {
	opens, closes = c.session.start, max(c.session.start, c.session.end)
	cover := func(from, to int64) {
		opens = min(opens, from)
		if to == 0 {
			to = math.MaxInt64
		}
		closes = max(closes, to)
	}
	recorded := false
	for i := range c.legs {
		l := &c.legs[i]
		cover(l.comes(), l.leaves())
		recorded = recorded || l.role == RoleRecorder
	}
	for _, k := range c.knocks {
		cover(k.at, k.until)
	}
	if recorded && closes != math.MaxInt64 {
		closes += tail
	}
	return opens, closes
}

// began returns when the second person was in, which is when Whereby's session
// begins; 0 if there never were two. Source: the webhook reference on
// room.session.started.
func (c *cast) began() int64 {
	var (
		joins  []*leg
		leaves []int64
	)
	for i := range c.legs {
		if l := &c.legs[i]; whereby.IsPerson(l.role) {
			joins = append(joins, l)
			if left := l.leaves(); left != 0 {
				leaves = append(leaves, left)
			}
		}
	}
	slices.SortFunc(joins, func(x, y *leg) int {
		if x.joined == y.joined && x.replaces != y.replaces {
			if x.replaces {
				return 1
			}
			return -1
		}
		return cmp.Compare(x.joined, y.joined)
	})
	slices.Sort(leaves)
	gone := 0
	for i, l := range joins {
		for gone < len(leaves) && (leaves[gone] < l.joined || l.replaces && leaves[gone] == l.joined) {
			gone++
		}
		if i+1-gone >= 2 {
			return l.joined
		}
	}
	return 0
}

// comes returns when somebody is first heard of.
func (l *leg) comes() int64 {
	if l.knocked != 0 {
		return l.knocked
	}
	return l.joined
}

// leaves returns when a connection ends, never before it begins; 0 if it stays.
func (l *leg) leaves() int64 {
	if l.left == 0 {
		return 0
	}
	return max(l.left, l.joined)
}

// present reports whether somebody is in the room at a time.
func (l *leg) present(at int64) bool {
	left := l.leaves()
	return l.joined <= at && (left == 0 || at < left)
}

// waits reports whether somebody who is let in later is at the door at a time.
func (l *leg) waits(at int64) bool { return l.knocked != 0 && l.knocked <= at && at < l.joined }

// recording is what is made of a recorder's connection, and when; 0 is never.
type recording struct {
	id                                        uint64
	finished                                  int64
	transcribing, transcribed, notTranscribed int64
}

// recording tells what becomes of a recording: it is ready some seconds to
// minutes after the recorder has left, and one in three is transcribed.
func (c *cast) recording(i int) recording {
	dice := dice(hash(c.id + "/recording/" + strconv.Itoa(i)))
	r := recording{id: dice.roll()}
	second := time.Second.Milliseconds()
	r.finished = c.legs[i].leaves() + 15*second + dice.upTo(165*second)
	if dice.chance(1.0 / 3) {
		r.transcribing = r.finished + second + dice.upTo(5*second)
		done := r.transcribing + 20*second + dice.upTo(160*second)
		if dice.chance(0.1) {
			r.notTranscribed = done
		} else {
			r.transcribed = done
		}
	}
	return r
}
