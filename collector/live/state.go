package live

// Each of these methods describes a part of the state, for writing and reading. The state
// does not contain what can be computed from it: the sums by prefix, and how many wait.

func (c *codec) ids(m *map[hash]struct{}) {
	n := c.size(len(*m))
	if !c.reading {
		for id := range *m {
			c.hash(&id)
		}
		return
	}
	if n > len(c.bytes)/len(hash{}) {
		c.damage()
		return
	}
	*m = make(map[hash]struct{}, n)
	for range n {
		var id hash
		c.hash(&id)
		(*m)[id] = struct{}{}
	}
}

func (c *codec) prefix(p *prefix) {
	c.text(&p.label)
	c.times(&p.lastEvent)
	c.byRole(&p.joins)
	c.byRole(&p.leaves)
	c.figures(p.recordings[:])
	c.figures(p.transcriptions[:])
	c.peak(&p.peak)
	if c.version >= 4 {
		c.peak(&p.fullest)
		if c.whole(&p.dialIns); p.dialIns < 0 {
			c.damage()
		}
	}
}

func (c *codec) peak(p *peak) {
	n := c.size(len(p.values))
	if c.reading {
		p.values = make([]lasting, n)
	}
	for i := range p.values {
		c.whole(&p.values[i].value)
		c.times(&p.values[i].until)
	}
}

// byRole writes or reads a figure for each role. Version 1 had none for assistants: they are
// included in "other", and stay there.
func (c *codec) byRole(b *ByRole) {
	c.figures(b[:assistant])
	if c.version >= 2 {
		c.figures(b[assistant:otherRole])
	}
	c.figures(b[otherRole:])
}

func (c *codec) room(r *room) {
	c.text(&r.name)
	c.byRole(&r.clients)
	c.headcount(&r.newest)
	c.eventTimes(&r.floor, &r.started, &r.ended)
	c.times(&r.checked, &r.doubted, &r.heard)
	if c.version >= 2 {
		c.whole(&r.ends)
		c.flag(&r.endKnown)
		c.headcount(&r.prior)
		c.rivals(r)
	}
	c.headcount(&r.settled)
	c.eventTimes(&r.meeting.since, &r.meeting.visitor, &r.meeting.host)
	c.flag(&r.meeting.observed)
	n := c.size(len(r.unsettled))
	if c.reading && n > 0 {
		r.unsettled = make([]headcount, n)
	}
	for i := range r.unsettled {
		c.headcount(&r.unsettled[i])
	}
	c.visits(r)
	c.meter(&r.meter)
}

func (c *codec) rivals(r *room) {
	n := c.size(len(r.rivals))
	if c.reading && n > 0 {
		if n > maxUnsettled {
			c.damage()
			return
		}
		r.rivals = make([]count, n)
	}
	for i := range r.rivals {
		c.headcount(&r.rivals[i].headcount)
		c.byRole(&r.rivals[i].clients)
	}
}

func (c *codec) meter(to **meter) {
	there := *to != nil
	c.flag(&there)
	if !there {
		return
	}
	if c.reading {
		*to = &meter{}
	}
	m := *to
	c.wholes(&m.base, &m.missed, &m.shown)
	c.times(&m.settled)
	c.eventTimes(&m.folded)
	c.whole(&m.carried)
	c.flag(&m.known)
	c.flag(&m.met)
	c.segmentMinutes(&m.carriedSegments)
	n := c.size(len(m.marks))
	if c.reading && n > 0 {
		if n > len(c.bytes)/len(hash{}) {
			c.damage()
			return
		}
		m.marks = make([]meterMark, n)
	}
	for i := range m.marks {
		mark := &m.marks[i]
		kind := int64(mark.kind)
		c.eventTimes(&mark.at)
		c.wholes(&mark.people, &kind, &mark.segment)
		if c.version >= 2 {
			c.whole(&mark.assistants)
			c.flag(&mark.assistant)
		}
		c.hash(&mark.who)
		if kind < int64(markJoin) || kind > int64(markEnded) || mark.people < unknownPeople || mark.people > maxPeople ||
			mark.assistants < 0 || mark.assistants > maxPeople {
			c.damage()
			return
		}
		mark.kind = markKind(kind)
		if i > 0 && mark.at < m.marks[i-1].at {
			c.damage()
			return
		}
	}
}

func (c *codec) segmentMinutes(s *segmentMinutes) {
	n := c.size(len(*s))
	if c.reading && n > 0 {
		*s = make(segmentMinutes, n)
	}
	for i := range *s {
		c.wholes(&(*s)[i].segment, &(*s)[i].minutes)
	}
}

// segments writes or reads the table. Before version 3, segments had no times and were not
// forgotten.
func (c *codec) segments(t *segmentTable, now int64) {
	n := c.size(len(t.names))
	for i := range n {
		name, used := "", now
		if !c.reading {
			name, used = t.names[i], t.used[i]
		}
		c.text(&name)
		if c.version >= 3 {
			c.times(&used)
		}
		if c.reading && !c.damaged {
			t.names, t.used = append(t.names, name), append(t.used, used)
			if name != "" {
				t.numbers[name] = int64(i + 1)
			}
		}
	}
	n = c.size(len(t.sums))
	if !c.reading {
		for key, total := range t.sums {
			c.text(&key.prefix)
			c.wholes(&key.segment, &total.minutes, &total.highest)
		}
		return
	}
	for range n {
		var key segmentKey
		var total segmentTotal
		c.text(&key.prefix)
		c.wholes(&key.segment, &total.minutes, &total.highest)
		c.known(t, key.segment, false)
		if c.damaged {
			return
		}
		t.sums[key] = &total
	}
}

// known checks that the number of a segment has a name. 0 is valid if none is true.
func (c *codec) known(t *segmentTable, segment int64, none bool) {
	if segment < 0 || segment > int64(len(t.names)) || segment == 0 && !none || segment > 0 && t.numbers[t.names[segment-1]] != segment {
		c.damage()
	}
}

func (c *codec) visits(r *room) {
	n := c.size(len(r.visits))
	if !c.reading {
		for id, v := range r.visits {
			c.hash(&id)
			c.visit(&v)
		}
		return
	}
	if n > 0 {
		r.visits = map[hash]visit{}
	}
	for range n {
		var id hash
		var v visit
		c.hash(&id)
		c.visit(&v)
		if c.damaged {
			return
		}
		r.visits[id] = v
	}
}

func (c *codec) visit(v *visit) {
	c.eventTimes(&v.knocked, &v.ended)
	c.times(&v.heard)
	used := c.size(int(v.used))
	if used > len(v.marks) {
		c.damage()
		return
	}
	v.used = int8(used)
	for i := range v.marks[:used] {
		m := &v.marks[i]
		end := int64(m.outcome)
		c.eventTimes(&m.at)
		c.whole(&end)
		if end < int64(knock) || end > int64(cancelled) {
			c.damage()
			return
		}
		m.outcome = outcome(end)
	}
}

func (c *codec) headcount(h *headcount) {
	change, of := int64(h.change), int64(h.role)
	c.eventTimes(&h.at)
	c.times(&h.arrived)
	c.wholes(&h.total, &change)
	c.hash(&h.id)
	if c.version >= 2 {
		c.whole(&of)
	}
	if change < -1 || change > 1 || h.total < unknownTotal || of < 0 || of >= int64(roles) {
		c.damage()
		return
	}
	h.change, h.role = int8(change), role(of)
}

func (c *codec) flag(b *bool) {
	var n int64
	if *b {
		n = 1
	}
	c.whole(&n)
	*b = n != 0
}
