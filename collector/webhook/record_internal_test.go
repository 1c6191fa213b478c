package webhook

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"whereby_exporter/whereby"
)

// FuzzRecord reads back what was encoded. JSON's own encoder is told the same: it has been
// the one that wrote records.
func FuzzRecord(f *testing.F) {
	f.Add("e-1", "room.client.joined", "/acme-1", "s", "visitor", "clinic", int64(1772442000123456), 3, int64(0), byte(2))
	f.Add("a\"b\\c\nd\x00\u2028<é\xff", "", "", "\t", "", "\"", int64(0), -1, int64(math.MaxInt64), byte(1))
	f.Add("", "x", "", "", "", "", int64(math.MinInt64), 0, int64(-1), byte(0))
	f.Fuzz(func(t *testing.T, id, eventType, room, text, role, segment string, micros int64, n int, billable int64, form byte) {
		event := whereby.Event{
			ID: id, Type: whereby.EventType(eventType), CreatedAt: time.UnixMicro(micros).UTC(), RoomName: room,
			RoomSessionID: text, ParticipantID: text + "p", RoleName: role, Status: text, TranscriptionID: id,
			Billable: time.Duration(billable),
		}
		switch form % 3 {
		case 1:
			event.Total, event.TotalKnown = n, true
		case 2:
			event.Clients = map[string]int{}
			if n != 0 {
				event.Clients = map[string]int{role: n, text: 1}
			}
		}
		arrived := time.Date(2026, 3, 2, 9, 0, 0, 123456789, time.UTC)
		encoded, err := encodeRecord(event, segment, arrived)
		if y := event.CreatedAt.Year(); y < 0 || y > 9999 {
			if err == nil {
				t.Errorf("the year %d is encoded", y)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		got := record{}
		if err := json.Unmarshal(encoded, &got); err != nil {
			t.Fatalf("%v in %s", err, encoded)
		}
		fields := record{
			ID: id, Type: event.Type, Created: event.CreatedAt, Arrived: arrived, Room: room, Session: text,
			Participant: text + "p", Role: role, Clients: event.Clients, Status: text, Transcription: id,
			Billable: event.Billable, Segment: segment,
		}
		if event.TotalKnown {
			fields.Total = &n
		}
		var want record
		if b, err := json.Marshal(fields); err != nil || json.Unmarshal(b, &want) != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as\n%+v; want\n%+v", encoded, got, want)
		}
		if _, _, _, err := decodeRecord(encoded); err != nil {
			t.Error(err)
		}
	})
}
