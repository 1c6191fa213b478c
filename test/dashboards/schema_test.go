package dashboards

import (
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	schema "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	promquery "github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"whereby_exporter/dashboards"
)

// TestGrafanaKnowsEveryField decodes the dashboards by Grafana's own schema, which
// refuses a field or an option that it has no name for.
func TestGrafanaKnowsEveryField(t *testing.T) {
	runtime := cog.NewRuntime()
	runtime.RegisterDataqueryVariant(promquery.VariantConfig())
	runtime.RegisterPanelcfgVariant(bargauge.VariantConfig())
	runtime.RegisterPanelcfgVariant(heatmap.VariantConfig())
	runtime.RegisterPanelcfgVariant(stat.VariantConfig())
	runtime.RegisterPanelcfgVariant(table.VariantConfig())
	runtime.RegisterPanelcfgVariant(timeseries.VariantConfig())
	for name, content := range dashboards.Files() {
		var decoded schema.Dashboard //nolint:staticcheck // the files have the form that Grafana 9 to 12 load
		if err := decoded.UnmarshalJSONStrict(content); err != nil {
			for line := range strings.Lines(err.Error()) {
				// What is missing has a default.
				if !strings.Contains(line, "required field is missing") {
					t.Errorf("%s: %s", name, strings.TrimSpace(line))
				}
			}
		}
	}
}

// knownUnits are those in use that Grafana has a name for.
var knownUnits = []string{
	units.NoUnit, units.Short, units.LocaleFormat, units.PercentUnit, units.Seconds, units.DurationSeconds, units.DurationInHoursMinutesSeconds,
	units.BytesIEC, units.BytesSI, units.BitsPerSecondSI, units.DateTimeFromNow,
}

// TestGrafanaKnowsEveryUnit holds that no unit is shown as a suffix because Grafana does
// not know it.
func TestGrafanaKnowsEveryUnit(t *testing.T) {
	for _, d := range all(t) {
		for _, p := range d.Panels {
			list := []string{p.FieldConfig.Defaults.Unit}
			for _, o := range p.FieldConfig.Overrides {
				for _, property := range o.Properties {
					if property.ID == "unit" {
						unit, _ := property.Value.(string)
						list = append(list, unit)
					}
				}
			}
			for _, unit := range list {
				if p.Type != "row" && !slices.Contains(knownUnits, unit) && !strings.HasPrefix(unit, "time:") {
					t.Errorf("%s: %s has the unit %q", d.UID, p.Title, unit)
				}
			}
		}
	}
}
