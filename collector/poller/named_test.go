package poller

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// named counts the requests for rooms by name.
func (b *bench) named() (n int) {
	for _, request := range b.account.Requests() {
		if request.Query.Get("roomName[exact]") != "" {
			n++
		}
	}
	return n
}

// missed lists the rooms that the last full poll has missed.
func (b *bench) missed() []string {
	b.t.Helper()
	names, _, err := b.ledger.Missed("", 100)
	if err != nil {
		b.t.Fatal(err)
	}
	return names
}

// TestARoomThatAFullPollMissesIsAskedFor has a room be deleted while pages are read, which
// hides another one. The poll counts as one of the whole account once that has been asked
// for, over failures too. The next one misses the room that was deleted.
func TestARoomThatAFullPollMissesIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.setShare(1)
		b.addRooms(250, 90*24*time.Hour)
		b.mustPoll()
		first := b.ledger.State().FullPollStarted

		time.Sleep(7 * time.Hour)
		before := len(b.rooms)
		pages := 0
		b.account.OnRequest(func(int, *http.Request) {
			if pages++; pages != 3 {
				return
			}
			for room, shown := range b.account.Shown() {
				if shown.LastSession.After(time.Now().Add(-30 * 24 * time.Hour)) {
					b.account.Delete(room)
					b.forget(room)
					return
				}
			}
		})
		b.poller.fullPollIfDue(t.Context())
		b.account.OnRequest(nil)
		if missed := b.missed(); len(missed) != 1 || len(b.rooms) != before-1 {
			t.Fatalf("the poll has missed %v", missed)
		}
		if got := b.ledger.State().FullPollStarted; got != first {
			t.Errorf("the poll that missed rooms counts, at %v", got)
		}
		b.account.ResetRequests()
		b.account.Inject(wherebytest.Status(500).On(wherebytest.EndpointRooms))
		b.poller.askForMissed(t.Context())
		if missed := b.missed(); len(missed) != 1 {
			t.Errorf("of the missed rooms %v are left after a failure", missed)
		}
		failed := b.named()
		b.poller.askForMissed(t.Context())
		if n := b.named(); n != failed {
			t.Errorf("%d requests right after a failure", n-failed)
		}
		b.account.ClearFaults()
		time.Sleep(askAgain)
		b.poller.askForMissed(t.Context())
		b.poller.askForMissed(t.Context())
		if n := b.named() - failed; n != 1 {
			t.Errorf("%d requests for the room that was hidden", n)
		}
		if got := b.ledger.State().FullPollStarted; !got.After(first) || len(b.missed()) > 0 {
			t.Errorf("once the room was asked for, the last poll that counts is that of %v", got)
		}
		time.Sleep(7 * time.Hour)
		b.poller.inBackground(t.Context())
		if n := b.named() - failed; n != 2 {
			t.Errorf("%d requests for the two rooms, after another full poll", n)
		}
		b.expectTruth(true)
	})
}

// TestASinglePageHidesNothing deletes a room of a small account: nothing is asked for.
func TestASinglePageHidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.addRooms(50, 90*24*time.Hour)
		b.mustPoll()
		b.remove()
		time.Sleep(time.Minute)
		b.mustPoll()
		b.poller.inBackground(t.Context())
		if missed, n := b.missed(), b.named(); len(missed) > 0 || n > 0 {
			t.Errorf("%v were missed, with %d requests by name", missed, n)
		}
		b.expectTruth(true)
	})
}

// TestRoomsThatTwoFullPollsMissAreGone has rooms that cannot be looked up by name: what a full
// poll has missed is deleted if the next one misses it too, and no other that the first one
// saw.
func TestRoomsThatTwoFullPollsMissAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.setShare(1)
		b.addRooms(250, 90*24*time.Hour)
		b.mustPoll()
		first := b.ledger.State().FullPollStarted
		again := func() {
			t.Helper()
			time.Sleep(7 * time.Hour)
			b.poller.fullPollIfDue(t.Context())
			b.account.Inject(wherebytest.Status(http.StatusBadRequest).On(wherebytest.EndpointRooms))
			b.poller.askForMissed(t.Context())
			b.account.ClearFaults()
		}
		for i := range 3 {
			b.remove()
			again()
			if missed := b.missed(); len(missed) != 1+i {
				t.Fatalf("after %d rooms were deleted, one before each full poll, %v are missed", i+1, missed)
			}
			if got := b.ledger.State().FullPollStarted; got != first {
				t.Fatalf("a full poll that missed rooms counts, at %v", got)
			}
		}
		again()
		if missed := b.missed(); len(missed) != 0 {
			t.Errorf("after a full poll without a deletion before it, %v are missed", missed)
		}
		if got := b.ledger.State().FullPollStarted; !got.After(first) {
			t.Errorf("the last full poll that counts is that of %v", got)
		}
		if n := strings.Count(b.log.String(), "refuses to look up a room by name"); n != 3 {
			t.Errorf("it is logged %d times", n)
		}
		if n := strings.Count(b.log.String(), `level=WARN msg="Insights refuses to look up a room by name`); n != 1 {
			t.Errorf("it is logged as a warning %d times", n)
		}
		b.expectTruth(true)
	})
}
