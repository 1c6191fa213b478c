package collector

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// TestADamagedLiveStateTakesWebhooksOnly starts with events of an earlier process that are
// damaged: usage and quotas are served, events are refused, and a metric, the log and the
// status page say so. What the log says to do helps.
func TestADamagedLiveStateTakesWebhooksOnly(t *testing.T) {
	const room = "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd"
	joined := func(id string, n int) string { return event(id, whereby.ClientJoined, room, id, clients("visitor", n)) }
	newest := func(t *testing.T, dir, pattern string) string {
		t.Helper()
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("there is no %s, %v", pattern, err)
		}
		return paths[len(paths)-1]
	}
	for name, test := range map[string]struct {
		pattern string
		// wayOut does what the log line says, which has words in it.
		words  string
		wayOut func(path string) error
		joins  float64
	}{
		"journal": {"*.journal", "append .skip to its name", func(path string) error { return os.Rename(path, path+".skip") }, 2},
		"state": {"live.state", "/events away to start with no one in a room",
			func(path string) error { return os.Rename(filepath.Dir(path), filepath.Dir(path)+".damaged") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "events")
				open := func() *bench {
					return prepareWith(t, newAccount(wherebytest.Config{}), store.NewMemory(), Config{Webhooks: verifier(t), File: customers(t), StoragePath: dir})
				}
				b := open()
				b.start()
				for i, id := range []string{"a", "b"} {
					b.send(joined(id, i+1))
				}
				b.stop() // and a state is saved
				b = open()
				b.start()
				for i, id := range []string{"c", "d", "e"} {
					b.send(joined(id, i+3))
				}
				killed := t.TempDir()
				if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
					t.Fatal(err)
				}
				b.stop()
				if err := errors.Join(os.RemoveAll(dir), os.Rename(killed, dir)); err != nil {
					t.Fatal(err)
				}
				path := newest(t, dir, test.pattern)
				damaged, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				damaged[60] ^= 1
				if err := os.WriteFile(path, damaged, 0o600); err != nil {
					t.Fatal(err)
				}

				b = open()
				b.start()
				b.polls(1)
				if status := b.send(joined("f", 6)); status != http.StatusServiceUnavailable {
					t.Errorf("an event got %d", status)
				}
				b.assertValue(metrics.LiveStateDamaged, 1)
				b.assertValue(metrics.StorageErrors, 1)
				if n := b.samples(metrics.ParticipantMinutes); n["acme-"] == 0 {
					t.Errorf("usage is %v", n)
				}
				for name := range b.families() {
					if strings.HasPrefix(name, "whereby_live") || strings.HasPrefix(name, "whereby_joins") {
						t.Errorf("%s is exposed", name)
					}
				}
				if len(b.samples(metrics.QuotaLimit)) == 0 {
					t.Error("no quota is exposed")
				}
				if log := b.log.String(); !strings.Contains(log, path) || !strings.Contains(log, test.words) {
					t.Errorf("the log is %s", log)
				}
				b.stop()
				if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, damaged) {
					t.Errorf("the file was changed, %v", err)
				}

				if err := test.wayOut(path); err != nil {
					t.Fatal(err)
				}
				b = open()
				defer b.stop()
				b.start()
				b.polls(1)
				b.assertValue(metrics.LiveStateDamaged, 0)
				if status := b.send(joined("g", 7)); status != http.StatusNoContent {
					t.Errorf("after the way out an event got %d", status)
				}
				if n := b.samples(metrics.Joins); n["visitor,acme-"] != test.joins+1 {
					t.Errorf("the joins are %v", n)
				}
				if n := b.samples(metrics.LiveParticipants); n["acme-"] != 7 {
					t.Errorf("the people are %v", n)
				}
			})
		})
	}
}
