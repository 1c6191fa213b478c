package poller

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// addUsed adds a room that was last used at a time; the zero time is never.
func (b *bench) addUsed(at time.Time) string {
	name := fmt.Sprintf("/acme-%08x-0000-4000-8000-%012x", b.random.Uint32(), len(b.rooms))
	room := wherebytest.Room{Name: name, CreatedAt: at}
	if !at.IsZero() {
		room.FirstSession, room.LastSession, room.Totals = at, at, b.usage()
	}
	b.account.AddRoom(room)
	b.rooms = append(b.rooms, name)
	return name
}

// eachOrder runs a test for all that is unknown of orders and cursors.
func eachOrder(t *testing.T, test func(t *testing.T, config wherebytest.Config)) {
	for _, nullsFirst := range []bool{false, true} {
		for _, cursors := range []wherebytest.CursorStyle{wherebytest.OffsetCursors, wherebytest.KeysetCursors} {
			t.Run(fmt.Sprintf("nulls first %v, cursors %d", nullsFirst, cursors), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					test(t, wherebytest.Config{NullsFirst: nullsFirst, Cursors: cursors})
				})
			})
		}
	}
}

// TestAnIdlePollAfterABusyDayIsCheap: 5,000 rooms were used within a day, none within two
// hours, and as many were never used.
func TestAnIdlePollAfterABusyDayIsCheap(t *testing.T) {
	long(t)
	const used, unused = 5000, 2050
	eachOrder(t, func(t *testing.T, config wherebytest.Config) {
		b := newBench(t, config)
		b.setShare(1)
		now := time.Now()
		for i := range used {
			b.addUsed(now.Add(-settled - time.Duration(i)*15*time.Second))
		}
		for range unused {
			b.addUsed(time.Time{})
		}
		b.mustPoll()
		wide := 0
		for range 20 {
			time.Sleep(time.Minute)
			b.account.ResetRequests()
			b.mustPoll()
			switch n := len(b.account.Requests()); {
			case n > used/100+5:
				t.Errorf("%d requests", n)
			case n > 2:
				wide++
			}
		}
		if wide > 2 {
			t.Errorf("%d of 20 polls took more than 2 requests", wide)
		}
		b.expectTruth(false)
	})
}

// TestRoomsUsedForTheFirstTimeAreFound moves the boundary between rooms that were never
// used and those that were, in both directions.
func TestRoomsUsedForTheFirstTimeAreFound(t *testing.T) {
	long(t)
	eachOrder(t, func(t *testing.T, config wherebytest.Config) {
		b := newBench(t, config)
		b.setShare(1)
		now := time.Now()
		for i := range 350 {
			b.addUsed(now.Add(-48*time.Hour - time.Duration(i)*time.Minute))
		}
		var unused []string
		for range 1200 {
			unused = append(unused, b.addUsed(time.Time{}))
		}
		b.mustPoll()
		for _, step := range []int{0, 1, -30, 99, -250, 0, 400, 0, 3, -700, 650} {
			time.Sleep(time.Minute)
			for range -step {
				unused = append(unused, b.addUsed(time.Time{}))
			}
			for range step {
				b.account.Use(unused[0], b.usage(), time.Now())
				unused = unused[1:]
			}
			r := b.mustPoll()
			if r.Kind != Short || r.Complete && config.NullsFirst && step == 0 {
				t.Errorf("after %d: %+v", step, r)
			}
			b.expectTruth(false)
		}
	})
}

// TestMarksMayBeRefused: then a poll starts from the top.
func TestMarksMayBeRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{NullsFirst: true})
		b.setShare(1)
		for i := range 800 {
			b.addUsed(time.Now().Add(-48*time.Hour - time.Duration(i)*time.Minute))
			b.addUsed(time.Time{})
		}
		b.mustPoll()
		time.Sleep(time.Minute)
		b.account.Use(b.rooms[400], b.usage(), time.Now())
		b.account.Inject(wherebytest.Status(http.StatusBadRequest).Times(1))
		if r := b.mustPoll(); r.Kind != Short {
			t.Errorf("the poll is %+v", r)
		}
		b.expectTruth(false)
	})
}

// TestALongSessionIsNeverMoreThanAPollBehind has a session of three days, in an account
// where others come and go.
func TestALongSessionIsNeverMoreThanAPollBehind(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{Lag: 10 * time.Minute})
		b.setShare(1)
		b.poller.config.Interval = 10 * time.Minute
		begin := time.Now()
		for i := range 900 {
			b.addUsed(begin.Add(-48*time.Hour - time.Duration(i)*time.Minute))
		}
		long := b.rooms[500]
		b.account.Schedule(long, wherebytest.Session{
			Start: begin.Add(time.Hour), End: begin.Add(73 * time.Hour),
			Participants: []wherebytest.Participant{{}, {}, {}},
		})
		for i := range 6 * 80 {
			b.account.Use(b.rooms[i%300], b.usage(), time.Now())
			b.account.ResetRequests()
			b.mustPoll()
			b.poller.fullPollIfDue(t.Context())
			shown, ok, err := b.ledger.ShownMinutes([]string{long})
			if want := b.account.Shown()[long].Totals.ParticipantMinutes; err != nil || !ok || shown[long] != want {
				t.Fatalf("after %v it has %d minutes, want %d (%v)", time.Since(begin), shown[long], want, err)
			}
			time.Sleep(10 * time.Minute)
		}
		b.mustPoll()
		b.expectTruth(false)
	})
}

// TestARestatementIsNotAskedForAllTheTime restates rooms that were used long ago.
func TestARestatementIsNotAskedForAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.setShare(1)
		for i := range 5000 {
			b.addUsed(time.Now().Add(-48*time.Hour - time.Duration(i)*time.Minute))
		}
		b.mustPoll()
		for i := 0; i < len(b.rooms); i += 150 {
			totals := b.account.Shown()[b.rooms[i]].Totals
			totals.ParticipantMinutes += 100
			b.account.Restate(b.rooms[i], totals)
		}
		time.Sleep(7 * time.Hour)
		b.poller.fullPollIfDue(t.Context())
		b.expectTruth(true)
		b.account.ResetRequests()
		for range 180 {
			time.Sleep(time.Minute)
			b.mustPoll()
		}
		restated := len(b.rooms) / 150
		if n := len(b.account.Requests()); n > 180+12+restated*10 {
			t.Errorf("%d requests in 180 polls for %d rooms", n, restated)
		}
	})
}

// TestARoomThatIsAskedForMayBeGoneOrOdd: neither costs the poll.
func TestARoomThatIsAskedForMayBeGoneOrOdd(t *testing.T) {
	for name, spoil := range map[string]func(b *bench, room string){
		"gone": func(b *bench, room string) { b.account.Delete(room) },
		"odd": func(b *bench, room string) {
			b.account.Inject(wherebytest.OddRows(room, func(row map[string]any) { row["totalSessions"] = nil }))
		},
		"refused": func(b *bench, _ string) {
			b.account.Inject(wherebytest.Status(http.StatusBadRequest).After(1).Times(1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				b.setShare(1)
				for i := range 900 {
					b.addUsed(time.Now().Add(-48*time.Hour - time.Duration(i)*time.Minute))
				}
				b.mustPoll()
				room := b.rooms[800]
				b.account.Use(room, wherebytest.Totals{ParticipantMinutes: 5}, time.Now())
				time.Sleep(7 * time.Hour)
				b.poller.fullPollIfDue(t.Context())
				b.mustPoll() // a wide one
				time.Sleep(time.Minute)
				b.account.ResetRequests()
				b.mustPoll()
				if n := len(b.account.Requests()); n != 2 {
					t.Fatalf("%d requests: the room was not asked for", n)
				}
				b.account.Use(room, wherebytest.Totals{ParticipantMinutes: 5}, time.Now())
				time.Sleep(10 * time.Minute)
				b.account.ResetRequests()
				b.account.Inject(wherebytest.ExtraFields())
				spoil(b, room)
				for range 3 {
					b.mustPoll()
					time.Sleep(time.Minute)
				}
			})
		})
	}
}

// TestRoomsThatBecomeVisibleAtASeamCostNoFullPoll: two rooms appear between two requests,
// where the second page begins.
func TestRoomsThatBecomeVisibleAtASeamCostNoFullPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.setShare(1)
		for i := range 1000 {
			b.addUsed(time.Now().Add(-48*time.Hour - time.Duration(i)*time.Minute))
		}
		b.mustPoll()
		now := time.Now()
		for i := range 150 {
			b.account.Use(b.rooms[500+i], b.usage(), now.Add(time.Duration(-10*i)*time.Second))
		}
		time.Sleep(time.Minute)
		b.account.ResetRequests()
		n := 0
		b.account.OnRequest(func(int, *http.Request) {
			if n++; n == 2 { // the 99th room of the first page was used 980 s ago
				b.account.Use(b.rooms[300], b.usage(), now.Add(-983*time.Second))
				b.account.Use(b.rooms[301], b.usage(), now.Add(-986*time.Second))
			}
		})
		if r := b.mustPoll(); r.Kind != Short || r.Complete || !b.poller.inDoubt() {
			t.Errorf("the poll is %+v, in doubt %v", r, b.poller.inDoubt())
		}
		b.account.OnRequest(nil)
		if n := len(b.account.Requests()); n > 4 {
			t.Errorf("%d requests", n)
		}
		time.Sleep(time.Minute)
		if r := b.mustPoll(); r.Kind != Short || r.Complete {
			t.Errorf("the next poll is %+v", r)
		}
		b.expectTruth(false)
		for _, want := range []int{1, 0} {
			b.results = nil
			b.poller.fullPollIfDue(t.Context())
			if len(b.results) != want {
				t.Errorf("%d full polls in the background, want %d", len(b.results), want)
			}
		}
		if strings.Contains(b.log.String(), "level=WARN") {
			t.Errorf("there are warnings:\n%s", b.log)
		}
	})
}

// TestDisorderIsBelievedAfterProof has an API that stops sorting, once or for good.
func TestDisorderIsBelievedAfterProof(t *testing.T) {
	for _, test := range []struct {
		polls int // for which it does not sort
		kinds []Kind
	}{
		{1, []Kind{Short, Short, Short, Short, Short}},
		{2, []Kind{Short, Short, Short, Short, Short}},
		{5, []Kind{Short, Short, Short, Full, Full}},
	} {
		t.Run(fmt.Sprintf("for %d polls", test.polls), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				b.setShare(1)
				b.addRooms(950, 90*24*time.Hour)
				b.mustPoll()
				b.account.Inject(wherebytest.SortIgnored())
				for i, kind := range test.kinds {
					time.Sleep(time.Minute)
					b.use()
					if i == test.polls {
						b.account.ClearFaults()
					}
					if r := b.mustPoll(); r.Kind != kind {
						t.Errorf("poll %d is %+v, want a %s one", i, r, kind)
					}
				}
				warnings := strings.Count(b.log.String(), "level=WARN")
				if believed := test.polls >= proofs; believed != (warnings == 1) || warnings > 1 {
					t.Errorf("%d warnings:\n%s", warnings, b.log)
				}
				if test.polls >= proofs {
					b.expectTruth(true)
				}
			})
		})
	}
}

// TestFullPollsOfAnUnsortedAccountGiveWay: they leave points to others.
func TestFullPollsOfAnUnsortedAccountGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{PointsPerMinute: 100})
		b.addRooms(4_000, 90*24*time.Hour)
		b.account.Inject(wherebytest.SortIgnored())
		b.mustPoll()
		time.Sleep(2 * time.Minute)
		began := time.Now()
		r := b.mustPoll()
		if took := time.Since(began); r.Kind != Full || took < 2*time.Minute {
			t.Errorf("%+v took %v, as if it were in the foreground", r, took)
		}
	})
}
