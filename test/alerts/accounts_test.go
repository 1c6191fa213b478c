package alerts

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"whereby_exporter/alerts"
	"whereby_exporter/test/programs"
)

// TestAnAccountSilencesNoneOfAnother has every alert fire for one account, and for another
// those that are silent in the first.
func TestAnAccountSilencesNoneOfAnother(t *testing.T) {
	base := startAlertmanager(t)
	of := func(job string, l labels) labels {
		l = maps.Clone(l)
		l["job"] = job
		return l
	}
	var firing []labels
	for _, name := range alerts.Names() {
		firing = append(firing, of("prod", quotaAlert(name, "acme-", "participant_minutes")))
	}
	post(t, base, firing, time.Hour)
	var silent []string
	programs.Eventually(t, 30*time.Second, "alerts of prod are silent", func() error {
		active, suppressed, err := states(t.Context(), base)
		if err == nil && (len(active) != 3 || len(active)+len(suppressed) != len(firing)) {
			err = fmt.Errorf("active are %q, silent %q", active, suppressed)
		}
		silent = suppressed
		return err
	})

	// The same of staging has no cause there.
	var want []string
	var staging []labels
	for _, name := range silent {
		alert := strings.Fields(name)[0]
		if !slices.Contains([]string{"WherebyExporterAbsent", "WherebyPollStale", "WherebyPollNeverSucceeded", "WherebyAPIKeyRejected", "WherebyStorageFailing", "WherebyQualityPoor"}, alert) {
			staging = append(staging, of("staging", quotaAlert(alert, "acme-", "participant_minutes")))
			want = append(want, name)
		}
	}
	post(t, base, staging, time.Hour)
	programs.Eventually(t, 30*time.Second, "those of staging are not", func() error {
		active, suppressed, err := states(t.Context(), base)
		if err == nil && (len(active) != 3+len(want) || len(suppressed) != len(silent)) {
			err = fmt.Errorf("active are %q, silent %q", active, suppressed)
		}
		return err
	})
}
