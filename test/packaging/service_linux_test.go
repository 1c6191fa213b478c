package packaging

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

const (
	// unlimited is a limit that no test reaches.
	unlimited = 1 << 30
	// acmeRoom has been used for acmeMinutes.
	acmeRoom    = "/acme-00000001-0000-4000-8000-000000000001"
	acmeMinutes = 40
	// acmeTotal is where they are counted.
	acmeTotal = `whereby_participant_minutes_total{room_prefix="acme-"}`
)

// service is the exporter in a container, which reads a simulated account.
type service struct {
	*container
	account *wherebytest.Account
}

// installed returns a container with the package of version 1.2.3, installed as documented.
func installed(t *testing.T, versions ...string) service {
	t.Helper()
	s := service{boot(t, append([]string{"1.2.3"}, versions...)...), newAccount()}
	s.sh("cd " + shelf + "; " + documented(t, "Install")[0])
	s.configure()
	return s
}

// newAccount has the one room.
func newAccount() *wherebytest.Account {
	account := wherebytest.New(wherebytest.Config{APIKey: apiKey, PointsPerMinute: unlimited})
	at := time.Now().Add(-time.Hour)
	account.AddRoom(wherebytest.Room{
		Name: acmeRoom, CreatedAt: at, FirstSession: at, LastSession: at,
		Totals: wherebytest.Totals{ParticipantMinutes: acmeMinutes, Sessions: 1},
	})
	return account
}

// configure has the service read the account, every second.
func (s service) configure() {
	s.t.Helper()
	s.shWith(fmt.Sprintf("WHEREBY_EXPORTER_WHEREBY_URL=%s\nWHEREBY_EXPORTER_POLL_INTERVAL=1s\nWHEREBY_EXPORTER_POLL_FULL_SCAN_INTERVAL=1s\n", s.serveAPI(s.account)),
		"cat >> /etc/default/whereby_exporter")
}

// enable puts the key in place and starts the service as documented.
func (s service) enable() {
	s.t.Helper()
	s.shWith(apiKey+"\n", documented(s.t, "Install")[2])
	s.awaitHealthy()
	s.expect(map[string]float64{"whereby_up": 1, acmeTotal: acmeMinutes})
}

// running returns an exporter that has been installed and started as documented.
func running(t *testing.T, versions ...string) service {
	t.Helper()
	s := installed(t, versions...)
	s.enable()
	return s
}

// forget deletes the room, which from then on counts only if it is remembered.
func (s service) forget() { s.account.Delete(acmeRoom) }

// remembers expects the minutes of the room that was forgotten.
func (s service) remembers() {
	s.t.Helper()
	s.awaitHealthy()
	s.expect(map[string]float64{"whereby_up": 1, acmeTotal: acmeMinutes, `whereby_rooms{room_prefix="acme-"}`: 0})
}

// tellsNoSecret looks for the secrets in all that the service and systemd tell.
func (s service) tellsNoSecret() {
	s.t.Helper()
	noSecret(s.t, "the journal", s.sh("journalctl --no-pager --output=export"))
	noSecret(s.t, "systemctl show", s.sh("systemctl show whereby_exporter"))
	noSecret(s.t, "systemctl status", s.sh("systemctl status --no-pager --full --lines=1000 whereby_exporter"))
	for _, file := range []string{"cmdline", "environ"} {
		noSecret(s.t, file, s.sh("cat /proc/"+s.property("MainPID")+"/"+file))
	}
}

func TestTheServiceRunsAsAUserOfItsOwn(t *testing.T) {
	t.Parallel()
	s := running(t)
	pid := s.property("MainPID")
	status := s.sh("cat /proc/" + pid + "/status")
	var uid int
	_, line, _ := strings.Cut(status, "\nUid:")
	if _, err := fmt.Sscan(line, &uid); err != nil || uid < 61184 || uid > 65519 {
		t.Errorf("it runs as user %d (%v), want one of systemd's dynamic ones", uid, err)
	}
	for _, want := range []string{"\nCapPrm:\t0000000000000000\n", "\nCapBnd:\t0000000000000000\n", "\nNoNewPrivs:\t1\n"} {
		if !strings.Contains(status, want) {
			t.Errorf("its status has no %q:\n%s", want, status)
		}
	}
	if got := s.sh("stat --dereference --format='%a %F' /var/lib/whereby_exporter"); got != "700 directory" {
		t.Errorf("the state directory is %s", got)
	}
	if got := s.sh("stat --format=%u /var/lib/whereby_exporter/whereby.db"); got != fmt.Sprint(uid) {
		t.Errorf("the store belongs to user %s, want %d", got, uid)
	}
	if passwd := s.sh("cat /etc/passwd /etc/group"); strings.Contains(passwd, "whereby") {
		t.Errorf("there is a lasting user:\n%s", passwd)
	}
	s.tellsNoSecret()

	s.sh("systemctl stop whereby_exporter")
	if got := s.property("Result"); got != "success" {
		t.Errorf("stopping it ends in %s", got)
	}
	s.sh("systemd-analyze security --no-pager --threshold=15 whereby_exporter.service")
}

// TestAServiceWithoutAKeySaysSo follows what the README says of a mistake.
func TestAServiceWithoutAKeySaysSo(t *testing.T) {
	t.Parallel()
	s := installed(t)
	// Ten tries take a minute otherwise.
	s.sh("mkdir -p /run/systemd/system/whereby_exporter.service.d")
	s.write("/run/systemd/system/whereby_exporter.service.d/haste.conf", "[Service]\nRestartSec=10ms\n")
	s.sh("systemctl daemon-reload")
	if out, err := s.try("", "systemctl start whereby_exporter"); err == nil {
		t.Fatalf("it starts without a key: %s", out)
	}
	programs.Eventually(t, patience, "it stays down", func() error {
		if state := s.property("ActiveState"); state != "failed" { // not between two tries
			return fmt.Errorf("%s after %s restarts", state, s.property("NRestarts"))
		}
		return nil
	})
	if status, _ := s.try("", "systemctl status --no-pager whereby_exporter"); !strings.Contains(status, "status=243/CREDENTIALS") {
		t.Errorf("the README names 243/CREDENTIALS; systemd says:\n%s", status)
	}
	s.sh("systemctl reset-failed whereby_exporter")
	s.enable()
}
