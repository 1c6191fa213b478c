package wherebytest_test

import (
	"fmt"
	"testing"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// TestAPageHasAsManyRowsAsDocumented asks without a limit.
func TestAPageHasAsManyRowsAsDocumented(t *testing.T) {
	a := wherebytest.New(wherebytest.Config{})
	for i := range 60 {
		start := day.Add(time.Duration(i) * time.Hour)
		a.AddRoom(wherebytest.Room{Name: acme(i), CreatedAt: start})
		a.Transcribe(acme(i), wherebytest.Transcription{Start: start, End: start.Add(time.Minute)})
		a.AddRecordings(wherebytest.Recording{ID: fmt.Sprint(i), Start: start, End: start.Add(time.Minute)})
	}
	for endpoint, want := range map[string]int{
		wherebytest.EndpointRooms: 10, wherebytest.EndpointTranscriptions: 50, wherebytest.EndpointRecordings: 50,
	} {
		if rows := call(t, a, endpoint).listing(t).Results; len(rows) != want {
			t.Errorf("%s: %d rows, want %d", endpoint, len(rows), want)
		}
	}
}
