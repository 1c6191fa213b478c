package live_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

// expectSegments compares the segments, as "segment people/minutes".
func (b *bench) expectSegments(when, want string) {
	b.t.Helper()
	var got []string
	for _, s := range b.View(b.now).Segments {
		got = append(got, fmt.Sprint(s.Segment, " ", s.Participants, "/", s.Minutes))
	}
	if strings.Join(got, ", ") != want {
		b.t.Errorf("%s, segments are %q, want %q", when, got, want)
	}
}

// meet has somebody of a segment meet a host for a minute, and Insights shows that an hour
// later.
func (b *bench) meet(room, segment string) {
	b.segment = ""
	b.send(event(whereby.ClientJoined, room, "host", "host", clients{"host": 1}))
	b.segment = segment
	b.send(event(whereby.ClientJoined, room, "guest", "visitor", clients{"host": 1, "visitor": 1}))
	b.wait(time.Minute)
	b.send(event(whereby.ClientLeft, room, "guest", "visitor", clients{"host": 1}))
	b.send(event(whereby.ClientLeft, room, "host", "host", clients{}))
	b.wait(time.Hour)
	b.Settle(map[string]int64{room: 2}, b.now, b.now)
}

// letPass lets time pass, minute by minute as scrapes do.
func (b *bench) letPass(d time.Duration) {
	for range int(d / time.Minute) {
		b.wait(time.Minute)
		b.View(b.now)
	}
}

// TestVisitorsFillTheTableForADayOnly has a visitor reload a page under names of his own
// choice, until no other segment has a place.
func TestVisitorsFillTheTableForADayOnly(t *testing.T) {
	b := newBench(t, live.Options{Label: label, SegmentLimit: 3})
	for i := range 5 {
		b.meet(fmt.Sprint("/acme-", i), fmt.Sprint("junk-", i))
	}
	b.meet("/acme-clinic", "north")
	b.expectSegments("after a visitor's five", "_other 0/3, junk-0 0/1, junk-1 0/1, junk-2 0/1")
	b.letPass(12 * time.Hour)
	b.restart()
	b.letPass(13 * time.Hour)
	b.expectSegments("after a day", "")
	b.meet("/acme-clinic", "north")
	b.expectSegments("then", "north 0/1")
}

// TestASegmentInUseIsNotForgotten has somebody stay for two days.
func TestASegmentInUseIsNotForgotten(t *testing.T) {
	b := newBench(t, live.Options{Label: label, SegmentLimit: 1})
	b.segment = "north"
	b.send(event(whereby.ClientJoined, "/acme-1", "a", "host", clients{"host": 1}))
	b.send(event(whereby.ClientJoined, "/acme-1", "b", "host", clients{"host": 2}))
	b.letPass(48 * time.Hour)
	b.expectSegments("after two days", "north 2/"+fmt.Sprint(2*48*60))
	b.send(event(whereby.ClientLeft, "/acme-1", "b", "host", clients{"host": 1}))
	b.send(event(whereby.ClientLeft, "/acme-1", "a", "host", clients{}))
	b.wait(time.Hour)
	b.Settle(map[string]int64{"/acme-1": 2 * 48 * 60}, b.now, b.now)
	b.letPass(22 * time.Hour)
	b.expectSegments("most of a day later", "north 0/"+fmt.Sprint(2*48*60))
	b.letPass(3 * time.Hour)
	b.expectSegments("a day later", "")
}

// TestSegmentsOfAListLast has names that only the configuration can make.
func TestSegmentsOfAListLast(t *testing.T) {
	admits := func(name string) bool { return name == "north" || name == "south" }
	b := newBench(t, live.Options{Label: label, SegmentLimit: 2, AdmitsSegment: admits, SegmentsLast: true})
	b.meet("/acme-1", "north")
	b.meet("/acme-2", "junk") // an event from before a reload
	b.expectSegments("at first", "north 0/1")
	b.letPass(48 * time.Hour)
	b.restart()
	b.expectSegments("after two days", "north 0/1")
}

// TestAReloadFreesSegmentsThatItDoesNotAdmit changes the options while people are there.
func TestAReloadFreesSegmentsThatItDoesNotAdmit(t *testing.T) {
	b := newBench(t, live.Options{Label: label, SegmentLimit: 2})
	b.meet("/acme-1", "north")
	b.segment = "junk"
	b.send(event(whereby.ClientJoined, "/acme-2", "a", "visitor", clients{"visitor": 1}))
	b.segment = "west" // beyond the limit
	b.send(event(whereby.ClientJoined, "/acme-2", "b", "visitor", clients{"visitor": 2}))
	b.wait(time.Minute)
	b.expectSegments("at first", "_other 1/1, junk 1/1, north 0/1")

	b.options.AdmitsSegment = func(name string) bool { return name == "north" || name == "west" }
	b.options.SegmentsLast = true
	b.restart()
	b.expectSegments("with a list", "north 0/1")
	b.send(event(whereby.ClientJoined, "/acme-2", "c", "visitor", clients{"visitor": 3}))
	b.expectSegments("with somebody new", "north 0/1, west 1/1")
	b.expect("acme 3/1/0") // who is in no segment is still there

	b.options = live.Options{Label: label}
	b.restart()
	b.expectSegments("without segments", "")
	b.options.SegmentLimit = 2
	b.restart()
	b.expectSegments("with segments again", "")
	b.expect("acme 3/1/0")
}

// TestAStateOfVersion2IsRestored reads what an exporter wrote that forgot no segment: in
// /acme-1 a host of the segment staff is, and a visitor of north was.
func TestAStateOfVersion2IsRestored(t *testing.T) {
	state, err := os.ReadFile("testdata/state-v2.bin")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, options)
	b.wait(91 * time.Second)
	b.Tracker = restored(t, state, b.now, options)
	b.expectSegments("at first", "north 0/2, staff 1/2")
	b.restart()
	b.expectSegments("written as what it is now", "north 0/2, staff 1/2")
	b.letPass(23 * time.Hour)
	b.expectSegments("most of a day later", "north 0/2, staff 1/1382")
	b.events = 100 // further IDs
	b.send(event(whereby.ClientLeft, "/acme-1", "h", "host", clients{}))
	b.wait(time.Hour)
	b.Settle(map[string]int64{"/acme-1": 4}, b.now, b.now)
	b.letPass(26 * time.Hour)
	b.expectSegments("two days later", "")
}
