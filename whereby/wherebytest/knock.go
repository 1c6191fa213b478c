package wherebytest

import (
	"fmt"
	"time"
)

// Knock is somebody who knocks at the door of a room and gives up. Somebody who is admitted is
// a [Participant] with the time of the knock.
type Knock struct {
	// ID is the participant ID in the events; "" means that one is generated. It may be that
	// of a participant who knocks again later and is admitted.
	ID          string
	DisplayName string
	ExternalID  string
	Metadata    string
	At          time.Time // zero: with the session's start
	GaveUp      time.Time // zero: with the session's end
}

// knock is a Knock as far as counts need it.
type knock struct {
	at, until int64 // until 0: waits on
}

// waits reports whether somebody is at the door at a time.
func (k knock) waits(at int64) bool { return k.at <= at && (k.until == 0 || at < k.until) }

// newKnock panics if somebody gives up before knocking. last is until when people may stay.
func newKnock(k Knock, start, end, last int64) knock {
	n := knock{at: millis(k.At), until: millis(k.GaveUp)}
	if n.at == 0 {
		n.at = start
	}
	if n.until == 0 {
		n.until = end
	}
	if last != 0 {
		n.until = min(n.until, last)
	}
	if n.until != 0 && n.until < n.at {
		panic(fmt.Sprintf("wherebytest: Schedule: a knock at %v ends at %v", moment(n.at), moment(n.until)))
	}
	return n
}
