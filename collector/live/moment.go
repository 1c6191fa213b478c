package live

import "slices"

// step is an event as the counts before and after it.
type step[N comparable] struct{ from, to N }

// maxSteps bounds the events of one moment that are sorted.
const maxSteps = 64

// chain sorts the steps of one moment so that each begins where the previous one ends: events
// with the same time happened in such an order. If the steps form a circle, it begins at
// before, if known is true. If there are several such orders, or none because events were
// lost, the given order is kept as far as possible. whole reports whether each step follows
// from the previous one.
func chain[N comparable](steps []step[N], before N, known bool) (order []int, whole bool) {
	if len(steps) > maxSteps {
		for i := range steps {
			order = append(order, i)
		}
		return order, false
	}
	used := make([]bool, len(steps))
	for len(order) < len(steps) {
		order = append(order, walk(steps, used, first(steps, used, before, known))...)
	}
	whole = true
	for i := 1; i < len(order); i++ {
		whole = whole && steps[order[i]].from == steps[order[i-1]].to
	}
	return order, whole
}

// first returns where a walk over the unused steps begins.
func first[N comparable](steps []step[N], used []bool, before N, known bool) N {
	more := map[N]int{} // the number of steps that begin there, less those that end there
	for i, s := range steps {
		if !used[i] {
			more[s.from]++
			more[s.to]--
		}
	}
	begin := -1
	for i, s := range steps {
		switch {
		case used[i]:
			continue
		case more[s.from] > 0:
			return s.from
		case begin < 0 || known && s.from == before && steps[begin].from != before:
			begin = i
		}
	}
	return steps[begin].from
}

// walk returns the unused steps that can be reached, each once, including circles on the way.
// It marks them as used.
func walk[N comparable](steps []step[N], used []bool, from N) []int {
	type place struct {
		at N
		by int // the step that leads here
	}
	path := []place{{from, -1}}
	var order []int
	for len(path) > 0 {
		here := path[len(path)-1]
		next := -1
		for i, s := range steps {
			if !used[i] && s.from == here.at {
				next = i
				break
			}
		}
		if next >= 0 {
			used[next] = true
			path = append(path, place{steps[next].to, next})
			continue
		}
		path = path[:len(path)-1]
		if here.by >= 0 {
			order = append(order, here.by)
		}
	}
	slices.Reverse(order)
	return order
}

// count is a headcount with its roles.
type count struct {
	headcount
	clients ByRole
}

// roles returns the roles before and after the event. ok is false if they do not include the
// event's own client.
func (c *count) roles() (s step[ByRole], ok bool) {
	s = step[ByRole]{from: c.clients, to: c.clients}
	s.from[c.role] -= int64(c.change)
	return s, s.from[c.role] >= 0
}

// totals returns the totals before and after the event.
func (h *headcount) totals() step[int64] { return step[int64]{h.total - int64(h.change), h.total} }

// lastOf returns the index of the last count of a moment. prior is the headcount before it.
func lastOf(counts []count, prior headcount) int {
	known := prior.at != 0
	byRole := make([]step[ByRole], len(counts))
	byTotal := make([]step[int64], len(counts))
	told := true
	for i := range counts {
		byTotal[i] = counts[i].totals()
		s, ok := counts[i].roles()
		byRole[i], told = s, told && ok
	}
	order, whole := chain(byTotal, prior.total, known)
	if told && whole {
		// Roles are more precise than totals, unless one changed without an event. Among counts
		// with the same total, any can be the first.
		begin := byRole[order[0]].from
		if exact, follows := chain(byRole, begin, true); follows && byTotal[exact[0]].from == byTotal[order[0]].from {
			order = exact
		}
	}
	return order[len(order)-1]
}

// arrange sorts the unsettled headcounts of each moment, starting at the i-th.
func (r *room) arrange(i int) {
	for i < len(r.unsettled) {
		end := i + 1
		for end < len(r.unsettled) && r.unsettled[end].at == r.unsettled[i].at {
			end++
		}
		if end > i+1 {
			before, known := r.totalBefore(r.unsettled[i].at)
			group := slices.Clone(r.unsettled[i:end])
			slices.SortFunc(group, headcount.compare)
			for j, of := range inOrder(group, before.total, known) {
				r.unsettled[i+j] = group[of]
			}
		}
		i = end
	}
}

// inOrder returns the order of the headcounts of one moment. before is the total before it, if
// known is true. Headcounts without a total come where they explain a difference, or last.
func inOrder(group []headcount, before int64, known bool) (order []int) {
	var steps []step[int64]
	var with, without []int
	for i := range group {
		if group[i].total == unknownTotal {
			without = append(without, i)
			continue
		}
		with, steps = append(with, i), append(steps, group[i].totals())
	}
	chained, _ := chain(steps, before, known)
	total := before
	for i, of := range chained {
		s := steps[of]
		for (known || i > 0) && total != s.from {
			j := slices.IndexFunc(without, func(w int) bool { return group[w].change > 0 == (s.from > total) })
			if j < 0 {
				break
			}
			total += int64(group[without[j]].change)
			order = append(order, without[j])
			without = slices.Delete(without, j, j+1)
		}
		order, total = append(order, with[of]), s.to
	}
	return append(order, without...)
}

// totalBefore returns the headcount before a moment, if it is known.
func (r *room) totalBefore(at int64) (before headcount, known bool) {
	before, known = r.settled, r.settled.at != 0
	for _, h := range r.unsettled {
		if h.at >= at {
			break
		}
		if h.total == unknownTotal {
			if !known {
				continue
			}
			h.total = max(0, before.total+int64(h.change))
		}
		before, known = h, true
	}
	return before, known
}

// take applies an event with a count. Unless it is older than the newest event, it ends a doubt.
func (t *Tracker) take(r *room, c count) {
	told, changes := r.told(), r.changes()
	switch {
	case c.at > told.at:
		r.prior = told.headcount
		if r.floor >= told.at {
			r.prior = headcount{at: r.floor}
		} else if told.at != 0 {
			earlier := slices.DeleteFunc(slices.Clone(changes), func(h headcount) bool { return h.at >= c.at })
			now, _ := r.after(told, earlier)
			r.prior = now.headcount
			r.prior.total = now.clients.Sum()
		}
		told, r.rivals = c, nil
		changes = slices.DeleteFunc(changes, func(h headcount) bool { return h.at < c.at })
	case c.at == told.at && len(r.rivals) < maxUnsettled:
		r.rivals = append(r.rivals, c)
	}
	t.derive(r, told, changes)
	if c.at == r.newest.at {
		r.doubted = 0
	}
}

// updatePrior updates prior if the headcount before the newest moment with a count arrived late.
func (r *room) updatePrior(at int64) {
	if before, known := r.totalBefore(at); known && before.at < at && before.at >= r.prior.at {
		r.prior = before
	}
}

// choose returns the last event with a count of told's moment, and makes the others its rivals.
// rest are the changes of that moment after it.
func (r *room) choose(told count, changes []headcount) (last count, rest []headcount) {
	if len(r.rivals)+len(changes) == 0 {
		return told, nil
	}
	counts := append([]count{told}, r.rivals...)
	slices.SortFunc(counts, func(a, b count) int { return a.compare(b.headcount) })
	var i int
	if len(changes) == 0 {
		i = lastOf(counts, r.prior)
	} else {
		i, rest = lastAmong(counts, changes, r.prior)
	}
	last = counts[i]
	r.rivals = slices.Delete(counts, i, i+1)
	return last, rest
}

// lastAmong is lastOf for a moment that also has changes. rest are the changes after the last
// count.
func lastAmong(counts []count, changes []headcount, prior headcount) (i int, rest []headcount) {
	group := slices.Clone(changes)
	for i := range counts {
		group = append(group, counts[i].headcount)
	}
	slices.SortFunc(group, headcount.compare)
	for _, of := range inOrder(group, prior.total, prior.at != 0) {
		told := slices.IndexFunc(counts, func(c count) bool { return c.headcount == group[of] })
		if told < 0 {
			rest = append(rest, group[of])
			continue
		}
		i, rest = told, nil
	}
	return i, rest
}
