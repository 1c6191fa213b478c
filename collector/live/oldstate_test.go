package live_test

import (
	"os"
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

// TestAStateOfVersion1IsRestored reads what an exporter wrote that knew no assistants: in
// /acme-1 are a host, a visitor, an assistant under "other" and a recorder, and somebody
// waits; in /globex-1 is a host, whose session has ended.
func TestAStateOfVersion1IsRestored(t *testing.T) {
	state, err := os.ReadFile("testdata/state-v1.bin")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, options)
	b.wait(64 * time.Second)
	b.Tracker = restored(t, state, b.now, options)
	b.expect("acme 3/1/1, globex 1/1/0")
	v := b.View(b.now)
	acme, globex := v.Prefixes[0], v.Prefixes[1]
	want := map[string]int64{"host": 1, "visitor": 1, "recorder": 1, "other": 1}
	expectFigures(t, "clients", acme.Clients.All(), want)
	expectFigures(t, "joins", acme.Joins.All(), want)
	expectFigures(t, "recordings", globex.Recordings.All(), map[string]int64{"other": 1})
	expectFigures(t, "transcriptions", globex.Transcriptions.All(), map[string]int64{"failed": 1})
	if len(v.Segments) != 1 || v.Segments[0].Participants != 1 || v.Segments[0].Minutes != 2 {
		t.Errorf("segments are %+v", v.Segments)
	}
	b.expectCorrections(map[live.Correction]int64{})

	// Goes on, and is written as what it is now.
	b.restart()
	b.wait(time.Second)
	b.events = 100 // further IDs
	b.send(event(whereby.ClientLeft, "/acme-1", "v", "visitor", clients{"host": 1, "assistant": 1, "recorder": 1}))
	b.expect("acme 1/1/1, globex 1/1/0")
	expectFigures(t, "clients", b.View(b.now).Prefixes[0].Clients.All(), map[string]int64{"host": 1, "assistant": 1, "recorder": 1})
	b.wait(3 * time.Minute)
	b.expectCorrections(map[live.Correction]int64{})
}
