package alerts

// Threshold is a number in the rules that an operator may change.
type Threshold struct {
	Name string
	// Default is what the files in rules have. Min and Max are allowed too.
	Default, Min, Max float64
	// Unit is seconds, ratio, or what is counted.
	Unit string
	Help string
}

const (
	ratio   = "ratio"
	seconds = "seconds"
	day     = 86400
)

// Thresholds are all thresholds, in the order in which they are documented. The
// share from which on a customer is near a quota is not among them: it is near_ratio
// of the customer.
func Thresholds() []Threshold {
	return []Threshold{
		{"quota_projected_ratio", 1.05, 1, 10, ratio,
			"WherebyQuotaProjectedOverrun, WherebyOrganizationQuotaProjectedOverrun: fires above this share of the limit, projected for the end of the period."},
		{"quota_fast_burn_factor", 6, 1, 1000, ratio,
			"WherebyQuotaFastBurn: fires above this multiple of the pace that the quota allows."},
		{"quota_exceeded_for_seconds", 900, 0, 7 * day, seconds,
			"WherebyQuotaExceeded, WherebyOrganizationQuotaExceeded: how long the quota must be exceeded before they fire."},
		{"live_participants_near_ratio", 0.9, 0.1, 1, ratio,
			"WherebyLiveParticipantsNearLimit, WherebyOrganizationLiveParticipantsNearLimit: fire at this share of the limit."},
		{"room_nearly_full_ratio", 0.9, 0.1, 1, ratio,
			"WherebyRoomNearlyFull: fires at this share of the people that a room can hold."},
		{"room_nearly_full_min_capacity", 10, 1, 1e5, "people",
			"WherebyRoomNearlyFull: ignores rooms that hold fewer people. Small rooms are full in every meeting."},
		{"organization_quota_near_ratio", 0.8, 0.1, 0.99, ratio,
			"WherebyOrganizationQuotaNearLimit: fires at this share of the limit."},
		{"usage_anomaly_high_ratio", 2, 1.1, 100, ratio,
			"WherebyUsageAnomaly: fires above this multiple of a usual day's minutes."},
		{"usage_anomaly_low_ratio", 0.333, 0, 0.9, ratio,
			"WherebyUsageAnomaly: fires below this share of a usual day's minutes; 0 turns that off."},
		{"usage_anomaly_floor_minutes", 600, 1, 1e9, "minutes",
			"WherebyUsageAnomaly: ignores days with fewer participant minutes."},
		{"knock_wait_seconds", 600, 10, 2400, seconds,
			"WherebyKnockWaitLong: fires if one visitor in ten waits longer than this."},
		{"knock_wait_min_knocks", 5, 1, 1e6, "knocks",
			"WherebyKnockWaitLong: ignores hours with fewer knocks."},
		{"transcription_failing_ratio", 0.2, 0, 0.99, ratio,
			"WherebyTranscriptionFailing: fires if more than this share of a customer's transcriptions fail."},
		{"transcription_failing_min_failures", 3, 1, 1e6, "transcriptions",
			"WherebyTranscriptionFailing: ignores fewer failures in 6 hours."},
		{"recordings_near_ratio", 0.9, 0.1, 1, ratio,
			"WherebyRecordingsNearAllowance: fires at this share of the allowance."},
		{"quality_objective_ratio", 0.97, 0.85, 0.9999, ratio,
			"WherebyQualityPoor, WherebyQualityBudgetBurn: objective for the share of participant time in 30 days with less than 3% packet loss."},
		{"quality_fast_burn_factor", 14.4, 1, 10000, ratio,
			"WherebyQualityPoor: fires above this multiple of the pace that the objective allows, over an hour."},
		{"quality_burn_factor", 6, 1, 10000, ratio,
			"WherebyQualityPoor: fires above this multiple of the pace that the objective allows, over six hours."},
		{"quality_slow_burn_factor", 1, 0.5, 10000, ratio,
			"WherebyQualityBudgetBurn: fires above this multiple of the pace that the objective allows, over three days."},
		{"quality_min_participants", 10, 1, 1e6, "participants",
			"WherebyQualityPoor, WherebyQualityBudgetBurn: ignore windows with fewer sampled participants; the windows are one hour, six hours and a day."},
		{"rating_low_stars", 3, 1, 5, "stars",
			"WherebyRatingLow: fires if the mean of a day's ratings is lower."},
		{"rating_low_min_ratings", 10, 1, 1e6, "ratings",
			"WherebyRatingLow: ignores days with fewer ratings."},
		{"webhook_rejected_ratio", 0.05, 0, 0.99, ratio,
			"WherebyWebhookRejected: fires if more than this share of the deliveries is rejected."},
		{"webhook_rejected_min_deliveries", 20, 1, 1e9, "deliveries",
			"WherebyWebhookRejected: ignores hours with fewer deliveries."},
		// The rule relies on events of the last two hours being due.
		{"webhook_silent_seconds", 7200, 7200, 7 * day, seconds,
			"WherebyWebhookSilent: fires if no webhook came for longer."},
		{"poll_failing_ratio", 0.5, 0, 0.99, ratio,
			"WherebyPollFailing: fires if more than this share of the last hour's polls fail."},
		{"poll_stale_seconds", 2700, 300, 7 * day, seconds,
			"WherebyPollStale: fires if no poll succeeded for longer. Keep it above the time that a poll takes."},
		{"api_key_rejected_requests", 3, 1, 1e6, "requests",
			"WherebyAPIKeyRejected: fires at this number of 401 or 403 responses in an hour."},
		{"api_rate_limited_requests", 5, 1, 1e6, "requests",
			"WherebyAPIRateLimited: fires at this number of 429 responses in an hour."},
		{"api_budget_low_ratio", 0.1, 0.01, 0.9, ratio,
			"WherebyAPIBudgetLow: fires if less than this share of the organization's points is left."},
		{"storage_failing_errors", 3, 1, 1e6, "errors",
			"WherebyStorageFailing: fires at this number of failed writes in half an hour."},
	}
}
