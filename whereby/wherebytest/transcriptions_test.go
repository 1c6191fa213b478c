package wherebytest_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

func onePrefix(string) string { return "" }

func TestATranscriptionIsListedAsItGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := wherebytest.New(wherebytest.Config{Lag: time.Minute, Nulls: wherebytest.ExplicitNulls})
		now := time.Now()
		a.AddRoom(wherebytest.Room{Name: acme(1), CreatedAt: now})
		a.Transcribe(acme(1), wherebytest.Transcription{
			ID: "grows", Start: now, End: now.Add(10 * time.Minute), Billable: 20 * time.Minute, Deleted: now.Add(time.Hour),
		})
		a.Transcribe(acme(1), wherebytest.Transcription{ID: "fails", Start: now, End: now.Add(time.Minute), Failed: true, Late: 2 * time.Hour, Unannounced: true})
		for _, step := range []struct {
			after time.Duration
			want  string
			truth wherebytest.TranscriptionTruth
		}{
			{0, "[]", wherebytest.TranscriptionTruth{}},
			{time.Minute, "[grows in_progress <nil>]", wherebytest.TranscriptionTruth{}},
			{6 * time.Minute, "[grows in_progress 600]", wherebytest.TranscriptionTruth{Billable: 10 * time.Minute}},
			// The webhook says it before the listing does.
			{10 * time.Minute, "[grows in_progress 1080]", wherebytest.TranscriptionTruth{Billable: 20 * time.Minute, Finished: 1}},
			{11 * time.Minute, "[grows ready 1200]", wherebytest.TranscriptionTruth{Billable: 20 * time.Minute, Finished: 1}},
			{time.Hour, "[]", wherebytest.TranscriptionTruth{Billable: 20 * time.Minute, Finished: 1}},
			{3 * time.Hour, "[fails failed <nil>]", wherebytest.TranscriptionTruth{Billable: 20 * time.Minute, Finished: 1, Failed: 1}},
		} {
			time.Sleep(time.Until(now.Add(step.after)))
			var got []string
			for _, row := range call(t, a, "transcriptions", "sortBy", "startDate:desc").listing(t).Results {
				got = append(got, fmt.Sprint(row["transcriptionId"], " ", row["state"], " ", row["durationInSeconds"]))
			}
			if fmt.Sprint(got) != step.want {
				t.Errorf("after %v it lists %v, want %v", step.after, got, step.want)
			}
			if truth := a.TranscriptionTruth(onePrefix, now, now.Add(time.Hour))[""]; truth != step.truth {
				t.Errorf("after %v the truth is %+v, want %+v", step.after, truth, step.truth)
			}
		}
		if truth := a.TranscriptionTruth(onePrefix, now.Add(time.Millisecond), time.Time{}); len(truth) > 0 {
			t.Errorf("of what started later it knows %+v", truth)
		}
		if events := a.Events(now, now.Add(time.Hour)); len(events) != 2 || events[1].Duration != 20*time.Minute {
			t.Errorf("the events are %+v", events)
		}
	})
}

func TestRecordingsTranscriptionsAreListedAsAnnounced(t *testing.T) {
	a := wherebytest.New(wherebytest.Config{PointsPerMinute: 1 << 30})
	a.AddRoom(wherebytest.Room{Name: acme(1), CreatedAt: day})
	for i := range 30 {
		start := day.Add(time.Duration(i) * time.Hour)
		a.Schedule(acme(1), wherebytest.Session{Start: start, End: start.Add(30 * time.Minute), Participants: []wherebytest.Participant{{}, {}, {Role: wherebytest.RoleRecorder}}})
	}
	announced := map[string]int{}
	for _, e := range a.Events(day, day.Add(48*time.Hour)) {
		if e.TranscriptionID != "" {
			announced[e.TranscriptionID]++
		}
	}
	rows := readAll(t, a, "transcriptions", "limit", "3")
	for _, row := range rows {
		if announced[row["transcriptionId"].(string)] != 2 {
			t.Errorf("not announced: %v", row)
		}
		for _, wrong := range violations(schemas["transcriptions"], row, wherebytest.OmitNulls) {
			t.Error(wrong)
		}
	}
	if len(rows) == 0 || len(rows) != len(announced) {
		t.Errorf("%d are listed and %d announced", len(rows), len(announced))
	}
}
