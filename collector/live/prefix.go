package live

// prefix has the sums of the rooms of one label. It is never dropped, because its counters must
// not fall.
type prefix struct {
	label string

	clients ByRole
	people  int64
	rooms   int64 // with someone in them
	waiting int64
	peak    peak
	// sizes counts the rooms by people, and fullest is the peak of the fullest room.
	sizes   sizes
	fullest peak

	joins, leaves  ByRole
	dialIns        int64 // of the joins
	recordings     ByStatus
	transcriptions ByStatus
	lastEvent      int64
}

// replace replaces the clients of a room.
func (p *prefix) replace(before, after *ByRole, now int64) {
	for i := range before {
		p.clients[i] += after[i] - before[i]
	}
	nobody := ByRole{}
	if *before != nobody {
		p.rooms--
	}
	if *after != nobody {
		p.rooms++
	}
	if people := p.clients.people(); people != p.people {
		p.people = people
		p.peak.set(people, now)
	}
	p.sizes.move(before.people(), after.people())
	if largest := p.sizes.largest(); largest != p.fullest.present() {
		p.fullest.set(largest, now)
	}
}

// enter adds the clients of a restored room. They are no new peak.
func (p *prefix) enter(r *room) {
	for i, n := range r.clients {
		p.clients[i] += n
	}
	if r.clients != (ByRole{}) {
		p.rooms++
	}
	p.people = p.clients.people()
	p.sizes.add(r.clients.people(), 1)
}
