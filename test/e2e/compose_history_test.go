package e2e

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"whereby_exporter/test/exhaustive"
	"whereby_exporter/test/programs"
)

// TestTheDemoOfComposeHasAPast does what the first docker compose up does, in its order: the
// demo writes its history, history makes blocks of it, and Prometheus starts with half a year
// of usage and of what the rules say of it, from which the live counters go on.
func TestTheDemoOfComposeHasAPast(t *testing.T) {
	t.Parallel()
	exhaustive.Only(t, "deploy/compose", "alerts/rules", "collector/app", "collector/backfill", "whereby/wherebytest", "test/go.mod")
	const days = 170 // of half a year, at least
	c := newComposed(t)
	for _, p := range []programs.Program{programs.Exporter, programs.Prometheus, programs.Promtool} {
		build(t, p) // so that the time below is without it
	}
	began := time.Now()
	c.startExporter(func(string) bool { return true })
	c.makeHistory("done; Prometheus and Grafana start now")
	t.Logf("Prometheus could start after %v", time.Since(began).Round(time.Second))
	p := c.startPrometheus()

	now := time.Now()
	past := func(query string) map[string]map[int64]float64 {
		return p.series(query, now.AddDate(0, 0, -days).Truncate(6*time.Hour), now, 6*time.Hour)
	}
	minutes := fmt.Sprintf(`whereby_participant_minutes_total{job="whereby", instance=%q}`, c.replace["exporter:10036"])
	var live map[string]map[int64]float64
	programs.Eventually(t, patience, "live counters", func() error {
		now = time.Now()
		if live = p.series(minutes, now, now, time.Minute); len(live) == 0 {
			return errors.New("there are none")
		}
		return nil
	})
	usage := past("max by (room_prefix) (last_over_time(" + minutes + "[6h]))")
	if len(usage) < 8 {
		t.Errorf("%d prefixes have a history", len(usage))
	}
	for prefix, samples := range usage {
		if len(samples) < 4*days {
			t.Errorf("%s has %d samples; want one of every six hours of %d days", prefix, len(samples), days)
		}
		last := 0.0
		for _, at := range slices.Sorted(maps.Keys(samples)) {
			if samples[at] < last {
				t.Errorf("%s: at %v the counter falls from %v to %v", prefix, time.Unix(at, 0).UTC(), last, samples[at])
			}
			last = samples[at]
		}
		for _, value := range live[prefix] {
			if value < last {
				t.Errorf("%s: where the exporter goes on, the counter falls from %v to %v", prefix, last, value)
			}
		}
	}
	for query, least := range map[string]int{
		`last_over_time(job_resource:whereby_usage:increase1h{resource="participant_minutes"}[6h])`:                4 * (days - 5),
		`last_over_time(job_room_prefix:whereby_participant_minutes:increase1d{room_prefix="acme-"}[6h])`:          4 * 28,
		`last_over_time(job_room_prefix_resource:whereby_usage:max{resource="sessions", room_prefix="acme-"}[6h])`: 4 * days,
	} {
		most := 0
		for _, samples := range past(query) {
			most = max(most, len(samples))
		}
		if most < least {
			t.Errorf("%s has %d samples; want %d", query, most, least)
		}
	}

	const share = `whereby_quota_used{resource="participant_minutes"} / on (room_prefix) whereby_quota_limit{resource="participant_minutes"}`
	const ahead = ` * on (room_prefix) (whereby_quota_period_end_timestamp_seconds - whereby_quota_period_start_timestamp_seconds)` +
		` / on (room_prefix) (time() - whereby_quota_period_start_timestamp_seconds)`
	for prefix, c := range map[string]struct {
		query       string
		least, most float64
	}{
		"initech-trial-":  {share, 1, 1.5},
		"acme-training-":  {share, 0.85, 1},
		"globex-academy-": {share + ahead, 1.1, 1.6},
	} {
		programs.Eventually(t, patience, prefix+" is as the demo has it", func() error {
			now := time.Now()
			for _, value := range p.series(c.query, now, now, time.Minute)[prefix] {
				if value >= c.least && value <= c.most {
					return nil
				}
				return fmt.Errorf("%v; want %v to %v", value, c.least, c.most)
			}
			return errors.New("there is no such figure")
		})
	}

	before := blocks(t, c.replace["=/prometheus"][1:])
	c.makeHistory("nothing to do")
	// Prometheus may have joined some meanwhile.
	if after := blocks(t, c.replace["=/prometheus"][1:]); len(after) == 0 || len(after) > len(before) {
		t.Errorf("a second start leaves %d blocks of %d", len(after), len(before))
	}
}

// makeHistory runs the service history, which is to say something.
func (c *composed) makeHistory(says string) {
	c.t.Helper()
	service := c.file.Services["history"]
	if !slices.Equal(service.Entrypoint, []string{"/bin/sh"}) || !slices.Equal(service.Command, []string{"/history.sh"}) {
		c.t.Fatalf("history runs %v %v", service.Entrypoint, service.Command)
	}
	ctx := c.t.Context()
	cmd := exec.CommandContext(ctx, "/bin/sh", filepath.Join(composeDir(c.t), "history.sh"))
	cmd.Env = append(os.Environ(),
		"PATH="+filepath.Dir(build(c.t, programs.Promtool))+":"+filepath.Dir(build(c.t, programs.Prometheus))+":"+os.Getenv("PATH"),
		"HISTORY="+filepath.Join(c.dir, "history", "usage.om"), "DATA="+c.replace["=/prometheus"][1:],
		"RULES="+c.replace["/etc/prometheus/rules"], "ADDRESS="+programs.FreeAddress(c.t))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), says) {
		c.t.Fatalf("history does not say %q: %v\n%s", says, err, out)
	}
}

// blocks returns the directories of a Prometheus's blocks.
func blocks(t *testing.T, data string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(data, "01*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
