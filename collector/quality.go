package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/quality"
	"whereby_exporter/whereby"
)

var (
	// Loss of a participant's whole time; 3 % is where Whereby calls it poor.
	lossBuckets = []float64{0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5}
	// From audio alone to several videos.
	bitrateBuckets = []float64{50e3, 100e3, 250e3, 500e3, 1e6, 2e6, 4e6, 8e6}
)

// sampling is the quality sampler with what it is exposed by.
type sampling struct {
	*quality.Sampler

	loss, bitrate *prometheus.HistogramVec
}

// openSampling goes on from what the store has.
func openSampling(r prometheus.Registerer, client *whereby.Client, c *Collector) (*sampling, error) {
	s := &sampling{
		loss:    metrics.QualityParticipantPacketLoss.NewHistogramVec(r, lossBuckets),
		bitrate: metrics.QualityParticipantBitrate.NewHistogramVec(r, bitrateBuckets),
	}
	spare := client.WithPriority(whereby.Spare)
	var err error
	s.Sampler, err = quality.Open(quality.Config{
		Client:       spare,
		Lister:       whereby.NewSessionLister(spare, c.config.Logger),
		Store:        c.stores.quality,
		Label:        c.ledger.Label,
		PoorAfter:    c.file.Quality.PoorAfter,
		OnSample:     s.observe,
		OnStoreError: c.self.storageErrors.Inc,
		Logger:       c.config.Logger,
	})
	if err != nil {
		return nil, err
	}
	r.MustRegister(ratings{s.Sampler})
	return s, nil
}

// observe takes one participant into the histograms.
func (s *sampling) observe(label string, m quality.Measurement) {
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

// qualityFamilies are those of the sample. Configured prefixes have series, whether
// anybody of theirs was sampled or not.
func qualityFamilies(v *quality.View, configured []string) []exposition.Family {
	known := make(map[string]bool, len(v.Prefixes))
	for _, p := range v.Prefixes {
		known[p.Prefix] = true
	}
	prefixes := v.Prefixes
	for _, prefix := range configured {
		if !known[prefix] {
			prefixes = append(prefixes, quality.PrefixView{Prefix: prefix})
		}
	}
	each := func(m metrics.Metric, samples func(p quality.PrefixView, yield func(value float64, labels ...string))) exposition.Family {
		return family(m, func(yield func([]string, float64)) {
			labels := make([]string, 0, 3)
			for _, p := range prefixes {
				samples(p, func(value float64, more ...string) {
					yield(append(append(labels[:0], p.Prefix), more...), value)
				})
			}
		})
	}
	// A mean of nothing is absent.
	mean := func(m metrics.Metric, of func(quality.Samples) (float64, bool)) exposition.Family {
		return each(m, func(p quality.PrefixView, yield func(float64, ...string)) {
			for d, direction := range quality.Directions() {
				if value, ok := of(p.Day.Samples[d]); ok {
					yield(value, direction)
				}
			}
		})
	}
	return []exposition.Family{
		each(metrics.QualityRating, func(p quality.PrefixView, yield func(float64, ...string)) {
			if p.Day.Ratings > 0 {
				yield(float64(p.Day.Stars) / float64(p.Day.Ratings))
			}
		}),
		each(metrics.QualitySamples, func(p quality.PrefixView, yield func(float64, ...string)) {
			for d, direction := range quality.Directions() {
				yield(float64(p.Samples[d].Good), direction, "good")
				yield(float64(p.Samples[d].Poor), direction, "poor")
			}
		}),
		mean(metrics.QualityPacketLoss, quality.Samples.LossRatio),
		mean(metrics.QualityPoorRatio, quality.Samples.PoorRatio),
		mean(metrics.QualityBitrate, quality.Samples.Bitrate),
		each(metrics.QualityParticipants, func(p quality.PrefixView, yield func(float64, ...string)) {
			yield(float64(p.Sampled), "sampled")
			yield(float64(p.Skipped), "skipped")
		}),
		each(metrics.QualitySessions, func(p quality.PrefixView, yield func(float64, ...string)) {
			yield(float64(p.SessionsSampled), "sampled")
			yield(float64(p.SessionsSkipped), "skipped")
		}),
		each(metrics.QualityPoorParticipants, func(p quality.PrefixView, yield func(float64, ...string)) {
			yield(float64(p.Poor))
		}),
		family(metrics.ParticipantDevices, func(yield func([]string, float64)) {
			for _, d := range v.Devices {
				yield([]string{d.Browser, d.OS}, float64(d.Participants))
			}
		}),
	}
}
