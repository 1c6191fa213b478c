package wherebytest

import "strings"

// Network is the quality of a participant's connection.
type Network int

// The networks. Those are from how Whereby describes poor quality: 3% of loss or more,
// sustained; spikes of 2 to 4 s are normal.
const (
	// AnyNetwork means one chosen at random from the mix of the room.
	AnyNetwork Network = iota
	// GoodNetwork hardly loses anything.
	GoodNetwork
	// SpikyNetwork is good except for spikes of 5% or more for 2 to 4 s.
	SpikyNetwork
	// CongestedNetwork loses 3 to 8% for minutes on end, at a quarter of the bitrate.
	CongestedNetwork
	// LossyMobileNetwork loses 5 to 25% in bursts of half a minute.
	LossyMobileNetwork
)

// String names the network.
func (n Network) String() string {
	names := [...]string{"any", "good", "spiky", "congested", "lossy mobile"}
	if n < 0 || int(n) >= len(names) {
		return "unknown"
	}
	return names[n]
}

// NetworkMix is how frequent each network is, as weights of any size. The zero value means 76
// good, 10 spiky, 8 congested and 6 lossy ones in 100.
type NetworkMix struct {
	Good, Spiky, Congested, LossyMobile uint
}

// draw picks a network by a seed.
func (m NetworkMix) draw(seed uint64) Network {
	if m == (NetworkMix{}) {
		m = NetworkMix{Good: 76, Spiky: 10, Congested: 8, LossyMobile: 6}
	}
	at := uint(mix(seed+7) % uint64(m.Good+m.Spiky+m.Congested+m.LossyMobile))
	for _, of := range []struct {
		weight  uint
		network Network
	}{{m.Good, GoodNetwork}, {m.Spiky, SpikyNetwork}, {m.Congested, CongestedNetwork}} {
		if at < of.weight {
			return of.network
		}
		at -= of.weight
	}
	return LossyMobileNetwork
}

// networkMix is one in force for rooms from a time on.
type networkMix struct {
	start string // of the rooms' names
	from  int64
	mix   NetworkMix
}

// SetNetworks changes the networks of the rooms whose names begin with a prefix, for sessions
// that start from now on: what Insights shows for earlier ones stays. The prefix is without
// the slash; "" means all rooms.
func (a *Account) SetNetworks(prefix string, mix NetworkMix) {
	now := a.lock()
	defer a.mu.Unlock()
	a.networks = append(a.networks, networkMix{"/" + prefix, now, mix})
}

// network tells what a participant's network is like.
func (a *Account) network(l located, p *Participant) Network {
	if p.Network != AnyNetwork {
		return p.Network
	}
	mix := a.cfg.Networks
	for _, m := range a.networks { // the last one counts
		if m.from <= l.session.start && strings.HasPrefix(l.room.name, m.start) {
			mix = m.mix
		}
	}
	return mix.draw(hash(p.ID))
}

// line is a participant's connection to the network.
type line struct {
	seed    uint64
	network Network
	rate    int64 // bits per second, when nothing is wrong
	machine bool  // sends nothing
}

func lineOf(id string, n Network, machine bool) line {
	seed := hash(id)
	return line{seed: seed, network: n, rate: 1_400_000 + int64(seed>>32%800_000), machine: machine}
}

// roll returns a number below n that is the same whenever it is asked for.
func (l line) roll(purpose, i uint64, n int64) int64 {
	return int64(mix(l.seed^purpose<<48^i) % uint64(n))
}

// The purposes of rolls. Both directions of a line are in the same trouble at once, and
// differ in its measure.
const (
	noise = iota + 1
	trouble
	position
)

// block is how many samples a stretch of trouble is long.
func (n Network) block() int {
	if n == LossyMobileNetwork {
		return 15
	}
	return 30
}

// bad reports whether the i-th sample is one of trouble.
func (l line) bad(i int) bool {
	length := l.network.block()
	n := uint64(i / length)
	if l.roll(trouble, n, 2) == 0 {
		return false
	}
	switch l.network {
	case SpikyNetwork:
		// One or two samples, with good ones before and after.
		at := i%length - 5 - int(l.roll(position, n, 15))
		return at == 0 || at == 1 && l.roll(position, n, 2) == 0
	case CongestedNetwork, LossyMobileNetwork:
		return true
	}
	return false
}

// loss returns a sample of packet loss in tenths of a percent.
func (l line) loss(i int, direction uint64, active bool) int64 {
	if !active {
		return 0
	}
	low, high := int64(0), int64(4)
	if bad := l.bad(i); bad {
		switch l.network {
		case SpikyNetwork:
			low, high = 50, 200
		case CongestedNetwork:
			low, high = 30, 80
		case LossyMobileNetwork:
			low, high = 50, 250
		}
	} else if l.network == CongestedNetwork || l.network == LossyMobileNetwork {
		low, high = 5, 20
	}
	return low + l.roll(noise+direction<<8, uint64(i), high-low+1)
}

// bitrate returns a sample in bits per second.
func (l line) bitrate(i int, direction uint64, active bool) int64 {
	if !active {
		return 0
	}
	rate := l.rate
	switch {
	case l.network == CongestedNetwork && l.bad(i):
		rate /= 4
	case l.network == LossyMobileNetwork && l.bad(i):
		rate /= 3
	case l.network == CongestedNetwork || l.network == LossyMobileNetwork:
		rate = rate * 2 / 3
	}
	return rate*7/8 + l.roll(noise+(direction+4)<<8, uint64(i), rate/4)
}
