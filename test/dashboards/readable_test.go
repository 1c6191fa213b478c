package dashboards

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// A narrow figure has room for titleRoom characters at 1,400 pixels, and an empty panel
// for emptyRoom.
const (
	titleRoom = 16
	emptyRoom = 40
)

// claim is what an empty panel cannot know: it is empty as well while Prometheus has
// scraped too little, or has no rules yet.
var claim = regexp.MustCompile(`(?i)configured|without a|^under |^nobody|names no|has no|^no (quota|webhook|sample|rating|exporter|poll|usage)`)

// wait is what an empty graph says of time: its first point comes with its first whole
// step, minutes after the first scrape, whatever else it needs.
var wait = regexp.MustCompile(`minutes|hour|day|week`)

func TestTitlesAndEmptyTextsFit(t *testing.T) {
	for _, d := range all(t) {
		for _, p := range d.Panels {
			where, empty := d.UID+": "+p.Title, p.FieldConfig.Defaults.NoValue
			if p.Type == "stat" && p.GridPos.W <= 4 && utf8.RuneCountInString(p.Title) > titleRoom {
				t.Errorf("%s: the title has over %d characters", where, titleRoom)
			}
			room := emptyRoom
			if p.Type == "stat" {
				room = titleRoom
			}
			if utf8.RuneCountInString(empty) > room {
				t.Errorf("%s: no room for %q, %d characters", where, empty, room)
			}
			if claim.MatchString(empty) {
				t.Errorf("%s says %q, which may be false", where, empty)
			}
			if p.Type == "timeseries" && !wait.MatchString(empty) {
				t.Errorf("%s says %q, and not that it takes time", where, empty)
			}
		}
	}
}

func TestGraphsCanBeRead(t *testing.T) {
	for _, d := range all(t) {
		for _, p := range d.Panels {
			where := d.UID + ": " + p.Title
			switch p.Type {
			case "timeseries":
				custom := p.FieldConfig.Defaults.Custom
				if custom.AxisLabel == "" {
					t.Errorf("%s: the axis has no label", where)
				}
				if custom.ShowPoints != "auto" {
					t.Errorf("%s: a single sample is not seen, as points are shown %q", where, custom.ShowPoints)
				}
				legend, _ := p.Options["legend"].(map[string]any)
				if text := fmt.Sprint(legend["calcs"]); legend["showLegend"] != true || !strings.Contains(text, "lastNotNull") || !strings.Contains(text, "max") {
					t.Errorf("%s: the legend has no last and highest value: %v", where, legend)
				}
			case "heatmap":
				// Without it, Grafana 10 to 12 show an exception while there is no data.
				if tr := p.Transformations; len(tr) == 0 || tr[0].ID != "prepareTimeSeries" || tr[0].Options["format"] != "multi" {
					t.Errorf("%s is transformed by %v", where, tr)
				}
			}
			for _, target := range p.Targets {
				if regexp.MustCompile(`\b(half|nine of ten|95 of 100|odd)\b`).MatchString(target.LegendFormat) {
					t.Errorf("%s: the legend says %q", where, target.LegendFormat)
				}
				if strings.Contains(target.LegendFormat, "{{direction}}") && !strings.Contains(target.Expr, `"receiving", "direction", "recv"`) {
					t.Errorf("%s: the legend shows raw directions", where)
				}
				if strings.Contains(target.LegendFormat, "{{resource}}") && !strings.Contains(target.Expr, `"$1 $2", "resource", "(.+)_(.+)"`) {
					t.Errorf("%s: the legend shows raw resources", where)
				}
			}
			// Whole numbers of things: 1,005 is not 1 K.
			if p.Type == "stat" && p.FieldConfig.Defaults.Unit == "short" && !regexp.MustCompile(`inutes|Week|Quarter|Forecast`).MatchString(p.Title) {
				t.Errorf("%s: a count is shortened", where)
			}
		}
	}
}

// TestRarelyUsedRowsAreCollapsed holds that what is empty for almost everybody takes one
// line, at the end.
func TestRarelyUsedRowsAreCollapsed(t *testing.T) {
	for _, d := range all(t) {
		n := len(d.Panels)
		for i, p := range d.Panels {
			after := i + 1 + len(p.Panels)
			if p.Type == "row" && p.Collapsed != (len(p.Panels) > 0) || p.Collapsed && after != n && !d.Panels[after].Collapsed {
				t.Errorf("%s: the row %s is collapsed: %v, with %d panels, at %d of %d", d.UID, p.Title, p.Collapsed, len(p.Panels), i, n)
			}
		}
		if d.UID != "whereby-customer" {
			continue
		}
		i := slices.IndexFunc(d.Panels, func(p panel) bool { return p.Collapsed })
		if i < 0 {
			t.Errorf("%s: no row is collapsed", d.UID)
			continue
		}
		last, collapsed := d.Panels[i], map[int]bool{}
		for _, row := range d.Panels[i:] {
			for _, p := range row.Panels {
				collapsed[p.ID] = true
			}
		}
		for _, p := range d.Panels {
			// Segments and price lists are configured by few.
			if rare := regexp.MustCompile("whereby_segment_|cost").MatchString(fmt.Sprint(p.Targets)); rare != collapsed[p.ID] {
				t.Errorf("%s: %s is not where it belongs", d.UID, p.Title)
			}
		}
		// A screen shows some 25 units of the grid.
		if last.GridPos.Y >= 3*25 {
			t.Errorf("%s takes %d units: more than three screens", d.UID, last.GridPos.Y)
		}
	}
}

// palette are Grafana's colors that text stands on, in its dark and in its light theme.
var palette = map[string][2]string{
	"dark-red":           {"#C4162A", "#AD0317"},
	"red":                {"#F2495C", "#E02F44"},
	"orange":             {"#FF9830", "#FF780A"},
	"super-light-orange": {"#FFCB7D", "#FFB357"},
	"yellow":             {"#FADE2A", "#F2CC0C"},
	"green":              {"#73BF69", "#56A64B"},
	"blue":               {"#5794F2", "#3274D9"},
}

// TestTextCanBeReadOnItsColor holds that color is behind text, where Grafana writes in
// white or black: text in yellow on white is at 1.6 : 1.
func TestTextCanBeReadOnItsColor(t *testing.T) {
	for _, d := range all(t) {
		for _, p := range d.Panels {
			where := d.UID + ": " + p.Title
			check := func(color string) {
				if color == "transparent" || color == "" {
					return
				}
				for theme, hex := range palette[color] {
					if ratio := contrast(hex); ratio < 4.5 {
						t.Errorf("%s: text on %s has a contrast of %.2f in theme %d", where, color, ratio, theme)
					}
				}
				if palette[color] == [2]string{} {
					t.Errorf("%s: %s is no color of the palette", where, color)
				}
			}
			switch p.Type {
			case "stat":
				if mode := p.Options["colorMode"]; mode != "background" && mode != "none" {
					t.Errorf("%s: colors are of the %v", where, mode)
				}
				for _, s := range p.FieldConfig.Defaults.Thresholds.Steps {
					check(s.Color)
				}
				for _, m := range p.FieldConfig.Defaults.Mappings {
					for _, result := range m.Options {
						if r, ok := result.(map[string]any); ok {
							color, _ := r["color"].(string)
							check(color)
						}
					}
				}
			case "bargauge":
				if p.Options["valueMode"] != "text" {
					t.Errorf("%s: values are colored", where)
				}
			case "table":
				for _, o := range p.FieldConfig.Overrides {
					properties := map[string]any{}
					for _, property := range o.Properties {
						properties[property.ID] = property.Value
					}
					cell, _ := properties["custom.cellOptions"].(map[string]any)
					if cell == nil {
						continue
					}
					if cell["type"] == "gauge" {
						if cell["valueDisplayMode"] != "text" {
							t.Errorf("%s: values of %s are colored", where, o.Matcher.Options)
						}
						continue
					}
					if cell["type"] != "color-background" {
						t.Errorf("%s: %s is of the type %v", where, o.Matcher.Options, cell["type"])
					}
					for _, color := range regexp.MustCompile(`color:([a-z-]+)`).FindAllStringSubmatch(fmt.Sprint(properties["thresholds"], properties["mappings"]), -1) {
						check(color[1])
					}
				}
			}
		}
	}
}

// contrast is that of a background and of the text that Grafana writes on it, as WCAG 2
// has it.
func contrast(background string) float64 {
	n, err := strconv.ParseUint(strings.TrimPrefix(background, "#"), 16, 32)
	if err != nil {
		return 0
	}
	rgb := [3]float64{float64(n >> 16), float64(n >> 8 & 255), float64(n & 255)}
	// Grafana decides by brightness.
	text := [3]float64{247, 248, 250}
	if (rgb[0]*299+rgb[1]*587+rgb[2]*114)/1000 > 180 {
		text = [3]float64{32, 34, 38}
	}
	a, b := luminance(rgb), luminance(text)
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

func luminance(rgb [3]float64) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := rgb[i] / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// A column without a width is at least 150 pixels wide, and a table that is too wide hides
// its last columns behind a scroll bar.
func TestTablesFitALaptop(t *testing.T) {
	const (
		laptop  = 1400 - 2*16 // pixels between the margins
		unsized = 150
	)
	tables := 0
	for _, d := range all(t) {
		for _, p := range d.Panels {
			if p.Type != "table" {
				continue
			}
			tables++
			names := p.columns(t)
			total := 0
			for _, name := range names {
				width := unsized
				if w, ok := p.property(name, "custom.width").(float64); ok {
					width = int(w)
				}
				if p.property(name, "custom.hidden") != true {
					total += width
				}
			}
			if room := laptop*p.GridPos.W/24 - 32; total > room || len(names) == 0 {
				t.Errorf("%s, panel %d %q: its columns take %d pixels, and %d are there: %q", d.file, p.ID, p.Title, total, room, names)
			}
		}
	}
	if tables == 0 {
		t.Error("there is no table")
	}
}

// columns are the names of a table's columns, as its transformation gives them.
func (p panel) columns(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, transformation := range p.Transformations {
		if transformation.ID != "organize" {
			continue
		}
		excluded, _ := transformation.Options["excludeByName"].(map[string]any)
		renamed, _ := transformation.Options["renameByName"].(map[string]any)
		order, _ := transformation.Options["indexByName"].(map[string]any)
		for name := range order {
			if excluded[name] == true {
				continue
			}
			if text, ok := renamed[name].(string); ok && text != "" {
				name = text
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// property is what the panel's overrides say of a column; nil if nothing.
func (p panel) property(column, id string) any {
	for _, o := range p.FieldConfig.Overrides {
		if o.Matcher.ID != "byName" || o.Matcher.Options != column {
			continue
		}
		for _, property := range o.Properties {
			if property.ID == id {
				return property.Value
			}
		}
	}
	return nil
}
