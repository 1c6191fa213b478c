package wherebytest

import (
	"encoding/json"
	"slices"
	"strconv"
)

// connection is a participant of a session, with everything that was left out
// of its description made up.
type connection struct {
	Participant
	sessionID    string
	joined, left int64 // left 0: is there
}

// met returns the moment that has been reached by now for the participants of a session.
func (a *Account) met(l located, now int64) int64 {
	return a.reach(l.room, l.session, a.horizonOf(EndpointParticipants, l.room, now))
}

// connections returns those who have joined a session by horizon h.
func (a *Account) connections(l located, h int64) []connection {
	cast := a.cast(l)
	var all []connection
	for i, leg := range cast.legs {
		if leg.joined > h {
			continue
		}
		c := connection{Participant: cast.person(i), sessionID: cast.id, joined: leg.joined, left: leg.left}
		if leg.left > h {
			c.left = 0
		}
		if c.left == 0 { // what is said on leaving is not known yet
			c.Rating, c.Tags, c.Comment = 0, nil, ""
		}
		all = append(all, c)
	}
	return all
}

func userAgent(seed uint64) string {
	agents := [...]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Linux; Android 15; SM-S938B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"acme-conference-bridge/2.1",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
	}
	return agents[seed%uint64(len(agents))]
}

// wanted returns the connections that a query names by session or external ID.
func (a *Account) wanted(q *query, now int64) []connection {
	external := q.values.Get("externalId")
	var all []connection
	if id := q.values.Get("roomSessionId"); id != "" {
		if l, ok := a.session(id, now); ok {
			all = a.connections(l, a.met(l, now))
		}
	} else {
		for _, r := range a.rooms {
			if !r.shown || r.past == nil {
				continue
			}
			for _, s := range a.begun(r, a.horizonOf(EndpointParticipants, r, now)) {
				if s.mayHold(external) {
					l := located{r, s}
					all = append(all, a.connections(l, a.met(l, now))...)
				}
			}
		}
	}
	if external != "" {
		all = slices.DeleteFunc(all, func(c connection) bool { return c.ExternalID != external })
	}
	return all
}

// mayHold reports whether somebody in a session may have an external ID. Of the
// hundreds of thousands of planned ones, most need not be made again to be told.
func (s *session) mayHold(external string) bool {
	if s.plan != 0 {
		return planHolds(s.plan, external)
	}
	return s.detail != nil
}

func (a *Account) participantsBody(q *query, now int64) []byte {
	var rows []sorted[connection]
	for _, c := range a.wanted(q, now) {
		key := c.joined
		if q.field == "leftAt" {
			if key = c.left; key == 0 {
				key = a.nullKey()
			}
		}
		// A connection that comes back has the same ID, so the time is part of the tie.
		rows = append(rows, sorted[connection]{key, c.ID + "@" + strconv.FormatInt(c.joined, 10), c})
	}
	return a.listingBody(q, inOrder(rows), func(e *encoder, i int) {
		c := &rows[i].row
		e.string("roomSessionId", c.sessionID)
		e.string("participantId", c.ID)
		e.string("deviceId", c.DeviceID)
		e.text("userId", c.UserID)
		e.string("roleName", c.Role)
		e.text("displayName", c.DisplayName)
		e.time("joinedAt", c.joined)
		e.time("leftAt", c.left)
		e.text("externalId", c.ExternalID)
		if c.Rating == 0 {
			e.absent("rating")
		} else {
			e.int("rating", int64(c.Rating))
		}
		if len(c.Tags) == 0 {
			e.absent("tags")
		} else {
			e.name("tags")
			tags, err := json.Marshal(c.Tags)
			if err != nil {
				panic(err) // strings can always be encoded
			}
			e.b = append(e.b, tags...)
		}
		e.text("comment", c.Comment)
	})
}
