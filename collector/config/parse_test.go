package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	promconfig "github.com/prometheus/common/config"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/golden"
)

// secret is planted in files, and looked for in everything that is printed.
const secret = "planted-secret"

func options() config.Options {
	return config.Options{
		AlertNames: []string{"WherebyQuotaExceeded", "WherebyRatingLow"},
		Thresholds: map[string]config.Threshold{
			"poll_stale_seconds": {Default: 2700, Min: 60, Max: 86400},
			"quality_poor_ratio": {Default: 0.1, Min: 0, Max: 1},
		},
	}
}

func parse(t testing.TB, content string) *config.Config {
	t.Helper()
	c, err := config.Parse("exporter.yml", []byte(content), options())
	if err != nil {
		t.Fatalf("%s\nin:\n%s", err, content)
	}
	return c
}

// problems are those of a file that must have some.
func problems(t testing.TB, content string) []config.Problem {
	t.Helper()
	c, err := config.Parse("exporter.yml", []byte(content), options())
	if err == nil {
		t.Fatalf("no error in:\n%s", content)
	}
	if c != nil {
		t.Errorf("a configuration with an error")
	}
	var e *config.Error
	if !errors.As(err, &e) || len(e.Problems) == 0 {
		t.Fatalf("%T %v is no *Error with problems", err, err)
	}
	return e.Problems
}

func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := config.Load(file, options())
			if err == nil {
				t.Fatal("no error")
			}
			got := strings.ReplaceAll(err.Error(), filepath.Dir(file)+"/", "") + "\n"
			if strings.Contains(got, secret) {
				t.Errorf("the secret is printed:\n%s", got)
			}
			golden.Compare(t, strings.TrimSuffix(file, ".yml")+".txt", got)
		})
	}
}

func TestFullFile(t *testing.T) {
	c, err := config.Load("testdata/good/full.yml", options())
	if err != nil {
		t.Fatal(err)
	}
	oslo, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	calendar := billing.Calendar{AnchorDay: 31, Zone: oslo}
	gold := config.Quotas{config.ParticipantMinutes: 50000, config.RecorderMinutes: 600, config.StreamerMinutes: 0, config.Sessions: 2000, config.LiveParticipants: 200}
	for name, x := range map[string]struct{ got, want any }{
		"pattern":      {c.RoomPrefixes.Pattern.String(), "^(?:eu-)?([a-z]+-)"},
		"limit":        {c.RoomPrefixes.Limit, 500},
		"billing":      {c.Billing, calendar},
		"organization": {c.Organization.Quotas, config.Quotas{config.ParticipantMinutes: 2000000, config.LiveParticipants: 0, config.RecordingsStoredBytes: 1e12}},
		"capacity":     {c.Organization.RoomCapacity, int64(200)},
		"retention":    {c.Organization.RecordingsRetention, 90 * 24 * time.Hour},
		"customers": {c.Customers, []config.Customer{
			{RoomPrefix: "acme-", Name: "Acme Inc", Calendar: billing.Calendar{AnchorDay: 15, Zone: oslo}, NearRatio: 0.7, RoomCapacity: 200, Quotas: gold},
			{RoomPrefix: "acme-beta-", Name: "Acme Inc", Calendar: calendar, NearRatio: 0.8, RoomCapacity: 200, Quotas: gold},
			{RoomPrefix: "globex--", Name: "globex", Calendar: calendar, NearRatio: 0.8, RoomCapacity: 4},
			{RoomPrefix: "_none", Name: "_none", Calendar: calendar, NearRatio: 0.8, RoomCapacity: 200, Quotas: config.Quotas{config.Sessions: 0}},
		}},
		"source":          {c.Segments.Source, config.FromMetadata},
		"segments":        {c.Segments.Pattern.String(), "clinic=([a-z]+)"},
		"segments' limit": {c.Segments.Limit, 50},
		"alerts": {c.Alerts, config.Alerts{
			Thresholds: map[string]float64{"poll_stale_seconds": 3600, "quality_poor_ratio": 0.25},
			Severities: map[string]config.Severity{"WherebyQuotaExceeded": config.Critical},
			Disabled:   []string{"WherebyRatingLow"},
			RunbookURL: "https://example.com/runbooks", DashboardURL: "https://example.com/grafana",
		}},
		"proxy":            {c.HTTPClient.ProxyURL.String(), "http://proxy.example.com:3128"},
		"no proxy":         {c.HTTPClient.NoProxy, "example.com"},
		"proxy's header":   {c.HTTPClient.ProxyConnectHeader, promconfig.ProxyHeader{"X-Acme": {secret}}},
		"relative file":    {c.HTTPClient.TLSConfig.CAFile, "testdata/good/ca.pem"},
		"absolute file":    {c.HTTPClient.TLSConfig.CertFile, "/etc/cert.pem"},
		"key":              {c.HTTPClient.TLSConfig.Key, promconfig.Secret(secret)},
		"min version":      {c.HTTPClient.TLSConfig.MinVersion, promconfig.TLSVersions["TLS12"]},
		"header":           {c.HTTPClient.HTTPHeaders.Headers["X-Acme"], promconfig.Header{Secrets: []promconfig.Secret{secret}, Files: []string{"testdata/good/header"}}},
		"HTTP/2":           {c.HTTPClient.EnableHTTP2, false},
		"follow redirects": {c.HTTPClient.FollowRedirects, false},
	} {
		if !reflect.DeepEqual(x.got, x.want) {
			t.Errorf("%s is %v; want %v", name, x.got, x.want)
		}
	}
}

func TestAFileWithNothingInItIsTheDefault(t *testing.T) {
	if c := config.Default(); c.RoomPrefixes.Limit != 10_000 || c.Billing.AnchorDay != 1 || c.Billing.Zone != time.UTC || c.HTTPClient.FollowRedirects {
		t.Errorf("the default is %+v", c)
	}
	for _, content := range []string{
		"", "\n", "# nothing\n", "---\n", "---\n...\n", "{}", "null", "\ufeff", "\ufeff# nothing",
		"http_client:\nroom_prefixes:\nbilling:\norganization:\ncustomers:\nsegments:\nalerts:\n",
		"http_client: {}\nroom_prefixes: {pattern: ''}\nbilling: {}\norganization: {quotas: {}}\ncustomers: []\nsegments: {}\nalerts: {}\n",
		"organization: {quotas: }\nalerts: {thresholds: , severities: , disabled: }",
		"http_client: {follow_redirects: false}\n",
		"room_prefixes: {limit: 10000}\nbilling: {anchor_day: 1, time_zone: UTC}\n",
	} {
		if c := parse(t, content); !reflect.DeepEqual(c, config.Default()) {
			t.Errorf("%q is %+v", content, c)
		}
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yml")
	if err := os.WriteFile(large, []byte(strings.Repeat("#\n", 4<<20)+"#"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing.yml")
	for path, want := range map[string]string{
		missing:      missing + ": file does not exist",
		dir:          dir + ": is not a regular file",
		large:        large + ": is larger than 8 MiB",
		large + "/x": large + "/x: can't be read: not a directory",
	} {
		_, err := config.Load(path, options())
		var e *config.Error
		if !errors.As(err, &e) || err.Error() != want || e.Summary() != want {
			t.Errorf("got %v; want %s", err, want)
		}
	}
}

func TestTheLargestFileIsRead(t *testing.T) {
	parse(t, strings.Repeat("#\n", 4<<20))
	var b strings.Builder
	b.WriteString("customers:\n")
	for i := range 10_000 {
		b.WriteString("- {room_prefix: acme-" + strconv.Itoa(i) + "-, name: Acme, quotas: {participant_minutes: 50000, sessions: 7}}\n")
	}
	if c := parse(t, b.String()); len(c.Customers) != 10_000 {
		t.Errorf("%d customers", len(c.Customers))
	}
}

func TestProblemsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		b.WriteString("colour" + strconv.Itoa(i) + ": 1\n")
	}
	p := problems(t, b.String())
	if last := p[len(p)-1]; len(p) != 1000 || !strings.Contains(last.Message, "1000 problems or more") {
		t.Errorf("%d problems, the last %v", len(p), last)
	}
}

func TestSummary(t *testing.T) {
	_, err := config.Parse("exporter.yml", []byte("a: 1\nb: 2\n"), config.Options{})
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(e.Error(), "\n")
	if want := first + " (and 1 more)"; e.Summary() != want {
		t.Errorf("%q; want %q", e.Summary(), want)
	}
}

func TestWithoutOptionsThereAreNoAlertsToConfigure(t *testing.T) {
	for content, ok := range map[string]bool{
		"alerts:": true, "alerts: {}": true,
		"alerts: {disabled: [WherebyRatingLow]}": false, "alerts: {runbook_url: https://example.com}": false, "alerts: [a]": false,
	} {
		if _, err := config.Parse("exporter.yml", []byte(content), config.Options{}); (err == nil) != ok {
			t.Errorf("%s: %v", content, err)
		}
	}
}

func TestEveryFieldIsDocumented(t *testing.T) {
	paths := map[string]bool{}
	for _, f := range config.Fields(options()) {
		if f.Help == "" || paths[f.Path] {
			t.Errorf("%s is documented %q", f.Path, f.Help)
		}
		paths[f.Path] = true
	}
	for _, want := range []string{
		"http_client.tls_config.ca_file", "http_client.http_headers.<header>.secrets", "room_prefixes.pattern", "billing.time_zone",
		"organization.quotas.live_participants", "customers[].near_ratio", "customers[].quotas.sessions", "segments.source", "alerts.disabled",
	} {
		if !paths[want] {
			t.Errorf("%s is not documented", want)
		}
	}
	// prometheus/common may add fields.
	for _, name := range yamlNames(reflect.TypeFor[promconfig.HTTPClientConfig]()) {
		if !paths["http_client."+name] {
			t.Errorf("http_client.%s is unknown", name)
		}
	}
	for _, name := range yamlNames(reflect.TypeFor[promconfig.TLSConfig]()) {
		if !paths["http_client.tls_config."+name] {
			t.Errorf("http_client.tls_config.%s is unknown", name)
		}
	}
}

func yamlNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			names = append(names, yamlNames(f.Type)...)
		case name != "":
			names = append(names, name)
		}
	}
	return names
}
