package wherebytest

import (
	"slices"
	"strings"
)

// Fault is something that goes wrong. Create one with a constructor such as [Status], restrict
// it with its methods, each of which returns a modified copy, and pass it to [Account.Inject].
//
// Of the matching faults that replace the response, only the first injected one takes effect;
// the others keep their counts, so that they follow one after another. Faults that modify a
// response all take effect, in the order in which they were injected. Those that modify rows
// wait while the response is replaced.
//
// Faults do not affect requests that are rejected for a wrong key or because no points are
// left.
type Fault struct {
	kind     faultKind
	endpoint string
	page     int
	after    int
	times    int
	when     func(q *query) bool

	ask     func(q *query)                     // changes what is asked for
	replace func(a *Account, q *query) *answer // answers instead
	spoil   func(q *query, x *answer)          // changes the answer
}

type faultKind int

const (
	replaces    faultKind = iota // gives another answer
	changesRows                  // changes an answer that holds rows
	changesAny                   // changes any answer
)

// Times limits the fault to n requests; 0 means until it is cleared.
func (f Fault) Times(n int) Fault { f.times = n; return f }

// On limits the fault to an endpoint, one of the endpoint constants.
func (f Fault) On(endpoint string) Fault { f.endpoint = endpoint; return f }

// Page limits the fault to the n-th page of lists, counting from 1.
func (f Fault) Page(n int) Fault { f.page = n; return f }

// After lets the first n matching requests pass.
func (f Fault) After(n int) Fault { f.after = n; return f }

// armed is a fault in force.
type armed struct {
	Fault
	seen, used int
}

// Inject activates a fault until its count is used up.
func (a *Account) Inject(f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, &armed{Fault: f})
}

// ClearFaults removes all faults.
func (a *Account) ClearFaults() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = nil
}

// faultsFor returns the faults that take effect on a request, and counts them.
func (a *Account) faultsFor(q *query) []*armed {
	var replaced bool
	var found []*armed
	for _, kind := range []faultKind{replaces, changesRows, changesAny} {
		for _, f := range a.faults {
			if f.kind != kind || !f.matches(q) || replaced && kind != changesAny {
				continue
			}
			f.seen++
			if f.seen <= f.after {
				continue
			}
			f.used++
			replaced = replaced || kind == replaces
			found = append(found, f)
		}
	}
	a.faults = slices.DeleteFunc(a.faults, func(f *armed) bool { return f.times > 0 && f.used >= f.times })
	return found
}

func (f *armed) matches(q *query) bool {
	return (f.endpoint == "" || f.endpoint == q.endpoint) &&
		(f.page == 0 || f.page == q.cursor.page) &&
		(f.when == nil || f.when(q))
}

// sortsByLastSession matches requests for rooms by their last session.
func sortsByLastSession(q *query) bool {
	field, _, _ := strings.Cut(q.values.Get("sortBy"), ":")
	return field == "lastSessionStartedAt"
}
