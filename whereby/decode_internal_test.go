package whereby

import (
	"math"
	"strings"
	"testing"
	"time"
)

// The decoders are fuzzed on what every caller relies on: no panic, no figure that
// is negative or that a float64 can't hold, and no text of the answer in an error.

const planted = "Planted Person"

func checkError(t *testing.T, err error) {
	t.Helper()
	if text := err.Error(); strings.Contains(text, planted) || len(text) > 300 || strings.ContainsAny(text, "\n\r") {
		t.Errorf("the error is not one short line without the answer's text: %q", text)
	}
}

func checkUnusable(t *testing.T, rows []UnusableRow) {
	t.Helper()
	for _, row := range rows {
		checkError(t, row.Err)
		if len(row.RoomName) > maxRoomName+1 {
			t.Errorf("the room's name has %d bytes", len(row.RoomName))
		}
	}
}

func checkUsage(t *testing.T, u Usage) {
	t.Helper()
	for _, n := range []int64{u.ParticipantMinutes, u.RecorderMinutes, u.StreamerMinutes, u.UniqueParticipants, u.UniqueRecorders, u.UniqueStreamers} {
		if n < 0 || n > maxCount {
			t.Errorf("a figure is %d", n)
		}
	}
}

func checkRating(t *testing.T, r Rating) {
	t.Helper()
	if r.Count < 0 || r.Count > 0 && !(r.Mean >= 1 && r.Mean <= 5) {
		t.Errorf("the rating is %+v", r)
	}
}

func FuzzDecodeRooms(f *testing.F) {
	f.Add([]byte(`{"cursor":null,"results":[{"roomName":"/acme-1","totalParticipantMinutes":1,"totalRecorderMinutes":2,"totalStreamerMinutes":3,"totalSessions":4,"rating":4.5,"totalRatings":2}]}`))
	f.Add([]byte(`{"cursor":"x","results":[{"roomName":"/acme-1","lastSessionStartedAt":"2025-01-01T00:45:00.000Z","totalParticipantMinutes":null}]}`))
	f.Add([]byte(`{"results":[{"roomName":{"` + planted + `":1}}]}`))
	f.Add([]byte(`{"results":[{"totalParticipantMinutes":"` + planted + `"}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		page, _, _, err := decodePage[wireRoom, Room](body)
		if err != nil {
			checkError(t, err)
			return
		}
		checkUnusable(t, page.Unusable)
		for _, room := range page.Rows {
			checkUsage(t, room.Usage)
			checkRating(t, room.Rating)
			if room.Sessions < 0 || room.Name == "" || len(room.Name) > maxRoomName {
				t.Errorf("the room is %+v", room)
			}
		}
	})
}

func FuzzDecodeRoomSessions(f *testing.F) {
	f.Add([]byte(`{"results":[{"roomSessionId":"s","startedAt":"2025-01-01T00:45:00.000Z","endedAt":null,"totalParticipantMinutes":1,"totalRecorderMinutes":2,"totalStreamerMinutes":3}]}`))
	f.Add([]byte(`{"results":[{"roomSessionId":"s","createdAt":"2025-01-01T00:45:00.000Z","endAt":""}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		page, _, _, err := decodePage[wireRoomSession, RoomSession](body)
		if err != nil {
			checkError(t, err)
			return
		}
		checkUnusable(t, page.Unusable)
		for _, session := range page.Rows {
			checkUsage(t, session.Usage)
			checkRating(t, session.Rating)
			if session.ID == "" || session.StartedAt.IsZero() {
				t.Errorf("the session is %+v", session)
			}
		}
	})
}

func FuzzDecodeTranscriptions(f *testing.F) {
	f.Add([]byte(`{"cursor":null,"results":[{"transcriptionId":"t","roomName":"/acme-1","startDate":"2025-01-01T00:00:00.000Z","state":"ready","durationInSeconds":60}]}`))
	f.Add([]byte(`{"results":[{"transcriptionId":7,"roomName":"acme-1","startDate":null,"createdAt":"2025-01-01T00:00:00.000Z","state":["` + planted + `"],"durationInSeconds":1.5}]}`))
	f.Add([]byte(`{"results":[{"transcriptionId":"t","roomName":"/a","startDate":"` + planted + `"}]}`))
	f.Add([]byte(`{"results":[{"transcriptionId":"t","roomName":"/a","startDate":"2025-01-01T00:00:00.000Z","durationInSeconds":-1e300}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		page, _, _, err := decodePage[wireTranscription, Transcription](body)
		if err != nil {
			checkError(t, err)
			return
		}
		checkUnusable(t, page.Unusable)
		for _, row := range page.Rows {
			if row.ID == "" || row.RoomName == "" || row.StartedAt.IsZero() || len(row.State) > maxText ||
				row.Billable < 0 || row.Billable > maxBillable || row.Billable%time.Millisecond != 0 {
				t.Errorf("the transcription is %+v", row)
			}
		}
	})
}

func FuzzDecodeRecordings(f *testing.F) {
	f.Add([]byte(`{"cursor":"x","results":[{"recordingId":"r","roomSessionId":"s","filename":"acme-793e9ec1-c686-423d-9043-9b7a10c553fd.mp4","startDate":"2025-01-01T00:00:00.000Z","endDate":null,"sizeInMegaBytes":100.5}]}`))
	f.Add([]byte(`{"results":[{"recordingId":7,"filename":"` + planted + `","sizeInMegaBytes":null},{"sizeInMegaBytes":-1e300}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		page, _, _, err := decodePage[wireRecording, Recording](body)
		if err != nil {
			checkError(t, err)
			return
		}
		checkUnusable(t, page.Unusable)
		for _, r := range page.Rows {
			if r.ID == "" || r.Size < 0 || r.Size > maxCount || !r.SizeKnown && r.Size != 0 || len(r.RoomName) > maxRoomName+1 {
				t.Errorf("the recording is %+v", r)
			}
		}
	})
}

func TestTheRoomOfARecordingIsNeverAGuess(t *testing.T) {
	const uuid = "793e9ec1-c686-423d-9043-9b7a10c553fd"
	for file, want := range map[string]string{
		"acme-" + uuid + ".mp4":                   "/acme-" + uuid,
		"/acme-" + uuid + "_2025-01-01T00:00:00Z": "/acme-" + uuid,
		uuid + ".mp4":                             "/" + uuid,
		uuid:                                      "/" + uuid,
		"recording.mp4":                           "",
		"":                                        "",
		planted + " " + uuid + ".mp4":             "",
		"acme-" + uuid + "0.mp4":                  "",
		strings.Repeat("a", 39) + uuid:            "/" + strings.Repeat("a", 39) + uuid,
		strings.Repeat("a", 40) + "-" + uuid + ".m": "",
	} {
		if got := roomNameOfFile(file); got != want {
			t.Errorf("the room of %q is %q, want %q", file, got, want)
		}
	}
}

func FuzzDecodeParticipants(f *testing.F) {
	f.Add([]byte(`{"results":[{"participantId":"p","displayName":"` + planted + `","rating":9,"tags":["a"]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		page, _, _, err := decodePage[wireParticipant, Participant](body)
		if err != nil {
			checkError(t, err)
			return
		}
		checkUnusable(t, page.Unusable)
		for _, p := range page.Rows {
			if p.ID == "" || p.Stars != 0 && !(p.Stars >= 1 && p.Stars <= 5) {
				t.Errorf("the participant is %+v", p)
			}
		}
	})
}

func FuzzDecodeParticipant(f *testing.F) {
	f.Add([]byte(`[{"userRole":"host","sampleRateMs":2000,"samples":{"packetLossSend":[0,null,3,"NaN"],"bitrateRecv":[-1]}}]`))
	f.Add([]byte(`[null,{}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		connections, _, err := decodeParticipant(body)
		if err != nil {
			checkError(t, err)
			return
		}
		for _, c := range connections {
			for _, series := range [][]float64{c.PacketLossSend, c.PacketLossRecv, c.BitrateSend, c.BitrateRecv} {
				for _, v := range series {
					if v < 0 || math.IsInf(v, 0) {
						t.Errorf("a sample is %v", v)
					}
				}
			}
			if c.SampleRate < 0 {
				t.Errorf("the sample rate is %v", c.SampleRate)
			}
		}
	})
}
