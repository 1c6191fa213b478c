package reference

import (
	"fmt"
	"strings"

	"whereby_exporter/alerts"
	"whereby_exporter/collector/config"
)

// facts are what the code of a field does not say in a form that can be printed. Tests hold
// them to what the parser does.
type facts struct {
	kind     string
	preset   string // YAML, or words if it is not one value
	limits   string // words; empty if any value of the kind will do
	example  string // YAML
	accepted []string
	refused  []string
}

const (
	text     = "text"
	number   = "number"
	wholeNo  = "whole number"
	boolean  = "boolean"
	list     = "list of texts"
	duration = "duration"
	none     = "none"
	address  = "an http or https address without a user"
	tls      = "`TLS10`, `TLS11`, `TLS12`, `TLS13`"
)

func quotaFacts(example string) facts {
	return facts{wholeNo, "no limit", "0 to 2⁵³", example, []string{"0", "9007199254740992"}, []string{"-1", "1.5", "9007199254740993"}}
}

func priceFacts(example string) facts {
	return facts{number, "no price", "0 to 9999.999999, at most 6 decimals", example, []string{"0", "9999.999999"}, []string{"-0.1", "10000", "0.0000001"}}
}

// configuration has the facts of every field of the configuration file that holds a value. A
// field that is new needs a line here.
var configuration = map[string]facts{
	"http_client.proxy_url":                       {text, none, "an http, https or socks5 address", "http://proxy.example.com:3128", nil, []string{"proxy.example.com", "ftp://proxy.example.com"}},
	"http_client.no_proxy":                        {text, none, "with `proxy_url`", "localhost,.example.com", nil, nil},
	"http_client.proxy_from_environment":          {boolean, "false", "", "true", nil, []string{"1"}},
	"http_client.proxy_connect_header":            {"mapping of lists", none, "with a proxy", "{X-Team: [billing]}", nil, nil},
	"http_client.tls_config.ca":                   {text, none, "", `"-----BEGIN CERTIFICATE-----…"`, nil, nil},
	"http_client.tls_config.ca_file":              {text, none, "", "ca.pem", nil, nil},
	"http_client.tls_config.cert":                 {text, none, "with a key", `"-----BEGIN CERTIFICATE-----…"`, nil, nil},
	"http_client.tls_config.cert_file":            {text, none, "with a key", "client.pem", nil, nil},
	"http_client.tls_config.key":                  {text, none, "with a certificate", `"-----BEGIN PRIVATE KEY-----…"`, nil, nil},
	"http_client.tls_config.key_file":             {text, none, "with a certificate", "client-key.pem", nil, nil},
	"http_client.tls_config.server_name":          {text, "host of `--whereby.url`", "", "api.example.com", nil, nil},
	"http_client.tls_config.insecure_skip_verify": {boolean, "false", "", "true", nil, []string{"1"}},
	"http_client.tls_config.min_version":          {text, "Go's default", tls, "TLS13", []string{"TLS10"}, []string{"TLS09"}},
	"http_client.tls_config.max_version":          {text, "Go's default", tls, "TLS13", []string{"TLS10"}, []string{"TLS14"}},
	"http_client.follow_redirects":                {boolean, "false", "`false`", "false", nil, []string{"true"}},
	"http_client.enable_http2":                    {boolean, "true", "", "false", nil, []string{"1"}},
	"http_client.http_headers.<header>.values":    {list, none, "", "[billing]", nil, nil},
	"http_client.http_headers.<header>.secrets":   {list, none, "", "[my-token]", nil, nil},
	"http_client.http_headers.<header>.files":     {list, none, "", "[token.txt]", nil, nil},
	"room_prefixes.pattern":                       {text, "the name without its trailing UUID", "RE2, one capture group, up to 1024 bytes", `"^([a-z]+)-"`, nil, []string{`"^[a-z]+-"`, `"("`}},
	"room_prefixes.limit":                         {wholeNo, "10000", "1 to 1000000", "20000", []string{"1", "1000000"}, []string{"0", "1000001"}},
	"billing.anchor_day":                          {wholeNo, "1", "1 to 31", "15", []string{"1", "31"}, []string{"0", "32"}},
	"billing.time_zone":                           {text, "UTC", "a name of the IANA database", "Europe/Oslo", nil, []string{"Local", "Europe/Nowhere"}},
	"organization.quotas.participant_minutes":     quotaFacts("2000000"),
	"organization.quotas.recorder_minutes":        quotaFacts("50000"),
	"organization.quotas.streamer_minutes":        quotaFacts("50000"),
	"organization.quotas.transcription_minutes":   quotaFacts("20000"),
	"organization.quotas.billed_minutes":          quotaFacts("2200000"),
	"organization.quotas.recordings_stored_bytes": quotaFacts("500000000000"),
	"organization.recordings_retention":           {text, none, "a duration such as 90d, above 0", "90d", []string{"2w"}, []string{"0", "soon"}},
	"organization.room_capacity":                  {wholeNo, "not known", "1 to 100000", "200", []string{"1", "100000"}, []string{"0", "100001"}},
	"organization.quotas.sessions":                quotaFacts("100000"),
	"organization.quotas.live_participants":       quotaFacts("5000"),
	"customers[].room_prefix":                     {text, "required", "1 to 39 characters of a-z, 0-9 and -; or `_none`", "acme-", []string{"_none"}, []string{"Acme", "_other", `""`}},
	"customers[].name":                            {text, "`room_prefix` without trailing dashes", "1 to 128 characters on one line", "Acme Inc", nil, []string{`""`}},
	"customers[].anchor_day":                      {wholeNo, "`billing.anchor_day`", "1 to 31", "15", []string{"1", "31"}, []string{"0", "32"}},
	"customers[].near_ratio":                      {number, "0.8", "above 0 and below 1", "0.7", []string{"0.001", "0.999"}, []string{"0", "1"}},
	"customers[].room_capacity":                   {wholeNo, "`organization.room_capacity`", "1 to 100000", "4", []string{"1", "100000"}, []string{"0", "100001"}},
	"customers[].quotas.participant_minutes":      quotaFacts("50000"),
	"customers[].quotas.recorder_minutes":         quotaFacts("600"),
	"customers[].quotas.streamer_minutes":         quotaFacts("0"),
	"customers[].quotas.transcription_minutes":    quotaFacts("500"),
	"customers[].quotas.sessions":                 quotaFacts("2000"),
	"customers[].quotas.live_participants":        quotaFacts("200"),
	"segments.source":                             {text, "required", "`metadata`, `external_id`", "metadata", []string{"external_id"}, []string{"name"}},
	"segments.pattern":                            {text, "required", "RE2, one capture group, up to 1024 bytes", `"clinic=(north|south)"`, nil, []string{`""`, `"clinic="`}},
	"segments.limit":                              {wholeNo, "1000", "1 to 100000", "5000", []string{"1", "100000"}, []string{"0", "100001"}},
	"quality.poor_after":                          {duration, "10s", "4s to 1h", "20s", []string{"4s", "1h"}, []string{"3s", "61m"}},
	"prices.from":                                 {"date", "since ever", "from 1970 on, each after the one before", `"2026-01-31"`, []string{`"1970-01-01"`}, []string{`"2026-02-30"`, "soon"}},
	"prices.currency":                             {text, "required", "three capital letters", "USD", []string{"JPY"}, []string{"usd", "EURO"}},
	"prices.participant_minute":                   priceFacts("0.004"),
	"prices.recorder_minute":                      priceFacts("0.01"),
	"prices.streamer_minute":                      priceFacts("0.01"),
	"prices.transcription_minute":                 priceFacts("0.02"),
	"alerts.thresholds":                           {"mapping of numbers", "[those of the rules](alerts.md#thresholds)", "of each threshold", "{poll_stale_seconds: 3600}", nil, []string{"{poll_stale_seconds: 1}", "{poll_stale: 3600}"}},
	"alerts.severities":                           {"mapping of texts", "those of the rules", "`critical`, `warning`, `info`", "{WherebyQuotaExceeded: critical}", []string{"{WherebyQuotaExceeded: info}"}, []string{"{WherebyQuotaExceeded: page}"}},
	"alerts.disabled":                             {list, "no alert", "names of alerts", "[WherebyUsageAnomaly]", nil, []string{"[WherebyUsage]"}},
	"alerts.runbook_url":                          {text, "`https://example.com/whereby/runbooks`", address, "https://runbooks.example.com/whereby", nil, []string{"runbooks", "https://user@runbooks.example.com"}},
	"alerts.dashboard_url":                        {text, "`https://example.com/grafana`", address, "https://grafana.example.com", nil, []string{"grafana"}},
}

// notAllowed is the help of fields that Prometheus has and the exporter refuses.
const notAllowed = "Not allowed."

// configurationOptions are what the program reads its file with.
func configurationOptions() config.Options {
	o := config.Options{AlertNames: alerts.Names(), Thresholds: map[string]config.Threshold{}}
	for _, t := range alerts.Thresholds() {
		o.Thresholds[t.Name] = config.Threshold{Default: t.Default, Min: t.Min, Max: t.Max}
	}
	return o
}

// configurationRows has a row for each field: one that only holds others names none of the facts.
func configurationRows() ([]string, error) {
	fields := config.Fields(configurationOptions())
	var rows []string
	for i, f := range fields {
		if f.Help == notAllowed {
			continue
		}
		known, leaf := configuration[f.Path], i+1 == len(fields) || !isWithin(fields[i+1].Path, f.Path)
		switch {
		case leaf && known.kind == "":
			return nil, fmt.Errorf("test/reference/configuration.go has no facts on the field %s; add a line such as\n"+
				"\t%q: {wholeNo, \"default\", \"1 to 31\", \"example\", []string{\"accepted\"}, []string{\"refused\"}},", f.Path, f.Path)
		case leaf:
			rows = append(rows, row("`"+f.Path+"`", known.kind, yamlCell(known.preset), known.limits, "`"+known.example+"`", f.Help))
		default:
			rows = append(rows, row("**`"+f.Path+"`**", "section", "", "", "", f.Help))
		}
	}
	return rows, nil
}

// isWithin reports whether a field belongs to a section.
func isWithin(path, section string) bool {
	rest, ok := strings.CutPrefix(path, section)
	return ok && rest != "" && strings.ContainsRune(".[", rune(rest[0]))
}

// isValue reports whether a default is a value that a file may hold, and not words.
func (f facts) isValue() bool {
	return f.preset != none && !strings.ContainsAny(f.preset, " `[") && f.preset != "required"
}

func yamlCell(preset string) string {
	if (facts{preset: preset}).isValue() {
		return "`" + preset + "`"
	}
	return preset
}

// row returns a row of a table.
func row(cells ...string) string {
	var b strings.Builder
	for _, cell := range cells {
		b.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`))
		if cell != "" {
			b.WriteString(" ")
		}
	}
	return b.String() + "|\n"
}
