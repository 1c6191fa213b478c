package app_test

import (
	"strings"
	"testing"

	"whereby_exporter/collector/app"
)

func TestVariablesWorkLikeTheirFlags(t *testing.T) {
	for _, c := range []struct{ variable, value, want string }{
		{"WHEREBY_EXPORTER_POLL_INTERVAL", "10ms", "--poll.interval=10ms: must be at least 1s"},
		{"WHEREBY_EXPORTER_POLL_FULL_SCAN_INTERVAL", "5s", "--poll.full-scan-interval=5s: must be"},
		{"WHEREBY_EXPORTER_WHEREBY_URL", "foo", "--whereby.url: must be an address"},
		{"WHEREBY_EXPORTER_WHEREBY_API_KEY_FILE", "nowhere", `--whereby.api-key-file: file "nowhere" does not exist`},
		{"WHEREBY_EXPORTER_WHEREBY_RATE_LIMIT_SHARE", "2", "--whereby.rate-limit-share=2: must be"},
		{"WHEREBY_EXPORTER_WEB_TELEMETRY_PATH", "x", `--web.telemetry-path="x": must begin`},
		{"WHEREBY_EXPORTER_WEB_CONFIG_FILE", "nowhere.yml", "--web.config.file=nowhere.yml: open"},
		{"WHEREBY_EXPORTER_LOG_LEVEL", "loud", `--log.level must be one of`},
	} {
		t.Run(c.variable, func(t *testing.T) {
			t.Setenv("WHEREBY_API_KEY", apiKey)
			t.Setenv(c.variable, c.value)
			assertMistake(t, nil, c.want)
		})
	}
}

// TestVariablesOfStorageThatBelongToNoFlag are an error of the commands with flags on
// storage: what was kept elsewhere would be missed.
func TestVariablesOfStorageThatBelongToNoFlag(t *testing.T) {
	const prefix = "WHEREBY_EXPORTER_STORAGE_"
	const ownState = ": state is kept in --storage.path only"
	for _, c := range []struct {
		name      string
		variables []string // without the prefix
		value     string
		args      []string
		want      string // begins the line; "" is no error
	}{
		{"run", []string{"SHARED_URL"}, "tcp://:" + apiKey + "@host", []string{"run"}, "unknown variable " + prefix + "SHARED_URL" + ownState},
		{"no command", []string{"SHARED_URL"}, "x", nil, "unknown variable " + prefix + "SHARED_URL" + ownState},
		{"check", []string{"SHARED_URL"}, "x", []string{"check"}, "unknown variable " + prefix + "SHARED_URL" + ownState},
		{"several", []string{"SHARED_URL", "SHARED_CA_FILE"}, "x", []string{"check"},
			"unknown variable " + prefix + "SHARED_CA_FILE, " + prefix + "SHARED_URL" + ownState},
		{"an empty one", []string{"SHARED_URL"}, "", []string{"check"}, ""},
		{"a command without a store", []string{"SHARED_URL"}, "x", []string{"alerts"}, ""},
		{"the variable of a flag", []string{"PATH"}, "x", []string{"check"}, ""},
		{"services of Kubernetes", []string{
			"SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP_METRICS", "PORT",
			"PORT_10036_TCP", "PORT_10036_TCP_PROTO", "PORT_10036_TCP_PORT", "PORT_10036_TCP_ADDR", "CACHE_SERVICE_HOST", "CACHE_PORT_53_UDP",
		}, "tcp://10.0.0.1:10036", []string{"check"}, ""},
		{"a name that ends almost like one of a service", []string{"REPORT"}, "x", []string{"check"}, "unknown variable " + prefix + "REPORT" + ownState},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("WHEREBY_API_KEY", apiKey)
			for _, name := range c.variables {
				t.Setenv(prefix+name, c.value)
			}
			if c.want != "" {
				assertMistake(t, c.args, c.want)
				return
			}
			p := start(t, c.args...)
			if code := p.wait(); code != 0 || p.stderr.String() != "" {
				t.Errorf("the exit status is %d, and stderr holds %q", code, &p.stderr)
			}
		})
	}
}

// TestEmptyVariablesAreUnset sets the variables of all flags to nothing, as a Compose file
// does with what its user left out.
func TestEmptyVariablesAreUnset(t *testing.T) {
	model, err := app.CommandLine()
	if err != nil {
		t.Fatal(err)
	}
	flags := model.Flags
	for _, command := range model.Children {
		flags = append(flags, command.Flags...)
	}
	for _, flag := range flags {
		for _, name := range flag.Envs {
			t.Setenv(name, "")
		}
	}
	p := start(t, "check")
	if code := p.wait(); code != 0 || !strings.HasPrefix(p.stdout.String(), "configuration: ok\n") || p.stderr.String() != "" {
		t.Errorf("the exit status is %d, stdout holds %q, and stderr %q", code, &p.stdout, &p.stderr)
	}
	assertMistake(t, []string{"backfill"}, "missing flags: --output=FILE")
}

// TestVariablesAreWrittenAsForPrometheus has what Prometheus's own programs take.
func TestVariablesAreWrittenAsForPrometheus(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string // in the error; "" is none
	}{
		{[]string{"--log.level=INFO"}, ""},
		{[]string{"--log.level=Warn", "--log.format=JSON"}, ""},
		{[]string{"--poll.full-scan-interval=1d"}, ""},
		{[]string{"--poll.full-scan-interval=1d12h"}, ""},
		{[]string{"--poll.full-scan-interval=1w", "--poll.interval=1.5h"}, ""},
		{[]string{"--poll.full-scan-interval=1d", "--poll.interval=25h"}, "--poll.full-scan-interval=24h0m0s: must be at least --poll.interval=25h0m0s"},
		{[]string{"--poll.interval=1.5d"}, `--poll.interval: must be a duration such as 90s or 1d, but is "1.5d"`},
		{[]string{"--poll.interval=12h1d"}, `--poll.interval: must be a duration such as 90s or 1d, but is "12h1d"`},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			args := append([]string{"check"}, c.args...)
			if c.want != "" {
				assertMistake(t, args, c.want)
			} else if p := start(t, args...); p.wait() != 0 {
				t.Errorf("it says %s", &p.stderr)
			}
		})
	}
}

// TestAFlagWinsOverItsVariable: what is typed is nearer than what is set.
func TestAFlagWinsOverItsVariable(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	t.Setenv("WHEREBY_EXPORTER_POLL_INTERVAL", "10ms")
	p := start(t, "check", "--poll.interval=1m")
	if code := p.wait(); code != 0 || !strings.HasPrefix(p.stdout.String(), "configuration: ok\n") {
		t.Errorf("the exit status is %d, and stdout holds %q", code, &p.stdout)
	}
}
