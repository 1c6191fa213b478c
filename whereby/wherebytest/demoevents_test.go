package wherebytest_test

import (
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

func TestTheDemoHasBelievableEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(day)) // a Monday, midnight
		a := wherebytest.Demo(1, time.Now(), wherebytest.DemoOptions{History: 30 * 24 * time.Hour})
		begin := time.Now()
		time.Sleep(24 * time.Hour)
		end := time.Now()
		r := newReader(t)
		inside := a.Live(begin.Add(-time.Millisecond), prefixOf)
		joins, dialIns := 0, 0
		busiest, minutes := 0, map[time.Time]int{}
		gone := map[string]bool{}
		for _, e := range a.Events(begin.Add(-2*time.Hour), end) {
			gone[e.ParticipantID] = gone[e.ParticipantID] || e.Type == whereby.ClientLeft
			if e.CreatedAt.Before(begin) {
				continue
			}
			r.types[e.Type]++
			if e.Type == whereby.ClientJoined {
				joins++
				if e.DialIn {
					dialIns++
				}
			}
			minute := e.CreatedAt.Truncate(time.Minute)
			minutes[minute]++
			busiest = max(busiest, minutes[minute])
			if e.ParticipantID != "" && !whereby.IsMachine(e.RoleName) &&
				!strings.HasPrefix(e.DisplayName, "Visitor ") && !strings.HasPrefix(e.DisplayName, "Host ") {
				t.Errorf("the display name of a %s is %q", e.RoleName, e.DisplayName)
			}
			clinic := strings.HasPrefix(e.RoomName, "/globex-clinic-")
			if e.DisplayName != "" && strings.HasPrefix(e.Metadata, "clinic=") != clinic {
				t.Errorf("in %s the metadata is %q", e.RoomName, e.Metadata)
			}
			if (e.Type == whereby.ClientKnocked || e.RoleName == "granted_visitor") && !clinic {
				t.Errorf("somebody knocks at the door of %s", e.RoomName)
			}
		}
		events := 0
		for _, n := range minutes {
			events += n
		}
		perMinute := float64(events) / (24 * 60)
		t.Logf("%d events, %.1f a minute, at most %d in one; %v; at first %+v", events, perMinute, busiest, r.types, inside)
		if perMinute < 20 || perMinute > 120 || busiest > 300 || len(minutes) < 24*60*95/100 {
			t.Errorf("%.1f events a minute, at most %d in one, some in %d minutes of a day", perMinute, busiest, len(minutes))
		}
		if dialIns < joins/100 || dialIns > joins/10 {
			t.Errorf("%d of %d joins are by telephone", dialIns, joins)
		}
		if len(inside) < 6 {
			t.Errorf("at first only %d prefixes have somebody in a room", len(inside))
		}

		var waits [2][]float64 // given up, let in
		for _, k := range a.Knocks(begin, end) {
			i := 0
			if k.Admitted {
				i = 1
			}
			waits[i] = append(waits[i], k.Wait().Seconds())
		}
		for i, w := range waits {
			slices.Sort(w)
			t.Logf("%d knocks, median %.0f s, longest %.0f s", len(w), w[len(w)/2], w[len(w)-1])
			if len(w) < 100 || w[0] > 20 || w[len(w)-1] < 10*60 || w[len(w)-1] > 15*60 || w[len(w)/2] > 4*60 {
				t.Errorf("knocks with outcome %d: %d of %.0f s to %.0f s, half of them under %.0f s", i, len(w), w[0], w[len(w)-1], w[len(w)/2])
			}
		}
		if len(waits[0]) > len(waits[1])/2 {
			t.Errorf("%d gave up, %d were let in", len(waits[0]), len(waits[1]))
		}
		var late, prompt int
		for _, h := range a.HostWaits(begin, end) {
			if h.Wait() > time.Minute {
				late++
			} else {
				prompt++
			}
			if h.Wait() > 15*time.Minute {
				t.Errorf("a host was %v late", h.Wait())
			}
		}
		t.Logf("%d hosts were later than a minute, %d were not", late, prompt)
		if late < prompt/20 || late > prompt {
			t.Errorf("%d hosts were later than a minute, %d were not", late, prompt)
		}
	})
}

func TestTheDemosEventsAddUpToItsLiveFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seed = 4
		begin := time.Now()
		// Without a past, so that nobody is in a room at first.
		a := wherebytest.Demo(seed, begin, wherebytest.DemoOptions{History: time.Millisecond})
		r := newReader(t)
		from := begin.Add(-time.Hour)
		for range 3 * 60 {
			time.Sleep(time.Minute)
			now := time.Now()
			for _, e := range a.Events(from, now.Add(time.Millisecond)) {
				r.read(e)
			}
			compareRecent(t, a, now, r.live())
			from = now.Add(time.Millisecond)
		}
		for _, room := range r.rooms {
			if len(room.in) > 15 {
				t.Errorf("%d people are in a room", len(room.in))
			}
		}
	})
}

// compareRecent is compareLive for prefixes that may have been empty for long.
func compareRecent(t testing.TB, a *wherebytest.Account, now time.Time, want map[string]wherebytest.LiveTruth) {
	t.Helper()
	live := a.Live(now, prefixOf)
	for prefix, w := range want {
		if _, ok := live[prefix]; !ok && w.Rooms == 0 && w.Waiting == 0 {
			delete(want, prefix)
		}
	}
	compareLive(t, a, now, want)
}

func TestTheDemosEventsDoNotDependOnWhenTheyAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seed = 9
		opts := wherebytest.DemoOptions{History: 24 * time.Hour}
		begin := time.Now()
		often, once := wherebytest.Demo(seed, begin, opts), wherebytest.Demo(seed, begin, opts)
		random := rand.New(rand.NewPCG(seed, 0))
		var parts []wherebytest.Event
		from := begin
		for range 200 {
			time.Sleep(time.Duration(random.Int64N(int64(4 * time.Minute))))
			to := time.Now().Add(time.Duration(random.Int64N(int64(30 * time.Minute)))) // ahead, too
			if to.After(from) {
				parts = append(parts, often.Events(from, to)...)
				from = to
			}
		}
		time.Sleep(30 * time.Hour) // rooms are deleted meanwhile
		whole := once.Events(begin, from)
		if len(whole) < 5000 || !reflect.DeepEqual(parts, whole) {
			t.Errorf("%d events in slices, %d as a whole, or others", len(parts), len(whole))
		}
		if again := often.Events(begin, from); !reflect.DeepEqual(again, whole) {
			t.Errorf("%d events when asked again, %d at first, or others", len(again), len(whole))
		}
	})
}

// What an account keeps of a day, for the truth and for its events, is what the
// comment of Demo states. Sending keeps nothing.
func TestADemoThatSendsGrowsByNoMoreThanItStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(day))
		a := wherebytest.Demo(1, time.Now(), wherebytest.DemoOptions{History: 24 * time.Hour})
		heap := func() int64 {
			runtime.GC()
			runtime.GC()
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			return int64(stats.HeapAlloc)
		}
		const days = 5 // the mean of which tells more than one
		time.Sleep(36 * time.Hour)
		a.Shown() // rooms for one meeting come and go evenly from now on
		before := heap()
		time.Sleep(days*24*time.Hour - 3*time.Hour)
		stop := sending(t, &wherebytest.Sender{Account: a}, discard{})
		time.Sleep(3 * time.Hour)
		grown := (heap() - before) / days
		stats := stop()
		t.Logf("%+v; grown by %.2f MB a day, of %.1f MB", stats, float64(grown)/1e6, float64(before)/1e6)
		if grown > 2<<20 || stats.Acknowledged < 20*60*3 || stats.Lost+stats.Refused > 0 {
			t.Errorf("grown by %d bytes in a day; %+v", grown, stats)
		}
		runtime.KeepAlive(a)
	})
}
