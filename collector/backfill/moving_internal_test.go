package backfill

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// onFirst calls do at the first request to an endpoint, and at every later one where
// always is true.
func (b *bench) onFirst(endpoint string, always bool, do func(query string)) {
	var done atomic.Bool
	b.account.OnRequest(func(_ int, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/"+endpoint) && (!done.Swap(true) || always) {
			do(r.URL.RawQuery)
		}
	})
}

// TestARoomThatIsUsedWhileItIsRead has its totals read before a session that its listing
// has: what is beyond the sessions is known nevertheless.
func TestARoomThatIsUsedWhileItIsRead(t *testing.T) {
	for name, always := range map[string]bool{"once": false, "all the time": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				name := b.room("acme-")
				for i := range 3 {
					b.account.Use(name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 10}, time.Now().Add(-time.Duration(9-i)*day))
				}
				// The oldest session is never listed.
				b.edit = sessionsEdited(func(rows []map[string]any) []map[string]any { return rows[:len(rows)-1] })
				b.onFirst("room-sessions", always, func(string) {
					b.account.Use(name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 100}, time.Now())
				})
				s, files := b.mustRun()
				samples := parse(t, files)[`whereby_participant_minutes_total{room_prefix="acme-"}`]
				first, last := samples[0].value, samples[len(samples)-1].value
				if always {
					// The base can't be known then, and is rather too low.
					if first != 0 || last != 20 || s.Moving != 1 {
						t.Errorf("from %d to %d: %+v", first, last, s)
					}
				} else if first != 10 || last != 30 || s.Moving != 0 {
					t.Errorf("from %d to %d, want 10 to 30: %+v", first, last, s)
				}
			})
		})
	}
}

// TestRoomsThatMoveWhileTheyAreListed has the last rooms of the listing used, and so go
// to its top, after that was read.
func TestRoomsThatMoveWhileTheyAreListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{Cursors: wherebytest.KeysetCursors})
		for i := range 450 {
			b.account.Use(b.room("acme-"), wherebytest.Totals{Sessions: 1, ParticipantMinutes: 7}, time.Now().Add(-time.Duration(i+10)*time.Hour))
		}
		b.onFirst("rooms", true, func(query string) {
			if strings.Contains(query, "cursor") {
				b.account.OnRequest(nil)
				for _, name := range b.rooms[400:] {
					b.account.Use(name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 9}, time.Now())
				}
			}
		})
		end := time.Now().Add(-HeadAge)
		_, files := b.mustRun()
		b.expectTruth(files, end)
	})
}

// TestSessionsThatMoveWhileTheyAreListed has sessions begin while a long listing is read,
// which shows others twice.
func TestSessionsThatMoveWhileTheyAreListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		name := b.room("acme-")
		for i := range 450 {
			b.account.Use(name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 7}, time.Now().Add(-time.Duration(i+10)*time.Hour))
		}
		b.onFirst("room-sessions", true, func(query string) {
			if strings.Contains(query, "cursor") {
				b.account.Use(name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 9}, time.Now())
			}
		})
		end := time.Now().Add(-HeadAge)
		s, files := b.mustRun()
		b.expectTruth(files, end)
		if s.Cut != (figures{}) {
			t.Errorf("%+v", s)
		}
	})
}

// TestMachinesAreNoPeople counts two people and a recorder.
func TestMachinesAreNoPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.options.Concurrency = true
		start := time.Now().Add(-2 * day)
		b.account.Schedule(b.room("acme-"), wherebytest.Session{Start: start, End: start.Add(30 * time.Minute),
			Participants: []wherebytest.Participant{{}, {}, {Role: wherebytest.RoleRecorder}}})
		_, files := b.mustRun()
		highest := int64(0)
		for _, s := range parse(t, files)[PeakMetric+`{room_prefix="acme-"}`] {
			highest = max(highest, s.value)
		}
		if highest != 2 {
			t.Errorf("the peak is %d, want 2", highest)
		}
	})
}

// TestFailuresInTheMiddleOnlyDelay has Insights down for an hour.
func TestFailuresInTheMiddleOnlyDelay(t *testing.T) {
	for _, status := range []int{500, 429} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				b.furnish(100, 30)
				end := time.Now().Add(-HeadAge).Truncate(time.Second)
				b.options.End = end
				b.onFirst("room-sessions", false, func(string) {
					b.account.Inject(wherebytest.Status(status))
					time.AfterFunc(20*time.Minute, b.account.ClearFaults)
				})
				_, files := b.mustRun()
				b.expectTruth(files, end)
				if status == 500 && !strings.Contains(b.log.String(), "waiting before a retry") {
					t.Errorf("nobody is told:\n%s", &b.log)
				}
			})
		})
	}
}
