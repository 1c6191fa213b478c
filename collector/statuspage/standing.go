package statuspage

import (
	"cmp"
	"math"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/transcriptions"
)

// Standing is the state of a customer's quotas.
type Standing int

// The standings, worst first. Over and Near have the same meaning as in the alerting rules.
const (
	Over    Standing = iota // a quota is used up
	Heading                 // the projection is above a quota
	Near                    // a quota is used up to the customer's near ratio
	Unknown                 // the usage of a quota is not known yet
	Within
	NoQuota
	standings // their number
)

var standingTexts = [standings]struct{ key, text string }{
	Over:    {"over", "Over quota"},
	Heading: {"heading", "Projected over"},
	Near:    {"near", "Near quota"},
	Unknown: {"unknown", "Not known yet"},
	Within:  {"within", "Within quota"},
	NoQuota: {"none", "No quota"},
}

// Key returns the standing as written in addresses and classes.
func (s Standing) Key() string { return standingTexts[s].key }

func (s Standing) String() string { return standingTexts[s].text }

// earliest is the share of a period before which nothing is projected: a busy first
// Monday says little of a month.
const earliest = 0.2

// use is a customer's use of a resource that has a quota.
type use struct {
	resource config.Resource
	// used is the usage if known is true, or else a lower bound of it.
	used  float64
	limit float64
	known bool
	// unread is the number of rooms whose usage is unknown.
	unread int64
	// projected is the expected usage of the whole period. Early in a period, and for live
	// participants, there is none.
	projected float64
	projects  bool
	standing  Standing
}

// ratio returns the share of the quota that is used.
func (u use) ratio() float64 { return share(u.used, u.limit) }

func share(n, limit float64) float64 {
	switch {
	case limit > 0:
		return n / limit
	case n > 0:
		return math.Inf(1)
	}
	return 0
}

// assessed is a customer with its uses and standing.
type assessed struct {
	Customer
	uses     []use // of resources with a quota, in the order of the resources
	standing Standing
}

// worst returns the use that determines the standing.
func (a assessed) worst() (worst use, ok bool) {
	for _, u := range a.uses {
		if !ok || compareUses(u, worst) < 0 {
			worst, ok = u, true
		}
	}
	return worst, ok
}

func compareUses(a, b use) int {
	return cmp.Or(cmp.Compare(a.standing, b.standing), cmp.Compare(b.severity(), a.severity()))
}

// severity compares uses of one standing.
func (u use) severity() float64 {
	if u.standing == Heading {
		return share(u.projected, u.limit)
	}
	return u.ratio()
}

// assess compares a customer's figures with its quotas. asOf is when they were read: while
// polls fail, the period continues and the figures do not.
func assess(c Customer, asOf time.Time, people bool) assessed {
	a := assessed{Customer: c, standing: NoQuota}
	for _, resource := range config.OrganizationResources() {
		limit, ok := c.Quotas[resource]
		// What is stored is not used in a period.
		if !ok || resource == config.RecordingsStoredBytes || resource == config.LiveParticipants && !people {
			continue
		}
		u := use{resource: resource, limit: limit, known: c.Known && c.PeriodUsage.Known()}
		if resource == config.LiveParticipants {
			u.used, u.known = float64(c.People), true
		} else {
			u.used, u.unread = c.amount(resource), c.Unread
			transcribed := c.HasTranscribed && c.Transcribed.Known
			switch resource {
			case config.TranscriptionMinutes:
				u.known, u.unread = transcribed, 0
			case config.BilledMinutes:
				u.known = u.known && transcribed
			}
			u.projected, u.projects = project(u.used, periodOver(c.Period, asOf))
			u.projects = u.projects && u.known
		}
		u.standing = u.judge(c.NearRatio)
		a.uses = append(a.uses, u)
	}
	if worst, ok := a.worst(); ok {
		a.standing = worst.standing
	}
	return a
}

// judge compares a use with its limit. A lower bound can exceed it too.
func (u use) judge(near float64) Standing {
	switch {
	case u.used > 0 && u.used >= u.limit:
		return Over
	case u.projects && u.projected > u.limit:
		return Heading
	case u.limit > 0 && u.ratio() >= near:
		return Near
	case !u.known:
		return Unknown
	}
	return Within
}

// amount returns the usage of a resource that accumulates over a period.
func (c Customer) amount(r config.Resource) float64 {
	switch r {
	case config.ParticipantMinutes:
		return float64(c.Used.ParticipantMinutes)
	case config.RecorderMinutes:
		return float64(c.Used.RecorderMinutes)
	case config.StreamerMinutes:
		return float64(c.Used.StreamerMinutes)
	case config.TranscriptionMinutes:
		return transcriptions.Minutes(c.Transcribed.Used)
	case config.BilledMinutes:
		return float64(c.Used.Billed()) + c.amount(config.TranscriptionMinutes)
	case config.Sessions:
		return float64(c.Used.Sessions)
	}
	return 0
}

// project returns the usage of a whole period if it continues as before.
func project(used, over float64) (float64, bool) {
	if over < earliest {
		return 0, false
	}
	return math.Round(used / min(over, 1)), true
}
