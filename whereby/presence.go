package whereby

import "time"

// EndGrace is how long after a room's endAt somebody may still be in it. From then on, it
// sends no events and counts no minutes, even if nobody left.
const EndGrace = time.Hour

// Answer is what Insights says about a room, once it must know (see [InsightsDelay]).
type Answer int

// The answers.
const (
	NotAsked Answer = iota
	// SessionRuns means that the room's latest session has not ended.
	SessionRuns
	// NoSessionRuns means that it has ended, or that there was none.
	NoSessionRuns
)

// Evidence is what indicates who is in a room, other than events that count them. All of it is
// newer than the last such event.
type Evidence struct {
	// SessionEnded means that a session of the room ended. A session needs two people, and
	// people may stay after it.
	SessionEnded bool
	// Expired means that [EndGrace] has passed since the room's endAt.
	Expired bool
	// Missed means that events were not received for a while, for example during a restart.
	Missed bool
	// Silent means that there was no event for hours.
	Silent   bool
	Insights Answer
}

// Presence is what evidence says about a count.
type Presence int

// What evidence may say.
const (
	// Stands means that nothing contradicts the count.
	Stands Presence = iota
	// InDoubt means that the count may be wrong, and Insights should be asked.
	InDoubt
	// Nobody means that there is nobody in the room, nor at its door.
	Nobody
)

// Presence returns what the evidence says of a room in which, as far as events tell, are
// so many people, and so many others: machines, and visitors at the door.
//
// What is about sessions is about two people or more. It says nothing about one, who may
// wait for the next session, and nothing about visitors at the door, whose knocks have
// events of their own. Of those that Insights cannot tell of, only a long silence says
// that they have gone.
func (e Evidence) Presence(people, others int) Presence {
	switch {
	case people+others == 0:
		return Stands
	case e.Expired:
		return Nobody
	case !e.SessionEnded && !e.Missed && !e.Silent, e.Insights == SessionRuns:
		return Stands
	case e.Insights == NoSessionRuns && (people >= 2 || e.Silent):
		return Nobody
	case e.Insights == NoSessionRuns:
		return Stands
	case e.Missed || e.Silent || people >= 2:
		return InDoubt
	}
	return Stands
}
