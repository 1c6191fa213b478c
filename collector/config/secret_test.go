package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"whereby_exporter/collector/config"
)

// shapes are values that a secret is written in, right, wrong and broken.
var shapes = []string{
	"%s", "'%s'", `"%s"`, "[%s]", "{%s: 1}", "{a: %s}", "[[%s]]", "!%s x", "!!int %s", "!!binary %s", "!!float %s", "!!timestamp '%s'",
	"*%s", "&%s x", "[%s", "{%s", `"%s`, "'%s", "%s: %s: x", "@%s", "`%s`", "%%%s", "|%s", ">\n    %s", "\n\t%s", "\"\\q%s\"", "%s\x00", "%s\xff", "- %s",
	"http://acme:%s@proxy.example.com:x", "http://acme:%s@proxy.example.com", "://%s", "\n - %s\n  - a", "? %s",
}

func TestSecretsAreNotPrinted(t *testing.T) {
	fields := []string{
		"http_client:\n  proxy_url: ", "http_client:\n  no_proxy: ", "http_client:\n  proxy_from_environment: ", "http_client:\n  follow_redirects: ",
		"http_client:\n  proxy_connect_header: ", "http_client:\n  proxy_connect_header:\n   X-Acme: ",
		"http_client:\n  tls_config: ", "http_client:\n  tls_config:\n    key: ", "http_client:\n  tls_config:\n    ca: ", "http_client:\n  tls_config:\n    server_name: ", "http_client:\n  tls_config:\n    min_version: ", "http_client:\n  tls_config:\n    insecure_skip_verify: ",
		"http_client:\n  http_headers:\n   X-Acme: ", "http_client:\n  http_headers:\n    X-Acme:\n      secrets: ", "http_client:\n  http_headers:\n    Authorization: ",
		"http_client:\n  basic_auth: ", "http_client:\n  basic_auth:\n    password: ", "http_client:\n  authorization:\n    credentials: ", "http_client:\n  oauth2:\n    client_secret: ", "http_client:\n  bearer_token: ",
		"http_client:\n  password: ", "http_client: ", "password: ",
		"segments:\n  pattern: ", "alerts:\n  runbook_url: ", "alerts:\n  disabled: ", "billing:\n  time_zone: ", "billing:\n  anchor_day: ",
	}
	accepted := 0
	for _, field := range fields {
		for _, shape := range shapes {
			content := field + strings.ReplaceAll(strings.ReplaceAll(shape, "%s", secret), "%%", "%") + "\n"
			c, err := config.Parse("exporter.yml", []byte(content), options())
			var printed string
			if err != nil {
				printed = err.Error()
			} else if strings.HasPrefix(field, "http_client") {
				accepted++
				printed = everyWay(t, c)
			}
			// The name of a field has to be told; a value never.
			printed = strings.ReplaceAll(printed, "."+secret+": unknown field", "")
			printed = strings.ReplaceAll(printed, "."+secret+": must be ", "")
			printed = strings.ReplaceAll(printed, ": "+secret+": unknown field", "")
			if strings.Contains(printed, secret) {
				t.Errorf("%q prints %s", content, printed)
			}
		}
	}
	if accepted < 10 {
		t.Errorf("only %d files with a secret were accepted", accepted)
	}
}

// everyWay prints a configuration in every way there is.
func everyWay(t *testing.T, c *config.Config) string {
	t.Helper()
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&b, verb+verb+verb+verb, c, *c, c.HTTPClient, &c.HTTPClient)
	}
	slog.New(slog.NewTextHandler(&b, nil)).Info("text", "config", c, "client", c.HTTPClient)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("json", "config", c, "client", c.HTTPClient)
	if err := json.NewEncoder(&b).Encode(c.HTTPClient); err != nil {
		t.Fatal(err)
	}
	if err := yaml.NewEncoder(&b).Encode(c.HTTPClient); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "<hidden>") {
		t.Errorf("nothing is hidden in %s", &b)
	}
	return b.String()
}

// TestTheSecretIsFoundWherePrinted holds that the tests of this file can fail.
func TestTheSecretIsFoundWherePrinted(t *testing.T) {
	c := parse(t, "http_client: {http_headers: {X-Acme: {secrets: ["+secret+"]}}}")
	if plain := fmt.Sprintf("%+v", c.HTTPClient.HTTPHeaders); !strings.Contains(plain, secret) {
		t.Errorf("%s holds no secret", plain)
	}
}
