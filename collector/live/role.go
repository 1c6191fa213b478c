package live

import (
	"iter"

	"whereby_exporter/whereby"
)

// role is a client's role. Undocumented roles count under one name, so that the number of
// series is bounded.
type role uint8

const (
	owner role = iota
	member
	host
	visitor
	grantedVisitor
	viewer
	grantedViewer
	recorder
	streamer
	captioner
	assistant
	otherRole
	roles // the number of roles
)

var roleNames = [roles]string{
	owner:          whereby.RoleOwner,
	member:         whereby.RoleMember,
	host:           whereby.RoleHost,
	visitor:        whereby.RoleVisitor,
	grantedVisitor: whereby.RoleGrantedVisitor,
	viewer:         whereby.RoleViewer,
	grantedViewer:  whereby.RoleGrantedViewer,
	recorder:       whereby.RoleRecorder,
	streamer:       whereby.RoleStreamer,
	captioner:      whereby.RoleCaptioner,
	assistant:      whereby.RoleAssistant,
	otherRole:      "other",
}

// Roles returns the values of the label role: the documented ones, and "other".
func Roles() []string { return append([]string(nil), roleNames[:]...) }

func roleOf(name string) role {
	for i, documented := range roleNames[:otherRole] {
		if name == documented {
			return role(i)
		}
	}
	return otherRole
}

// hosts reports whether the role runs a meeting, visits whether it waits for one.
func (r role) hosts() bool  { return r <= host }
func (r role) visits() bool { return visitor <= r && r <= grantedViewer }

// person and billed are [whereby.IsPerson] and [whereby.BilledAs] for a role. They are the same
// for all roles that count as "other".
func (r role) person() bool { return whereby.IsPerson(roleNames[r]) }
func (r role) billed() bool { return whereby.BilledAs(roleNames[r]) == whereby.BilledAsParticipant }

// ByRole holds a figure for each of Roles, in the same order.
type ByRole [roles]int64

// All yields the figures by role name, including zeros.
func (b ByRole) All() iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		for i, n := range b {
			if !yield(roleNames[i], n) {
				return
			}
		}
	}
}

// Get returns the figure of a role by its name. Undocumented roles are "other".
func (b ByRole) Get(name string) int64 { return b[roleOf(name)] }

// Sum returns the sum over all roles.
func (b ByRole) Sum() int64 {
	var sum int64
	for _, n := range b {
		sum += n
	}
	return sum
}

// people returns the sum over the roles of people.
func (b *ByRole) people() int64 {
	var sum int64
	for i, n := range b {
		if role(i).person() {
			sum += n
		}
	}
	return sum
}

// billedMachines returns the sum over the roles of machines that are billed like people.
func (b *ByRole) billedMachines() int64 {
	var sum int64
	for i, n := range b {
		if r := role(i); !r.person() && r.billed() {
			sum += n
		}
	}
	return sum
}

func byRole(clients map[string]int) ByRole {
	var b ByRole
	for name, n := range clients {
		b[roleOf(name)] += int64(n)
	}
	return b
}
