package collector

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby/wherebytest"
)

// TestSegments has people of several clinics meet, and compares the live people and
// the minutes of each clinic with what was scheduled.
func TestSegments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		account := wherebytest.New(wherebytest.Config{APIKey: apiKey, Lag: 10 * time.Minute})
		begin := time.Now()
		used := map[string]float64{}
		for i := range 6 {
			room := fmt.Sprintf("/acme-%08x-0000-4000-8000-%012x", i, i)
			account.AddRoom(wherebytest.Room{Name: room})
			start := begin.Add(3*time.Minute + time.Duration(random.Int64N(int64(10*time.Minute))))
			session := wherebytest.Session{Start: start, End: start.Add(time.Hour)}
			for p := range 4 {
				joined := start.Add(time.Duration(p) * 50 * time.Millisecond)
				left := joined.Add(time.Minute + time.Duration(random.Int64N(int64(50*time.Minute)))).Truncate(time.Millisecond)
				clinic := []string{"north", "south", "west"}[random.IntN(3)]
				session.Participants = append(session.Participants, wherebytest.Participant{
					Joined: joined, Left: left, Metadata: "doctor=Planted" + clinic + ";clinic=" + clinic,
				})
				if clinic == "west" {
					clinic = "_other"
				}
				used["acme-,"+clinic] += math.Ceil(left.Sub(joined).Minutes())
			}
			// Somebody without metadata is in no segment.
			session.Participants = append(session.Participants, wherebytest.Participant{Joined: start.Add(time.Second), Left: start.Add(time.Minute)})
			account.Schedule(room, session)
		}
		file := parse(t, "segments: {source: metadata, pattern: 'clinic=([a-z]+)', limit: 2}")
		// Which two are named depends on who comes first.
		dir := t.TempDir()
		b := prepareWith(t, account, store.NewMemory(), Config{Webhooks: verifier(t), File: file, StoragePath: dir})
		defer b.stop()
		b.polls(1)
		stop := b.sendWebhooks(wherebytest.DeliveryFaults{Seed: seed, Duplicated: 0.2})
		highest := map[string]float64{}
		live := 0.0
		for range 120 {
			time.Sleep(time.Minute)
			synctest.Wait()
			for key, n := range b.samples(metrics.SegmentMinutes) {
				if n < highest[key] {
					t.Errorf("%s fell from %v to %v", key, highest[key], n)
				}
				highest[key] = n
			}
			for _, n := range b.samples(metrics.SegmentParticipants) {
				live = max(live, n)
			}
		}
		stop()
		if len(highest) != 3 || highest["acme-,_other"] == 0 {
			t.Errorf("segments are %v, want two and _other", highest)
		}
		var got, want float64
		for key, n := range highest {
			got += n
			if key != "acme-,_other" && n != sum(used, key) {
				t.Errorf("%s used %v minutes, want %v", key, n, sum(used, key))
			}
		}
		for _, n := range used {
			want += n
		}
		if got != want || live == 0 {
			t.Errorf("%v minutes in all, want %v; at most %v people at once", got, want, live)
		}
		for key, n := range b.samples(metrics.SegmentParticipants) {
			if n != 0 {
				t.Errorf("%v people of %s are still there", n, key)
			}
		}
		exposed := b.exposition()
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			exposed += string(content)
		}
		if len(files) == 0 || strings.Contains(exposed, "Planted") || strings.Contains(exposed, "doctor") {
			t.Errorf("more than the captured group was kept, in %v or the metrics", files)
		}
	})
}

// sum finds what a clinic used; the one that came third is counted as _other.
func sum(used map[string]float64, key string) float64 {
	if key == "acme-,west" {
		key = "acme-,_other"
	}
	return used[key]
}
