package live

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const minuteMicros = int64(time.Minute / time.Microsecond)

// meterTruth is the life of one room: who was in it when.
type meterTruth struct {
	visits []meterVisit
	base   int64   // used before the first of them
	alone  []int64 // when the first of a meeting is there and the second is not
}

type meterVisit struct {
	who          hash
	joined, left int64
}

// randomLife makes meetings of two people and more, with and without time between.
func randomLife(random *rand.Rand) meterTruth {
	truth := meterTruth{base: random.Int64N(1000)}
	at := int64(1)
	var n uint64
	for range 1 + random.IntN(6) {
		begin := at
		truth.alone = append(truth.alone, begin+1)
		// The first stays long enough for the second to meet.
		for i := range 2 + random.IntN(4) {
			n++
			v := meterVisit{joined: begin + random.Int64N(10*minuteMicros)}
			binary.BigEndian.PutUint64(v.who[:], n)
			v.left = v.joined + 1 + random.Int64N(40*minuteMicros)
			if i < 2 {
				v.joined, v.left = begin+int64(i+1), max(v.left, begin+11*minuteMicros)
			}
			truth.visits = append(truth.visits, v)
			at = max(at, v.left+1)
		}
		at += random.Int64N(40 * minuteMicros)
	}
	return truth
}

// used returns the minutes that were used by a time.
func (truth meterTruth) used(at int64) int64 {
	sum := truth.base
	for _, v := range truth.visits {
		if v.joined <= at {
			sum += connectionMinutes(v.joined, min(v.left, at))
		}
	}
	return sum
}

func (truth meterTruth) people(at int64) (n int64) {
	for _, v := range truth.visits {
		if v.joined <= at && at < v.left {
			n++
		}
	}
	return n
}

func (truth meterTruth) marks() []meterMark {
	var marks []meterMark
	for _, v := range truth.visits {
		marks = append(marks,
			meterMark{at: v.joined, who: v.who, kind: markJoin, people: truth.people(v.joined)},
			meterMark{at: v.left, who: v.who, kind: markLeave, people: truth.people(v.left)})
	}
	slices.SortFunc(marks, meterMark.compare)
	return marks
}

func (truth meterTruth) end() int64 {
	var end int64
	for _, v := range truth.visits {
		end = max(end, v.left)
	}
	return end
}

// delivery is a mark and when it arrives.
type delivery struct {
	meterMark
	arrives int64
}

// live lets a room live, and asks after each event and each pass whether what Insights
// showed and what is pending are what check wants. Insights lags by lag and is read
// each minute.
func (truth meterTruth) live(m *meter, deliveries []delivery, lag int64, check func(now, sum int64, polled bool)) {
	slices.SortStableFunc(deliveries, func(a, b delivery) int { return int(a.arrives - b.arrives) })
	end := truth.end() + 40*minuteMicros
	for now := int64(0); now <= end; now += minuteMicros {
		// A pass takes two seconds, and reads the room somewhere within.
		ended := now + minuteMicros/30
		for len(deliveries) > 0 && deliveries[0].arrives <= ended {
			m.add(deliveries[0].meterMark, deliveries[0].arrives)
			check(deliveries[0].arrives, m.shown+m.pending(deliveries[0].arrives), false)
			deliveries = deliveries[1:]
		}
		m.settle(truth.used(now+minuteMicros/60-lag), now, ended)
		check(ended, m.shown+m.pending(ended), true)
	}
}

func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

var meterLags = []time.Duration{5 * time.Second, 4 * time.Minute, 10 * time.Minute, 15 * time.Minute}

func TestShownAndPendingAreTheTruthAtAnyMoment(t *testing.T) {
	random := random(t)
	for range 300 {
		truth := randomLife(random)
		lag := meterLags[random.IntN(len(meterLags))].Microseconds()
		m := meter{base: truth.base, shown: truth.base, known: true}
		var deliveries []delivery
		for _, mark := range truth.marks() {
			deliveries = append(deliveries, delivery{mark, mark.at})
		}
		truth.live(&m, deliveries, lag, func(now, sum int64, _ bool) {
			// A connection that is open at a time counts as Insights will count it then.
			if want := truth.used(now); sum != want && !slices.Contains(truth.alone, now) {
				t.Fatalf("lag %v: %d minutes at %v, want %d", time.Duration(lag)*time.Microsecond, sum, time.Duration(now)*time.Microsecond, want)
			}
		})
	}
}

// TestDisorderIsOverWhenAllHasArrived delivers marks late and shuffled. Once the last
// one has come, and a pass, the sum is the truth again.
func TestDisorderIsOverWhenAllHasArrived(t *testing.T) {
	random := random(t)
	for range 300 {
		truth := randomLife(random)
		lag := meterLags[random.IntN(len(meterLags))].Microseconds()
		m := meter{base: truth.base, shown: truth.base, known: true}
		var deliveries []delivery
		last := int64(0)
		for _, mark := range truth.marks() {
			arrives := mark.at + random.Int64N(3*minuteMicros)
			deliveries = append(deliveries, delivery{mark, arrives})
			last = max(last, arrives)
		}
		truth.live(&m, deliveries, lag, func(now, sum int64, _ bool) {
			if want := truth.used(now); now > last+minuteMicros && sum != want {
				t.Fatalf("lag %v: %d minutes at %v, want %d", time.Duration(lag)*time.Microsecond, sum, time.Duration(now)*time.Microsecond, want)
			}
		})
	}
}

// TestLossIsHealedByInsights loses a fifth of the marks. Half an hour after the room
// was last empty, nothing is pending and the sum is the truth, whatever was lost; and
// from each poll on, the sum is above the truth by no more than the lost leaves explain.
func TestLossIsHealedByInsights(t *testing.T) {
	random := random(t)
	for range 300 {
		truth := randomLife(random)
		lag := meterLags[random.IntN(len(meterLags))].Microseconds()
		m := meter{base: truth.base, shown: truth.base, known: true}
		var deliveries []delivery
		for _, mark := range truth.marks() {
			if random.IntN(5) > 0 || mark.people == 0 { // the tracker notices an empty room otherwise
				deliveries = append(deliveries, delivery{mark, mark.at})
			}
		}
		lostLeaves := func(now int64) (minutes int64) {
			for _, v := range truth.visits {
				came := slices.ContainsFunc(deliveries, func(d delivery) bool { return d.kind == markLeave && d.who == v.who })
				if !came && v.left < now {
					minutes += connectionMinutes(v.left, now) + 1
				}
			}
			return minutes
		}
		end := truth.end()
		truth.live(&m, deliveries, lag, func(now, sum int64, polled bool) {
			want := truth.used(now)
			if now > end+30*minuteMicros && (sum != want || m.pending(now) != 0) {
				t.Fatalf("lag %v: %d minutes at %v, want %d", time.Duration(lag)*time.Microsecond, sum, time.Duration(now)*time.Microsecond, want)
			}
			// Each connection is rounded up, so one that is taken for two may count one more.
			if more := lostLeaves(now) + int64(len(truth.visits)); polled && sum > want+more {
				t.Fatalf("%d minutes at %v, want %d and at most %d more", sum, time.Duration(now)*time.Microsecond, want, more)
			}
		})
		if len(m.marks) > 0 {
			t.Fatalf("%d marks are kept", len(m.marks))
		}
	}
}

// TestAMeterThatBeganLateCountsNothingTwice begins in the middle of the room's life
// and does not know what Insights showed then.
func TestAMeterThatBeganLateCountsNothingTwice(t *testing.T) {
	random := random(t)
	for range 300 {
		truth := randomLife(random)
		lag := meterLags[random.IntN(len(meterLags))].Microseconds()
		m := meter{}
		marks := truth.marks()
		var deliveries []delivery
		for _, mark := range marks[random.IntN(len(marks)):] {
			deliveries = append(deliveries, delivery{mark, mark.at})
		}
		end := truth.end()
		truth.live(&m, deliveries, lag, func(now, sum int64, _ bool) {
			want := truth.used(now)
			if m.known && sum > want+int64(len(truth.visits)) {
				t.Fatalf("%d minutes at %v, want at most %d", sum, time.Duration(now)*time.Microsecond, want)
			}
			if now > end+30*minuteMicros && sum != want {
				t.Fatalf("%d minutes at %v, want %d", sum, time.Duration(now)*time.Microsecond, want)
			}
		})
	}
}

// TestALoneVisitorIsNoSession is about minutes that Whereby does not bill.
func TestALoneVisitorIsNoSession(t *testing.T) {
	m := meter{known: true}
	m.add(meterMark{at: 1, who: hash{1}, kind: markJoin, people: 1}, 1)
	if got := m.pending(30 * minuteMicros); got != 0 {
		t.Errorf("%d minutes are pending", got)
	}
	m.add(meterMark{at: 30 * minuteMicros, who: hash{2}, kind: markJoin, people: 2}, 30*minuteMicros)
	if got := m.pending(30*minuteMicros + 1); got != 31 {
		t.Errorf("%d minutes are pending once they meet", got)
	}
}

// TestARoomUsedAllDayLongIsSummedUp has a room that is never empty.
func TestARoomUsedAllDayLongIsSummedUp(t *testing.T) {
	random := random(t)
	var truth meterTruth
	for i := range 5000 {
		v := meterVisit{joined: 1 + int64(i)*minuteMicros}
		binary.BigEndian.PutUint64(v.who[:], uint64(i+1))
		v.left = v.joined + 2*minuteMicros + random.Int64N(20*minuteMicros)
		truth.visits = append(truth.visits, v)
	}
	m := meter{known: true}
	now := int64(0)
	for _, mark := range truth.marks() {
		now = mark.at
		m.add(mark, now)
		if len(m.marks) > maxMarks {
			t.Fatalf("%d marks are kept", len(m.marks))
		}
	}
	if got, want := m.pending(now), truth.used(now); got != want {
		t.Errorf("%d minutes are pending, want %d", got, want)
	}
}
