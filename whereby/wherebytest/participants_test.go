package wherebytest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

func TestParticipantsAppearAndLeaveAsInsightsGetThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := wherebytest.New(wherebytest.Config{Lag: time.Minute})
		begin := time.Now()
		a.AddRoom(wherebytest.Room{Name: acme(1)})
		id := a.Schedule(acme(1), wherebytest.Session{
			Start: begin, End: begin.Add(10 * time.Minute),
			Participants: []wherebytest.Participant{
				{ID: "one", ExternalID: "x", Role: "host", Rating: 4, Comment: "fine"},
				{ID: "two", Joined: begin.Add(2 * time.Minute), Left: begin.Add(5 * time.Minute)},
			},
		})
		rows := func(query ...string) []map[string]any {
			return call(t, a, "participants", query...).listing(t).Results
		}
		ids := func(rows []map[string]any) (ids []string) {
			for _, row := range rows {
				ids = append(ids, fmt.Sprint(row["participantId"], " ", row["leftAt"]))
			}
			return ids
		}
		if got := rows("roomSessionId", id); len(got) != 0 {
			t.Errorf("before Insights gets there: %v", got)
		}
		time.Sleep(2 * time.Minute)
		if got := ids(rows("roomSessionId", id)); !slices.Equal(got, []string{"one <nil>"}) {
			t.Errorf("a minute in: %v", got)
		}
		time.Sleep(5 * time.Minute)
		if got := ids(rows("roomSessionId", id, "sortBy", "joinedAt:desc")); !slices.Equal(got, []string{"two 2000-01-01T00:05:00.000Z", "one <nil>"}) {
			t.Errorf("six minutes in: %v", got)
		}
		if got := rows("externalId", "x")[0]; got["rating"] != nil || got["comment"] != nil {
			t.Errorf("a rating before it was given: %v", got)
		}
		time.Sleep(5 * time.Minute)
		if got := rows("externalId", "x"); len(got) != 1 || got[0]["rating"] != 4.0 || got[0]["comment"] != "fine" {
			t.Errorf("at the end: %v", got)
		}
		session := call(t, a, "room-sessions", "roomName", acme(1), "roomSessionId", id).listing(t).Results
		if len(session) != 1 || session[0]["rating"] != 4.0 || session[0]["endedAt"] != "2000-01-01T00:10:00.000Z" {
			t.Errorf("session %v", session)
		}
	})
}

func TestSamplesCoverTheTimeInTheRoom(t *testing.T) {
	a := wherebytest.New(wherebytest.Config{})
	a.AddRoom(wherebytest.Room{Name: acme(1), CreatedAt: day})
	people := make([]wherebytest.Participant, 200)
	for i := range people {
		people[i] = wherebytest.Participant{ID: fmt.Sprint("p", i)}
	}
	people[0].Role = wherebytest.RoleRecorder
	id := a.Schedule(acme(1), wherebytest.Session{Start: day, End: day.Add(10 * time.Minute), Participants: people})
	type view struct {
		Samples map[string][]float64 `json:"samples"`
	}
	poor := 0
	for i, p := range people {
		got := call(t, a, "participant", "roomSessionId", id, "participantId", p.ID)
		if again := call(t, a, "participant", "roomSessionId", id, "participantId", p.ID); !bytes.Equal(got.body, again.body) {
			t.Fatalf("%s differs when read again", p.ID)
		}
		var views []view
		if err := json.Unmarshal(got.body, &views); err != nil || len(views) != 1 {
			t.Fatalf("%v, %.100s", err, got.body)
		}
		var sum float64
		for name, values := range views[0].Samples {
			if len(values) != 300 {
				t.Errorf("%s: %d samples of %s, want 300", p.ID, len(values), name)
			}
			if name == "packetLossRecv" {
				for _, v := range values {
					sum += v
				}
			}
		}
		if sum/300 >= 3 {
			poor++
		}
		if i == 0 && slices.Max(views[0].Samples["bitrateSend"]) != 0 {
			t.Error("a recorder sends")
		}
	}
	if poor < 2 || poor > 30 {
		t.Errorf("%d of 200 have poor lines", poor)
	}
	if got := call(t, a, "participant", "roomSessionId", id, "participantId", "nobody"); string(got.body) != "[]" {
		t.Errorf("an unknown participant is %s, want []", got.body)
	}
}
