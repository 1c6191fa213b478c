package app_test

import (
	"strings"
	"testing"
)

func TestTheHealthcheckAsksARunningExporter(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", apiKey)
	_, api := newAPI(t, apiKey)
	p := start(t, arguments(api, "")...)
	url := "--url=http://" + p.address() + "/-/healthy"
	// It gives an exporter 3 s, which a busy machine may use up.
	eventually(t, "while it runs, the exit status is 0", func() bool { return start(t, "healthcheck", url).wait() == 0 })
	// By the variable of run, as in a container.
	t.Setenv("WHEREBY_EXPORTER_WEB_LISTEN_ADDRESS", p.address())
	eventually(t, "by the variable, the exit status is 0", func() bool { return start(t, "healthcheck").wait() == 0 })
	p.stop()
	asked := start(t, "healthcheck", url)
	if code := asked.wait(); code != 1 {
		t.Errorf("after it stopped, the exit status is %d; want 1", code)
	}
	if !strings.HasPrefix(asked.stderr.String(), "whereby_exporter: not healthy: ") {
		t.Errorf("it says %q", &asked.stderr)
	}
}
