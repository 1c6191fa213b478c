package families

import (
	"whereby_exporter/collector/exposition"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/recordings"
)

// Recordings are what Whereby stores. Configured prefixes have series even if nothing is
// stored for them; a time there is only of recordings that tell when they began.
func Recordings(v *recordings.View, configured []string) []exposition.Family {
	all := withConfigured(v.Prefixes, configured, func(p recordings.PrefixFigures) string { return p.Prefix },
		func(prefix string) recordings.PrefixFigures { return recordings.PrefixFigures{Prefix: prefix} })
	number := func(f recordings.Figures) (float64, bool) { return float64(f.Recordings), true }
	size := func(f recordings.Figures) (float64, bool) { return float64(f.Bytes), true }
	oldest := func(f recordings.Figures) (float64, bool) { return metrics.Seconds(f.Oldest), !f.Oldest.IsZero() }
	var list []exposition.Family
	for _, both := range [...]struct {
		prefix, account metrics.Metric
		value           func(recordings.Figures) (float64, bool)
	}{
		{metrics.RecordingsStored, metrics.OrganizationRecordingsStored, number},
		{metrics.RecordingsStoredBytes, metrics.OrganizationRecordingsStoredBytes, size},
		{metrics.RecordingsOldest, metrics.OrganizationRecordingsOldest, oldest},
	} {
		list = append(list,
			family(both.prefix, func(yield func([]string, float64)) {
				label := make([]string, 1)
				for _, p := range all {
					if value, ok := both.value(p.Figures); ok {
						label[0] = p.Prefix
						yield(label, value)
					}
				}
			}),
			family(both.account, func(yield func([]string, float64)) {
				if value, ok := both.value(v.Account); ok {
					yield(nil, value)
				}
			}))
	}
	return append(list, family(metrics.RecordingsLastRead, func(yield func([]string, float64)) {
		yield(nil, metrics.Seconds(v.Read))
	}))
}
