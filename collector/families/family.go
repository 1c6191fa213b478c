package families

import (
	"slices"

	dto "github.com/prometheus/client_model/go"

	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/metrics"
)

// family returns a metric with its samples.
func family(m metrics.Metric, samples func(yield func([]string, float64))) exposition.Family {
	kind := dto.MetricType_GAUGE
	if m.Type == metrics.Counter {
		kind = dto.MetricType_COUNTER
	}
	return exposition.Family{Name: m.Name, Help: m.Help, Type: kind, Labels: m.Labels, Samples: samples}
}

// withConfigured returns figures by prefix, with empty ones for the configured prefixes that
// have none.
func withConfigured[F any](figures []F, configured []string, prefixOf func(F) string, empty func(prefix string) F) []F {
	known := make(map[string]bool, len(figures))
	for _, f := range figures {
		known[prefixOf(f)] = true
	}
	all := slices.Clip(figures) // others may read the rest of its array
	for _, prefix := range configured {
		if !known[prefix] {
			all = append(all, empty(prefix))
		}
	}
	return all
}
