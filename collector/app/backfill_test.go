package app

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// TestBackfillWarns of a history that Prometheus could not take, or would not join.
func TestBackfillWarns(t *testing.T) {
	account := wherebytest.New(wherebytest.Config{APIKey: apiKey})
	api := httptest.NewServer(account)
	defer api.Close()
	const room = "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd"
	account.AddRoom(wherebytest.Room{Name: room, CreatedAt: time.Now().Add(-48 * time.Hour)})
	account.Use(room, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 12}, time.Now().Add(-24*time.Hour))
	const head, labels = "the history ends within the last three hours", "no --label is given"
	for name, tc := range map[string]struct {
		end   time.Duration // ago; 0 is the default
		label []string
		want  []string
	}{
		"nothing to warn of": {label: []string{"job=whereby"}},
		"an end of its own":  {end: 181 * time.Minute, label: []string{"job=whereby"}},
		"too late an end":    {end: 170 * time.Minute, label: []string{"job=whereby"}, want: []string{head}},
		"no labels":          {want: []string{labels}},
		"both":               {end: time.Minute, want: []string{head, labels}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnvironment(t, apiKey)
			b := Backfill{
				Output: filepath.Join(t.TempDir(), "usage.om"), Interval: 15 * time.Minute, Label: tc.label,
				Whereby: Whereby{URL: api.URL + "/v1", RateLimitShare: 0.25},
			}
			if tc.end > 0 {
				b.End = time.Now().Add(-tc.end)
			}
			if err := b.Run(&e.Env); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(e.log.String(), "level=WARN"); n != len(tc.want) {
				t.Errorf("%d warnings, want %d", n, len(tc.want))
			}
			for _, want := range tc.want {
				if !strings.Contains(e.log.String(), want) {
					t.Errorf("it does not say %q", want)
				}
			}
			if _, err := os.Stat(b.Output); err != nil || !strings.HasPrefix(e.out.String(), b.Output) || !strings.Contains(e.out.String(), "1 sessions with 12 participant") {
				t.Errorf("it printed %q (%v)", &e.out, err)
			}
			if t.Failed() {
				t.Logf("it logged:\n%s", &e.log)
			}
		})
	}
}
