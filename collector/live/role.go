package live

import "iter"

// role is a client's role. Those that Whereby may add count under one name, so that
// the number of series is bounded.
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
	otherRole
	roles // the number of roles
)

var roleNames = [roles]string{
	"owner", "member", "host", "visitor", "granted_visitor", "viewer", "granted_viewer",
	"recorder", "streamer", "captioner", "other",
}

// Roles are the values of the label role: the documented ones, and "other".
func Roles() []string { return append([]string(nil), roleNames[:]...) }

func roleOf(name string) role {
	switch name {
	case "owner":
		return owner
	case "member":
		return member
	case "host":
		return host
	case "visitor":
		return visitor
	case "granted_visitor":
		return grantedVisitor
	case "viewer":
		return viewer
	case "granted_viewer":
		return grantedViewer
	case "recorder":
		return recorder
	case "streamer":
		return streamer
	case "captioner":
		return captioner
	}
	return otherRole
}

// hosts tells whether the role runs a meeting, visits whether it waits for one.
func (r role) hosts() bool  { return r <= host }
func (r role) visits() bool { return visitor <= r && r <= grantedViewer }

// ByRole holds a figure for each of Roles, in that order.
type ByRole [roles]int64

// All yields the figures by the role's name, zeros too.
func (b ByRole) All() iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		for i, n := range b {
			if !yield(roleNames[i], n) {
				return
			}
		}
	}
}

// Get is the figure of a role by its name; a role that is not documented is "other".
func (b ByRole) Get(name string) int64 { return b[roleOf(name)] }

// Sum is that of all roles.
func (b ByRole) Sum() int64 {
	var sum int64
	for _, n := range b {
		sum += n
	}
	return sum
}

// people is the sum of the roles that are no machines: see whereby.IsMachine.
func (b *ByRole) people() int64 {
	return b.Sum() - b[recorder] - b[streamer] - b[captioner]
}

func byRole(clients map[string]int) ByRole {
	var b ByRole
	for name, n := range clients {
		b[roleOf(name)] += int64(n)
	}
	return b
}
