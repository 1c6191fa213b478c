package wherebytest

import (
	"slices"
	"time"
)

// DemoOptions describes a demo account. The zero value is usable.
type DemoOptions struct {
	// Config configures the account. A Lag of 0 means 5 s, so that there is something to see
	// soon. Rooms always expire.
	Config Config
	// History is how far back sessions go; 0 means 180 days.
	History time.Duration
	// Rate multiplies the number of meetings; 0 means 1.
	Rate float64
}

// Demo returns an account that simulates realistic activity. A few customers have permanent
// rooms, with half a year of meetings in them, and rooms for single meetings that are booked
// an hour ahead and expire. Three to ten sessions start each minute, most of them in office
// hours; some are recorded, a few are streamed. Now and then, a host is some minutes late. In
// the rooms of globex-clinic-, visitors knock and wait, some give up, and many have poor
// networks. The account stays active for as long as it is used; now should be time.Now().
//
// The same seed and time give the same account, with the same events. Rooms for single
// meetings are gone a day after them, so the account keeps its size. The data for
// [Account.Truth] and [Account.Events] grows by about one and a half megabytes per day.
func Demo(seed uint64, now time.Time, opts DemoOptions) *Account {
	cfg := opts.Config
	if cfg.Lag == 0 {
		cfg.Lag = 5 * time.Second
	}
	cfg.ExpireRooms = true
	if opts.History == 0 {
		opts.History = 180 * 24 * time.Hour
	}
	if opts.Rate == 0 {
		opts.Rate = 1
	}
	a := New(cfg)
	begins := millis(now.Add(-opts.History))
	d := &demo{
		seed:      seed,
		rate:      opts.Rate,
		begins:    begins,
		now:       millis(now),
		planned:   begins / minute,
		customers: demoCustomers(),
	}
	a.salt = mix(seed ^ uint64(d.now))
	// One customer whose calls are visibly poor.
	a.networks = append(a.networks, networkMix{"/globex-clinic-", begins,
		NetworkMix{Good: 40, Spiky: 10, Congested: 20, LossyMobile: 30}})
	d.furnish(a)
	a.demo = d
	d.extend(a, d.now)
	for _, r := range a.rooms {
		a.settle(r, d.now)
	}
	d.alive = true
	return a
}

// demo plans the life of a demo account minute by minute, an hour ahead.
type demo struct {
	seed      uint64
	rate      float64
	begins    int64
	now       int64     // when the account was made
	planned   int64     // the first minute since 1970 without a plan
	alive     bool      // rooms are settled as sessions are planned
	hour      int64     // that weights are for
	weights   []float64 // of the customers, for choosing one
	peak      float64   // sessions a minute in that hour, once business has grown
	customers []customer
	legs      []leg // scratch
}

// customer is who rooms belong to.
type customer struct {
	prefix string
	weight float64 // sessions a minute in the middle of the day
	zone   int64   // hours ahead of UTC
	rooms  int     // permanent ones with a random part in the name
	named  []string
	once   float64 // share of meetings that have a room of their own
	knock  bool    // rooms have a waiting room, where visitors knock

	permanent []*room
}

func demoCustomers() []customer {
	return []customer{
		{prefix: "acme-", weight: 1.7, zone: 0, rooms: 60, once: 0.15},
		{prefix: "acme-eu-", weight: 0.9, zone: 1, rooms: 30, once: 0.18},
		{prefix: "acme-us-", weight: 0.9, zone: -5, rooms: 30, once: 0.18},
		{prefix: "globex-", weight: 1.3, zone: 2, rooms: 45, once: 0.12},
		{prefix: "globex-clinic-", weight: 1.0, zone: 1, rooms: 30, once: 0.36, knock: true},
		{prefix: "initech-", weight: 0.7, zone: -8, rooms: 25, once: 0.06},
		{prefix: "initech-labs-", weight: 0.4, zone: 8, rooms: 10, once: 0.06},
		{weight: 0.2, zone: 0, named: []string{"/standup", "/all-hands", "/interviews", "/support-desk"}},
	}
}

// furnish adds the permanent rooms.
func (d *demo) furnish(a *Account) {
	dice := dice(mix(d.seed))
	for i := range d.customers {
		c := &d.customers[i]
		names := slices.Clone(c.named)
		for range c.rooms {
			names = append(names, "/"+c.prefix+uuid(dice.roll(), 3))
		}
		for _, name := range names {
			// Some were there before anything else, some came with the growth.
			created := d.begins
			if dice.chance(0.5) {
				created += int64(float64(d.now-d.begins) * 0.8 * dice.unit())
			}
			c.permanent = append(c.permanent, a.addRoom(Room{Name: name, CreatedAt: moment(created)}, d.now))
		}
	}
}

// ahead is how far ahead meetings are planned, in minutes.
const ahead = 60

func (d *demo) extend(a *Account, now int64) {
	for ; d.planned < now/minute+ahead; d.planned++ {
		d.plan(a, d.planned, now)
	}
}

// plan makes the sessions that start in a minute. Nothing but the seed and the
// minutes before decide on them, however often the account is asked.
func (d *demo) plan(a *Account, at, now int64) {
	dice := dice(mix(d.seed) ^ mix(uint64(at)))
	rate := d.rateAt(at)
	n := int(rate*(0.7+0.6*dice.unit()) + dice.unit())
	for range n {
		c := d.pick(&dice)
		start := at*minute + dice.upTo(minute)
		seed := dice.roll()&^waitingRoom | 1
		if c.knock {
			seed |= waitingRoom
		}
		once := dice.chance(c.once)
		if once {
			d.planOnce(a, c, start, seed, now)
		} else if r := c.free(&dice, start-planLead(seed)); r != nil {
			d.add(a, r, start, seed, now)
		}
	}
}

// free finds a permanent room for a meeting that begins at a time, some far more
// often than others; nil if those it tries are taken or do not exist yet.
func (c *customer) free(dice *dice, begins int64) *room {
	for range 8 {
		r := c.permanent[int(float64(len(c.permanent))*dice.unit()*dice.unit())]
		rows := r.history().rows
		if r.created <= begins && (len(rows) == 0 || rows[len(rows)-1].end+minute <= begins) {
			return r
		}
	}
	return nil
}

// planOnce books a room for one meeting.
func (d *demo) planOnce(a *Account, c *customer, start int64, seed uint64, now int64) {
	booked := start/minute*minute - ahead*minute - int64(seed>>8%20_000)
	ends := (planEnd(seed, start)/(30*minute) + 1) * 30 * minute
	if !d.alive && ends+expiry.Milliseconds() < d.now {
		return // gone before the account was made
	}
	name := "/" + c.prefix + uuid(mix(seed), 4)
	r := a.addRoom(Room{Name: name, CreatedAt: moment(booked), EndAt: moment(ends)}, booked)
	d.add(a, r, start, seed, now)
}

func (d *demo) add(a *Account, r *room, start int64, seed uint64, now int64) {
	s := &session{start: start, end: planEnd(seed, start), plan: seed}
	d.legs = planLegs(d.legs[:0], seed, s.start, s.end)
	p := r.history()
	if s.end+tail >= d.now {
		a.meetings.add(located{r, s}, start-planLead(seed), s.end+tail)
	}
	if !d.alive {
		if _, _, final := s.show(a.progress(r, s, a.horizonOf(EndpointRooms, r, d.now)), d.legs); final {
			p.place(s)
			p.settled = p.settled.Add(s.totals)
			return
		}
		s.totals = Totals{}
	}
	s.detail = &detail{legs: slices.Clone(d.legs)}
	p.insert(s)
	if d.alive {
		a.settle(r, now)
	}
}
