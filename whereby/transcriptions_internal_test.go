package whereby

import (
	"testing"
	"time"
)

func TestOddTranscriptionsCostNoOther(t *testing.T) {
	const fine = `{"transcriptionId":"fine","roomName":"acme-1","startDate":"2025-01-01T00:00:00.000Z","state":"new","durationInSeconds":1.2345}`
	tests := []struct {
		name, row string
		aside     bool
		want      Transcription
	}{
		{name: "nothing but the required", row: `{"transcriptionId":"t","roomName":"/a","startDate":"2025-01-01T00:00:00.000Z","state":"in_progress"}`,
			want: Transcription{ID: "t", RoomName: "/a", State: TranscriptionInProgress}},
		{name: "nulls", row: `{"transcriptionId":"t","roomName":"/a","startDate":null,"createdAt":"2025-01-01T00:00:00.000Z","state":null,"durationInSeconds":null}`,
			want: Transcription{ID: "t", RoomName: "/a"}},
		{name: "no id", row: `{"transcriptionId":null,"roomName":"/a","startDate":"2025-01-01T00:00:00.000Z","state":"ready"}`, aside: true},
		{name: "no room", row: `{"transcriptionId":"t","roomName":null,"startDate":"2025-01-01T00:00:00.000Z"}`, aside: true},
		{name: "no time", row: `{"transcriptionId":"t","roomName":"/a","state":"ready"}`, aside: true},
		{name: "a time of another age", row: `{"transcriptionId":"t","roomName":"/a","startDate":"1970-01-01T00:00:00.000Z"}`, aside: true},
		{name: "text for seconds", row: `{"transcriptionId":"t","roomName":"/a","startDate":"2025-01-01T00:00:00.000Z","durationInSeconds":"60"}`, aside: true},
		{name: "seconds below 0", row: `{"transcriptionId":"t","roomName":"/a","startDate":"2025-01-01T00:00:00.000Z","durationInSeconds":-1}`, aside: true},
		{name: "not an object", row: `"t"`, aside: true},
	}
	started := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			page, _, _, err := decodePage[wireTranscription, Transcription]([]byte(`{"cursor":null,"results":[` + fine + `,` + test.row + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			if page.Rows[0] != (Transcription{ID: "fine", RoomName: "/acme-1", StartedAt: started, State: "new", Billable: 1235 * time.Millisecond}) {
				t.Errorf("the other row is %+v", page.Rows[0])
			}
			if aside := len(page.Unusable) == 1; aside != test.aside {
				t.Fatalf("set aside: %v, want %v", page.Unusable, test.aside)
			}
			if test.want.StartedAt = started; !test.aside && page.Rows[1] != test.want {
				t.Errorf("got %+v, want %+v", page.Rows[1], test.want)
			}
		})
	}
}

func TestATranscriptionsEventHasItsID(t *testing.T) {
	event, err := ParseEvent([]byte(`{"id":"e","type":"transcription.finished","createdAt":"2025-01-01T00:00:00.000Z",
		"data":{"roomName":"/acme-1","transcriptionId":"t","durationInSeconds":42,"status":"ready"}}`))
	if err != nil || event.TranscriptionID != "t" || event.Billable != 42*time.Second {
		t.Errorf("got %+v, %v", event, err)
	}
	event, err = ParseEvent([]byte(`{"id":"e","type":"transcription.failed","createdAt":"2025-01-01T00:00:00.000Z",
		"data":{"transcriptionId":["t"],"durationInSeconds":"long","error":"none"}}`))
	if err != nil || event.TranscriptionID != "" || event.Billable != 0 {
		t.Errorf("got %+v, %v", event, err)
	}
}
