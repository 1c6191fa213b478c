package families_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/families"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/live"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/quality"
	"whereby_exporter/whereby"
)

// expose is what a scrape shows of families, less their help. It checks that each is as
// the list of metrics has it.
func expose(t *testing.T, list []exposition.Family) string {
	t.Helper()
	for _, f := range list {
		i := slices.IndexFunc(metrics.All(), func(m metrics.Metric) bool { return m.Name == f.Name })
		if i < 0 {
			t.Errorf("%s is not among the metrics", f.Name)
			continue
		}
		m := metrics.All()[i]
		if f.Help != m.Help || !slices.Equal(f.Labels, m.Labels) || strings.ToLower(f.Type.String()) != string(m.Type) {
			t.Errorf("%s is a %s with the labels %q and the help %q", f.Name, f.Type, f.Labels, f.Help)
		}
	}
	handler := exposition.NewHandler(prometheus.NewRegistry(), exposition.Options{})
	handler.Publish(list, nil)
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("a scrape is answered %d %s", answer.Code, answer.Body)
	}
	var text strings.Builder
	for line := range strings.Lines(answer.Body.String()) {
		if !strings.HasPrefix(line, "# HELP") {
			text.WriteString(line)
		}
	}
	return text.String()
}

// expect compares what a scrape shows of families with a text, which may be indented.
func expect(t *testing.T, list []exposition.Family, want string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(strings.TrimSpace(want)) {
		lines = append(lines, strings.TrimSpace(line)+"\n")
	}
	if got, want := expose(t, list), strings.Join(lines, ""); got != want {
		t.Errorf("exposed is\n%s\nwant\n%s", got, want)
	}
}

func TestUsage(t *testing.T) {
	for name, tc := range map[string]struct {
		snapshot ledger.Snapshot
		want     string
	}{
		"an account with rooms": {
			ledger.Snapshot{
				Prefixes: []ledger.PrefixUsage{
					{Prefix: "acme-", Rooms: 3, Totals: ledger.Totals{ParticipantMinutes: 100, RecorderMinutes: 20, StreamerMinutes: 5, Sessions: 7}},
					{Prefix: "globex-"},
				},
				Drift:           ledger.Totals{ParticipantMinutes: 1, RecorderMinutes: 2, StreamerMinutes: 3, Sessions: 4},
				DroppedPrefixes: 6,
			}, `
			# TYPE whereby_exporter_ledger_drift gauge
			whereby_exporter_ledger_drift{resource="participant_minutes"} 1
			whereby_exporter_ledger_drift{resource="recorder_minutes"} 2
			whereby_exporter_ledger_drift{resource="sessions"} 4
			whereby_exporter_ledger_drift{resource="streamer_minutes"} 3
			# TYPE whereby_exporter_room_prefixes_dropped gauge
			whereby_exporter_room_prefixes_dropped 6
			# TYPE whereby_participant_minutes_total counter
			whereby_participant_minutes_total{room_prefix="acme-"} 100
			whereby_participant_minutes_total{room_prefix="globex-"} 0
			# TYPE whereby_recorder_minutes_total counter
			whereby_recorder_minutes_total{room_prefix="acme-"} 20
			whereby_recorder_minutes_total{room_prefix="globex-"} 0
			# TYPE whereby_rooms gauge
			whereby_rooms{room_prefix="acme-"} 3
			whereby_rooms{room_prefix="globex-"} 0
			# TYPE whereby_sessions_total counter
			whereby_sessions_total{room_prefix="acme-"} 7
			whereby_sessions_total{room_prefix="globex-"} 0
			# TYPE whereby_streamer_minutes_total counter
			whereby_streamer_minutes_total{room_prefix="acme-"} 5
			whereby_streamer_minutes_total{room_prefix="globex-"} 0`,
		},
		"an account without rooms": {
			ledger.Snapshot{}, `
			# TYPE whereby_exporter_ledger_drift gauge
			whereby_exporter_ledger_drift{resource="participant_minutes"} 0
			whereby_exporter_ledger_drift{resource="recorder_minutes"} 0
			whereby_exporter_ledger_drift{resource="sessions"} 0
			whereby_exporter_ledger_drift{resource="streamer_minutes"} 0
			# TYPE whereby_exporter_room_prefixes_dropped gauge
			whereby_exporter_room_prefixes_dropped 0`,
		},
	} {
		t.Run(name, func(t *testing.T) { expect(t, families.Usage(&tc.snapshot), tc.want) })
	}
}

// period is one whose times are 1000 and 2000 seconds after an offset.
func period(offset int64) billing.Period {
	return billing.Period{Start: time.Unix(offset+1000, 0), End: time.Unix(offset+2000, 0)}
}

func TestQuotas(t *testing.T) {
	snapshot := &ledger.Snapshot{
		Prefixes: []ledger.PrefixUsage{
			{Prefix: "acme-", PeriodUsage: ledger.PeriodUsage{Period: period(0), Previous: ledger.PreviousUsage{
				Period: period(-1000), Used: ledger.Totals{ParticipantMinutes: 10, RecorderMinutes: 2, StreamerMinutes: 3, Sessions: 4}, Final: true,
			}}},
			{Prefix: "globex-", PeriodUsage: ledger.PeriodUsage{Period: period(500), Unread: 2, Previous: ledger.PreviousUsage{Unread: 1}}},
		},
		Account: ledger.PeriodUsage{Period: period(100), Unread: 2, Previous: ledger.PreviousUsage{Period: period(-900), Unread: 1}},
	}
	for name, tc := range map[string]struct {
		file config.Config
		want string
	}{
		"customers and an organization": {
			config.Config{
				Organization: config.Organization{Quotas: config.Quotas{config.Sessions: 50}},
				Customers: []config.Customer{
					// A limit of 0 allows nothing, and is a limit.
					{RoomPrefix: "acme-", Name: "Acme", NearRatio: 0.75, Quotas: config.Quotas{config.ParticipantMinutes: 1000, config.LiveParticipants: 0}},
					{RoomPrefix: "initech-", Name: "Initech", NearRatio: 0.9},
				},
			}, `
			# TYPE whereby_customer_info gauge
			whereby_customer_info{customer="Acme",room_prefix="acme-"} 1
			whereby_customer_info{customer="Initech",room_prefix="initech-"} 1
			# TYPE whereby_organization_quota_limit gauge
			whereby_organization_quota_limit{resource="sessions"} 50
			# TYPE whereby_organization_quota_period_end_timestamp_seconds gauge
			whereby_organization_quota_period_end_timestamp_seconds 2100
			# TYPE whereby_organization_quota_period_start_timestamp_seconds gauge
			whereby_organization_quota_period_start_timestamp_seconds 1100
			# TYPE whereby_organization_quota_previous_final gauge
			whereby_organization_quota_previous_final 0
			# TYPE whereby_organization_quota_previous_period_end_timestamp_seconds gauge
			whereby_organization_quota_previous_period_end_timestamp_seconds 1100
			# TYPE whereby_organization_quota_previous_period_start_timestamp_seconds gauge
			whereby_organization_quota_previous_period_start_timestamp_seconds 100
			# TYPE whereby_organization_quota_unread_rooms gauge
			whereby_organization_quota_unread_rooms 2
			# TYPE whereby_quota_limit gauge
			whereby_quota_limit{resource="live_participants",room_prefix="acme-"} 0
			whereby_quota_limit{resource="participant_minutes",room_prefix="acme-"} 1000
			# TYPE whereby_quota_near_ratio gauge
			whereby_quota_near_ratio{room_prefix="acme-"} 0.75
			whereby_quota_near_ratio{room_prefix="initech-"} 0.9
			# TYPE whereby_quota_period_end_timestamp_seconds gauge
			whereby_quota_period_end_timestamp_seconds{room_prefix="acme-"} 2000
			whereby_quota_period_end_timestamp_seconds{room_prefix="globex-"} 2500
			# TYPE whereby_quota_period_start_timestamp_seconds gauge
			whereby_quota_period_start_timestamp_seconds{room_prefix="acme-"} 1000
			whereby_quota_period_start_timestamp_seconds{room_prefix="globex-"} 1500
			# TYPE whereby_quota_previous_final gauge
			whereby_quota_previous_final{room_prefix="acme-"} 1
			whereby_quota_previous_final{room_prefix="globex-"} 0
			# TYPE whereby_quota_previous_period_end_timestamp_seconds gauge
			whereby_quota_previous_period_end_timestamp_seconds{room_prefix="acme-"} 1000
			whereby_quota_previous_period_end_timestamp_seconds{room_prefix="globex-"} 0
			# TYPE whereby_quota_previous_period_start_timestamp_seconds gauge
			whereby_quota_previous_period_start_timestamp_seconds{room_prefix="acme-"} 0
			whereby_quota_previous_period_start_timestamp_seconds{room_prefix="globex-"} 0
			# TYPE whereby_quota_previous_used gauge
			whereby_quota_previous_used{resource="participant_minutes",room_prefix="acme-"} 10
			whereby_quota_previous_used{resource="recorder_minutes",room_prefix="acme-"} 2
			whereby_quota_previous_used{resource="sessions",room_prefix="acme-"} 4
			whereby_quota_previous_used{resource="streamer_minutes",room_prefix="acme-"} 3
			# TYPE whereby_quota_unread_rooms gauge
			whereby_quota_unread_rooms{room_prefix="acme-"} 0
			whereby_quota_unread_rooms{room_prefix="globex-"} 2`,
		},
		"a file without any": {
			config.Config{}, `
			# TYPE whereby_organization_quota_period_end_timestamp_seconds gauge
			whereby_organization_quota_period_end_timestamp_seconds 2100
			# TYPE whereby_organization_quota_period_start_timestamp_seconds gauge
			whereby_organization_quota_period_start_timestamp_seconds 1100
			# TYPE whereby_organization_quota_previous_final gauge
			whereby_organization_quota_previous_final 0
			# TYPE whereby_organization_quota_previous_period_end_timestamp_seconds gauge
			whereby_organization_quota_previous_period_end_timestamp_seconds 1100
			# TYPE whereby_organization_quota_previous_period_start_timestamp_seconds gauge
			whereby_organization_quota_previous_period_start_timestamp_seconds 100
			# TYPE whereby_organization_quota_unread_rooms gauge
			whereby_organization_quota_unread_rooms 2
			# TYPE whereby_quota_period_end_timestamp_seconds gauge
			whereby_quota_period_end_timestamp_seconds{room_prefix="acme-"} 2000
			whereby_quota_period_end_timestamp_seconds{room_prefix="globex-"} 2500
			# TYPE whereby_quota_period_start_timestamp_seconds gauge
			whereby_quota_period_start_timestamp_seconds{room_prefix="acme-"} 1000
			whereby_quota_period_start_timestamp_seconds{room_prefix="globex-"} 1500
			# TYPE whereby_quota_previous_final gauge
			whereby_quota_previous_final{room_prefix="acme-"} 1
			whereby_quota_previous_final{room_prefix="globex-"} 0
			# TYPE whereby_quota_previous_period_end_timestamp_seconds gauge
			whereby_quota_previous_period_end_timestamp_seconds{room_prefix="acme-"} 1000
			whereby_quota_previous_period_end_timestamp_seconds{room_prefix="globex-"} 0
			# TYPE whereby_quota_previous_period_start_timestamp_seconds gauge
			whereby_quota_previous_period_start_timestamp_seconds{room_prefix="acme-"} 0
			whereby_quota_previous_period_start_timestamp_seconds{room_prefix="globex-"} 0
			# TYPE whereby_quota_previous_used gauge
			whereby_quota_previous_used{resource="participant_minutes",room_prefix="acme-"} 10
			whereby_quota_previous_used{resource="recorder_minutes",room_prefix="acme-"} 2
			whereby_quota_previous_used{resource="sessions",room_prefix="acme-"} 4
			whereby_quota_previous_used{resource="streamer_minutes",room_prefix="acme-"} 3
			# TYPE whereby_quota_unread_rooms gauge
			whereby_quota_unread_rooms{room_prefix="acme-"} 0
			whereby_quota_unread_rooms{room_prefix="globex-"} 2`,
		},
	} {
		t.Run(name, func(t *testing.T) { expect(t, families.Quotas(snapshot, nil, &tc.file), tc.want) })
	}
}

func TestUsed(t *testing.T) {
	totals := ledger.Totals{ParticipantMinutes: 10, RecorderMinutes: 2, StreamerMinutes: 3, Sessions: 4}
	known := ledger.PeriodUsage{Period: period(0), Used: totals}
	for name, tc := range map[string]struct {
		snapshot ledger.Snapshot
		view     *live.View
		want     string
	}{
		"with webhooks": {
			ledger.Snapshot{Prefixes: []ledger.PrefixUsage{{Prefix: "acme-", PeriodUsage: known}}, Account: known},
			&live.View{Prefixes: []live.PrefixView{{Prefix: "acme-", Participants: 5}}}, `
			# TYPE whereby_organization_quota_used gauge
			whereby_organization_quota_used{resource="live_participants"} 5
			whereby_organization_quota_used{resource="participant_minutes"} 10
			whereby_organization_quota_used{resource="recorder_minutes"} 2
			whereby_organization_quota_used{resource="sessions"} 4
			whereby_organization_quota_used{resource="streamer_minutes"} 3
			# TYPE whereby_organization_quota_used_lower_bound gauge
			whereby_organization_quota_used_lower_bound{resource="live_participants"} 5
			whereby_organization_quota_used_lower_bound{resource="participant_minutes"} 10
			whereby_organization_quota_used_lower_bound{resource="recorder_minutes"} 2
			whereby_organization_quota_used_lower_bound{resource="sessions"} 4
			whereby_organization_quota_used_lower_bound{resource="streamer_minutes"} 3
			# TYPE whereby_quota_used gauge
			whereby_quota_used{resource="live_participants",room_prefix="acme-"} 5
			whereby_quota_used{resource="participant_minutes",room_prefix="acme-"} 10
			whereby_quota_used{resource="recorder_minutes",room_prefix="acme-"} 2
			whereby_quota_used{resource="sessions",room_prefix="acme-"} 4
			whereby_quota_used{resource="streamer_minutes",room_prefix="acme-"} 3
			# TYPE whereby_quota_used_lower_bound gauge
			whereby_quota_used_lower_bound{resource="live_participants",room_prefix="acme-"} 5
			whereby_quota_used_lower_bound{resource="participant_minutes",room_prefix="acme-"} 10
			whereby_quota_used_lower_bound{resource="recorder_minutes",room_prefix="acme-"} 2
			whereby_quota_used_lower_bound{resource="sessions",room_prefix="acme-"} 4
			whereby_quota_used_lower_bound{resource="streamer_minutes",room_prefix="acme-"} 3`,
		},
		"without webhooks nobody is known to be there": {
			ledger.Snapshot{Prefixes: []ledger.PrefixUsage{{Prefix: "acme-", PeriodUsage: known}}, Account: known}, nil, `
			# TYPE whereby_organization_quota_used gauge
			whereby_organization_quota_used{resource="participant_minutes"} 10
			whereby_organization_quota_used{resource="recorder_minutes"} 2
			whereby_organization_quota_used{resource="sessions"} 4
			whereby_organization_quota_used{resource="streamer_minutes"} 3
			# TYPE whereby_organization_quota_used_lower_bound gauge
			whereby_organization_quota_used_lower_bound{resource="participant_minutes"} 10
			whereby_organization_quota_used_lower_bound{resource="recorder_minutes"} 2
			whereby_organization_quota_used_lower_bound{resource="sessions"} 4
			whereby_organization_quota_used_lower_bound{resource="streamer_minutes"} 3
			# TYPE whereby_quota_used gauge
			whereby_quota_used{resource="participant_minutes",room_prefix="acme-"} 10
			whereby_quota_used{resource="recorder_minutes",room_prefix="acme-"} 2
			whereby_quota_used{resource="sessions",room_prefix="acme-"} 4
			whereby_quota_used{resource="streamer_minutes",room_prefix="acme-"} 3
			# TYPE whereby_quota_used_lower_bound gauge
			whereby_quota_used_lower_bound{resource="participant_minutes",room_prefix="acme-"} 10
			whereby_quota_used_lower_bound{resource="recorder_minutes",room_prefix="acme-"} 2
			whereby_quota_used_lower_bound{resource="sessions",room_prefix="acme-"} 4
			whereby_quota_used_lower_bound{resource="streamer_minutes",room_prefix="acme-"} 3`,
		},
		"of what is not known, the certain part is there": {
			ledger.Snapshot{Prefixes: []ledger.PrefixUsage{{Prefix: "acme-", PeriodUsage: ledger.PeriodUsage{Used: totals, Unread: 1}}}, Account: ledger.PeriodUsage{Used: totals, Unread: 1}}, nil, `
			# TYPE whereby_organization_quota_used_lower_bound gauge
			whereby_organization_quota_used_lower_bound{resource="participant_minutes"} 10
			whereby_organization_quota_used_lower_bound{resource="recorder_minutes"} 2
			whereby_organization_quota_used_lower_bound{resource="sessions"} 4
			whereby_organization_quota_used_lower_bound{resource="streamer_minutes"} 3
			# TYPE whereby_quota_used_lower_bound gauge
			whereby_quota_used_lower_bound{resource="participant_minutes",room_prefix="acme-"} 10
			whereby_quota_used_lower_bound{resource="recorder_minutes",room_prefix="acme-"} 2
			whereby_quota_used_lower_bound{resource="sessions",room_prefix="acme-"} 4
			whereby_quota_used_lower_bound{resource="streamer_minutes",room_prefix="acme-"} 3`,
		},
		"people are known where usage is not, and in rooms that Insights does not know": {
			ledger.Snapshot{Prefixes: []ledger.PrefixUsage{
				{Prefix: "acme-", PeriodUsage: ledger.PeriodUsage{Unread: 1}}, {Prefix: "globex-", PeriodUsage: ledger.PeriodUsage{Unread: 1}},
			}, Account: ledger.PeriodUsage{Unread: 2}},
			&live.View{Prefixes: []live.PrefixView{{Prefix: "acme-", Participants: 5}, {Prefix: "initech-", Participants: 2}}}, `
			# TYPE whereby_organization_quota_used gauge
			whereby_organization_quota_used{resource="live_participants"} 7
			# TYPE whereby_organization_quota_used_lower_bound gauge
			whereby_organization_quota_used_lower_bound{resource="live_participants"} 7
			whereby_organization_quota_used_lower_bound{resource="participant_minutes"} 0
			whereby_organization_quota_used_lower_bound{resource="recorder_minutes"} 0
			whereby_organization_quota_used_lower_bound{resource="sessions"} 0
			whereby_organization_quota_used_lower_bound{resource="streamer_minutes"} 0
			# TYPE whereby_quota_used gauge
			whereby_quota_used{resource="live_participants",room_prefix="acme-"} 5
			whereby_quota_used{resource="live_participants",room_prefix="globex-"} 0
			whereby_quota_used{resource="live_participants",room_prefix="initech-"} 2
			# TYPE whereby_quota_used_lower_bound gauge
			whereby_quota_used_lower_bound{resource="live_participants",room_prefix="acme-"} 5
			whereby_quota_used_lower_bound{resource="live_participants",room_prefix="globex-"} 0
			whereby_quota_used_lower_bound{resource="live_participants",room_prefix="initech-"} 2
			whereby_quota_used_lower_bound{resource="participant_minutes",room_prefix="acme-"} 0
			whereby_quota_used_lower_bound{resource="participant_minutes",room_prefix="globex-"} 0
			whereby_quota_used_lower_bound{resource="recorder_minutes",room_prefix="acme-"} 0
			whereby_quota_used_lower_bound{resource="recorder_minutes",room_prefix="globex-"} 0
			whereby_quota_used_lower_bound{resource="sessions",room_prefix="acme-"} 0
			whereby_quota_used_lower_bound{resource="sessions",room_prefix="globex-"} 0
			whereby_quota_used_lower_bound{resource="streamer_minutes",room_prefix="acme-"} 0
			whereby_quota_used_lower_bound{resource="streamer_minutes",room_prefix="globex-"} 0`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			list := families.Used(&tc.snapshot, nil, tc.view)
			expect(t, list, tc.want)
			expect(t, list, tc.want) // samples are yielded once for each encoding
		})
	}
}

// tracked returns the view of a tracker that took some events.
func tracked() *live.View {
	tracker := live.New(live.Options{Label: func(string) string { return "acme-" }, Capacity: func(string) int64 { return 4 }, SegmentLimit: 10})
	now := time.Unix(1_000_000, 0)
	for i, e := range []whereby.Event{
		{Type: whereby.ClientJoined, ParticipantID: "a", RoleName: "host", DialIn: true, Clients: map[string]int{"host": 1}},
		{Type: whereby.ClientJoined, ParticipantID: "b", RoleName: "recorder", Clients: map[string]int{"host": 1, "recorder": 1}},
		{Type: whereby.ClientLeft, ParticipantID: "b", RoleName: "recorder", Clients: map[string]int{"host": 1}},
		{Type: whereby.ClientKnocked, ParticipantID: "c"},
		{Type: whereby.RecordingFinished, Status: "completed"},
		{Type: whereby.TranscriptionFailed},
	} {
		e.ID, e.RoomName, e.CreatedAt = string(rune('0'+i)), "/acme-1", now
		segment := ""
		if i == 0 {
			segment = "red"
		}
		tracker.ApplySegment(e, segment, now)
		tracker.ApplySegment(e, segment, now) // each comes twice
	}
	return tracker.View(now)
}

func TestLive(t *testing.T) {
	view := tracked()
	// As the feed adds those that are configured.
	view.Prefixes = append(view.Prefixes, live.PrefixView{Prefix: "globex-"}, live.PrefixView{Prefix: "initech-", Capacity: 200, FullRooms: 2, Fullest: 199, FullestMax: 201})
	expect(t, families.Live(view), `
		# TYPE whereby_dial_in_joins_total counter
		whereby_dial_in_joins_total{room_prefix="acme-"} 1
		whereby_dial_in_joins_total{room_prefix="globex-"} 0
		whereby_dial_in_joins_total{room_prefix="initech-"} 0
		# TYPE whereby_joins_total counter
		whereby_joins_total{role="host",room_prefix="acme-"} 1
		whereby_joins_total{role="recorder",room_prefix="acme-"} 1
		# TYPE whereby_leaves_total counter
		whereby_leaves_total{role="host",room_prefix="acme-"} 0
		whereby_leaves_total{role="recorder",room_prefix="acme-"} 1
		# TYPE whereby_live_clients gauge
		whereby_live_clients{role="host",room_prefix="acme-"} 1
		whereby_live_clients{role="recorder",room_prefix="acme-"} 0
		# TYPE whereby_live_corrections_total counter
		whereby_live_corrections_total{reason="lost_event"} 0
		whereby_live_corrections_total{reason="session_ended"} 0
		whereby_live_corrections_total{reason="stale"} 0
		# TYPE whereby_live_fullest_room_ratio gauge
		whereby_live_fullest_room_ratio{room_prefix="acme-"} 0.25
		whereby_live_fullest_room_ratio{room_prefix="initech-"} 0.995
		# TYPE whereby_live_fullest_room_ratio_max gauge
		whereby_live_fullest_room_ratio_max{room_prefix="acme-"} 0.25
		whereby_live_fullest_room_ratio_max{room_prefix="initech-"} 1.005
		# TYPE whereby_live_participants gauge
		whereby_live_participants{room_prefix="acme-"} 1
		whereby_live_participants{room_prefix="globex-"} 0
		whereby_live_participants{room_prefix="initech-"} 0
		# TYPE whereby_live_participants_max gauge
		whereby_live_participants_max{room_prefix="acme-"} 1
		whereby_live_participants_max{room_prefix="globex-"} 0
		whereby_live_participants_max{room_prefix="initech-"} 0
		# TYPE whereby_live_rooms gauge
		whereby_live_rooms{room_prefix="acme-"} 1
		whereby_live_rooms{room_prefix="globex-"} 0
		whereby_live_rooms{room_prefix="initech-"} 0
		# TYPE whereby_live_rooms_full gauge
		whereby_live_rooms_full{room_prefix="acme-"} 0
		whereby_live_rooms_full{room_prefix="initech-"} 2
		# TYPE whereby_live_waiting gauge
		whereby_live_waiting{room_prefix="acme-"} 1
		whereby_live_waiting{room_prefix="globex-"} 0
		whereby_live_waiting{room_prefix="initech-"} 0
		# TYPE whereby_recordings_finished_total counter
		whereby_recordings_finished_total{room_prefix="acme-",status="finished"} 1
		# TYPE whereby_room_capacity gauge
		whereby_room_capacity{room_prefix="acme-"} 4
		whereby_room_capacity{room_prefix="initech-"} 200
		# TYPE whereby_webhook_duplicates_total counter
		whereby_webhook_duplicates_total 6
		# TYPE whereby_webhook_events_total counter
		whereby_webhook_events_total{type="assistant.requested"} 0
		whereby_webhook_events_total{type="other"} 0
		whereby_webhook_events_total{type="recording.finished"} 1
		whereby_webhook_events_total{type="room.client.joined"} 2
		whereby_webhook_events_total{type="room.client.knockCancelled"} 0
		whereby_webhook_events_total{type="room.client.knocked"} 1
		whereby_webhook_events_total{type="room.client.left"} 1
		whereby_webhook_events_total{type="room.session.ended"} 0
		whereby_webhook_events_total{type="room.session.started"} 0
		whereby_webhook_events_total{type="transcription.failed"} 1
		whereby_webhook_events_total{type="transcription.finished"} 0
		whereby_webhook_events_total{type="transcription.started"} 0
		# TYPE whereby_webhook_last_event_timestamp_seconds gauge
		whereby_webhook_last_event_timestamp_seconds 1e+06`)
}

// TestLiveOfNobody: before any event the figures of the whole account are there, with 0.
func TestLiveOfNobody(t *testing.T) {
	text := expose(t, families.Live(live.New(live.Options{Label: func(string) string { return "" }}).View(time.Unix(1, 0))))
	for _, want := range []string{
		`whereby_webhook_events_total{type="room.client.joined"} 0`, `whereby_live_corrections_total{reason="stale"} 0`,
		"whereby_webhook_duplicates_total 0", "whereby_webhook_last_event_timestamp_seconds 0",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "room_prefix") {
		t.Errorf("there is a prefix in\n%s", text)
	}
}

func TestPending(t *testing.T) {
	view := &live.View{Prefixes: []live.PrefixView{{Prefix: "acme-", Pending: 12}, {Prefix: "globex-"}}}
	expect(t, []exposition.Family{families.Pending(view)}, `
		# TYPE whereby_live_participant_minutes_pending gauge
		whereby_live_participant_minutes_pending{room_prefix="acme-"} 12
		whereby_live_participant_minutes_pending{room_prefix="globex-"} 0`)
}

func TestSegments(t *testing.T) {
	for name, tc := range map[string]struct {
		segments []live.SegmentView
		want     string
	}{
		"some": {
			[]live.SegmentView{{Prefix: "acme-", Segment: "blue", Minutes: 7}, {Prefix: "acme-", Segment: "red", Participants: 1, Minutes: 3}}, `
			# TYPE whereby_segment_live_participants gauge
			whereby_segment_live_participants{room_prefix="acme-",segment="blue"} 0
			whereby_segment_live_participants{room_prefix="acme-",segment="red"} 1
			# TYPE whereby_segment_participant_minutes_total counter
			whereby_segment_participant_minutes_total{room_prefix="acme-",segment="blue"} 7
			whereby_segment_participant_minutes_total{room_prefix="acme-",segment="red"} 3`,
		},
		"none are configured": {nil, ""},
	} {
		t.Run(name, func(t *testing.T) { expect(t, families.Segments(&live.View{Segments: tc.segments}), tc.want) })
	}
}

func TestQuality(t *testing.T) {
	for name, tc := range map[string]struct {
		view       quality.View
		configured []string
		want       string
	}{
		"some were sampled": {
			quality.View{
				Prefixes: []quality.PrefixView{{
					Prefix: "acme-",
					Figures: quality.Figures{
						Sampled: 8, Skipped: 2, Poor: 1, SessionsSampled: 3, SessionsSkipped: 4,
						Samples: [2]quality.Samples{{Good: 30, Poor: 10}, {Good: 5}},
					},
					Day: quality.Hour{
						// The means are of the last day; nothing was received in it.
						Samples: [2]quality.Samples{{Good: 3, Poor: 1, Loss: 8, Bits: 3000, Bitrates: 2}},
						Ratings: 4, Stars: 18,
					},
				}},
				Devices: []quality.DeviceView{{Device: quality.Device{Browser: "Chrome", OS: "Linux"}, Participants: 8}},
			},
			[]string{"acme-", "globex-"}, `
			# TYPE whereby_participant_devices_total counter
			whereby_participant_devices_total{browser="Chrome",os="Linux"} 8
			# TYPE whereby_quality_bitrate_bits_per_second gauge
			whereby_quality_bitrate_bits_per_second{direction="send",room_prefix="acme-"} 1500
			# TYPE whereby_quality_packet_loss_ratio gauge
			whereby_quality_packet_loss_ratio{direction="send",room_prefix="acme-"} 0.02
			# TYPE whereby_quality_participants_total counter
			whereby_quality_participants_total{room_prefix="acme-",state="sampled"} 8
			whereby_quality_participants_total{room_prefix="acme-",state="skipped"} 2
			whereby_quality_participants_total{room_prefix="globex-",state="sampled"} 0
			whereby_quality_participants_total{room_prefix="globex-",state="skipped"} 0
			# TYPE whereby_quality_poor_participants_total counter
			whereby_quality_poor_participants_total{room_prefix="acme-"} 1
			whereby_quality_poor_participants_total{room_prefix="globex-"} 0
			# TYPE whereby_quality_poor_ratio gauge
			whereby_quality_poor_ratio{direction="send",room_prefix="acme-"} 0.25
			# TYPE whereby_quality_rating gauge
			whereby_quality_rating{room_prefix="acme-"} 4.5
			# TYPE whereby_quality_samples_total counter
			whereby_quality_samples_total{direction="recv",room_prefix="acme-",verdict="good"} 5
			whereby_quality_samples_total{direction="recv",room_prefix="acme-",verdict="poor"} 0
			whereby_quality_samples_total{direction="recv",room_prefix="globex-",verdict="good"} 0
			whereby_quality_samples_total{direction="recv",room_prefix="globex-",verdict="poor"} 0
			whereby_quality_samples_total{direction="send",room_prefix="acme-",verdict="good"} 30
			whereby_quality_samples_total{direction="send",room_prefix="acme-",verdict="poor"} 10
			whereby_quality_samples_total{direction="send",room_prefix="globex-",verdict="good"} 0
			whereby_quality_samples_total{direction="send",room_prefix="globex-",verdict="poor"} 0
			# TYPE whereby_quality_sessions_total counter
			whereby_quality_sessions_total{room_prefix="acme-",state="sampled"} 3
			whereby_quality_sessions_total{room_prefix="acme-",state="skipped"} 4
			whereby_quality_sessions_total{room_prefix="globex-",state="sampled"} 0
			whereby_quality_sessions_total{room_prefix="globex-",state="skipped"} 0`,
		},
		"nobody was, and no customer is configured": {quality.View{}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) { expect(t, families.Quality(&tc.view, tc.configured), tc.want) })
	}
}
