package dashboards

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"whereby_exporter/dashboards"
)

// dashboard is what is read of a dashboard's JSON.
type dashboard struct {
	UID, Title, Description, Refresh string
	Tags                             []string
	SchemaVersion                    int
	ID                               *int
	Editable                         bool
	Timezone                         string
	Time                             struct{ From, To string }
	Links                            []struct {
		Type                              string
		Tags                              []string
		IncludeVars, KeepTime, AsDropdown bool
	}
	Templating  struct{ List []variable }
	Annotations struct {
		List []struct {
			Name, Expr, TitleFormat, IconColor string
			Enable, UseValueForTime            bool
			Datasource                         source
		}
	}
	Panels []panel

	file string
}

type source struct{ Type, UID string }

type variable struct {
	Name, Label, Type, Description, AllValue string
	Query                                    any
	Refresh                                  int
	Multi, IncludeAll                        bool
	Datasource                               *source
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Interval, TimeFrom       string
	Collapsed                bool
	Datasource               source
	Panels                   []panel // of a row that is collapsed
	Transformations          []struct {
		ID      string
		Options map[string]any
	}
	GridPos     struct{ X, Y, W, H int }
	Targets     []target
	Options     map[string]any
	FieldConfig struct {
		Defaults struct {
			Unit, NoValue string
			Thresholds    struct{ Steps []step }
			Mappings      []mapping
			Links         []link
			Custom        struct{ AxisLabel, ShowPoints, DrawStyle string }
		}
		Overrides []struct {
			Matcher    struct{ ID, Options string }
			Properties []struct {
				ID    string
				Value any
			}
		}
	}
}

type step struct {
	Color string
	Value *float64
}

// mapping shows some values in other words, and colors.
type mapping struct{ Options map[string]any }

type link struct{ Title, URL string }

type target struct {
	RefID, Expr, LegendFormat, Format string
	Instant, Range                    bool
	Datasource                        source
}

// all returns the dashboards by uid.
func all(t testing.TB) []dashboard {
	t.Helper()
	files := dashboards.Files()
	var decoded []dashboard
	for _, name := range slices.Sorted(maps.Keys(files)) {
		d := dashboard{file: name}
		if err := json.NewDecoder(bytes.NewReader(files[name])).Decode(&d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		d.Panels = flat(d.Panels)
		decoded = append(decoded, d)
	}
	return decoded
}

// flat puts the panels of collapsed rows behind them, as they are once unfolded.
func flat(panels []panel) []panel {
	var list []panel
	for _, p := range panels {
		list = append(append(list, p), p.Panels...)
	}
	return list
}

// links are all data links of a panel.
func (p panel) links(t testing.TB) []link {
	t.Helper()
	all := p.FieldConfig.Defaults.Links
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if property.ID != "links" {
				continue
			}
			content, err := json.Marshal(property.Value)
			if err != nil {
				t.Fatal(err)
			}
			var more []link
			if err := json.Unmarshal(content, &more); err != nil {
				t.Fatal(err)
			}
			all = append(slices.Clone(all), more...)
		}
	}
	return all
}

// query is one that a dashboard sends.
type query struct {
	dashboard, where, expr string
	instant                bool
	// interval is the panel's least one, and timeFrom the time that it shows instead of
	// the dashboard's.
	interval, timeFrom, from string
	// variable is one that is looked up by label_values.
	variable bool
}

func (q query) name() string { return q.dashboard + ": " + q.where }

// queries are all of a dashboard: panels', annotations' and variables'.
func (d dashboard) queries(t testing.TB) []query {
	t.Helper()
	var list []query
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			text, _ := v.Query.(map[string]any)["query"].(string)
			list = append(list, query{dashboard: d.UID, where: "variable " + v.Name, expr: text, variable: true, from: d.Time.From})
		}
	}
	for _, a := range d.Annotations.List {
		list = append(list, query{dashboard: d.UID, where: "annotation " + a.Name, expr: a.Expr, interval: "1m", from: d.Time.From})
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			list = append(list, query{
				dashboard: d.UID, where: strings.TrimSpace(p.Title + " " + target.RefID), expr: target.Expr, instant: target.Instant,
				interval: p.Interval, timeFrom: p.TimeFrom, from: d.Time.From,
			})
		}
	}
	return list
}
