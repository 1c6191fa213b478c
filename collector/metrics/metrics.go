// Package metrics defines the names, types, labels and help of the exporter's metrics. The
// collectors are built from its rows, and the table in docs/metrics.md is generated from
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

// RoomPrefix is the label that separates usage by customer.
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
		"Participant minutes, Whereby's billing unit: minutes in a room, rounded up for each connection. Lifetime total over all rooms ever seen."}
	RecorderMinutes = Metric{"whereby_recorder_minutes_total", Counter, []string{RoomPrefix},
		"Minutes of recording. Lifetime total over all rooms ever seen."}
	StreamerMinutes = Metric{"whereby_streamer_minutes_total", Counter, []string{RoomPrefix},
		"Minutes of streaming. Lifetime total over all rooms ever seen."}
	Sessions = Metric{"whereby_sessions_total", Counter, []string{RoomPrefix},
		"Sessions. A session starts once two people are in a room. Lifetime total over all rooms ever seen."}
	TranscriptionSeconds = Metric{"whereby_transcription_seconds_total", Counter, []string{RoomPrefix},
		"Billable seconds of transcriptions, each counted once. Lifetime total over all transcriptions ever seen. Absent until transcriptions have been listed."}
	Rooms = Metric{"whereby_rooms", Gauge, []string{RoomPrefix},
		"Rooms in the last full poll of the account."}
)

// Usage in billing periods, and its limits.
var (
	QuotaUsed = Metric{"whereby_quota_used", Gauge, []string{RoomPrefix, "resource"},
		"Used in the current billing period by sessions that started in it. For live_participants, people in rooms now. Absent while any room is unread."}
	QuotaUsedLowerBound = Metric{"whereby_quota_used_lower_bound", Gauge, []string{RoomPrefix, "resource"},
		"Known part of the usage in the current billing period. Equal to whereby_quota_used if no room is unread."}
	QuotaUnreadRooms = Metric{"whereby_quota_unread_rooms", Gauge, []string{RoomPrefix},
		"Rooms whose usage from before the current billing period has not been read yet."}
	QuotaPreviousUsed = Metric{"whereby_quota_previous_used", Gauge, []string{RoomPrefix, "resource"},
		"Used in the previous billing period, including figures that arrived late. Absent while any room is unread."}
	QuotaPreviousPeriodStart = Metric{"whereby_quota_previous_period_start_timestamp_seconds", Gauge, []string{RoomPrefix},
		"When the previous billing period began, as a Unix timestamp."}
	QuotaPreviousPeriodEnd = Metric{"whereby_quota_previous_period_end_timestamp_seconds", Gauge, []string{RoomPrefix},
		"When the previous billing period ended, as a Unix timestamp."}
	QuotaPreviousFinal = Metric{"whereby_quota_previous_final", Gauge, []string{RoomPrefix},
		"1 once whereby_quota_previous_used no longer changes, else 0."}
	QuotaLimit = Metric{"whereby_quota_limit", Gauge, []string{RoomPrefix, "resource"},
		"Limit of a resource in a billing period, from the configuration file."}
	QuotaNearRatio = Metric{"whereby_quota_near_ratio", Gauge, []string{RoomPrefix},
		"Share of a quota at which a customer counts as near its limit, from the configuration file."}
	QuotaPeriodStart = Metric{"whereby_quota_period_start_timestamp_seconds", Gauge, []string{RoomPrefix},
		"When the current billing period began, as a Unix timestamp."}
	QuotaPeriodEnd = Metric{"whereby_quota_period_end_timestamp_seconds", Gauge, []string{RoomPrefix},
		"When the current billing period ends, as a Unix timestamp."}
	OrganizationQuotaUsed = Metric{"whereby_organization_quota_used", Gauge, []string{"resource"},
		"Used by the whole account in its current billing period. For live_participants, people in rooms now. Absent while any room is unread."}
	OrganizationQuotaUsedLowerBound = Metric{"whereby_organization_quota_used_lower_bound", Gauge, []string{"resource"},
		"Known part of the whole account's usage in its current billing period."}
	OrganizationQuotaUnreadRooms = Metric{"whereby_organization_quota_unread_rooms", Gauge, nil,
		"Rooms of the whole account whose usage from before its current billing period has not been read yet."}
	OrganizationQuotaPreviousUsed = Metric{"whereby_organization_quota_previous_used", Gauge, []string{"resource"},
		"Used by the whole account in its previous billing period, including figures that arrived late. Absent while any room is unread."}
	OrganizationQuotaPreviousPeriodStart = Metric{"whereby_organization_quota_previous_period_start_timestamp_seconds", Gauge, nil,
		"When the account's previous billing period began, as a Unix timestamp."}
	OrganizationQuotaPreviousPeriodEnd = Metric{"whereby_organization_quota_previous_period_end_timestamp_seconds", Gauge, nil,
		"When the account's previous billing period ended, as a Unix timestamp."}
	OrganizationQuotaPreviousFinal = Metric{"whereby_organization_quota_previous_final", Gauge, nil,
		"1 once whereby_organization_quota_previous_used no longer changes, else 0."}
	OrganizationQuotaLimit = Metric{"whereby_organization_quota_limit", Gauge, []string{"resource"},
		"Limit of a resource for the whole account, from the configuration file."}
	OrganizationQuotaPeriodStart = Metric{"whereby_organization_quota_period_start_timestamp_seconds", Gauge, nil,
		"When the account's current billing period began, as a Unix timestamp."}
	OrganizationQuotaPeriodEnd = Metric{"whereby_organization_quota_period_end_timestamp_seconds", Gauge, nil,
		"When the account's current billing period ends, as a Unix timestamp."}
	CustomerInfo = Metric{"whereby_customer_info", Gauge, []string{RoomPrefix, "customer"},
		"A constant 1, labeled with the name of the customer that owns the room prefix."}
)

// Costs of usage by the price list; absent without one. kind is the priced unit, such as
// participant_minute.
var (
	Cost = Metric{"whereby_cost_total", Counter, []string{RoomPrefix, "kind"},
		"Cost of all sessions and transcriptions by the price list, each at the price of the day it started. Lifetime total over all rooms ever seen."}
	CostUnreadRooms = Metric{"whereby_cost_unread_rooms", Gauge, []string{RoomPrefix},
		"Rooms whose usage from before a price change has not been read yet. whereby_cost_total may be too low by that usage."}
	CostInfo = Metric{"whereby_cost_info", Gauge, []string{"currency"},
		"A constant 1, labeled with the currency of all costs."}
	PeriodCost = Metric{"whereby_period_cost", Gauge, []string{RoomPrefix, "kind"},
		"Cost so far of the usage in the current billing period. Absent while that usage is not fully known."}
	PreviousPeriodCost = Metric{"whereby_previous_period_cost", Gauge, []string{RoomPrefix, "kind"},
		"Cost of the usage in the previous billing period, including figures that arrived late. Absent while that usage is not fully known."}
	OrganizationPeriodCost = Metric{"whereby_organization_period_cost", Gauge, []string{"kind"},
		"Cost so far of the whole account's usage in its current billing period. Absent while that usage is not fully known."}
	OrganizationPreviousPeriodCost = Metric{"whereby_organization_previous_period_cost", Gauge, []string{"kind"},
		"Cost of the whole account's usage in its previous billing period. Absent while that usage is not fully known."}
)

// Who is in rooms now. These come from webhooks, and are absent without a secret.
var (
	LiveParticipants = Metric{"whereby_live_participants", Gauge, []string{RoomPrefix},
		"People in rooms now: clients of every role except recorder, streamer, captioner and assistant."}
	LiveParticipantsMax = Metric{"whereby_live_participants_max", Gauge, []string{RoomPrefix},
		"Highest whereby_live_participants of the last 5 minutes, so that no scrape misses a peak."}
	LiveClients = Metric{"whereby_live_clients", Gauge, []string{RoomPrefix, "role"},
		"Clients in rooms now by role, including recorders, streamers, captioners and assistants."}
	LiveRooms = Metric{"whereby_live_rooms", Gauge, []string{RoomPrefix},
		"Rooms with someone in them now."}
	RoomCapacity = Metric{"whereby_room_capacity", Gauge, []string{RoomPrefix},
		"People that a room can hold, from the configuration file. Absent unless configured."}
	LiveRoomsFull = Metric{"whereby_live_rooms_full", Gauge, []string{RoomPrefix},
		"Rooms now filled to 90% of whereby_room_capacity or more."}
	LiveFullestRoom = Metric{"whereby_live_fullest_room_ratio", Gauge, []string{RoomPrefix},
		"People in the fullest room now, as a share of whereby_room_capacity."}
	LiveFullestRoomMax = Metric{"whereby_live_fullest_room_ratio_max", Gauge, []string{RoomPrefix},
		"Highest whereby_live_fullest_room_ratio of the last 5 minutes, so that no scrape misses a peak."}
	LiveWaiting = Metric{"whereby_live_waiting", Gauge, []string{RoomPrefix},
		"Visitors who knocked and are still waiting."}
	LivePending = Metric{"whereby_live_participant_minutes_pending", Gauge, []string{RoomPrefix},
		"Participant minutes that Insights does not show yet. Add them to whereby_participant_minutes_total for the minutes used by now."}
	SegmentParticipants = Metric{"whereby_segment_live_participants", Gauge, []string{RoomPrefix, "segment"},
		"People in rooms now by segment. Absent unless the configuration file names segments."}
	SegmentMinutes = Metric{"whereby_segment_participant_minutes_total", Counter, []string{RoomPrefix, "segment"},
		"Participant minutes by segment since the segment was first seen, counted from webhooks. Absent unless the configuration file names segments."}
	LiveCorrections = Metric{"whereby_live_corrections_total", Counter, []string{"reason"},
		"Corrections of live counts, by reason: by the next event (lost_event), or by Insights after silence or a restart (stale) or the end of a session with two or more people (session_ended). Shows how reliable webhook delivery is."}
	KnockWait = Metric{"whereby_knock_wait_seconds", Histogram, []string{RoomPrefix, "outcome"},
		"Time from a visitor's knock until the visitor is admitted or gives up."}
	HostWait = Metric{"whereby_host_wait_seconds", Histogram, []string{RoomPrefix},
		"Time that the first visitor of a meeting waited for the first host; 0 if the host came first."}
	Joins = Metric{"whereby_joins_total", Counter, []string{RoomPrefix, "role"},
		"Clients that joined a room."}
	DialIns = Metric{"whereby_dial_in_joins_total", Counter, []string{RoomPrefix},
		"Clients that joined a room by phone. Also counted in whereby_joins_total."}
	Leaves = Metric{"whereby_leaves_total", Counter, []string{RoomPrefix, "role"},
		"Clients that left a room."}
	Recordings = Metric{"whereby_recordings_finished_total", Counter, []string{RoomPrefix, "status"},
		"Finished recordings by status. Whereby does not report recordings that failed."}
	Transcriptions = Metric{"whereby_transcriptions_total", Counter, []string{RoomPrefix, "status"},
		"Transcriptions that finished or failed, by status. Each is counted once, whether listed or announced by a webhook."}
	WebhookEvents = Metric{"whereby_webhook_events_total", Counter, []string{"type"},
		"Webhook events accepted, each counted once. Undocumented types count as other."}
	WebhookDuplicates = Metric{"whereby_webhook_duplicates_total", Counter, nil,
		"Repeated deliveries of webhook events."}
	WebhookRejected = Metric{"whereby_webhook_rejected_total", Counter, []string{"reason"},
		"Webhook requests rejected, by reason: signature, expired, malformed, too_large or method."}
	WebhookMisdirected = Metric{"whereby_webhook_misdirected_total", Counter, nil,
		"Genuine webhook requests to a path other than --webhook.path. Their events are lost."}
	WebhookUnusable = Metric{"whereby_webhook_unusable_total", Counter, []string{"reason"},
		"Genuine events that could be used only in part or not at all: without a type, id, room or counts, or with an impossible created_at."}
	WebhookLastEvent = Metric{"whereby_webhook_last_event_timestamp_seconds", Gauge, nil,
		"When the last event arrived, as a Unix timestamp; 0 until the first."}
	WebhookDelay = Metric{"whereby_webhook_delay_seconds", Histogram, nil,
		"Time from an event's creation at Whereby to its arrival."}
)

// Call quality, from a sample of the participants, and ratings from all of them. Absent without
// samples.
var (
	SessionRating = Metric{"whereby_session_rating", Summary, []string{RoomPrefix},
		"Ratings that participants gave sessions, from 1 to 5 stars, each counted once: their sum and their number."}
	QualityRating = Metric{"whereby_quality_rating", Gauge, []string{RoomPrefix},
		"Mean rating of the sessions of the last 24 hours, from 1 to 5 stars."}
	QualitySamples = Metric{"whereby_quality_samples_total", Counter, []string{RoomPrefix, "direction", "verdict"},
		"Packet loss samples of the sampled participants, usually of 2 s each: poor at 3% or more, else good."}
	QualityPacketLoss = Metric{"whereby_quality_packet_loss_ratio", Gauge, []string{RoomPrefix, "direction"},
		"Mean packet loss of the last 24 hours."}
	QualityPoorRatio = Metric{"whereby_quality_poor_ratio", Gauge, []string{RoomPrefix, "direction"},
		"Share of poor samples in the last 24 hours."}
	QualityBitrate = Metric{"whereby_quality_bitrate_bits_per_second", Gauge, []string{RoomPrefix, "direction"},
		"Mean bitrate of the last 24 hours."}
	QualityParticipants = Metric{"whereby_quality_participants_total", Counter, []string{RoomPrefix, "state"},
		"Participants by sampling outcome: sampled, or skipped because they could not be read within 24 hours. Shows how much the quality figures cover."}
	QualitySessions = Metric{"whereby_quality_sessions_total", Counter, []string{RoomPrefix, "state"},
		"Sessions by sampling outcome: sampled if at least one participant was, else skipped."}
	QualityPoorParticipants = Metric{"whereby_quality_poor_participants_total", Counter, []string{RoomPrefix},
		"Sampled participants whose packet loss stayed at 3% or more for quality.poor_after of the configuration file, 10 s by default."}
	QualityParticipantPacketLoss = Metric{"whereby_quality_participant_packet_loss_ratio", Histogram, []string{RoomPrefix, "direction"},
		"Mean packet loss of each participant sampled since the exporter started."}
	QualityParticipantBitrate = Metric{"whereby_quality_participant_bitrate_bits_per_second", Histogram, []string{RoomPrefix, "direction"},
		"Mean bitrate of each participant sampled since the exporter started."}
	ParticipantDevices = Metric{"whereby_participant_devices_total", Counter, []string{"browser", "os"},
		"Sampled participants by browser family and operating system."}
)

// Stored recordings, from the list of recordings.
var (
	RecordingsStored = Metric{"whereby_recordings_stored", Gauge, []string{RoomPrefix},
		"Recordings that Whereby stores, as last read. Recordings that do not name their room count as _none."}
	RecordingsStoredBytes = Metric{"whereby_recordings_stored_bytes", Gauge, []string{RoomPrefix},
		"Size of the recordings that Whereby stores; a megabyte is a million bytes. A recording without a size adds nothing."}
	RecordingsOldest = Metric{"whereby_recordings_oldest_timestamp_seconds", Gauge, []string{RoomPrefix},
		"When the oldest recording that Whereby stores began, as a Unix timestamp."}
	OrganizationRecordingsStored = Metric{"whereby_organization_recordings_stored", Gauge, nil,
		"Recordings that Whereby stores for the whole account, as last read."}
	OrganizationRecordingsStoredBytes = Metric{"whereby_organization_recordings_stored_bytes", Gauge, nil,
		"Size of the recordings that Whereby stores for the whole account."}
	OrganizationRecordingsOldest = Metric{"whereby_organization_recordings_oldest_timestamp_seconds", Gauge, nil,
		"When the oldest recording that Whereby stores for the whole account began, as a Unix timestamp."}
	OrganizationRecordingsRetention = Metric{"whereby_organization_recordings_retention_seconds", Gauge, nil,
		"How long recordings may be stored. Absent unless organization.recordings_retention is configured."}
	RecordingsLastRead = Metric{"whereby_recordings_last_read_timestamp_seconds", Gauge, nil,
		"When the list of stored recordings was last read, as a Unix timestamp."}
)

// The exporter itself.
var (
	Up = Metric{"whereby_up", Gauge, nil,
		"1 if the last poll of the Insights API succeeded, else 0."}
	Polls = Metric{"whereby_exporter_polls_total", Counter, []string{"result"},
		"Polls of the Insights API by result: success or error."}
	PollDuration = Metric{"whereby_exporter_poll_duration_seconds", Histogram, nil,
		"Time that a poll took, from its first request to its commit, including waits for points."}
	LastSuccessfulPoll = Metric{"whereby_exporter_last_successful_poll_timestamp_seconds", Gauge, nil,
		"When the last successful poll ended, as a Unix timestamp; 0 until the first."}
	LastFullScan = Metric{"whereby_exporter_last_full_scan_timestamp_seconds", Gauge, nil,
		"When the last full poll of the account ended, as a Unix timestamp; 0 until the first. Survives restarts."}
	APIRequests = Metric{"whereby_exporter_api_requests_total", Counter, []string{"endpoint", "code"},
		"Requests to the Insights API by endpoint and HTTP status code; code is error if no response came."}
	APIRequestDuration = Metric{"whereby_exporter_api_request_duration_seconds", Histogram, []string{"endpoint"},
		"Time from sending a request to the Insights API to the end of the response."}
	APIPointsPerRequest = Metric{"whereby_exporter_api_points_per_request", Gauge, []string{"endpoint"},
		"Points that the next request is expected to cost, 1 to 10, learned from how far the remaining points fall, or set by --whereby.read-cost."}
	APIPoints = Metric{"whereby_exporter_api_points_total", Counter, []string{"endpoint"},
		"Points charged to requests. Higher than the real cost if other clients spend points at the same time."}
	APIRateLimit = Metric{"whereby_exporter_api_rate_limit", Gauge, nil,
		"The organization's points per minute, shared by all its API keys, from the last response that reported them."}
	APIRateLimitRemaining = Metric{"whereby_exporter_api_rate_limit_remaining", Gauge, nil,
		"Points that the organization had left in the current minute, from the last response that reported them."}
	LedgerDrift = Metric{"whereby_exporter_ledger_drift", Gauge, []string{"resource"},
		"Counters of the rooms in the last full poll, minus the figures that Insights showed: 0 is exact; above 0, Whereby lowered a figure."}
	UnusableRooms = Metric{"whereby_exporter_unusable_rooms", Gauge, nil,
		"Rooms whose row in Insights could not be read when it was last seen. They keep their earlier figures."}
	UnusableRows = Metric{"whereby_exporter_unusable_rows_total", Counter, []string{"endpoint"},
		"Rows of Insights that could not be read and were set aside. A row counts each time it is read."}
	RoomPrefixesDropped = Metric{"whereby_exporter_room_prefixes_dropped", Gauge, nil,
		"Room prefixes beyond the limit, counted under room_prefix=\"_other\"."}
	StorageErrors = Metric{"whereby_exporter_storage_errors_total", Counter, nil,
		"Failed writes to the store, for example because its disk is full. Figures of such a poll are not exposed, and such an event is not acknowledged. Failed saves of the live state count too."}
	WebhookConnectionsEvicted = Metric{"whereby_exporter_webhook_connections_evicted_total", Counter, []string{"state"},
		"Connections to the webhook address that were closed to make room for others, by state: proven if an event had been acknowledged over the connection, else unproven."}
	WebRefused = Metric{"whereby_exporter_web_refused_total", Counter, []string{"reason"},
		"Clients of the web address that were turned away, by reason: busy (the request got 503), stalled (the client did not read its response) or connection (closed to make room for others)."}
	JournalRepairs = Metric{"whereby_exporter_journal_repairs_total", Counter, nil,
		"Times that the unfinished end of a webhook journal was dropped after a crash or a failed write. No acknowledged event is lost."}
	LiveStateDamaged = Metric{"whereby_exporter_live_state_damaged", Gauge, nil,
		"1 if the live state on disk could not be restored at startup, else 0. While it is 1, webhooks get 503 and live figures are absent; the log says what to do."}
	ConfigLastReloadSuccessful = Metric{"whereby_exporter_config_last_reload_successful", Gauge, nil,
		"1 if the configuration file was last read without an error, else 0. While it is 0, the previous configuration stays in force."}
	ConfigLastReloadSuccess = Metric{"whereby_exporter_config_last_reload_success_timestamp_seconds", Gauge, nil,
		"When the configuration in force was read, as a Unix timestamp."}
	SidecarRulesLoaded = Metric{"whereby_exporter_sidecar_rules_loaded", Gauge, nil,
		"1 if the Prometheus of the sidecar flags has loaded all alerting rules and none of them fails, else 0. Absent without --sidecar.rules-dir and --sidecar.reload-url."}
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
