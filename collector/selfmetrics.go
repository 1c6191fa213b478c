package collector

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/poller"
	"whereby_exporter/whereby"
)

var (
	// Polls take from one request to hours of waiting for points.
	pollBuckets = []float64{0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400}
	// An attempt is given up after 30 s.
	requestBuckets = []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
)

// selfMetrics are the figures on the exporter itself. They are gathered at every
// scrape; those on usage are not, see [publisher.publish].
type selfMetrics struct {
	up, lastSuccess, lastFullPoll prometheus.Gauge
	// These two are absent until an answer tells: 0 would say that no points are left.
	rateLimit, rateLimitRemaining *prometheus.GaugeVec
	polls, requests               *prometheus.CounterVec
	pollDuration, requestDuration *prometheus.HistogramVec
	unusableRooms                 prometheus.Gauge
	unusableRows                  *prometheus.CounterVec
	readCost                      *prometheus.GaugeVec
	points                        *prometheus.CounterVec
	storageErrors                 prometheus.Counter
	evicted, refused              *prometheus.CounterVec
	reloaded, reloadedAt          prometheus.Gauge
	rulesLoaded                   *prometheus.GaugeVec // absent without a sidecar
}

func newSelfMetrics(r prometheus.Registerer) *selfMetrics {
	m := &selfMetrics{
		up:                 metrics.Up.NewGauge(r),
		lastSuccess:        metrics.LastSuccessfulPoll.NewGauge(r),
		lastFullPoll:       metrics.LastFullScan.NewGauge(r),
		rateLimit:          metrics.APIRateLimit.NewGaugeVec(r),
		rateLimitRemaining: metrics.APIRateLimitRemaining.NewGaugeVec(r),
		polls:              metrics.Polls.NewCounterVec(r),
		requests:           metrics.APIRequests.NewCounterVec(r),
		pollDuration:       metrics.PollDuration.NewHistogramVec(r, pollBuckets),
		requestDuration:    metrics.APIRequestDuration.NewHistogramVec(r, requestBuckets),
		unusableRooms:      metrics.UnusableRooms.NewGauge(r),
		unusableRows:       metrics.UnusableRows.NewCounterVec(r),
		readCost:           metrics.APIPointsPerRequest.NewGaugeVec(r),
		points:             metrics.APIPoints.NewCounterVec(r),
		storageErrors:      metrics.StorageErrors.NewCounter(r),
		evicted:            metrics.WebhookConnectionsEvicted.NewCounterVec(r),
		refused:            metrics.WebRefused.NewCounterVec(r),
		reloaded:           metrics.ConfigLastReloadSuccessful.NewGauge(r),
		rulesLoaded:        metrics.SidecarRulesLoaded.NewGaugeVec(r),
		reloadedAt:         metrics.ConfigLastReloadSuccess.NewGauge(r),
	}
	m.onReload()
	for _, result := range []string{"success", "error"} {
		m.polls.WithLabelValues(result) // so that increase() sees the first one
	}
	for _, state := range []string{"unproven", "proven"} {
		m.evicted.WithLabelValues(state)
	}
	for _, reason := range []string{"busy", "stalled", "connection"} {
		m.refused.WithLabelValues(reason)
	}
	for _, endpoint := range []string{
		whereby.EndpointRooms, whereby.EndpointRoomSessions, whereby.EndpointParticipants, whereby.EndpointParticipant,
		whereby.EndpointTranscriptions, whereby.EndpointRecordings,
	} {
		m.unusableRows.WithLabelValues(endpoint)
	}
	m.requests.WithLabelValues(whereby.EndpointRooms, "200")
	m.requestDuration.WithLabelValues(whereby.EndpointRooms)
	m.points.WithLabelValues(whereby.EndpointRooms)
	m.pollDuration.WithLabelValues()
	return m
}

// onReload notes that a configuration is in force.
func (m *selfMetrics) onReload() {
	m.reloaded.Set(1)
	m.reloadedAt.SetToCurrentTime()
}

// onExchange notes a request to Insights.
func (m *selfMetrics) onExchange(e whereby.Exchange) {
	code := "error"
	if e.StatusCode != 0 {
		code = strconv.Itoa(e.StatusCode)
	}
	m.requests.WithLabelValues(e.Endpoint, code).Inc()
	m.requestDuration.WithLabelValues(e.Endpoint).Observe(e.Duration.Seconds())
	if e.ReadCost > 0 {
		m.readCost.WithLabelValues(e.Endpoint).Set(float64(e.ReadCost))
		m.points.WithLabelValues(e.Endpoint).Add(float64(e.Points))
	}
	if e.RateLimit.LimitKnown {
		m.rateLimit.WithLabelValues().Set(float64(e.RateLimit.Limit))
	}
	if e.RateLimit.RemainingKnown {
		m.rateLimitRemaining.WithLabelValues().Set(float64(e.RateLimit.Remaining))
	}
}

// onUnusable notes rows that could not be read.
func (m *selfMetrics) onUnusable(endpoint string, rows int) {
	m.unusableRows.WithLabelValues(endpoint).Add(float64(rows))
}

// onPoll notes the result of a poll.
func (m *selfMetrics) onPoll(r poller.Result) {
	m.pollDuration.WithLabelValues().Observe(r.Duration.Seconds())
	if r.Err != nil {
		m.up.Set(0)
		m.polls.WithLabelValues("error").Inc()
		if poller.IsStorageError(r.Err) {
			m.storageErrors.Inc()
		}
		return
	}
	m.up.Set(1)
	m.polls.WithLabelValues("success").Inc()
	m.lastSuccess.Set(metrics.Seconds(r.Ended))
}

// onEvicted notes that a connection to the webhook's address was closed for another one.
func (m *selfMetrics) onEvicted(proven bool) {
	state := "unproven"
	if proven {
		state = "proven"
	}
	m.evicted.WithLabelValues(state).Inc()
}

// onReloadFailed notes that a configuration file could not be put in force.
func (m *selfMetrics) onReloadFailed() { m.reloaded.Set(0) }

// onRules notes whether the Prometheus that the sidecar serves has all alerting rules.
func (m *selfMetrics) onRules(loaded bool) {
	value := 0.0
	if loaded {
		value = 1
	}
	m.rulesLoaded.WithLabelValues().Set(value)
}
