package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

// usage takes the usage series from a scrape.
func usage(samples map[string]float64) map[string]float64 {
	samples = maps.Clone(samples)
	maps.DeleteFunc(samples, func(series string, _ float64) bool {
		family, _, _ := strings.Cut(series, "{")
		return counters[family] == nil && family != "whereby_rooms"
	})
	return samples
}

// TestAFaultChangesNoFigureAndPasses: for each way in which the API goes wrong, the
// binary says so in its metrics, keeps its figures, and recovers by itself.
func TestAFaultChangesNoFigureAndPasses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault wherebytest.Fault
		code  string // of the requests that failed
		says  string // in the log
	}{
		"the key is refused":         {wherebytest.Status(401), "401", "class=auth"},
		"the key is forbidden":       {wherebytest.Status(403), "403", "class=auth"},
		"a long throttle":            {wherebytest.Throttled(wherebytest.RetryAfterSeconds, 5*time.Minute), "429", "class=throttled"},
		"server errors":              {wherebytest.Status(500), "500", "class=server"},
		"a gateway's page of HTML":   {wherebytest.StatusHTML(502), "502", "class=server"},
		"no connection":              {wherebytest.Drop(), "error", "class=server"},
		"connections break":          {wherebytest.Reset(), "200", "class=server"},
		"truncated JSON":             {wherebytest.Truncated(), "200", "class=malformed"},
		"no JSON":                    {wherebytest.Malformed(), "200", "class=malformed"},
		"wrong types":                {wherebytest.WrongTypes(), "200", "class=malformed"},
		"answers over 16 MiB":        {wherebytest.Oversized(17 << 20), "200", "class=malformed"},
		"a cursor that repeats":      {wherebytest.RepeatCursor(), "200", "class=malformed"},
		"pages without end":          {wherebytest.EndlessPages(), "200", "class=malformed"},
		"empty pages without end":    {wherebytest.EmptyPagesForever(), "200", "class=malformed"},
		"a figure that is missing":   {wherebytest.MissingField("totalSessions"), "200", "class=malformed"},
		"server errors on page 3":    {wherebytest.Status(503).Page(3), "503", "class=server"},
		"truncated JSON on page 3":   {wherebytest.Truncated().Page(3), "200", "class=malformed"},
		"a short throttle on page 2": {wherebytest.Throttled(wherebytest.ResetRFC3339, time.Second).Page(2), "429", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			account, api := newAccount(t, wherebytest.Config{PointsPerMinute: unlimited})
			l := newLife(t, account, 350)
			account.Inject(tc.fault)
			e := startExporter(t, programs.FreeAddress(t), api, "--storage.path="+t.TempDir(), "--whereby.read-cost=1")

			requests := fmt.Sprintf(`whereby_exporter_api_requests_total{code=%q,endpoint="rooms"}`, tc.code)
			failed := func() {
				programs.Eventually(t, patience, "the fault shows", func() error {
					samples, err := e.metrics()
					switch {
					case err != nil:
						return err
					case samples[requests] == 0:
						return fmt.Errorf("%s is 0", requests)
					case samples["whereby_up"] != 0:
						return fmt.Errorf("whereby_up is %v", samples["whereby_up"])
					case tc.says != "" && !strings.Contains(e.out.String(), tc.says):
						return fmt.Errorf("the log does not say %s", tc.says)
					}
					return nil
				})
			}
			failed()
			if samples, err := e.metrics(); err != nil || len(usage(samples)) > 0 {
				t.Errorf("before a complete pass, usage is exposed: %v, %v", usage(samples), err)
			}
			if e.ready() == nil {
				t.Error("it is ready without a complete pass")
			}
			if tc.fault = tc.fault.Times(0); name == "a long throttle" {
				return // five minutes are shown on a fake clock, with the poller
			}

			account.ClearFaults()
			truth(t, e, account)
			before, err := e.metrics()
			if err != nil {
				t.Fatal(err)
			}
			if name == "a short throttle on page 2" {
				return // a poll waits for it and does not fail
			}

			account.Inject(tc.fault)
			if !strings.Contains(name, "page 3") { // a short poll does not get that far, and is right to succeed
				l.use(1)
			}
			failed()
			after, err := e.metrics()
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(usage(before), usage(after)) {
				t.Error("a failed poll changed figures")
			}
			account.ClearFaults()
			truth(t, e, account)
		})
	}
}

// truth waits until the exporter is up and has the account's truth.
func truth(t *testing.T, e exporter, account *wherebytest.Account) {
	t.Helper()
	want := map[string]float64{"whereby_up": 1}
	for prefix, figures := range account.Truth(prefixOf) {
		for family, figure := range counters {
			want[fmt.Sprintf("%s{room_prefix=%q}", family, prefix)] = float64(figure(figures))
		}
	}
	e.expect(patience, want)
}

// TestAFullDiskKeepsServing fills the disk under the store. It needs the right to
// mount one, and is skipped without.
func TestAFullDiskKeepsServing(t *testing.T) {
	t.Parallel()
	storage := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", storage).CombinedOutput(); err != nil {
		t.Skipf("can't mount a small disk: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", storage).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	account, api := newAccount(t, wherebytest.Config{PointsPerMinute: unlimited})
	l := newLife(t, account, 350)
	e := startExporter(t, programs.FreeAddress(t), api, "--storage.path="+storage)
	truth(t, e, account)
	before, err := e.metrics()
	if err != nil {
		t.Fatal(err)
	}

	filler := filepath.Join(storage, "filler")
	if err := os.WriteFile(filler, bytes.Repeat([]byte{1}, 8<<20), 0o600); err == nil {
		t.Fatal("the disk is larger than it should be")
	}
	l.add(2000, time.Hour) // too many for what room the file still has
	programs.Eventually(t, patience, "the full disk shows", func() error {
		samples, err := e.metrics()
		if err == nil && (samples["whereby_exporter_storage_errors_total"] == 0 || samples["whereby_up"] != 0) {
			err = fmt.Errorf("whereby_up is %v, storage errors %v", samples["whereby_up"], samples["whereby_exporter_storage_errors_total"])
		}
		if err == nil && !maps.Equal(usage(before), usage(samples)) {
			t.Error("figures that are not stored are exposed")
		}
		return err
	})
	if !strings.Contains(e.out.String(), "no space left on device") {
		t.Error("the log does not say that the disk is full")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	truth(t, e, account)
}

// TestTheDemoIsUpWithinTwoSeconds runs what README tells a visitor to run first.
func TestTheDemoIsUpWithinTwoSeconds(t *testing.T) {
	binary := build(t, programs.Exporter)
	promtool := build(t, programs.Promtool)
	var e exporter
	took := time.Hour
	for range 5 { // the quickest counts, as the machine may be busy with something else
		if e.process != nil {
			e.kill()
		}
		address := programs.FreeAddress(t)
		began := time.Now()
		e = exporter{base: "http://" + address, process: start(t, nil, binary, "demo", "--web.listen-address="+address)}
		programs.Eventually(t, patience, "the demo's metrics", func() error {
			samples, err := e.metrics()
			if err == nil && samples[`whereby_participant_minutes_total{room_prefix="acme-"}`] == 0 {
				err = fmt.Errorf("no minutes yet")
			}
			return err
		})
		if took = min(took, time.Since(began)); took <= onABusyMachine(t, 2*time.Second) {
			break
		}
	}
	t.Logf("metrics after %v", took.Round(time.Millisecond))
	if took > onABusyMachine(t, 2*time.Second) {
		t.Errorf("the demo's metrics took %v", took)
	}
	if !strings.Contains(e.out.String(), e.base+"/metrics") {
		t.Error("the demo does not print where its metrics are")
	}

	before, err := e.metrics()
	if err != nil {
		t.Fatal(err)
	}
	programs.Eventually(t, patience, "figures move", func() error {
		after, err := e.metrics()
		if err == nil && maps.Equal(usage(before), usage(after)) {
			err = fmt.Errorf("nothing has changed")
		}
		return err
	})
	programs.Eventually(t, patience, "call quality is sampled", func() error {
		samples, err := e.metrics()
		if err == nil && samples[`whereby_quality_poor_ratio{direction="recv",room_prefix="globex-clinic-"}`] == 0 {
			err = fmt.Errorf("nobody in globex-clinic- has a poor network yet")
		}
		return err
	})

	_, body, err := get(t.Context(), e.base+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	lint := exec.Command(promtool, "check", "metrics")
	lint.Stdin = strings.NewReader(body)
	out, _ := lint.CombinedOutput() // it fails for any remark; which ones is checked here
	remarks := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(remarks)
	// Minutes are Whereby's billing unit, and no number of seconds equals them.
	if want := []string{
		`whereby_live_participant_minutes_pending use base unit "seconds" instead of "minutes"`,
		`whereby_participant_minutes_total use base unit "seconds" instead of "minutes"`,
		// Whereby gives bits, as networks are sold.
		`whereby_quality_bitrate_bits_per_second use base unit "bytes" instead of "bits"`,
		`whereby_quality_participant_bitrate_bits_per_second use base unit "bytes" instead of "bits"`,
		`whereby_recorder_minutes_total use base unit "seconds" instead of "minutes"`,
		`whereby_streamer_minutes_total use base unit "seconds" instead of "minutes"`,
	}; !slices.Equal(remarks, want) {
		t.Errorf("promtool check metrics says:\n%s", out)
	}
	if took := e.stop(); took > onABusyMachine(t, 5*time.Second) {
		t.Errorf("stopping took %v", took)
	}
}

func TestReadmeConfigurationIsValid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(file, []byte(readmeConfig(t, "127.0.0.1:10036")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(build(t, programs.Promtool), "check", "config", "--lint=all", "--lint-fatal", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
