package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/quality"
	"whereby_exporter/whereby"
)

var (
	// Loss of a participant's whole time; 3% is where Whereby calls it poor.
	lossBuckets = []float64{0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5}
	// From audio alone to several videos.
	bitrateBuckets = []float64{50e3, 100e3, 250e3, 500e3, 1e6, 2e6, 4e6, 8e6}
)

// sampling is the quality sampler with what it is exposed by.
type sampling struct {
	*quality.Sampler

	loss, bitrate *prometheus.HistogramVec
}

// openSampling continues from what the store has. It completes the sampler's configuration.
func openSampling(r prometheus.Registerer, c quality.Config) (*sampling, error) {
	s := &sampling{
		loss:    metrics.QualityParticipantPacketLoss.NewHistogramVec(r, lossBuckets),
		bitrate: metrics.QualityParticipantBitrate.NewHistogramVec(r, bitrateBuckets),
	}
	c.OnSample = s.onSample
	c.Lister = whereby.NewSessionLister(c.Client, c.Logger)
	var err error
	if s.Sampler, err = quality.Open(c); err != nil {
		return nil, err
	}
	r.MustRegister(ratings{s.Sampler})
	return s, nil
}

// onSample takes one participant into the histograms.
func (s *sampling) onSample(label string, m quality.Measurement) {
	for d, direction := range quality.Directions() {
		if loss, ok := m.Samples[d].LossRatio(); ok {
			s.loss.WithLabelValues(label, direction).Observe(loss)
		}
		if bitrate, ok := m.Samples[d].Bitrate(); ok {
			s.bitrate.WithLabelValues(label, direction).Observe(bitrate)
		}
	}
}

// ratings exposes every rating once. It keeps no observations of its own.
type ratings struct{ sampler *quality.Sampler }

var ratingDesc = prometheus.NewDesc(metrics.SessionRating.Name, metrics.SessionRating.Help, metrics.SessionRating.Labels, nil)

// Describe implements [prometheus.Collector].
func (ratings) Describe(descs chan<- *prometheus.Desc) { descs <- ratingDesc }

// Collect implements [prometheus.Collector].
func (r ratings) Collect(out chan<- prometheus.Metric) {
	for _, p := range r.sampler.View().Prefixes {
		if p.Ratings > 0 {
			out <- prometheus.MustNewConstSummary(ratingDesc, uint64(p.Ratings), float64(p.Stars), nil, p.Prefix)
		}
	}
}
