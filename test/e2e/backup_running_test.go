package e2e

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/collector/logtest"
	"whereby_exporter/collector/state"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/test/programs"
	"whereby_exporter/whereby"
)

// takeBackup runs the command backup against an exporter.
func takeBackup(t testing.TB, base, file string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), build(t, programs.Exporter), "backup", "--output="+file, "--url="+base)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("backup: %v\n%s", err, out)
	}
}

// TestAMemberThatStartsFromABackupEqualsTheOthers backs a member up while the account is
// in use, and starts another one from that.
func TestAMemberThatStartsFromABackupEqualsTheOthers(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	const share = pairShare / 3
	for _, name := range []string{"a", "b"} {
		c.join(newMember(t, name, c.api, c.account, share, "--web.enable-admin-api"))
	}
	c.expectTruth("the start")
	const deleted = 10
	programs.Eventually(t, patience, "rooms are deleted", func() error {
		if n := c.traffic.deletions(); n < deleted {
			return fmt.Errorf("%d so far", n)
		}
		return nil
	})
	backup := filepath.Join(t.TempDir(), "whereby.backup")
	takeBackup(t, c.members[0].base, backup)
	third := newMember(t, "c", c.api, c.account, share, "--storage.restore-from="+backup)
	c.join(third)
	c.expectTruth("a member started from a backup")

	// Without the backup it could not: Insights does not show all that was used.
	shown, used := int64(0), int64(0)
	for _, room := range c.account.Shown() {
		shown += room.Totals.ParticipantMinutes
	}
	for _, truth := range c.account.Truth(prefixOf) {
		used += truth.ParticipantMinutes
	}
	if shown >= used {
		t.Errorf("Insights shows %d minutes of %d: no room that was used is deleted", shown, used)
	}
	third.kill()
	third.start(t)
	c.expectTruth("it was killed")
	neverOverspent(t, c.account, len(c.members))
}

// restoredEvents is what the events in a backup led to.
type restoredEvents struct{ *live.Tracker }

var _ webhook.State = (*restoredEvents)(nil)

func (r *restoredEvents) Apply(event whereby.Event, segment string, arrived time.Time) {
	r.ApplySegment(event, segment, arrived)
}

func (*restoredEvents) Segment(whereby.Event) string { return "" }

func (r *restoredEvents) UnmarshalBinary(content []byte) (err error) {
	r.Tracker, err = live.Restore(content, time.Now(), time.Hour, live.Options{Label: prefixOf})
	return err
}

// joins is how many people and machines joined.
func (r *restoredEvents) joins() (n int64) {
	for _, prefix := range r.View(time.Now()).Prefixes {
		n += prefix.Joins.Sum()
	}
	return n
}

// openBackup restores a backup and opens what it holds, as an exporter does that starts
// from it. It fails if anything is worth a warning.
func openBackup(t *testing.T, file string) (joins, minutes int64) {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Dir(file), "restored")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	said := &logtest.Buffer{}
	log := slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := state.Restore(file, dir, log); err != nil {
		t.Fatalf("restore: %v", err)
	}
	restored, err := state.Open(dir, log)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	events := &restoredEvents{live.New(live.Options{Label: prefixOf})}
	if _, err := restored.OpenEvents(events); err != nil {
		t.Errorf("open the events: %v", err)
	}
	for row, err := range restored.Ledger().Rows("") {
		if err != nil {
			t.Errorf("read the ledger: %v", err)
			break
		}
		minutes += row.ParticipantMinutes
	}
	if err := restored.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if said.String() != "" {
		t.Errorf("it complains: %s", said.String())
	}
	return events.joins(), minutes
}

// TestBackupsUnderLoadOpen takes backups while polls find changes and 64 connections send
// events as fast as they can. Each opens without complaint, and holds what was acknowledged
// and shown before it was asked for.
func TestBackupsUnderLoadOpen(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	m := newMember(t, "a", c.api, c.account, 1, "--web.enable-admin-api")
	m.secret = webhookSecret
	m.start(t)
	programs.Eventually(t, patience, "it is ready", m.ready)

	var sent, acknowledged, refused atomic.Int64
	var senders sync.WaitGroup
	var stop atomic.Bool
	end := sync.OnceFunc(func() { stop.Store(true); senders.Wait() })
	t.Cleanup(end)
	transport := &http.Transport{MaxIdleConnsPerHost: webhookConnections, MaxConnsPerHost: webhookConnections}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	for connection := range webhookConnections {
		senders.Go(func() {
			for n := 0; !stop.Load(); n++ {
				sent.Add(1)
				body := joined(fmt.Sprintf("e-%d-%d", connection, n), fmt.Sprintf("/acme-%d", connection*100+n%100), 1+n%5)
				status := deliver(client, m.webhook, body)
				// A sync can take seconds on a busy machine; Whereby sends an event again.
				for ; status == http.StatusServiceUnavailable; status = deliver(client, m.webhook, body) {
					refused.Add(1)
					if stop.Load() {
						return
					}
				}
				if status != http.StatusNoContent {
					t.Errorf("an event was answered %d", status)
					return
				}
				acknowledged.Add(1)
			}
		})
	}

	began, slowest, size := time.Now(), time.Duration(0), int64(0)
	backups := thoroughness(t).backups
	file := filepath.Join(t.TempDir(), "whereby.backup")
	for i := range backups {
		samples, err := m.metrics()
		if err != nil {
			t.Fatal(err)
		}
		shown := int64(0)
		for series, value := range samples {
			if strings.HasPrefix(series, "whereby_participant_minutes_total{") {
				shown += int64(value)
			}
		}
		before, asked := acknowledged.Load(), time.Now()
		takeBackup(t, m.base, file)
		after := sent.Load()
		slowest = max(slowest, time.Since(asked))
		if info, err := os.Stat(file); err == nil {
			size = info.Size()
		}
		joins, minutes := openBackup(t, file)
		if joins < before || joins > after {
			t.Errorf("backup %d has %d joins; %d were acknowledged before, %d sent until it was taken", i, joins, before, after)
		}
		if minutes < shown {
			t.Errorf("backup %d has %d minutes, and %d were shown before", i, minutes, shown)
		}
	}
	end()
	rate := float64(acknowledged.Load()) / time.Since(began).Seconds()
	t.Logf("%d backups in %v, the slowest took %v, the last has %d bytes, next to %.0f events a second; %d events were sent again",
		backups, time.Since(began).Round(time.Second), slowest.Round(time.Millisecond), size, rate, refused.Load())
	if refused.Load() > acknowledged.Load()/10 {
		t.Errorf("%d of %d events were refused at first: backups keep webhooks waiting", refused.Load(), acknowledged.Load())
	}
	if least := int64(100 * backups); acknowledged.Load() < least {
		t.Errorf("only %d events: not enough load to show anything", acknowledged.Load())
	}
}
