package families_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/families"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/transcriptions"
	"whereby_exporter/whereby"
)

// transcribed are figures of two transcriptions of acme- with 90 and 30 s, of which the
// second began before the period, and one of globex- that events alone told of.
func transcribed(t *testing.T, state transcriptions.State) *transcriptions.Snapshot {
	t.Helper()
	kept := store.NewTranscriptionsInMemory()
	rows := []transcriptions.Row{
		{ID: "a", Room: "acme-", Label: "acme-", Started: 2000, Listed: true, Billable: 90_000, Status: transcriptions.Finished},
		{ID: "b", Room: "acme-", Label: "acme-", Started: 500, Listed: true, Billable: 30_000, Status: transcriptions.Failed},
	}
	if err := kept.Commit(rows, &state); err != nil {
		t.Fatal(err)
	}
	l, err := transcriptions.Open(kept, func(room string) string { return room })
	if err != nil {
		t.Fatal(err)
	}
	l.Apply(whereby.Event{ID: "e", Type: whereby.TranscriptionFinished, RoomName: "globex-", TranscriptionID: "c", Billable: time.Second, CreatedAt: time.UnixMilli(5000)})
	span := transcriptions.Span{Previous: 0, Current: 1000}
	s, err := l.Snapshot(&transcriptions.Periods{Prefixes: map[string]transcriptions.Span{"acme-": span, "initech-": span}, Account: span})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTranscriptions(t *testing.T) {
	usage := &ledger.Snapshot{
		Prefixes: []ledger.PrefixUsage{{Prefix: "acme-"}, {Prefix: "initech-"}},
		Account:  ledger.PeriodUsage{Used: ledger.Totals{ParticipantMinutes: 10, RecorderMinutes: 2, StreamerMinutes: 3, Sessions: 100}},
	}
	tests := []struct {
		name  string
		state transcriptions.State
		want  string
	}{
		{"read", transcriptions.State{Complete: true}, `
			# TYPE whereby_organization_quota_previous_used gauge
			whereby_organization_quota_previous_used{resource="transcription_minutes"} 0.5
			whereby_organization_quota_previous_used{resource="billed_minutes"} 0.5
			# TYPE whereby_organization_quota_used gauge
			whereby_organization_quota_used{resource="transcription_minutes"} 1.5166666666666666
			whereby_organization_quota_used{resource="billed_minutes"} 16.516666666666666
			# TYPE whereby_organization_quota_used_lower_bound gauge
			whereby_organization_quota_used_lower_bound{resource="transcription_minutes"} 1.5166666666666666
			whereby_organization_quota_used_lower_bound{resource="billed_minutes"} 16.516666666666666
			# TYPE whereby_quota_previous_used gauge
			whereby_quota_previous_used{resource="transcription_minutes",room_prefix="acme-"} 0.5
			whereby_quota_previous_used{resource="transcription_minutes",room_prefix="initech-"} 0
			# TYPE whereby_quota_used gauge
			whereby_quota_used{resource="transcription_minutes",room_prefix="acme-"} 1.5
			whereby_quota_used{resource="transcription_minutes",room_prefix="initech-"} 0
			# TYPE whereby_quota_used_lower_bound gauge
			whereby_quota_used_lower_bound{resource="transcription_minutes",room_prefix="acme-"} 1.5
			whereby_quota_used_lower_bound{resource="transcription_minutes",room_prefix="initech-"} 0
			# TYPE whereby_transcription_seconds_total counter
			whereby_transcription_seconds_total{room_prefix="acme-"} 120
			whereby_transcription_seconds_total{room_prefix="globex-"} 1
			whereby_transcription_seconds_total{room_prefix="initech-"} 0
			# TYPE whereby_transcriptions_total counter
			whereby_transcriptions_total{room_prefix="acme-",status="failed"} 1
			whereby_transcriptions_total{room_prefix="acme-",status="finished"} 1
			whereby_transcriptions_total{room_prefix="globex-",status="finished"} 1
		`},
		{"not read yet", transcriptions.State{}, `
			# TYPE whereby_organization_quota_used_lower_bound gauge
			whereby_organization_quota_used_lower_bound{resource="billed_minutes"} 15
		`},
		{"refused at once", transcriptions.State{Refused: true, Exposed: true}, `
			# TYPE whereby_organization_quota_used_lower_bound gauge
			whereby_organization_quota_used_lower_bound{resource="billed_minutes"} 15
			# TYPE whereby_transcriptions_total counter
			whereby_transcriptions_total{room_prefix="acme-",status="failed"} 1
			whereby_transcriptions_total{room_prefix="acme-",status="finished"} 1
			whereby_transcriptions_total{room_prefix="globex-",status="finished"} 1
		`},
		{"refused later, and a row that cannot be read", transcriptions.State{Complete: true, Aside: []string{"acme-"}}, `
			# TYPE whereby_organization_quota_used_lower_bound gauge
			whereby_organization_quota_used_lower_bound{resource="transcription_minutes"} 1.5166666666666666
			whereby_organization_quota_used_lower_bound{resource="billed_minutes"} 16.516666666666666
			# TYPE whereby_quota_previous_used gauge
			whereby_quota_previous_used{resource="transcription_minutes",room_prefix="initech-"} 0
			# TYPE whereby_quota_used gauge
			whereby_quota_used{resource="transcription_minutes",room_prefix="initech-"} 0
			# TYPE whereby_quota_used_lower_bound gauge
			whereby_quota_used_lower_bound{resource="transcription_minutes",room_prefix="acme-"} 1.5
			whereby_quota_used_lower_bound{resource="transcription_minutes",room_prefix="initech-"} 0
			# TYPE whereby_transcription_seconds_total counter
			whereby_transcription_seconds_total{room_prefix="acme-"} 120
			whereby_transcription_seconds_total{room_prefix="globex-"} 1
			whereby_transcription_seconds_total{room_prefix="initech-"} 0
			# TYPE whereby_transcriptions_total counter
			whereby_transcriptions_total{room_prefix="acme-",status="failed"} 1
			whereby_transcriptions_total{room_prefix="acme-",status="finished"} 1
			whereby_transcriptions_total{room_prefix="globex-",status="finished"} 1
		`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			known := transcribed(t, test.state)
			list := families.Transcriptions(usage, known, nil)
			list = append(list, families.Used(usage, known, nil)...)
			list = append(list, families.Quotas(usage, known, config.Default())...)
			expectOnly(t, list, test.want, "transcription", "billed_minutes")
		})
	}
}

// TestTranscriptionsWithoutAnIDCount has events count that came from an older version's log.
func TestTranscriptionsWithoutAnIDCount(t *testing.T) {
	expectOnly(t, families.Transcriptions(nil, transcribed(t, transcriptions.State{Exposed: true}), tracked()), `
		# TYPE whereby_transcriptions_total counter
		whereby_transcriptions_total{room_prefix="acme-",status="failed"} 2
		whereby_transcriptions_total{room_prefix="acme-",status="finished"} 1
		whereby_transcriptions_total{room_prefix="globex-",status="finished"} 1
	`)
}

// expectOnly compares the samples of which the lines hold one of some words, in any order.
func expectOnly(t *testing.T, list []exposition.Family, want string, words ...string) {
	t.Helper()
	samples := func(text string) (lines []string) {
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			about := len(words) == 0 || slices.ContainsFunc(words, func(word string) bool { return strings.Contains(line, word) })
			if line != "" && line[0] != '#' && about {
				lines = append(lines, line)
			}
		}
		slices.Sort(lines)
		return lines
	}
	if got, want := samples(expose(t, list)), samples(want); !slices.Equal(got, want) {
		t.Errorf("exposed is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
