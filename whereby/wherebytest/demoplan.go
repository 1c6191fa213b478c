package wherebytest

import "whereby_exporter/whereby"

// rateAt returns the number of sessions to start in a minute, and brings the
// customers' weights up to its hour.
func (d *demo) rateAt(at int64) float64 {
	if hour := at / 60; d.weights == nil || hour != d.hour {
		d.hour, d.weights, d.peak = hour, d.weights[:0], 0
		for i := range d.customers {
			c := &d.customers[i]
			busy := activity(hour + c.zone)
			d.peak += c.weight * busy
			// The few who meet at night are spread, as their rooms are.
			d.weights = append(d.weights, c.weight*max(busy, 0.2))
		}
	}
	// Business grew to what it is when the account was made.
	age := float64(at*minute-d.begins) / float64(max(1, d.now-d.begins))
	rate := d.peak * (0.25 + 0.75*min(1, age))
	// From a day before on it never rests, so that there is always something to
	// be seen; a day, so that no step shows where the demo begins.
	if at*minute > d.now-26*60*minute {
		rate = max(rate, 3.4)
	}
	return rate * d.rate
}

// activity is how busy people are in an hour since 1970, local time, from 0 to 1.
func activity(hour int64) float64 {
	shape := [24]float64{
		0.02, 0.02, 0.02, 0.02, 0.02, 0.05, 0.1, 0.35, 0.8, 1, 1, 0.95,
		0.6, 0.8, 1, 0.95, 0.85, 0.6, 0.35, 0.25, 0.15, 0.1, 0.05, 0.03,
	}
	busy := shape[hour%24]
	if day := (hour/24 + 4) % 7; day == 0 || day == 6 { // 1 January 1970 was a Thursday
		busy *= 0.15
	}
	return busy
}

// pick chooses a customer by weight.
func (d *demo) pick(dice *dice) *customer {
	var sum float64
	for _, w := range d.weights {
		sum += w
	}
	at := sum * dice.unit()
	for i, w := range d.weights {
		if at -= w; at < 0 {
			return &d.customers[i]
		}
	}
	return &d.customers[0]
}

// planEnd returns the end of a planned session.
func planEnd(seed uint64, start int64) int64 {
	dice := dice(mix(seed + 1))
	length := 5*minute + dice.upTo(20*minute)
	if dice.chance(0.4) {
		length += dice.upTo(35 * minute)
	}
	return start + length
}

// planLegs appends the connections of a planned session: the host, then visitors.
// With the later of the first two the session starts.
func planLegs(legs []leg, seed uint64, start, end int64) []leg {
	dice := dice(mix(seed + 2))
	door := planDoor(seed)
	length := end - start
	n := 2
	for n < 9 && dice.chance(0.45) {
		n++
	}
	for i := range n {
		l := leg{joined: start, left: end, role: "visitor"}
		switch i {
		case 0:
			l.role = "host"
			l.joined -= door.host
		case 1:
			l.joined -= door.visitor
		default:
			l.joined += dice.upTo(length / 4)
		}
		if i > 0 && door.locked {
			l.role = "granted_visitor"
			l.knocked = max(start-door.knock, l.joined-planWait(dice.unit()))
		}
		if i > 0 {
			l.left -= dice.upTo(length / 6)
		}
		if dice.chance(0.25) {
			l.rating = 5
			for l.rating > 1 && dice.chance(0.35) {
				l.rating--
			}
		}
		legs = append(legs, l)
	}
	if dice.chance(0.12) {
		legs = append(legs, leg{joined: start + dice.upTo(length/5), left: end, role: RoleRecorder})
	}
	if dice.chance(0.02) {
		legs = append(legs, leg{joined: start + dice.upTo(length/5), left: end, role: RoleStreamer})
	}
	if dice.chance(0.03) {
		legs = append(legs, leg{joined: start + dice.upTo(length/5), left: end, role: whereby.RoleAssistant})
	}
	return legs
}

// dice is a small random number generator: seeding one costs nothing, and a demo
// seeds hundreds of thousands.
type dice uint64

func (d *dice) roll() uint64 {
	*d += 0x9e3779b97f4a7c15
	return mix(uint64(*d))
}

// unit returns a number from 0 to less than 1.
func (d *dice) unit() float64 { return float64(d.roll()>>11) / (1 << 53) }

func (d *dice) chance(p float64) bool { return d.unit() < p }

func (d *dice) upTo(n int64) int64 { return int64(d.roll() % uint64(max(1, n))) }
