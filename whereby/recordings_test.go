package whereby_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

func recordingsClient(account *wherebytest.Account) *whereby.Client {
	return &whereby.Client{APIKey: whereby.StaticKey("test-key"), HTTPClient: &http.Client{Transport: account.RoundTripper()}}
}

// TestRecordingsAreThoseOfTheAccount has rows in every form that is open.
func TestRecordingsAreThoseOfTheAccount(t *testing.T) {
	begin := time.Now().Add(-1000 * time.Hour).Truncate(time.Millisecond).UTC()
	for name, listing := range map[string]wherebytest.Recordings{
		"plain":                  {},
		"with room names":        {RoomNames: true},
		"with null sizes":        {NullSizes: func(id string) bool { return strings.HasSuffix(id, "3") }},
		"with rows that are odd": {OddRows: func(id string, _ time.Time) bool { return strings.HasSuffix(id, "4") }},
		"with late ones":         {Lateness: func(string) time.Duration { return 850 * time.Hour }},
	} {
		t.Run(name, func(t *testing.T) {
			account := wherebytest.New(wherebytest.Config{Recordings: listing, Nulls: wherebytest.ExplicitNulls})
			for i := range 230 {
				room := fmt.Sprintf("/acme-793e9ec1-c686-423d-9043-%012d", i%7)
				start := begin.Add(time.Duration(i) * time.Hour)
				account.AddRecordings(wherebytest.Recording{
					ID: fmt.Sprint("r", i), RoomName: room, Filename: strings.TrimPrefix(room, "/") + ".mp4",
					Start: start, End: start.Add(time.Minute), Megabytes: float64(i) + 0.25,
				})
			}
			want := map[string]wherebytest.Recording{}
			for _, r := range account.StoredRecordings() {
				want[r.ID] = r
			}
			pages := 0
			for page, err := range recordingsClient(account).Recordings(t.Context(), whereby.RecordingsQuery{SortBy: whereby.NewestRecordingsFirst}) {
				if err != nil {
					t.Fatal(err)
				}
				pages++
				for _, got := range page.Rows {
					w, ok := want[got.ID]
					if !ok || got.RoomName != w.RoomName || !got.StartedAt.Equal(w.Start) || got.Size != int64(math.Round(w.Megabytes*1e6)) {
						t.Errorf("a recording is %+v, want %+v", got, w)
					}
					delete(want, got.ID)
				}
			}
			if len(want) > 0 || pages > 3 {
				t.Errorf("%d recordings are missing after %d pages", len(want), pages)
			}
		})
	}
}

func TestErrorsNameThePathOfRecordings(t *testing.T) {
	account := wherebytest.New(wherebytest.Config{Recordings: wherebytest.Recordings{Status: func(time.Time) int { return http.StatusNotFound }}})
	for _, err := range recordingsClient(account).Recordings(t.Context(), whereby.RecordingsQuery{}) {
		if !whereby.NotFound(err) || !strings.HasPrefix(err.Error(), "read /recordings page 1: ") {
			t.Errorf("the error is %v", err)
		}
	}
}
