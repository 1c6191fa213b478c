package families

import (
	dto "github.com/prometheus/client_model/go"

	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/metrics"
)

// family is a metric with its samples.
func family(m metrics.Metric, samples func(yield func([]string, float64))) exposition.Family {
	kind := dto.MetricType_GAUGE
	if m.Type == metrics.Counter {
		kind = dto.MetricType_COUNTER
	}
	return exposition.Family{Name: m.Name, Help: m.Help, Type: kind, Labels: m.Labels, Samples: samples}
}
