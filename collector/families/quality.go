package families

import (
	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/quality"
)

// Quality are those of the sample. Configured prefixes have series, whether anybody of
// theirs was sampled or not.
func Quality(v *quality.View, configured []string) []exposition.Family {
	prefixes := withConfigured(v.Prefixes, configured, func(p quality.PrefixView) string { return p.Prefix },
		func(prefix string) quality.PrefixView { return quality.PrefixView{Prefix: prefix} })
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
