package whereby_test

import (
	"log/slog"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

const listedRoom = "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd"

// TestSessionsBackToATime lists a room with 450 sessions, one a day.
func TestSessionsBackToATime(t *testing.T) {
	for name, tc := range map[string]struct {
		fault    *wherebytest.Fault
		room     string
		days     int // back
		requests int
		least    int // sessions
	}{
		"a day takes a page":                 {room: listedRoom, days: 1, requests: 1, least: 2},
		"150 days take two":                  {room: listedRoom, days: 150, requests: 2, least: 151},
		"all take five":                      {room: listedRoom, days: 1000, requests: 5, least: 450},
		"an order that is not kept":          {fault: ptr(wherebytest.SortIgnored()), room: listedRoom, days: 1, requests: 5, least: 450},
		"an order that is refused":           {fault: ptr(wherebytest.Status(400).Times(1)), room: listedRoom, days: 1, requests: 6, least: 450},
		"a room that Insights does not know": {room: "/acme-other", days: 1, requests: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				account := wherebytest.New(wherebytest.Config{})
				account.AddRoom(wherebytest.Room{Name: listedRoom})
				latest := time.Now().Add(-time.Hour)
				for i := range 450 {
					account.Use(listedRoom, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 1}, latest.Add(-time.Duration(449-i)*24*time.Hour))
				}
				if tc.fault != nil {
					account.Inject(tc.fault.On(wherebytest.EndpointRoomSessions))
				}
				client := &whereby.Client{APIKey: whereby.StaticKey("test-key"), HTTPClient: &http.Client{Transport: account.RoundTripper()}}
				lister := whereby.NewSessionLister(client, slog.New(slog.DiscardHandler))
				since := time.Now().Add(-time.Duration(tc.days) * 24 * time.Hour)
				listed, err := lister.Sessions(t.Context(), tc.room, since, latest)
				if err != nil {
					t.Fatal(err)
				}
				list, requests := listed.Sessions, listed.Requests
				if requests != tc.requests || len(list) < tc.least {
					t.Errorf("%d sessions in %d requests; want %d at least, in %d", len(list), requests, tc.least, tc.requests)
				}
				within := 0
				for _, s := range list {
					if !s.StartedAt.Before(since) {
						within++
					}
				}
				if want := min(tc.days, 450); tc.room == room && within != want {
					t.Errorf("%d sessions of %d days", within, want)
				}

				var paged []whereby.RoomSession
				for page, err := range lister.Pages(t.Context(), tc.room, since) {
					if err != nil {
						t.Fatal(err)
					}
					if len(page) > 100 {
						t.Errorf("a page of %d sessions", len(page))
					}
					paged = append(paged, page...)
				}
				if !reflect.DeepEqual(paged, list) {
					t.Errorf("%d sessions page by page, %d at once", len(paged), len(list))
				}
				account.ResetRequests()
				for range lister.Pages(t.Context(), tc.room, time.Time{}) {
					break
				}
				if spent := account.Count(wherebytest.EndpointRoomSessions); spent > 1 {
					t.Errorf("the first page alone took %d requests", spent)
				}
			})
		})
	}
}

func ptr(f wherebytest.Fault) *wherebytest.Fault { return &f }
