package live_test

import (
	"math/rand/v2"
	"slices"
	"time"

	"whereby_exporter/whereby"
)

// delivery is an event and when it arrives.
type delivery struct {
	whereby.Event
	arrives time.Time
}

// shuffled delivers each event late by up to the lateness: in any order.
func shuffled(random *rand.Rand, events []whereby.Event) []delivery {
	var deliveries []delivery
	for _, e := range events {
		late := time.Duration(random.Int64N(int64(lateness)))
		deliveries = append(deliveries, delivery{e, e.CreatedAt.Add(late)})
	}
	return inOrder(deliveries)
}

// shuffledAcrossRooms keeps the order within each room.
func shuffledAcrossRooms(random *rand.Rand, events []whereby.Event) []delivery {
	last := map[string]time.Time{}
	var deliveries []delivery
	for _, e := range events {
		arrives := e.CreatedAt.Add(time.Duration(random.Int64N(int64(lateness))))
		if arrives.Before(last[e.RoomName]) {
			arrives = last[e.RoomName]
		}
		last[e.RoomName] = arrives
		deliveries = append(deliveries, delivery{e, arrives})
	}
	return inOrder(deliveries)
}

// repeated adds copies of some deliveries, up to 20 minutes later.
func repeated(random *rand.Rand, deliveries []delivery) []delivery {
	all := slices.Clone(deliveries)
	for _, d := range deliveries {
		for random.IntN(4) == 0 {
			d.arrives = d.arrives.Add(time.Duration(random.Int64N(int64(20 * time.Minute))))
			all = append(all, d)
		}
	}
	return inOrder(all)
}

// lossy loses a share of the events: it returns those that come.
func lossy(random *rand.Rand, events []whereby.Event, percent int) []whereby.Event {
	var come []whereby.Event
	for _, e := range events {
		if random.IntN(100) >= percent {
			come = append(come, e)
		}
	}
	return come
}

func inOrder(deliveries []delivery) []delivery {
	slices.SortStableFunc(deliveries, func(a, b delivery) int { return a.arrives.Compare(b.arrives) })
	return deliveries
}

// receive applies deliveries.
func (b *bench) receive(deliveries []delivery) {
	for _, d := range deliveries {
		b.now = d.arrives
		b.send(d.Event)
	}
}
