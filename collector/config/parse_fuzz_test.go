package config_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"whereby_exporter/collector/config"
)

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := config.Parse("exporter.yml", content, options())
		if err == nil {
			checkAccepted(t, c)
			return
		}
		var e *config.Error
		if !errors.As(err, &e) || len(e.Problems) == 0 || len(e.Problems) > 1000 {
			t.Fatalf("%T %v", err, err)
		}
		for _, p := range e.Problems {
			if p.File != "exporter.yml" || p.Line < 1 || p.Column < 1 || p.Message == "" || strings.ContainsAny(p.String(), "\n\r") {
				t.Errorf("%+v", p)
			}
		}
	})
}

// checkAccepted wants a configuration to be what its own rendering parses to.
func checkAccepted(t *testing.T, c *config.Config) {
	t.Helper()
	first := render(t, c)
	again, err := config.Parse("exporter.yml", first, options())
	if err != nil {
		t.Fatalf("%v\nin:\n%s", err, first)
	}
	if second := render(t, again); string(first) != string(second) {
		t.Errorf("%s\nparses to:\n%s", first, second)
	}
	for _, customer := range c.Customers {
		if got := c.Prefixes().Classify("/" + customer.RoomPrefix + uuid); got != customer.RoomPrefix {
			t.Errorf("%q's room counts under %q", customer.RoomPrefix, got)
		}
	}
}

// render writes a configuration out with all defaults, but without the settings of
// the HTTP client, which are hidden.
func render(t *testing.T, c *config.Config) []byte {
	t.Helper()
	type object = map[string]any
	quotas := func(q config.Quotas) object {
		o := object{}
		for resource, limit := range q {
			o[string(resource)] = int64(limit)
		}
		return o
	}
	file := object{
		"room_prefixes": object{"limit": c.RoomPrefixes.Limit},
		"billing":       object{"anchor_day": c.Billing.AnchorDay, "time_zone": c.Billing.Zone.String()},
		"organization":  object{"quotas": quotas(c.Organization.Quotas)},
	}
	if d := c.Organization.RecordingsRetention; d > 0 {
		file["organization"].(object)["recordings_retention"] = strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	}
	if p := c.RoomPrefixes.Pattern; p != nil {
		file["room_prefixes"].(object)["pattern"] = p.String()
	}
	var customers []object
	for _, customer := range c.Customers {
		customers = append(customers, object{
			"room_prefix": customer.RoomPrefix, "name": customer.Name, "anchor_day": customer.Calendar.AnchorDay,
			"near_ratio": customer.NearRatio, "quotas": quotas(customer.Quotas),
		})
	}
	file["customers"] = customers
	if s := c.Segments; s != nil {
		file["segments"] = object{"source": string(s.Source), "pattern": s.Pattern.String(), "limit": s.Limit}
	}
	a := object{"thresholds": c.Alerts.Thresholds, "severities": c.Alerts.Severities, "disabled": c.Alerts.Disabled}
	for key, address := range map[string]string{"runbook_url": c.Alerts.RunbookURL, "dashboard_url": c.Alerts.DashboardURL} {
		if address != "" {
			a[key] = address
		}
	}
	file["alerts"] = a
	content, err := yaml.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestAMistakeIsReportedWhereItIs makes one mistake in a valid file, at random.
func TestAMistakeIsReportedWhereItIs(t *testing.T) {
	content, err := os.ReadFile("testdata/good/full.yml")
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		var document yaml.Node
		if err := yaml.Unmarshal(content, &document); err != nil {
			t.Fatal(err)
		}
		places := keys(document.Content[0], nil)
		place := places[random.IntN(len(places))]
		what := ""
		switch mistake := random.IntN(3); {
		case mistake == 0:
			what = "renamed " + place.key.Value
			place.key.Value = "x" + place.key.Value + "q"
		case mistake == 1 && place.value.Kind == yaml.ScalarNode:
			what = "made a list of " + place.key.Value
			*place.value = yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: "x"}}}
		case mistake == 2 && place.value.Kind != yaml.ScalarNode && place.value.Kind != yaml.AliasNode:
			what = "made a number of " + place.key.Value
			*place.value = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: "7", Anchor: place.value.Anchor}
		default:
			continue
		}
		broken, err := yaml.Marshal(&document)
		if err != nil {
			t.Fatal(err)
		}
		// The writer moves lines, so the place is looked up in what it wrote.
		var written yaml.Node
		if err := yaml.Unmarshal(broken, &written); err != nil {
			t.Fatal(err)
		}
		now := keys(written.Content[0], nil)
		at := slices.IndexFunc(places, func(p keyAndValue) bool { return p.key == place.key })
		line := now[at].key.Line
		if !slices.ContainsFunc(problems(t, string(broken)), func(p config.Problem) bool {
			return p.Line == line || p.Line == now[at].value.Line
		}) {
			t.Fatalf("%s, and nothing is reported on line %d of:\n%s", what, line, broken)
		}
	}
}

// keyAndValue is a field of a document.
type keyAndValue struct{ key, value *yaml.Node }

// keys finds the keys of a document, but for those that are names of headers.
func keys(n *yaml.Node, found []keyAndValue) []keyAndValue {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, c := range n.Content {
			found = keys(c, found)
		}
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value != "X-Acme" {
				found = append(found, keyAndValue{n.Content[i], n.Content[i+1]})
			}
			found = keys(n.Content[i+1], found)
		}
	}
	return found
}

// BenchmarkParse reads a file with 10,000 customers.
func BenchmarkParse(b *testing.B) {
	var content strings.Builder
	content.WriteString("customers:\n")
	for i := range 10_000 {
		fmt.Fprintf(&content, "- {room_prefix: acme-%s-, name: Acme, quotas: {participant_minutes: 50000, sessions: 7}}\n", strconv.Itoa(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := config.Parse("exporter.yml", []byte(content.String()), config.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
