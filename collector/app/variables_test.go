package app_test

import "testing"

func TestVariablesWorkLikeTheirFlags(t *testing.T) {
	for _, c := range []struct{ variable, value, want string }{
		{"WHEREBY_EXPORTER_POLL_INTERVAL", "10ms", "--poll.interval=10ms: must be at least 1s"},
		{"WHEREBY_EXPORTER_POLL_FULL_SCAN_INTERVAL", "5s", "--poll.full-scan-interval=5s: must be"},
		{"WHEREBY_EXPORTER_WHEREBY_URL", "foo", "--whereby.url: must be an address"},
		{"WHEREBY_EXPORTER_WHEREBY_API_KEY_FILE", "nowhere", `--whereby.api-key-file: there is no file "nowhere"`},
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

// TestAFlagWinsOverItsVariable: what is typed is nearer than what is set.
func TestAFlagWinsOverItsVariable(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	t.Setenv("WHEREBY_EXPORTER_POLL_INTERVAL", "10ms")
	p := start(t, "check", "--poll.interval=1m")
	if code := p.wait(); code != 0 || p.stdout.String() != "configuration: ok\n" {
		t.Errorf("the exit status is %d, and stdout holds %q", code, &p.stdout)
	}
}
