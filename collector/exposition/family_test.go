package exposition

import (
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

func TestInvalidFamiliesAreRefused(t *testing.T) {
	one := points(point{[]string{"x"}, 1})
	valid := Family{Name: "valid", Type: dto.MetricType_GAUGE, Labels: []string{"a"}, Samples: one}
	for name, test := range map[string]struct {
		change func(*Family)
		want   string
	}{
		"name":           {func(f *Family) { f.Name = "not.legacy" }, `metric family name "not.legacy" is not valid`},
		"no name":        {func(f *Family) { f.Name = "" }, `name "" is not valid`},
		"type":           {func(f *Family) { f.Type = dto.MetricType_HISTOGRAM }, "is a histogram, want counter or gauge"},
		"no samples":     {func(f *Family) { f.Samples = nil }, "no function for its samples"},
		"label":          {func(f *Family) { f.Labels = []string{"a.b"} }, `label name "a.b"`},
		"reserved label": {func(f *Family) { f.Labels = []string{"__name__"} }, `label name "__name__"`},
		"label twice":    {func(f *Family) { f.Labels = []string{"a", "a"} }, "has the label a twice"},
		"family twice":   {func(f *Family) { f.Name = "valid" }, "metric family valid was given twice"},
		"too few values": {func(f *Family) { f.Labels = []string{"a", "b"} }, "has 1 label values, want 2"},
		"too many values": {func(f *Family) {
			f.Samples = points(point{[]string{"x", "y"}, 1})
		}, "has 2 label values, want 1"},
		"not UTF-8": {func(f *Family) { f.Samples = points(point{[]string{"\xff"}, 1}) }, "is not UTF-8"},
		"sample twice": {func(f *Family) {
			f.Samples = points(point{[]string{"x"}, 1}, point{[]string{"y"}, 1}, point{[]string{"x"}, 2})
		}, "two samples with the labels"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := valid
			changed.Name = "other"
			test.change(&changed)
			var told error
			h := NewHandler(registry(t), Options{OnError: func(err error) { told = err }})
			h.Publish([]Family{valid, changed}, nil)
			response := scrape(h, "/metrics", "Accept-Encoding", "gzip")
			if body := string(bodyOf(t, response)); response.StatusCode != 500 || !strings.Contains(body, test.want) {
				t.Errorf("status %d and %q, want 500 and %s", response.StatusCode, body, test.want)
			}
			if told == nil || !strings.Contains(told.Error(), test.want) {
				t.Errorf("OnError was told %v, want %s", told, test.want)
			}
			// A set that is right again is served again.
			h.Publish([]Family{valid}, nil)
			if response := scrape(h, "/metrics"); response.StatusCode != 200 {
				t.Errorf("status %d after a valid set", response.StatusCode)
			}
		})
	}
}
