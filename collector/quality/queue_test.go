package quality

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)

// meeting returns a listed session of some participants that ended some minutes ago.
func meeting(room string, participants int, minutesAgo int) *session {
	ended := start.Add(-time.Duration(minutesAgo) * time.Minute).Unix()
	s := &session{record: record{Room: room, ID: "id", Start: ended - 600, Ended: ended}, index: -1}
	var ids []string
	for i := range participants {
		ids = append(ids, fmt.Sprintf("%s%d", room, i))
	}
	s.expect(ids)
	return s
}

// serve reads participants until nothing is due or the points are spent, and returns
// how many were read of each label.
func serve(t *testing.T, q *queue, points int, labels map[string]string, each func(*session)) map[string]int {
	t.Helper()
	read := map[string]int{}
	for range points {
		s, _ := q.next(start)
		if s == nil {
			break
		}
		read[labels[s.Room]]++
		q.charge(s, 1)
		s.Read = append(s.Read, hash(s.pending[0]))
		s.pending = s.pending[1:]
		if len(s.pending) == 0 {
			q.remove(s)
		} else {
			q.reorder(s)
		}
		if each != nil {
			each(s)
		}
	}
	return read
}

// TestPointsAreSharedFairly: every prefix gets as much as every other, and what one does
// not need is shared among the rest.
func TestPointsAreSharedFairly(t *testing.T) {
	for name, tc := range map[string]struct {
		wants  map[string]int // participants by label, in sessions of 5
		points int
		want   map[string]int
	}{
		"more than enough":              {map[string]int{"a": 50, "b": 5}, 1000, map[string]int{"a": 50, "b": 5}},
		"a large one hides no small":    {map[string]int{"large": 5000, "a": 10, "b": 20}, 100, map[string]int{"large": 70, "a": 10, "b": 20}},
		"equal shares":                  {map[string]int{"a": 500, "b": 500, "c": 500}, 300, map[string]int{"a": 100, "b": 100, "c": 100}},
		"what is left is shared evenly": {map[string]int{"a": 10, "b": 500, "c": 500}, 110, map[string]int{"a": 10, "b": 50, "c": 50}},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueue()
			labels := map[string]string{}
			for label, n := range tc.wants {
				for i := range n / 5 {
					s := meeting(fmt.Sprintf("/%s%d", label, i), 5, i)
					labels[s.Room] = label
					q.add(s, label, start)
				}
			}
			got := serve(t, q, tc.points, labels, nil)
			for label, n := range tc.want {
				if d := got[label] - n; d < -1 || d > 1 {
					t.Errorf("%s got %d points; want %d", label, got[label], n)
				}
			}
		})
	}
}

// TestIdlePrefixesSaveUpNothing: one that comes late gets its share from then on, and
// no more to make up for the time before.
func TestIdlePrefixesSaveUpNothing(t *testing.T) {
	q := newQueue()
	labels := map[string]string{"/early": "early", "/late": "late"}
	q.add(meeting("/early", 5000, 0), "early", start)
	serve(t, q, 1000, labels, nil)
	q.add(meeting("/late", 5000, 0), "late", start)
	got := serve(t, q, 100, labels, nil)
	if got["late"] < 49 || got["late"] > 51 {
		t.Errorf("of 100 points, late got %d", got["late"])
	}
}

func TestTheNewestSessionsGoFirst(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	q := newQueue()
	var all []*session
	for i := range 200 {
		s := meeting(fmt.Sprintf("/%d", i), 1+random.IntN(5), random.IntN(1000))
		all = append(all, s)
		q.add(s, "a", start)
	}
	for range 50 { // some are put off, and some taken off
		q.postpone(all[random.IntN(len(all))], start.Add(time.Hour))
		q.remove(all[random.IntN(len(all))])
	}
	last := start.Unix()
	serve(t, q, 10000, nil, func(s *session) {
		if s.newest() > last {
			t.Errorf("a session that ended %d s later came after an older one", s.newest()-last)
		}
		last = s.newest()
	})
	for _, s := range all {
		if s.queue != nil && !s.notBefore.After(start) {
			t.Errorf("%s was not read", s.Room)
		}
	}
}

// TestALargeSessionWaitsAfterSome: ten of each session, before the eleventh of any.
func TestALargeSessionWaitsAfterSome(t *testing.T) {
	q := newQueue()
	labels := map[string]string{"/large": "large", "/small": "small"}
	q.add(meeting("/large", 300, 0), "acme-", start)
	q.add(meeting("/small", 8, 600), "acme-", start)
	got := serve(t, q, 18, labels, nil)
	if got["large"] != 10 || got["small"] != 8 {
		t.Errorf("read %v", got)
	}
}

func TestSessionsAreDueWhenTheyAreDue(t *testing.T) {
	q := newQueue()
	if s, at := q.next(start); s != nil || !at.IsZero() {
		t.Errorf("an empty queue has %v at %v", s, at)
	}
	later := meeting("/later", 1, 0)
	q.add(later, "a", start.Add(time.Minute))
	if s, at := q.next(start); s != nil || !at.Equal(start.Add(time.Minute)) {
		t.Errorf("what is not due gives %v at %v", s, at)
	}
	if s, _ := q.next(start.Add(time.Minute)); s != later {
		t.Errorf("what is due gives %v", s)
	}
}
