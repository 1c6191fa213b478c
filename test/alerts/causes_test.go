package alerts

import (
	"fmt"
	"math"
	"time"
)

// cause has one alert fire in one account.
type cause struct {
	job, alert, prefix, resource string
	// change makes the figures of an exporter, 0 or 1, those of an account in trouble.
	change func(f figures, exporter int, seconds float64)
}

// figures are the values of series, some seconds after the exporter began.
type figures map[string]float64

// down is a series that no exporter has: with it, one can't be scraped.
const down = "down"

// periods are how many days of a customer's billing period are over, and how many are left.
var periods = map[string]struct{ over, left float64 }{
	"acme-":    {29, 1},   // what is nearly used up lasts until its end
	"globex-":  {10, 20},  // the period's own pace can be projected
	"initech-": {10, 355}, // it can't
}

const day = 24 * 3600

// healthy returns the figures of an account without a fault. Both exporters of a pair read the
// same from Whereby; what each counts for itself began at another time.
func healthy(now time.Time, exporter int, seconds float64) figures {
	unix := float64(now.Unix())
	own := seconds + 1000*float64(exporter)
	f := figures{
		"whereby_up": 1, "whereby_exporter_build_info": 1, "whereby_exporter_config_last_reload_successful": 1,
		"whereby_exporter_last_successful_poll_timestamp_seconds": unix, "whereby_webhook_last_event_timestamp_seconds": unix,
		`whereby_exporter_polls_total{result="success"}`: own, `whereby_exporter_polls_total{result="error"}`: 3,
		`whereby_exporter_api_requests_total{code="200"}`: own, `whereby_exporter_api_requests_total{code="401"}`: 3, `whereby_exporter_api_requests_total{code="429"}`: 5,
		"whereby_exporter_api_rate_limit": 1000, "whereby_exporter_api_rate_limit_remaining": 800, "whereby_exporter_storage_errors_total": 3,
		`whereby_webhook_events_total{type="room.client.joined"}`: 100 * own, "whereby_webhook_duplicates_total": own, `whereby_webhook_rejected_total{reason="signature"}`: own,
		"whereby_organization_quota_period_start_timestamp_seconds": unix - 29*day, "whereby_organization_quota_period_end_timestamp_seconds": unix + 1*day,
		"whereby_organization_recordings_stored_bytes": 5e11, `whereby_organization_quota_limit{resource="recordings_stored_bytes"}`: 1e12,
		"whereby_organization_recordings_oldest_timestamp_seconds": unix - 10*day, "whereby_organization_recordings_retention_seconds": 30 * day,
	}
	for _, resource := range []string{"participant_minutes", "recorder_minutes", "sessions", "live_participants"} {
		f[fmt.Sprintf("whereby_organization_quota_used_lower_bound{resource=%q}", resource)] = 1e5
		f[fmt.Sprintf("whereby_organization_quota_limit{resource=%q}", resource)] = 1e6
		for prefix := range periods {
			f[used(prefix, resource)] = 1e5
			f[fmt.Sprintf("whereby_quota_limit{room_prefix=%q,resource=%q}", prefix, resource)] = 1e6
		}
	}
	for prefix, period := range periods {
		of := func(name, labels string, value float64) {
			f[fmt.Sprintf("%s{room_prefix=%q%s}", name, prefix, labels)] = value
		}
		of("whereby_quota_period_start_timestamp_seconds", "", unix-period.over*day)
		of("whereby_quota_period_end_timestamp_seconds", "", unix+period.left*day)
		of("whereby_quota_near_ratio", "", 0.8)
		of("whereby_quota_unread_rooms", "", 0)
		of("whereby_customer_info", `,customer="Acme Inc"`, 1)
		of("whereby_room_capacity", "", 50)
		of("whereby_live_fullest_room_ratio_max", "", 0.5)
		of("whereby_participant_minutes_total", "", 1e6+100*seconds)
		of("whereby_sessions_total", "", 1e4+10*seconds)
		of("whereby_session_rating_count", "", 100*seconds)
		of("whereby_quality_rating", "", 4.5)
		of("whereby_quality_participants_total", `,state="sampled"`, 10*own)
		of("whereby_quality_samples_total", `,direction="recv",verdict="good"`, 1000*own)
		of("whereby_quality_samples_total", `,direction="recv",verdict="poor"`, own)
		of("whereby_transcriptions_total", `,status="finished"`, 10*own)
		of("whereby_transcriptions_total", `,status="failed"`, 3)
		of("whereby_knock_wait_seconds_bucket", `,outcome="admitted",le="600"`, 10*own)
		of("whereby_knock_wait_seconds_bucket", `,outcome="admitted",le="1200"`, 10*own)
		of("whereby_knock_wait_seconds_bucket", `,outcome="admitted",le="+Inf"`, 10*own)
		of("whereby_knock_wait_seconds_count", `,outcome="admitted"`, 10*own)
	}
	return f
}

func used(prefix, resource string) string {
	return fmt.Sprintf("whereby_quota_used_lower_bound{room_prefix=%q,resource=%q}", prefix, resource)
}

// set has both exporters show a value, and grow a counter that goes up each second.
func set(series string, value float64) func(figures, int, float64) {
	return func(f figures, _ int, _ float64) { f[series] = value }
}

func grow(series string, perSecond float64) func(figures, int, float64) {
	return func(f figures, _ int, seconds float64) { f[series] += perSecond * seconds }
}

// causes are those of every alert. An alert that silences others is in another account.
var causes = []cause{
	{"whereby", "WherebyQuotaNearLimit", "acme-", "participant_minutes", set(used("acme-", "participant_minutes"), 9e5)},
	{"whereby", "WherebyQuotaExceeded", "acme-", "recorder_minutes", set(used("acme-", "recorder_minutes"), 11e5)},
	{"whereby", "WherebyQuotaProjectedOverrun", "globex-", "sessions", set(used("globex-", "sessions"), 5e5)},
	{"whereby", "WherebyQuotaFastBurn", "initech-", "participant_minutes", grow(used("initech-", "participant_minutes"), 500)},
	{"whereby", "WherebyQuotaUnknown", "acme-", "", set(`whereby_quota_unread_rooms{room_prefix="acme-"}`, 3)},
	{"whereby", "WherebyLiveParticipantsNearLimit", "acme-", "live_participants", set(used("acme-", "live_participants"), 95e4)},
	{"whereby", "WherebyRoomNearlyFull", "acme-", "", set(`whereby_live_fullest_room_ratio_max{room_prefix="acme-"}`, 0.96)},
	{"whereby", "WherebyRecordingsNearAllowance", "", "", set("whereby_organization_recordings_stored_bytes", 95e10)},
	{"whereby", "WherebyRecordingsPastRetention", "", "", func(f figures, _ int, _ float64) {
		f["whereby_organization_recordings_oldest_timestamp_seconds"] -= 25 * day
	}},
	{"whereby", "WherebyOrganizationQuotaNearLimit", "", "participant_minutes", set(`whereby_organization_quota_used_lower_bound{resource="participant_minutes"}`, 9e5)},
	{"whereby", "WherebyOrganizationQuotaExceeded", "", "recorder_minutes", set(`whereby_organization_quota_used_lower_bound{resource="recorder_minutes"}`, 11e5)},
	{"whereby", "WherebyOrganizationLiveParticipantsNearLimit", "", "live_participants", set(`whereby_organization_quota_used_lower_bound{resource="live_participants"}`, 95e4)},
	{"whereby", "WherebyUsageAnomaly", "acme-", "", func(f figures, _ int, seconds float64) { // it doubles every ten seconds
		f[`whereby_participant_minutes_total{room_prefix="acme-"}`] += 1000 * math.Exp2(seconds/10)
	}},
	{"whereby", "WherebyKnockWaitLong", "acme-", "", func(f figures, _ int, seconds float64) {
		for _, le := range []string{"1200", "+Inf"} {
			f[fmt.Sprintf(`whereby_knock_wait_seconds_bucket{room_prefix="acme-",outcome="admitted",le=%q}`, le)] += 10 * seconds
		}
		f[`whereby_knock_wait_seconds_count{room_prefix="acme-",outcome="admitted"}`] += 10 * seconds
	}},
	{"whereby", "WherebyTranscriptionFailing", "acme-", "", grow(`whereby_transcriptions_total{room_prefix="acme-",status="failed"}`, 10)},
	{"whereby", "WherebyQualityPoor", "acme-", "", grow(`whereby_quality_samples_total{room_prefix="acme-",direction="recv",verdict="poor"}`, 2000)},
	{"whereby", "WherebyQualityBudgetBurn", "globex-", "", grow(`whereby_quality_samples_total{room_prefix="globex-",direction="recv",verdict="poor"}`, 100)},
	{"whereby", "WherebyRatingLow", "acme-", "", set(`whereby_quality_rating{room_prefix="acme-"}`, 2)},
	{"whereby", "WherebyWebhookRejected", "", "", grow(`whereby_webhook_rejected_total{reason="signature"}`, 50)},
	{"whereby", "WherebyAPIRateLimited", "", "", grow(`whereby_exporter_api_requests_total{code="429"}`, 1)},
	{"whereby", "WherebyAPIBudgetLow", "", "", set("whereby_exporter_api_rate_limit_remaining", 20)},
	{"whereby", "WherebyConfigReloadFailed", "", "", func(f figures, exporter int, _ float64) {
		f["whereby_exporter_config_last_reload_successful"] = float64(exporter) // of one of the two
	}},

	{"staging", "WherebyOrganizationQuotaProjectedOverrun", "", "sessions", func(f figures, _ int, _ float64) {
		f[`whereby_organization_quota_used_lower_bound{resource="sessions"}`] = 5e5
		f["whereby_organization_quota_period_start_timestamp_seconds"] += 19 * day
		f["whereby_organization_quota_period_end_timestamp_seconds"] += 19 * day
	}},
	{"staging", "WherebyWebhookSilent", "", "", func(f figures, _ int, _ float64) { f["whereby_webhook_last_event_timestamp_seconds"] -= 3 * 3600 }},
	{"staging", "WherebyExporterDown", "", "", func(f figures, exporter int, _ float64) { f[down] = float64(exporter) }},
	{"staging", "WherebyStorageFailing", "", "", grow("whereby_exporter_storage_errors_total", 1)},

	{"europe", "WherebyAPIKeyRejected", "", "", func(f figures, exporter int, seconds float64) {
		f[`whereby_exporter_api_requests_total{code="401"}`] += seconds
		f["whereby_up"] = float64(exporter)
	}},
	{"asia", "WherebyPollFailing", "", "", func(f figures, exporter int, seconds float64) {
		f[`whereby_exporter_polls_total{result="error"}`] += 3 * seconds * float64(exporter)
	}},
	{"demo", "WherebyPollStale", "", "", func(f figures, _ int, _ float64) {
		f["whereby_exporter_last_successful_poll_timestamp_seconds"] -= 2 * 3600
	}},
	{"training", "WherebyPollNeverSucceeded", "", "", set("whereby_exporter_last_successful_poll_timestamp_seconds", 0)},
	{"trial", "WherebyExporterAbsent", "", "", func(f figures, _ int, seconds float64) {
		if seconds > 5 {
			f[down] = 1
		}
	}},
}
