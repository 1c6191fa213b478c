package exposition

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// accepts are the values of Accept that lead to each format that client_golang
// negotiates, and some that lead to its fallback.
var accepts = map[string]string{
	"none":              "",
	"any":               "*/*",
	"text 0.0.4":        "text/plain;version=0.0.4",
	"text 1.0.0":        "text/plain;version=1.0.0",
	"OpenMetrics":       "application/openmetrics-text",
	"OpenMetrics 0.0.1": "application/openmetrics-text;version=0.0.1",
	"OpenMetrics 1.0.0": "application/openmetrics-text;version=1.0.0",
	"OpenMetrics 2.0.0": "application/openmetrics-text;version=2.0.0",
	"protobuf":          "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
	"protobuf text":     "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
	"protobuf compact":  "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=compact-text",
	"prometheus": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5," +
		"application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3," +
		"text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
	"nonsense": ";;;,q=x/",
}

func TestEveryFormatEqualsPromhttp(t *testing.T) {
	oneAtATime(t)
	ours, baseline := handlers(t, fixture())
	known := decodings{}
	for name, accept := range accepts {
		for _, escaping := range []string{"", "allow-utf-8", "underscores", "dots", "values", "unknown"} {
			asked := accept
			if escaping != "" && accept != "" {
				asked += ";escaping=" + escaping
			}
			for _, c := range []coding{identity, gzipped} {
				t.Run(strings.Join([]string{name, escaping, string(c)}, "/"), func(t *testing.T) {
					want := scrape(baseline, "/metrics", "Accept", asked)
					wantBody := bodyOf(t, want)
					// Twice: what is made for a scrape, and what was kept of it.
					for range 2 {
						got := scrape(ours, "/metrics", "Accept", asked, "Accept-Encoding", string(c))
						if got.StatusCode != 200 {
							t.Fatalf("status %d", got.StatusCode)
						}
						if got, want := got.Header.Get("Content-Type"), want.Header.Get("Content-Type"); got != want {
							t.Errorf("Content-Type %q, want %q", got, want)
						}
						if got := got.Header.Get("Content-Encoding"); got != strings.TrimPrefix(string(c), "identity") {
							t.Errorf("Content-Encoding %q, want %q", got, c)
						}
						known.compare(t, expfmt.Format(want.Header.Get("Content-Type")),
							bodyOf(t, got), wantBody)
					}
				})
			}
		}
	}
}

// TestFormatsCovered fails when client_golang comes to offer a format that the
// comparison above does not ask for.
func TestFormatsCovered(t *testing.T) {
	ours, _ := handlers(t, nil)
	seen := map[string]bool{}
	for _, accept := range accepts {
		contentType := scrape(ours, "/metrics", "Accept", accept).Header.Get("Content-Type")
		seen[string(variantOf(expfmt.Format(contentType), identity).format)] = true
	}
	for _, offered := range expfmt.DefaultOpenMetricsAcceptedFormats() {
		if !seen[string(variantOf(offered, identity).format)] {
			t.Errorf("%s is never asked for", offered)
		}
	}
}

func TestMessagesEqualRegistry(t *testing.T) {
	want, err := registry(t, constants(fixture())).Gather()
	if err != nil {
		t.Fatal(err)
	}
	s := read(fixture(), nil)
	if s.invalid != nil {
		t.Fatal(s.invalid)
	}
	got := s.messages(nil)
	if len(got) != len(want) {
		t.Fatalf("%d families, want %d", len(got), len(want))
	}
	for i := range want { // in order, too
		if !proto.Equal(got[i], want[i]) {
			t.Errorf("got  %v\nwant %v", got[i], want[i])
		}
	}
}

func TestNameFilterEqualsPromhttp(t *testing.T) {
	oneAtATime(t)
	ours, baseline := handlers(t, fixture())
	for _, query := range []string{
		"name[]=usage_drift",
		"name[]=usage_drift&name[]=self_up&name[]=usage_minutes_total",
		"name[]=self_request_seconds",
		"name[]=unknown",
		"name[]=usage_absent",
		"name[]=",
		"name%5B%5D=usage_drift",
		"names=usage_drift",
	} {
		for _, c := range []coding{identity, gzipped} {
			for _, accept := range []string{"text/plain", "application/openmetrics-text;version=1.0.0", accepts["protobuf"]} {
				want := scrape(baseline, "/metrics?"+query, "Accept", accept)
				got := scrape(ours, "/metrics?"+query, "Accept", accept, "Accept-Encoding", string(c))
				decodings{}.compare(t, expfmt.Format(got.Header.Get("Content-Type")), bodyOf(t, got), bodyOf(t, want))
			}
		}
	}
}

// decodings remembers what was decoded, as the same bodies come up again and again
// and the decoder of OpenMetrics is slow.
type decodings map[string]map[string]*dto.MetricFamily

// compare wants the same families with the same samples in the same order. The
// order of families is free.
func (d decodings) compare(t *testing.T, format expfmt.Format, got, want []byte) {
	t.Helper()
	gotFamilies, wantFamilies := d.decode(t, format, got), d.decode(t, format, want)
	gotNames, wantNames := slices.Sorted(maps.Keys(gotFamilies)), slices.Sorted(maps.Keys(wantFamilies))
	if !slices.Equal(gotNames, wantNames) {
		t.Fatalf("families %q\nwant %q", gotNames, wantNames)
	}
	for name, want := range wantFamilies {
		if !proto.Equal(gotFamilies[name], want) {
			t.Errorf("%s: %v\nwant %v", name, gotFamilies[name], want)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
}

func (d decodings) decode(t *testing.T, format expfmt.Format, body []byte) map[string]*dto.MetricFamily {
	t.Helper()
	key := string(format) + string(body)
	if d[key] == nil {
		d[key] = decode(t, format, body)
	}
	return d[key]
}

// decode reads an exposition, and refuses one that names a family twice.
func decode(t *testing.T, format expfmt.Format, body []byte) map[string]*dto.MetricFamily {
	t.Helper()
	families := map[string]*dto.MetricFamily{}
	add := func(family *dto.MetricFamily) {
		if families[family.GetName()] != nil {
			t.Fatalf("%s was decoded twice", family.GetName())
		}
		families[family.GetName()] = family
	}
	separator := ""
	switch format.FormatType() {
	case expfmt.TypeProtoText:
		separator = "\n\n"
	case expfmt.TypeProtoCompact:
		separator = "\n"
	case expfmt.TypeOpenMetrics:
		if !bytes.HasSuffix(body, []byte("\n# EOF\n")) && string(body) != "# EOF\n" {
			t.Fatalf("OpenMetrics does not end with its mark: %.200q", body)
		}
		if n := bytes.Count(body, []byte("\n# EOF\n")); n > 1 {
			t.Fatalf("%d marks of the end", n)
		}
	}
	if separator != "" {
		// expfmt writes these, and has no decoder for them.
		for part := range strings.SplitSeq(string(body), separator) {
			if strings.TrimSpace(part) == "" {
				continue
			}
			family := &dto.MetricFamily{}
			if err := prototext.Unmarshal([]byte(part), family); err != nil {
				t.Fatalf("%v in %q", err, part)
			}
			add(family)
		}
		return families
	}
	decoder := expfmt.NewDecoder(bytes.NewReader(body), format)
	for {
		family := &dto.MetricFamily{}
		err := decoder.Decode(family)
		if errors.Is(err, io.EOF) {
			return families
		}
		if err != nil {
			t.Fatalf("decode %s: %v\n%s", format, err, body)
		}
		add(family)
	}
}
