package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

// TestABadNetworkReachesAHuman has the people of one customer call over lossy networks,
// and those of another over good ones, and reads what arrives behind a real Prometheus
// and a real Alertmanager.
func TestABadNetworkReachesAHuman(t *testing.T) {
	t.Parallel()
	account, api := newAccount(t, wherebytest.Config{})
	meet := func(prefix string, n int, settles time.Duration, network wherebytest.Network) {
		room := fmt.Sprintf("/%s793e9ec1-c686-423d-9043-9b7a10c5530%d", prefix, n)
		account.AddRoom(wherebytest.Room{Name: room})
		// Insights may change for a quarter of an hour after the end. It is over soon, so
		// that Prometheus sees the counters grow.
		end := time.Now().Add(settles - 15*time.Minute)
		people := make([]wherebytest.Participant, 6)
		for i := range people {
			people[i].Network = network
		}
		account.Schedule(room, wherebytest.Session{Start: end.Add(-time.Hour), End: end, Participants: people})
	}
	for i := range 3 {
		settles := time.Duration(15+5*i) * time.Second
		meet("acme-", i, settles, wherebytest.LossyMobileNetwork)
		meet("globex-", i, settles, wherebytest.SpikyNetwork)
	}
	file := filepath.Join(t.TempDir(), "whereby.yml")
	writeFile(t, file, "customers:\n  - {room_prefix: acme-, name: Acme Inc}\n  - {room_prefix: globex-, name: Globex}\n")
	address := programs.FreeAddress(t)
	startExporter(t, address, api, "--config.file="+file, "--storage.path="+t.TempDir(), "--whereby.read-cost=1")
	received := watch(t, address)

	poor := received.arrives(t, "WherebyQualityPoor", "firing")
	if poor.Labels["room_prefix"] != "acme-" || poor.Labels["severity"] != "warning" {
		t.Errorf("it has the labels %v", poor.Labels)
	}
	text := strings.Join(strings.Fields(poor.Annotations["description"]), " ")
	if !strings.Contains(text, "in calls of Acme Inc (acme-) of whereby had 3% packet loss or more") {
		t.Errorf("it says %s", text)
	}
	for _, n := range received.of("WherebyQualityPoor", "firing") {
		if n.Labels["room_prefix"] != "acme-" {
			t.Errorf("it fires for %s, whose networks have spikes alone", n.Labels["room_prefix"])
		}
	}
}
