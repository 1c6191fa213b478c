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
			"WherebyQuotaProjectedOverrun, WherebyOrganizationQuotaProjectedOverrun: share of the limit that the period will end over."},
		{"quota_fast_burn_factor", 6, 1, 1000, ratio,
			"WherebyQuotaFastBurn: how many times faster than the quota allows."},
		{"quota_exceeded_for_seconds", 900, 0, 7 * day, seconds,
			"WherebyQuotaExceeded, WherebyOrganizationQuotaExceeded: how long before they fire."},
		{"live_participants_near_ratio", 0.9, 0.1, 1, ratio,
			"WherebyLiveParticipantsNearLimit, WherebyOrganizationLiveParticipantsNearLimit: share of the limit from which on they fire."},
		{"room_nearly_full_ratio", 0.9, 0.1, 1, ratio,
			"WherebyRoomNearlyFull: share of what a room holds from which on it fires."},
		{"room_nearly_full_min_capacity", 10, 1, 1e5, "people",
			"WherebyRoomNearlyFull: how many people a room must hold to be judged. Small rooms are full in every meeting."},
		{"organization_quota_near_ratio", 0.8, 0.1, 0.99, ratio,
			"WherebyOrganizationQuotaNearLimit: share of the limit from which on it fires."},
		{"usage_anomaly_high_ratio", 2, 1.1, 100, ratio,
			"WherebyUsageAnomaly: over how many times the usual day's minutes."},
		{"usage_anomaly_low_ratio", 0.333, 0, 0.9, ratio,
			"WherebyUsageAnomaly: under what share of the usual day's minutes; 0 never."},
		{"usage_anomaly_floor_minutes", 600, 1, 1e9, "minutes",
			"WherebyUsageAnomaly: a day that counts has as many participant minutes."},
		{"knock_wait_seconds", 600, 10, 2400, seconds,
			"WherebyKnockWaitLong: over how long a wait of one visitor in ten."},
		{"knock_wait_min_knocks", 5, 1, 1e6, "knocks",
			"WherebyKnockWaitLong: knocks in an hour that it takes to judge."},
		{"transcription_failing_ratio", 0.2, 0, 0.99, ratio,
			"WherebyTranscriptionFailing: over what share of a customer's transcriptions."},
		{"transcription_failing_min_failures", 3, 1, 1e6, "transcriptions",
			"WherebyTranscriptionFailing: failures in 6 hours that it takes."},
		{"recordings_near_ratio", 0.9, 0.1, 1, ratio,
			"WherebyRecordingsNearAllowance: share of the allowance from which on it fires."},
		{"quality_objective_ratio", 0.97, 0.85, 0.9999, ratio,
			"WherebyQualityPoor, WherebyQualityBudgetBurn: share of the participant time of 30 days that is to have under 3 % packet loss."},
		{"quality_fast_burn_factor", 14.4, 1, 10000, ratio,
			"WherebyQualityPoor: how many times faster than the objective allows, over an hour."},
		{"quality_burn_factor", 6, 1, 10000, ratio,
			"WherebyQualityPoor: how many times faster than the objective allows, over six hours."},
		{"quality_slow_burn_factor", 1, 0.5, 10000, ratio,
			"WherebyQualityBudgetBurn: how many times faster than the objective allows, over three days."},
		{"quality_min_participants", 10, 1, 1e6, "participants",
			"WherebyQualityPoor, WherebyQualityBudgetBurn: sampled participants that it takes to judge, in one and six hours, and in a day."},
		{"rating_low_stars", 3, 1, 5, "stars",
			"WherebyRatingLow: under what mean of a day's ratings."},
		{"rating_low_min_ratings", 10, 1, 1e6, "ratings",
			"WherebyRatingLow: ratings in a day that it takes to judge."},
		{"webhook_rejected_ratio", 0.05, 0, 0.99, ratio,
			"WherebyWebhookRejected: over what share of the deliveries."},
		{"webhook_rejected_min_deliveries", 20, 1, 1e9, "deliveries",
			"WherebyWebhookRejected: deliveries in an hour that it takes to judge."},
		// The rule relies on events of the last two hours being due.
		{"webhook_silent_seconds", 7200, 7200, 7 * day, seconds,
			"WherebyWebhookSilent: how long no webhook came."},
		{"poll_failing_ratio", 0.5, 0, 0.99, ratio,
			"WherebyPollFailing: over what share of the last hour's polls."},
		{"poll_stale_seconds", 2700, 300, 7 * day, seconds,
			"WherebyPollStale: how long no poll succeeded. Keep it above the time that a poll takes."},
		{"api_key_rejected_requests", 3, 1, 1e6, "requests",
			"WherebyAPIKeyRejected: answers 401 or 403 in an hour."},
		{"api_rate_limited_requests", 5, 1, 1e6, "requests",
			"WherebyAPIRateLimited: answers 429 in an hour."},
		{"api_budget_low_ratio", 0.1, 0.01, 0.9, ratio,
			"WherebyAPIBudgetLow: under what share of the organization's points."},
		{"storage_failing_errors", 3, 1, 1e6, "errors",
			"WherebyStorageFailing: failed writes in half an hour."},
	}
}
