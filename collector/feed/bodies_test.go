package feed_test

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

// receiver takes signed bodies as the exporter does, into a log on disk.
type receiver struct {
	*bench
	http.Handler
	log *webhook.EventLog
}

func openReceiver(t *testing.T, dir string) *receiver {
	t.Helper()
	b := newBench(t, &usage{}, nil)
	log, err := webhook.OpenEventLog(dir, b.Feed, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b.EndReplay()
	verifier, err := whereby.NewVerifier(5*time.Minute, "secret")
	if err != nil {
		t.Fatal(err)
	}
	return &receiver{b, &webhook.Handler{
		Verifier: verifier, Accept: webhook.NewReceiver(b.Feed, log, time.Now).Accept,
		Rejected: b.Rejected, Unusable: b.Unusable, Logger: slog.New(slog.DiscardHandler),
	}, log}
}

func (r *receiver) post(body string) int {
	r.Helper()
	request := httptest.NewRequestWithContext(r.Context(), http.MethodPost, "/webhook", strings.NewReader(body))
	request.Header.Set(whereby.SignatureHeader, whereby.Sign("secret", []byte(body), time.Now()))
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, request)
	return answer.Code
}

func (r *receiver) file(name string) int {
	r.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "events", name+".json"))
	if err != nil {
		r.Fatal(err)
	}
	return r.post(string(body))
}

// shown is what is exposed of the only prefix, as "people clients by role".
func (r *receiver) shown() string {
	prefixes := r.View(nil).Prefixes
	if len(prefixes) == 0 {
		return ""
	}
	p := prefixes[0]
	var roles []string
	for role, n := range p.Clients.All() {
		if n > 0 {
			roles = append(roles, fmt.Sprintf("%s:%d", role, n))
		}
	}
	return fmt.Sprint(p.Participants, " ", strings.Join(roles, ","))
}

// counters returns a family's values above 0.
func (r *receiver) counters(m metrics.Metric) map[string]float64 {
	r.Helper()
	all, err := r.registry.Gather()
	if err != nil {
		r.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range all {
		for _, sample := range f.GetMetric() {
			if v := sample.GetCounter().GetValue(); f.GetName() == m.Name && v > 0 {
				values[sample.GetLabel()[0].GetValue()] = v
			}
		}
	}
	return values
}

// TestOddBodiesAreUsedAsFarAsTheyCanBe sends bodies through the whole way, and once more
// after a restart.
func TestOddBodiesAreUsedAsFarAsTheyCanBe(t *testing.T) {
	for name, tc := range map[string]struct {
		bodies string
		shown  string
		odd    string
		types  string
	}{
		"a meeting is a number":             {"meeting-is-a-number", "1 visitor:1", "", ""},
		"a participant is a number":         {"participant-is-a-number", "1 visitor:1", "", ""},
		"a type with an array":              {"unknown-type-with-an-array", "", "", "other"},
		"a type with known names":           {"unknown-type-with-known-names", "", "", "other"},
		"a join without counts, alone":      {"joined-without-counts", "1 visitor:1", "counts", ""},
		"a join without counts":             {"host-joined joined-without-counts", "2 host:1,visitor:1", "counts", ""},
		"a leave without counts":            {"host-joined visitor-joined left-without-counts", "1 host:1", "counts", ""},
		"a leave without counts, unknown":   {"left-without-counts", "0 ", "counts", ""},
		"counts without roles":              {"host-joined visitor-joined recorder-joined-without-roles", "2 host:1,visitor:1,recorder:1", "counts", ""},
		"counts without roles, unknown":     {"recorder-joined-without-roles", "2 recorder:1,other:2", "counts", ""},
		"no roles":                          {"visitor-joined-with-no-roles", "2 visitor:1,other:1", "counts", ""},
		"no roles, after a host":            {"host-joined visitor-joined-with-no-roles", "2 host:1,visitor:1", "counts", ""},
		"created in 1970":                   {"created-at-the-epoch", "2 host:1,visitor:1", "created_at", ""},
		"created in 1970, after the host":   {"host-joined created-at-the-epoch", "2 host:1,visitor:1", "created_at", ""},
		"an event of long ago":              {"recorder-joined-long-ago", "1 host:1,recorder:1", "created_at", ""},
		"joined late, and in another order": {"visitor-joined host-joined joined-without-counts", "3 host:1,visitor:2", "counts", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(time.Date(2026, 10, 5, 9, 30, 13, 0, time.UTC)))
				r := openReceiver(t, dir)
				check := func(when string) {
					if got := r.shown(); got != tc.shown {
						t.Errorf("%s %q are shown, want %q", when, got, tc.shown)
					}
					for _, p := range r.View(nil).Prefixes {
						if p.Pending > 10 {
							t.Errorf("%s %d minutes are pending", when, p.Pending)
						}
					}
				}
				bodies := strings.Fields(tc.bodies)
				for range 2 { // each is delivered twice
					for _, body := range bodies {
						if status := r.file(body); status != http.StatusNoContent {
							t.Errorf("%s is answered with %d", body, status)
						}
					}
				}
				check("at first")
				odd := map[string]float64{}
				if tc.odd != "" {
					odd[tc.odd] = 1
				}
				if got := r.counters(metrics.WebhookUnusable); !maps.Equal(got, odd) || len(r.counters(metrics.WebhookRejected)) > 0 {
					t.Errorf("odd are %v, want %v", got, odd)
				}
				for _, count := range r.View(nil).Events {
					if tc.types != "" && (string(count.Type) == tc.types) != (count.N == 1) {
						t.Errorf("%d events of type %s", count.N, count.Type)
					}
				}
				r.kill()
				r = openReceiver(t, dir)
				check("after a kill")
				if err := r.log.Save(); err != nil {
					t.Fatal(err)
				}
				r.kill()
				r = openReceiver(t, dir)
				check("after a restart")
				r.kill()
			})
		})
	}
}

func (r *receiver) kill() {
	r.Helper()
	if err := r.log.Close(); err != nil {
		r.Error(err)
	}
}

// TestOnlyWhatIsNoEventIsRejected holds that a genuine event is never lost by a 4xx.
func TestOnlyWhatIsNoEventIsRejected(t *testing.T) {
	r := openReceiver(t, t.TempDir())
	for body, want := range map[string]int{
		`[]`: http.StatusBadRequest, `null`: http.StatusBadRequest, `7`: http.StatusBadRequest, `{"id":`: http.StatusBadRequest, ``: http.StatusBadRequest,
		`{}`: http.StatusNoContent, `{"type":7}`: http.StatusNoContent,
		`{"type":"room.client.joined"}`:                      http.StatusNoContent,
		`{"type":"room.client.joined","data":[]}`:            http.StatusNoContent,
		`{"type":"room.client.left","id":[],"createdAt":{}}`: http.StatusNoContent,
	} {
		if got := r.post(body); got != want {
			t.Errorf("%q is answered with %d, want %d", body, got, want)
		}
	}
	want := map[string]float64{"type": 2, "id": 3, "created_at": 3, "room": 3, "counts": 3}
	if got := r.counters(metrics.WebhookUnusable); !maps.Equal(got, want) {
		t.Errorf("odd are %v, want %v", got, want)
	}
	if got := r.counters(metrics.WebhookRejected); !maps.Equal(got, map[string]float64{"malformed": 5}) {
		t.Errorf("rejected are %v", got)
	}
	r.kill()
}
