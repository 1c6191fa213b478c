// Package metrics is the one place that names the exporter's metrics. The
// collectors are made from its rows, and the table of docs/metrics.md is generated from
// them.
package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Type is a metric's type, as Prometheus calls it.
type Type string

// The types in use.
const (
	Counter   Type = "counter"
	Gauge     Type = "gauge"
	Histogram Type = "histogram"
	// Summary is one without quantiles.
	Summary Type = "summary"
)

// RoomPrefix is the label by which usage is told apart.
const RoomPrefix = "room_prefix"

// Metric describes one metric family.
type Metric struct {
	Name   string
	Type   Type
	Labels []string
	Help   string
}

// Usage by room prefix.
var (
	ParticipantMinutes = Metric{"whereby_participant_minutes_total", Counter, []string{RoomPrefix},
		"Participant minutes, Whereby's billing unit: minutes in a room, rounded up for each connection. Lifetime figure over every room ever seen."}
	RecorderMinutes = Metric{"whereby_recorder_minutes_total", Counter, []string{RoomPrefix},
		"Minutes that rooms were recorded. Lifetime figure over every room ever seen."}
	StreamerMinutes = Metric{"whereby_streamer_minutes_total", Counter, []string{RoomPrefix},
		"Minutes that rooms were streamed. Lifetime figure over every room ever seen."}
	Sessions = Metric{"whereby_sessions_total", Counter, []string{RoomPrefix},
		"Sessions; one starts once two people are in a room. Lifetime figure over every room ever seen."}
	TranscriptionSeconds = Metric{"whereby_transcription_seconds_total", Counter, []string{RoomPrefix},
		"Billable seconds of transcriptions, each once. Lifetime figure over every transcription ever seen; absent until they could be listed."}
	Rooms = Metric{"whereby_rooms", Gauge, []string{RoomPrefix},
		"Rooms in the last full poll of the account."}
)

// What was used in billing periods, and what may be.
var (
	QuotaUsed = Metric{"whereby_quota_used", Gauge, []string{RoomPrefix, "resource"},
		"Used in the current billing period, by the sessions that started in it; live_participants: people in rooms now. Absent while a room is unread."}
	QuotaUsedLowerBound = Metric{"whereby_quota_used_lower_bound", Gauge, []string{RoomPrefix, "resource"},
		"The certain part of what was used in the current billing period. Equal to whereby_quota_used if no room is unread."}
	QuotaUnreadRooms = Metric{"whereby_quota_unread_rooms", Gauge, []string{RoomPrefix},
		"Rooms whose usage from before the current billing period is not known yet."}
	QuotaPreviousUsed = Metric{"whereby_quota_previous_used", Gauge, []string{RoomPrefix, "resource"},
		"Used in the previous billing period, late figures included. Absent while a room is unread."}
	QuotaPreviousPeriodStart = Metric{"whereby_quota_previous_period_start_timestamp_seconds", Gauge, []string{RoomPrefix},
		"When the previous billing period began, in seconds since 1970."}
	QuotaPreviousPeriodEnd = Metric{"whereby_quota_previous_period_end_timestamp_seconds", Gauge, []string{RoomPrefix},
		"When the previous billing period ended, in seconds since 1970."}
	QuotaPreviousFinal = Metric{"whereby_quota_previous_final", Gauge, []string{RoomPrefix},
		"1 if whereby_quota_previous_used will not change any more, else 0."}
	QuotaLimit = Metric{"whereby_quota_limit", Gauge, []string{RoomPrefix, "resource"},
		"Limit of a resource in a billing period, from the configuration file."}
	QuotaNearRatio = Metric{"whereby_quota_near_ratio", Gauge, []string{RoomPrefix},
		"Share of a quota from which on the customer counts as near it, from the configuration file."}
	QuotaPeriodStart = Metric{"whereby_quota_period_start_timestamp_seconds", Gauge, []string{RoomPrefix},
		"When the current billing period began, in seconds since 1970."}
	QuotaPeriodEnd = Metric{"whereby_quota_period_end_timestamp_seconds", Gauge, []string{RoomPrefix},
		"When the current billing period ends, in seconds since 1970."}
	OrganizationQuotaUsed = Metric{"whereby_organization_quota_used", Gauge, []string{"resource"},
		"Used by the whole account in its current billing period; live_participants: people in rooms now. Absent while a room is unread."}
	OrganizationQuotaUsedLowerBound = Metric{"whereby_organization_quota_used_lower_bound", Gauge, []string{"resource"},
		"The certain part of what the whole account used in its current billing period."}
	OrganizationQuotaUnreadRooms = Metric{"whereby_organization_quota_unread_rooms", Gauge, nil,
		"Rooms of the whole account whose usage from before its current billing period is not known yet."}
	OrganizationQuotaPreviousUsed = Metric{"whereby_organization_quota_previous_used", Gauge, []string{"resource"},
		"Used by the whole account in its previous billing period, late figures included. Absent while a room is unread."}
	OrganizationQuotaPreviousPeriodStart = Metric{"whereby_organization_quota_previous_period_start_timestamp_seconds", Gauge, nil,
		"When the account's previous billing period began, in seconds since 1970."}
	OrganizationQuotaPreviousPeriodEnd = Metric{"whereby_organization_quota_previous_period_end_timestamp_seconds", Gauge, nil,
		"When the account's previous billing period ended, in seconds since 1970."}
	OrganizationQuotaPreviousFinal = Metric{"whereby_organization_quota_previous_final", Gauge, nil,
		"1 if whereby_organization_quota_previous_used will not change any more, else 0."}
	OrganizationQuotaLimit = Metric{"whereby_organization_quota_limit", Gauge, []string{"resource"},
		"Limit of a resource for the whole account, from the configuration file."}
	OrganizationQuotaPeriodStart = Metric{"whereby_organization_quota_period_start_timestamp_seconds", Gauge, nil,
		"When the account's current billing period began, in seconds since 1970."}
	OrganizationQuotaPeriodEnd = Metric{"whereby_organization_quota_period_end_timestamp_seconds", Gauge, nil,
		"When the account's current billing period ends, in seconds since 1970."}
	CustomerInfo = Metric{"whereby_customer_info", Gauge, []string{RoomPrefix, "customer"},
		"A constant 1, labelled by the name of the customer who owns the room prefix."}
)

// What usage costs by the price list, which are absent without one. kind is what was used a
// minute of, such as participant_minute.
var (
	Cost = Metric{"whereby_cost_total", Counter, []string{RoomPrefix, "kind"},
		"What all sessions and transcriptions cost by the price list, each at the price of the day it started on. Lifetime figure over every room ever seen."}
	CostUnreadRooms = Metric{"whereby_cost_unread_rooms", Gauge, []string{RoomPrefix},
		"Rooms whose usage from before a change of prices is not known yet: whereby_cost_total may be too low by it."}
	CostInfo = Metric{"whereby_cost_info", Gauge, []string{"currency"},
		"A constant 1, labelled by the currency of all costs."}
	PeriodCost = Metric{"whereby_period_cost", Gauge, []string{RoomPrefix, "kind"},
		"What was used in the current billing period costs so far. Absent while it is not all known."}
	PreviousPeriodCost = Metric{"whereby_previous_period_cost", Gauge, []string{RoomPrefix, "kind"},
		"What was used in the previous billing period costs, late figures included. Absent while it is not all known."}
	OrganizationPeriodCost = Metric{"whereby_organization_period_cost", Gauge, []string{"kind"},
		"What the whole account used in its current billing period costs so far. Absent while it is not all known."}
	OrganizationPreviousPeriodCost = Metric{"whereby_organization_previous_period_cost", Gauge, []string{"kind"},
		"What the whole account used in its previous billing period costs. Absent while it is not all known."}
)

// Who is in rooms now. These come from webhooks, and are absent without a secret.
var (
	LiveParticipants = Metric{"whereby_live_participants", Gauge, []string{RoomPrefix},
		"People in rooms now: every role but recorder, streamer, captioner and assistant."}
	LiveParticipantsMax = Metric{"whereby_live_participants_max", Gauge, []string{RoomPrefix},
		"The highest whereby_live_participants of the last 5 minutes, so that no scrape misses a peak."}
	LiveClients = Metric{"whereby_live_clients", Gauge, []string{RoomPrefix, "role"},
		"Clients in rooms now by role, recorders, streamers, captioners and assistants too."}
	LiveRooms = Metric{"whereby_live_rooms", Gauge, []string{RoomPrefix},
		"Rooms with someone in them now."}
	RoomCapacity = Metric{"whereby_room_capacity", Gauge, []string{RoomPrefix},
		"People that a room holds, from the configuration file; only where that says it."}
	LiveRoomsFull = Metric{"whereby_live_rooms_full", Gauge, []string{RoomPrefix},
		"Rooms with people for 90 % of whereby_room_capacity in them now, or more."}
	LiveFullestRoom = Metric{"whereby_live_fullest_room_ratio", Gauge, []string{RoomPrefix},
		"People in the fullest room now, as a share of whereby_room_capacity."}
	LiveFullestRoomMax = Metric{"whereby_live_fullest_room_ratio_max", Gauge, []string{RoomPrefix},
		"The highest whereby_live_fullest_room_ratio of the last 5 minutes, so that no scrape misses a peak."}
	LiveWaiting = Metric{"whereby_live_waiting", Gauge, []string{RoomPrefix},
		"Visitors who knocked and are neither in nor gone."}
	LivePending = Metric{"whereby_live_participant_minutes_pending", Gauge, []string{RoomPrefix},
		"Participant minutes used that Insights does not show yet: whereby_participant_minutes_total and these are the minutes used by now."}
	SegmentParticipants = Metric{"whereby_segment_live_participants", Gauge, []string{RoomPrefix, "segment"},
		"People in rooms now by segment; only where the configuration file names segments."}
	SegmentMinutes = Metric{"whereby_segment_participant_minutes_total", Counter, []string{RoomPrefix, "segment"},
		"Participant minutes by segment since it was first seen, counted from webhooks; only where the configuration file names segments."}
	LiveCorrections = Metric{"whereby_live_corrections_total", Counter, []string{"reason"},
		"Live counts put right by the next event (lost_event) or by Insights, after silence or a restart (stale) or a session's end with two people or more (session_ended): how much to trust webhook delivery."}
	KnockWait = Metric{"whereby_knock_wait_seconds", Histogram, []string{RoomPrefix, "outcome"},
		"Time from a visitor's knock to being admitted or giving up."}
	HostWait = Metric{"whereby_host_wait_seconds", Histogram, []string{RoomPrefix},
		"How long the first visitor of a meeting waited for its first host; 0 where the host was first."}
	Joins = Metric{"whereby_joins_total", Counter, []string{RoomPrefix, "role"},
		"Clients that joined a room."}
	DialIns = Metric{"whereby_dial_in_joins_total", Counter, []string{RoomPrefix},
		"Clients that joined a room by telephone; whereby_joins_total has them too."}
	Leaves = Metric{"whereby_leaves_total", Counter, []string{RoomPrefix, "role"},
		"Clients that left a room."}
	Recordings = Metric{"whereby_recordings_finished_total", Counter, []string{RoomPrefix, "status"},
		"Recordings that finished, by status: Whereby tells of no recording that failed."}
	Transcriptions = Metric{"whereby_transcriptions_total", Counter, []string{RoomPrefix, "status"},
		"Transcriptions that finished or failed, by status, each once, whether listed or announced by webhooks."}
	WebhookEvents = Metric{"whereby_webhook_events_total", Counter, []string{"type"},
		"Events accepted, each once; types that are not documented under other."}
	WebhookDuplicates = Metric{"whereby_webhook_duplicates_total", Counter, nil,
		"Events that were delivered again."}
	WebhookRejected = Metric{"whereby_webhook_rejected_total", Counter, []string{"reason"},
		"Requests rejected: signature, expired, malformed, too_large, method."}
	WebhookMisdirected = Metric{"whereby_webhook_misdirected_total", Counter, nil,
		"Genuine requests to the webhook's address that named another path than --webhook.path. Their events are lost."}
	WebhookUnusable = Metric{"whereby_webhook_unusable_total", Counter, []string{"reason"},
		"Genuine events that could be used only in part, or not at all: no type, id, room or counts, or a created_at that cannot be right."}
	WebhookLastEvent = Metric{"whereby_webhook_last_event_timestamp_seconds", Gauge, nil,
		"When the last event arrived, in seconds since 1970; 0 until the first."}
	WebhookDelay = Metric{"whereby_webhook_delay_seconds", Histogram, nil,
		"Time from an event's creation at Whereby to its arrival."}
)

// How good calls are. These come from a sample of the participants, and ratings from
// all of them; they are absent where there is none.
var (
	SessionRating = Metric{"whereby_session_rating", Summary, []string{RoomPrefix},
		"Ratings that participants gave sessions, from 1 to 5 stars, each once: their sum and their number."}
	QualityRating = Metric{"whereby_quality_rating", Gauge, []string{RoomPrefix},
		"Mean rating of the sessions of the last 24 hours, from 1 to 5 stars."}
	QualitySamples = Metric{"whereby_quality_samples_total", Counter, []string{RoomPrefix, "direction", "verdict"},
		"Samples of packet loss, of 2 s as a rule, of the participants sampled: poor from 3 % on, else good."}
	QualityPacketLoss = Metric{"whereby_quality_packet_loss_ratio", Gauge, []string{RoomPrefix, "direction"},
		"Mean packet loss of the last 24 hours."}
	QualityPoorRatio = Metric{"whereby_quality_poor_ratio", Gauge, []string{RoomPrefix, "direction"},
		"Share of poor samples of the last 24 hours."}
	QualityBitrate = Metric{"whereby_quality_bitrate_bits_per_second", Gauge, []string{RoomPrefix, "direction"},
		"Mean bitrate of the last 24 hours."}
	QualityParticipants = Metric{"whereby_quality_participants_total", Counter, []string{RoomPrefix, "state"},
		"Participants sampled, and those skipped because the points did not suffice within a day or they could not be read: how much of the whole the quality figures rest on."}
	QualitySessions = Metric{"whereby_quality_sessions_total", Counter, []string{RoomPrefix, "state"},
		"Sessions of which somebody was sampled, and those skipped altogether."}
	QualityPoorParticipants = Metric{"whereby_quality_poor_participants_total", Counter, []string{RoomPrefix},
		"Sampled participants whose packet loss stayed at 3 % or more for quality.poor_after of the configuration file, 10 s by default."}
	QualityParticipantPacketLoss = Metric{"whereby_quality_participant_packet_loss_ratio", Histogram, []string{RoomPrefix, "direction"},
		"Mean packet loss of each participant sampled since the start."}
	QualityParticipantBitrate = Metric{"whereby_quality_participant_bitrate_bits_per_second", Histogram, []string{RoomPrefix, "direction"},
		"Mean bitrate of each participant sampled since the start."}
	ParticipantDevices = Metric{"whereby_participant_devices_total", Counter, []string{"browser", "os"},
		"Participants sampled, by browser family and operating system."}
)

// What Whereby stores, from the list of recordings.
var (
	RecordingsStored = Metric{"whereby_recordings_stored", Gauge, []string{RoomPrefix},
		"Recordings that Whereby stores, as last read; _none are those that do not name their room."}
	RecordingsStoredBytes = Metric{"whereby_recordings_stored_bytes", Gauge, []string{RoomPrefix},
		"Size of the recordings that Whereby stores: a megabyte is a million bytes. A recording without a size adds nothing."}
	RecordingsOldest = Metric{"whereby_recordings_oldest_timestamp_seconds", Gauge, []string{RoomPrefix},
		"When the oldest recording that Whereby stores began, in seconds since 1970."}
	OrganizationRecordingsStored = Metric{"whereby_organization_recordings_stored", Gauge, nil,
		"Recordings that Whereby stores for the whole account, as last read."}
	OrganizationRecordingsStoredBytes = Metric{"whereby_organization_recordings_stored_bytes", Gauge, nil,
		"Size of the recordings that Whereby stores for the whole account."}
	OrganizationRecordingsOldest = Metric{"whereby_organization_recordings_oldest_timestamp_seconds", Gauge, nil,
		"When the oldest recording that Whereby stores for the whole account began, in seconds since 1970."}
	OrganizationRecordingsRetention = Metric{"whereby_organization_recordings_retention_seconds", Gauge, nil,
		"How long recordings may be stored, if organization.recordings_retention is configured."}
	RecordingsLastRead = Metric{"whereby_recordings_last_read_timestamp_seconds", Gauge, nil,
		"When the list of stored recordings was last read, in seconds since 1970."}
)

// The exporter itself.
var (
	Up = Metric{"whereby_up", Gauge, nil,
		"1 if the last poll of the Insights API succeeded, else 0."}
	Polls = Metric{"whereby_exporter_polls_total", Counter, []string{"result"},
		"Polls of the Insights API by result: success or error."}
	PollDuration = Metric{"whereby_exporter_poll_duration_seconds", Histogram, nil,
		"Time that a poll took, from its first request to its commit, waiting for points included."}
	LastSuccessfulPoll = Metric{"whereby_exporter_last_successful_poll_timestamp_seconds", Gauge, nil,
		"When the last successful poll ended, in seconds since 1970; 0 until the first."}
	LastFullScan = Metric{"whereby_exporter_last_full_scan_timestamp_seconds", Gauge, nil,
		"When the last full poll of the account ended, in seconds since 1970; 0 until the first. Survives restarts."}
	APIRequests = Metric{"whereby_exporter_api_requests_total", Counter, []string{"endpoint", "code"},
		"Requests to the Insights API by endpoint and HTTP status; code is error where no answer came."}
	APIRequestDuration = Metric{"whereby_exporter_api_request_duration_seconds", Histogram, []string{"endpoint"},
		"Time from sending a request to the Insights API to the end of its answer."}
	APIPointsPerRequest = Metric{"whereby_exporter_api_points_per_request", Gauge, []string{"endpoint"},
		"Points that the next request is expected to cost, 1 to 10, as learnt from how far the remaining points fall, or as --whereby.read-cost says."}
	APIPoints = Metric{"whereby_exporter_api_points_total", Counter, []string{"endpoint"},
		"Points that requests were charged. Where production spends points at the same time, it is more than they cost."}
	APIRateLimit = Metric{"whereby_exporter_api_rate_limit", Gauge, nil,
		"Points per minute of the organization, shared by all its API keys, from the last answer that told."}
	APIRateLimitRemaining = Metric{"whereby_exporter_api_rate_limit_remaining", Gauge, nil,
		"Points that the organization had left in the current minute, from the last answer that told."}
	LedgerDrift = Metric{"whereby_exporter_ledger_drift", Gauge, []string{"resource"},
		"What the counters hold for the rooms of the last full poll, less what Insights said of them: 0 is exact, above 0 Whereby lowered a figure."}
	UnusableRooms = Metric{"whereby_exporter_unusable_rooms", Gauge, nil,
		"Rooms whose row in Insights could not be read when it was last seen. They keep the figures read before."}
	UnusableRows = Metric{"whereby_exporter_unusable_rows_total", Counter, []string{"endpoint"},
		"Rows of Insights that could not be read and were set aside, each time that one is read."}
	RoomPrefixesDropped = Metric{"whereby_exporter_room_prefixes_dropped", Gauge, nil,
		"Room prefixes beyond the limit, counted under room_prefix=\"_other\"."}
	StorageErrors = Metric{"whereby_exporter_storage_errors_total", Counter, nil,
		"Writes to the store that failed, for instance because its disk is full. The figures of such a poll are not exposed, and such an event is not acknowledged. Saves of the live state count too."}
	WebhookConnectionsEvicted = Metric{"whereby_exporter_webhook_connections_evicted_total", Counter, []string{"state"},
		"Connections to the webhook address that were closed to make room for others: unproven, over which no event had been acknowledged, or proven."}
	WebRefused = Metric{"whereby_exporter_web_refused_total", Counter, []string{"reason"},
		"Clients of the web address that were turned out: busy, a request answered with 503; stalled, an answer that its client did not read; connection, closed to make room for others."}
	JournalRepairs = Metric{"whereby_exporter_journal_repairs_total", Counter, nil,
		"Times that the unfinished end of a journal of webhooks was left out, after a crash or a write that failed. No acknowledged event is in one."}
	LiveStateDamaged = Metric{"whereby_exporter_live_state_damaged", Gauge, nil,
		"1 if the live state on disk could not be restored at the start, else 0: then webhooks are answered 503 and live figures are absent, and the log says what to do."}
	ConfigLastReloadSuccessful = Metric{"whereby_exporter_config_last_reload_successful", Gauge, nil,
		"1 if the configuration file was read without an error the last time, else 0: then the one before is in force."}
	ConfigLastReloadSuccess = Metric{"whereby_exporter_config_last_reload_success_timestamp_seconds", Gauge, nil,
		"When the configuration in force was read, in seconds since 1970."}
	SidecarRulesLoaded = Metric{"whereby_exporter_sidecar_rules_loaded", Gauge, nil,
		"1 if the Prometheus of the sidecar flags has loaded all alerting rules and none of them fails, else 0; only with --sidecar.rules-dir and --sidecar.reload-url."}
	BuildInfo = Metric{"whereby_exporter_build_info", Gauge, []string{"branch", "goarch", "goos", "goversion", "revision", "tags", "version"},
		"A metric with a constant '1' value labeled by version, revision, branch, goversion from which whereby_exporter was built, and the goos and goarch for the build."}
)

// All returns every metric of the exporter's own, in the order of the table of docs/metrics.md.
// The client library adds the families go_* and process_*.
func All() []Metric {
	return []Metric{
		ParticipantMinutes, RecorderMinutes, StreamerMinutes, TranscriptionSeconds, Sessions, Rooms,
		QuotaUsed, QuotaUsedLowerBound, QuotaUnreadRooms, QuotaLimit, QuotaNearRatio, QuotaPeriodStart, QuotaPeriodEnd,
		QuotaPreviousUsed, QuotaPreviousPeriodStart, QuotaPreviousPeriodEnd, QuotaPreviousFinal,
		OrganizationQuotaUsed, OrganizationQuotaUsedLowerBound, OrganizationQuotaUnreadRooms,
		OrganizationQuotaLimit, OrganizationQuotaPeriodStart, OrganizationQuotaPeriodEnd,
		OrganizationQuotaPreviousUsed, OrganizationQuotaPreviousPeriodStart, OrganizationQuotaPreviousPeriodEnd, OrganizationQuotaPreviousFinal,
		CustomerInfo,
		Cost, CostUnreadRooms, CostInfo, PeriodCost, PreviousPeriodCost, OrganizationPeriodCost, OrganizationPreviousPeriodCost,
		LiveParticipants, LiveParticipantsMax, LiveClients, LiveRooms, RoomCapacity, LiveRoomsFull, LiveFullestRoom, LiveFullestRoomMax, LiveWaiting, LivePending, SegmentParticipants, SegmentMinutes, LiveCorrections,
		KnockWait, HostWait, Joins, DialIns, Leaves, Recordings, Transcriptions,
		WebhookEvents, WebhookDuplicates, WebhookRejected, WebhookMisdirected, WebhookUnusable, WebhookLastEvent, WebhookDelay,
		SessionRating, QualityRating, QualitySamples, QualityPacketLoss, QualityPoorRatio, QualityBitrate,
		QualityParticipants, QualitySessions, QualityPoorParticipants,
		QualityParticipantPacketLoss, QualityParticipantBitrate, ParticipantDevices,
		RecordingsStored, RecordingsStoredBytes, RecordingsOldest,
		OrganizationRecordingsStored, OrganizationRecordingsStoredBytes, OrganizationRecordingsOldest, OrganizationRecordingsRetention,
		RecordingsLastRead,
		Up, Polls, PollDuration, LastSuccessfulPoll, LastFullScan,
		APIRequests, APIRequestDuration, APIPointsPerRequest, APIPoints, APIRateLimit, APIRateLimitRemaining,
		LedgerDrift, UnusableRooms, UnusableRows, RoomPrefixesDropped, StorageErrors, JournalRepairs, LiveStateDamaged,
		WebhookConnectionsEvicted, WebRefused,
		ConfigLastReloadSuccessful, ConfigLastReloadSuccess, SidecarRulesLoaded, BuildInfo,
	}
}

// nativeFactor is the growth from one bucket of a native histogram to the next:
// about ten buckets from a value to its double.
const nativeFactor = 1.1

// maxNativeBuckets keeps one wild series from growing without bound.
const maxNativeBuckets = 160

// NewGauge makes a gauge without labels.
func (m Metric) NewGauge(r prometheus.Registerer) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: m.Name, Help: m.Help})
	r.MustRegister(g)
	return g
}

// NewGaugeVec makes a gauge with the metric's labels, absent until it is set.
func (m Metric) NewGaugeVec(r prometheus.Registerer) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: m.Name, Help: m.Help}, slices.Clone(m.Labels))
	r.MustRegister(g)
	return g
}

// NewCounter makes a counter without labels.
func (m Metric) NewCounter(r prometheus.Registerer) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: m.Name, Help: m.Help})
	r.MustRegister(c)
	return c
}

// NewCounterFunc makes a counter that has the value of a function at each scrape.
func (m Metric) NewCounterFunc(r prometheus.Registerer, value func() float64) {
	r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: m.Name, Help: m.Help}, value))
}

// NewCounterVec makes a counter with the metric's labels.
func (m Metric) NewCounterVec(r prometheus.Registerer) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: m.Name, Help: m.Help}, slices.Clone(m.Labels))
	r.MustRegister(c)
	return c
}

// NewHistogramVec makes a native histogram that also has classic buckets.
func (m Metric) NewHistogramVec(r prometheus.Registerer, buckets []float64) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:                           m.Name,
		Help:                           m.Help,
		Buckets:                        buckets,
		NativeHistogramBucketFactor:    nativeFactor,
		NativeHistogramMaxBucketNumber: maxNativeBuckets,
	}, slices.Clone(m.Labels))
	r.MustRegister(h)
	return h
}
