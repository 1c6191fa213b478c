package statuspage

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/prefix"
	"whereby_exporter/collector/rooms"
	"whereby_exporter/whereby"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is in the middle of a period: half of November is over.
var now = time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)

var november = billing.Period{
	Start: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
}

var october = billing.Period{Start: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), End: november.Start}

// fake is a Source.
type fake struct {
	report Report
	rooms  []rooms.Room

	mu       sync.Mutex
	asked    []string
	sessions func(ctx context.Context, room string) ([]whereby.RoomSession, bool, error)
}

func (f *fake) Report() Report {
	r := f.report
	r.Customers = slices.Clone(r.Customers)
	if r.Now.IsZero() {
		r.Now = time.Now()
	}
	return r
}

// List knows two orders: by name, and by the minutes of the period, which are the room's
// own and are uncertain if they are odd.
func (f *fake) List(_ context.Context, q rooms.Query) (rooms.Listing, error) {
	var found rooms.Listing
	if q.Cursor == "!" {
		return found, rooms.ErrCursor
	}
	for _, room := range f.rooms {
		if strings.HasPrefix(room.RoomName, "/"+q.Prefix) && room.RoomName >= q.Cursor {
			found.Rooms = append(found.Rooms, rooms.Used{Room: room, Period: room.ParticipantMinutes, Exact: room.ParticipantMinutes%2 == 0})
		}
	}
	if q.Order == rooms.ByName {
		if len(found.Rooms) > q.Limit {
			found.Next = found.Rooms[q.Limit].RoomName
		}
	} else {
		found.All = len(found.Rooms)
		slices.SortStableFunc(found.Rooms, func(a, b rooms.Used) int { return cmp.Compare(b.Period, a.Period) })
	}
	found.Rooms = found.Rooms[:min(len(found.Rooms), q.Limit)]
	return found, nil
}

func (f *fake) Room(name string) (rooms.Room, string, bool, error) {
	for _, room := range f.rooms {
		if room.RoomName == name {
			return room, "acme-", true, nil
		}
	}
	return rooms.Room{}, "", false, nil
}

func (f *fake) Sessions(ctx context.Context, room string) ([]whereby.RoomSession, bool, error) {
	f.mu.Lock()
	f.asked = append(f.asked, room)
	f.mu.Unlock()
	if f.sessions == nil {
		return nil, false, nil
	}
	return f.sessions(ctx, room)
}

func (f *fake) requests() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.asked)
}

func newHandler(t testing.TB, f *fake) *Handler {
	t.Helper()
	h, err := New(Options{Source: f, MetricsPath: "/metrics", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func ask(h http.Handler, method, target, form string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(form))
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(t testing.TB, h http.Handler, target string) string {
	t.Helper()
	w := ask(h, http.MethodGet, target, "")
	if w.Code != http.StatusOK {
		t.Fatalf("%s answers %d %s", target, w.Code, w.Body)
	}
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// customer is one whose figures are known.
func customer(prefix, name string, minutes int64, quotas config.Quotas) Customer {
	return Customer{
		Prefix: prefix, Name: name, Known: true, Rooms: 7, Quotas: quotas, NearRatio: 0.8,
		PeriodUsage: ledger.PeriodUsage{
			Period: november, Used: ledger.Totals{ParticipantMinutes: minutes, Sessions: minutes / 60},
			Previous: ledger.PreviousUsage{
				Period: october, Used: ledger.Totals{ParticipantMinutes: 2 * minutes, Sessions: minutes / 30}, Final: true,
			},
		},
	}
}

func minutesQuota(limit float64) config.Quotas {
	return config.Quotas{config.ParticipantMinutes: limit}
}

// running returns an exporter that has been running for a while, with a customer of each
// standing.
func running() Report {
	unknown := customer("unknown-", "Unknown", 410, minutesQuota(1000))
	unknown.Unread = 3
	live := customer("live-", "Live", 10, config.Quotas{config.LiveParticipants: 10})
	live.People = 12
	eu := customer("acme-eu-", "Acme", 41_000, config.Quotas{config.ParticipantMinutes: 50_000, config.Sessions: 100_000, config.StreamerMinutes: 0})
	eu.Period.End = time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	return Report{
		Now: now, Started: now.Add(-26 * time.Hour), Version: "1.2.3",
		Customers: []Customer{
			customer("within-", "Within", 100, minutesQuota(1000)),
			unknown,
			customer("acme-", "Acme", 900, minutesQuota(1000)),
			eu,
			customer("heading-", "Heading", 600, minutesQuota(1000)),
			live,
			customer("zero-", "Zero", 1, minutesQuota(0)),
			customer("free-", "", 123_456_789, nil),
			customer(prefix.None, "", 5, nil),
		},
		Account: customer("", "", 123_500_000, minutesQuota(2e9)),
		Polls:   Polls{Interval: time.Minute, AsOf: now.Add(-20 * time.Second), Succeeded: now.Add(-18 * time.Second), FullPoll: now.Add(-3 * time.Hour)},
		Points:  Points{Spent: 12, Allowed: 250, Limit: 1000, Remaining: 871, At: now.Add(-18 * time.Second)},
		Webhooks: &Webhooks{
			LastEvent: now.Add(-2 * time.Second), Events: 12_345, Duplicates: 67, Corrections: 3, People: 12, Rooms: 4,
			Rejected: []Rejected{{"signature", 5}, {"expired", 0}, {"too_large", 1}},
		},
		Reloads: Reloads{Loaded: now.Add(-26 * time.Hour)},
	}
}

// starting returns an exporter whose first poll has read some pages.
func starting() Report {
	acme := Customer{Prefix: "acme-", Name: "Acme", Quotas: minutesQuota(1000), NearRatio: 0.8}
	acme.Period = november
	return Report{
		Now: now, Started: now.Add(-14 * time.Second), Version: "1.2.3",
		Customers: []Customer{acme},
		Polls:     Polls{Interval: time.Minute, Pages: 12},
		Points:    Points{Spent: 12, Allowed: 25},
		Webhooks:  &Webhooks{Rejected: []Rejected{{"signature", 0}}},
		Reloads:   Reloads{Loaded: now.Add(-14 * time.Second)},
	}
}

// many has so many customers, of whom one is over its quota.
func many(customers int) Report {
	r := running()
	r.Customers = nil
	for i := range customers {
		c := customer(fmt.Sprintf("customer-%05d-", i), "", int64(i), nil)
		if i == customers/2 {
			c = customer(c.Prefix, "Globex", 5000, minutesQuota(4000))
		}
		r.Customers = append(r.Customers, c)
	}
	return r
}
