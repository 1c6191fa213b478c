package wherebytest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"whereby_exporter/whereby"
)

// waitingRoom is the bit of a plan's seed that says that visitors have to knock.
// It is in the seed because that is all that is kept of most meetings.
const waitingRoom = 2

// door is how a planned meeting begins. Times are how long before the session's
// start, in milliseconds; the session starts with the later of host and visitor.
type door struct {
	locked        bool  // visitors knock
	host, visitor int64 // when the host and the first visitor come in
	knock         int64 // when the first visitor knocks, if they do
}

// planDoor plans the beginning of a meeting. Where visitors walk in, the host is
// late one time in three. Where they knock, the host is there first and lets them
// in, which those wait for who knocked before.
func planDoor(seed uint64) door {
	dice := dice(mix(seed + 3))
	second := time.Second.Milliseconds()
	early := func(most int64) int64 {
		u := dice.unit()
		return second + int64(u*u*float64(most))
	}
	d := door{locked: seed&waitingRoom != 0}
	switch {
	case d.locked:
		d.host, d.knock = early(5*minute), planWait(dice.unit())
	case dice.chance(0.35):
		d.visitor = planWait(dice.unit())
	default:
		d.host = early(3 * minute)
	}
	return d
}

// planWait makes a wait of 3 s to 15 minutes of a number from 0 to 1. Half of
// them are under 2 minutes.
func planWait(u float64) int64 {
	return 3*time.Second.Milliseconds() + int64(u*u*u*float64(15*minute-3*time.Second.Milliseconds()))
}

// planLead returns how long before its start a planned session is first heard of.
func planLead(seed uint64) int64 {
	d := planDoor(seed)
	return max(d.host, d.visitor, d.knock)
}

// planKnocks returns those who knock at the door of a planned session and give up.
func planKnocks(seed uint64, start, end int64) []knock {
	if seed&waitingRoom == 0 {
		return nil
	}
	dice := dice(mix(seed + 4))
	opens := start - planLead(seed)
	var knocks []knock
	for len(knocks) < 3 && dice.chance(0.3) {
		k := knock{at: opens + dice.upTo(end-opens)}
		k.until = min(end, k.at+planWait(dice.unit()))
		knocks = append(knocks, k)
	}
	return knocks
}

// planPerson makes up who a planned connection is.
func planPerson(seed uint64, i int, l leg) Participant {
	p := Participant{Role: l.role, Rating: l.rating}
	switch {
	case whereby.IsMachine(l.role):
		return p
	case l.role == whereby.RoleHost:
		p.DisplayName = fmt.Sprintf("Host %d", 1+planDoctor(seed))
	default:
		p.DisplayName = planVisitor(seed, i)
		p.DialIn = planDialIn(seed, i)
		p.ExternalID = fmt.Sprintf("%s%d", externalPrefix, planExternal(seed, i))
	}
	p.Metadata = planMetadata(seed)
	if l.rating != 0 && l.rating < 3 {
		// Who rates low has a reason as a rule.
		p.Tags, p.Network = []string{"audio-quality"}, CongestedNetwork
		if seed&1 != 0 {
			p.Tags, p.Network = append(p.Tags, "video-quality"), LossyMobileNetwork
		}
	}
	return p
}

// planCaller makes up who knocks in vain.
func planCaller(seed uint64, i int) Knock {
	i += 100 // none of the participants
	return Knock{
		DisplayName: planVisitor(seed, i),
		ExternalID:  fmt.Sprintf("%s%d", externalPrefix, planExternal(seed, i)),
		Metadata:    planMetadata(seed),
	}
}

func planVisitor(seed uint64, i int) string {
	return fmt.Sprintf("Visitor %d", 1+mix(seed+uint64(i))%99)
}

// planDialIn reports whether a visitor comes by telephone, as one in twenty does.
func planDialIn(seed uint64, i int) bool { return mix(seed+6+uint64(i)<<32)%20 == 0 }

func planDoctor(seed uint64) uint64 { return mix(seed+5) % 40 }

// planMetadata is what the embedding application gives clients: nothing, where
// it has no waiting rooms.
func planMetadata(seed uint64) string {
	if seed&waitingRoom == 0 {
		return ""
	}
	doctor := planDoctor(seed)
	return fmt.Sprintf("clinic=%s;doctor=%d", [...]string{"north", "east", "south", "west"}[doctor%4], 1+doctor)
}

// externalPrefix begins the external IDs of planned visitors.
const externalPrefix = "customer-"

func planExternal(seed uint64, i int) uint64 { return 1000 + mix(seed^uint64(i)<<32)%900_000 }

// planHolds reports whether a visitor of a planned session may have an external ID.
func planHolds(seed uint64, external string) bool {
	text, ok := strings.CutPrefix(external, externalPrefix)
	number, err := strconv.ParseUint(text, 10, 64)
	if !ok || err != nil {
		return false
	}
	for i := range maxPlanned {
		if planExternal(seed, i) == number {
			return true
		}
	}
	return false
}

// maxPlanned bounds the connections of a planned session.
const maxPlanned = 16
