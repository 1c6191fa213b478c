package app_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"whereby_exporter/collector/metrics"
)

// How soon it has them is measured of the real binary, from outside.
func TestTheDemoHasMetricsAndLeavesNothing(t *testing.T) {
	t.Setenv("WHEREBY_API_KEY", "") // needs none
	t.Chdir(t.TempDir())            // and leaves nothing behind
	p := start(t, "demo", "--web.listen-address=127.0.0.1:0", "--web.listen-address=127.0.0.1:0")
	eventually(t, "participant minutes are exposed", func() bool {
		return len(p.families()[metrics.ParticipantMinutes.Name].GetMetric()) > 1
	})
	links := regexp.MustCompile(`http://\S+`).FindAllString(p.stdout.String(), -1)
	if len(links) != 6 {
		t.Errorf("the demo prints %d addresses; want the status page, the metrics and the rooms of two ports:\n%s", len(links), &p.stdout)
	}
	if !strings.Contains(p.stdout.String(), "docs/tutorial.md") {
		t.Errorf("the demo does not say what to do next:\n%s", &p.stdout)
	}
	for _, link := range links {
		status, body := get(t, link)
		if status != http.StatusOK {
			t.Errorf("%s answers %d", link, status)
		}
		if strings.Contains(link, "/api/") && !strings.Contains(body, `"room_name"`) {
			t.Errorf("%s lists no room: %s", link, body)
		}
	}
	if strings.Contains(p.stderr.String(), "in memory only") {
		t.Errorf("the demo warns that it keeps nothing:\n%s", &p.stderr)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("the demo left %v behind, %v", left, err)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("the exit status is %d; want 0", code)
	}
}
