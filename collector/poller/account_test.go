package poller

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// otherAccount is one with rooms that were used up to a time ago, and some that never were.
func otherAccount(rooms int, ago time.Duration) *wherebytest.Account {
	account := wherebytest.New(wherebytest.Config{})
	for i := range rooms {
		at := time.Now().Add(-ago / time.Duration(rooms) * time.Duration(i+1))
		room := wherebytest.Room{Name: fmt.Sprintf("/acme-%08x-0000-4000-8000-0000000000ff", i), CreatedAt: at}
		if i%3 > 0 {
			room.FirstSession, room.LastSession = at, at
			room.Totals = wherebytest.Totals{Sessions: 1, ParticipantMinutes: 1000}
		}
		account.AddRoom(room)
	}
	return account
}

// TestAnotherAccountIsRefused gives the exporter the key of another account, after a restart
// or while it runs.
func TestAnotherAccountIsRefused(t *testing.T) {
	tests := map[string]struct {
		rooms   int
		restart bool
		wait    time.Duration // before the first poll with the wrong key
		prepare func(mine, other *wherebytest.Account)
	}{
		"after a restart":                        {rooms: 40, restart: true},
		"a full poll is due":                     {rooms: 40, restart: true, wait: 7 * time.Hour},
		"a key that is rotated":                  {rooms: 40},
		"more rooms than a page":                 {rooms: 350, restart: true},
		"more rooms than a poll keeps in memory": {rooms: 2*2_000 + 1_000, restart: true},
		"a few rooms":                            {rooms: 2, restart: true},
		"a room made by hand under the same name": {rooms: 40, restart: true, prepare: func(mine, other *wherebytest.Account) {
			for i, account := range []*wherebytest.Account{mine, other} {
				at := time.Now().Add(-time.Duration(i+1) * 24 * time.Hour)
				account.AddRoom(wherebytest.Room{Name: "/standup", CreatedAt: at, FirstSession: at, LastSession: at, Totals: wherebytest.Totals{Sessions: 1, ParticipantMinutes: 7}})
			}
		}},
		"rooms that were never used": {rooms: 1, restart: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				mine, other := b.account, otherAccount(test.rooms, 90*24*time.Hour)
				if test.prepare != nil {
					test.prepare(mine, other)
				}
				kept := store.NewMemory()
				b.restart(kept, 0.25)
				b.addRooms(30, 30*24*time.Hour)
				b.mustPoll()
				b.mustPoll()
				b.expectTruth(true)
				before := b.shown()

				key := transport{mine.RoundTripper()}
				use := func(account *wherebytest.Account, restart bool) {
					if restart {
						b.restart(kept, 0.25)
					}
					key.RoundTripper = account.RoundTripper()
					b.poller.client.HTTPClient = &http.Client{Transport: &key}
				}
				use(other, test.restart)
				told := 0
				b.poller.config.OnRooms = func(rooms []whereby.Room) { told += len(rooms) }
				b.poller.config.Storage = "/var/lib/whereby"
				time.Sleep(test.wait)
				for range 3 {
					time.Sleep(time.Minute)
					r := b.poll()
					if !IsAnotherAccount(r.Err) || IsStorageError(r.Err) {
						t.Fatalf("a poll of another account came to %+v", r)
					}
					for _, part := range []string{"/var/lib/whereby", "--storage.path", "API key"} {
						if !strings.Contains(r.Err.Error(), part) {
							t.Errorf("%q does not have %q", r.Err, part)
						}
					}
				}
				b.expect(before)
				if told > 0 {
					t.Errorf("%d rooms of the other account were handed on", told)
				}
				// What is in the store is what was: it is read again, by the right key.
				use(mine, true)
				b.use()
				time.Sleep(time.Minute)
				b.mustPoll()
				b.expectTruth(false)
				time.Sleep(7 * time.Hour)
				b.poller.fullPollIfDue(t.Context())
				b.expectTruth(true)
				if !strings.Contains(b.log.String(), "class=account") {
					t.Error("the log does not say why")
				}
			})
		})
	}
}

// transport is one that can be exchanged.
type transport struct{ http.RoundTripper }

func (b *bench) expect(want figures) {
	b.t.Helper()
	for prefix, usage := range b.shown() {
		if !reflect.DeepEqual(usage, want[prefix]) {
			b.t.Errorf("%s is %+v, was %+v", prefix, usage, want[prefix])
		}
	}
}

// TestAFullPollThatGoesOnWithAnotherKeyIsRefused has the key be replaced by that of another
// account while a full poll waits to go on.
func TestAFullPollThatGoesOnWithAnotherKeyIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.addRooms(450, 30*24*time.Hour)
		b.mustPoll()
		b.expectTruth(true)
		before := b.shown()

		time.Sleep(7 * time.Hour)
		n := 0
		b.account.OnRequest(func(int, *http.Request) {
			if n++; n == 2 {
				b.account.Inject(wherebytest.Status(http.StatusUnauthorized))
			}
		})
		b.poller.fullPollIfDue(t.Context())
		if b.poller.kept == nil {
			t.Fatal("the poll does not wait to go on")
		}
		b.poller.client.HTTPClient = &http.Client{Transport: otherAccount(450, 90*24*time.Hour).RoundTripper()}
		b.poller.fullPollIfDue(t.Context())
		if r := b.results[len(b.results)-1]; !IsAnotherAccount(r.Err) {
			t.Errorf("the poll came to %+v", r)
		}
		b.expect(before)
	})
}

// TestAnAccountMayReplaceAllItsRooms has all rooms be gone, and others be there.
func TestAnAccountMayReplaceAllItsRooms(t *testing.T) {
	for name, down := range map[string]time.Duration{
		"between two polls": 0, "while the exporter is down": 90 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				kept := store.NewMemory()
				b.restart(kept, 0.25)
				b.addRooms(30, 30*24*time.Hour)
				b.mustPoll()
				b.mustPoll()
				for len(b.rooms) > 0 {
					b.remove()
				}
				if down > 0 {
					time.Sleep(down)
					b.restart(kept, 0.25)
				}
				told := 0
				b.poller.config.OnRooms = func(rooms []whereby.Room) { told += len(rooms) }
				if down == 0 {
					b.mustPoll() // none is left at all
				}
				b.addRooms(10, max(time.Minute, down/2))
				time.Sleep(time.Minute)
				b.mustPoll()
				b.use()
				time.Sleep(time.Minute)
				b.mustPoll()
				b.expectTruth(true)
				if told < 10 {
					t.Errorf("%d rooms were handed on", told)
				}
				if n := strings.Count(b.log.String(), "none of the account's earlier rooms is left"); n != 1 {
					t.Errorf("the log says %d times that none is left", n)
				}
			})
		})
	}
}
