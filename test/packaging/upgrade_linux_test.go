package packaging

import (
	"fmt"
	"strings"
	"testing"

	"whereby_exporter/test/programs"
)

// acmeLimit is where the quota of a configuration file shows.
const acmeLimit = `whereby_quota_limit{resource="participant_minutes",room_prefix="acme-"}`

// acmeQuota returns a configuration file with a quota.
func acmeQuota(minutes int) string {
	return fmt.Sprintf("customers:\n  - room_prefix: acme-\n    name: Acme\n    quotas: {participant_minutes: %d}\n", minutes)
}

// TestAnUpgradeKeepsCountersAndConfiguration upgrades a running exporter to a package
// whose configuration file is another than before.
func TestAnUpgradeKeepsCountersAndConfiguration(t *testing.T) {
	t.Parallel()
	s := running(t, "1.2.4")
	s.write("/etc/whereby_exporter/config.yml", acmeQuota(60))
	s.forget()
	s.sh(`dpkg-deb --raw-extract ` + shelf + `/whereby-exporter_1.2.4_amd64.deb /new
		echo '# new in 1.2.4' >> /new/etc/whereby_exporter/config.yml
		dpkg-deb -Znone --build /new /new.deb`)
	pid := s.property("MainPID")
	s.sh("dpkg --force-confold --install /new.deb")

	if now := s.property("MainPID"); now == pid || now == "0" {
		t.Errorf("process %s runs after the upgrade, %s before", now, pid)
	}
	s.remembers()
	s.expect(map[string]float64{acmeLimit: 60})
	if _, metrics, err := s.get("http://localhost:10036/metrics"); err != nil || !strings.Contains(metrics, `version="1.2.4"`) {
		t.Errorf("it is not version 1.2.4 (%v)", err)
	}
	if got := s.sh("cat /etc/whereby_exporter/config.yml"); got+"\n" != acmeQuota(60) {
		t.Errorf("the configuration is not as it was:\n%s", got)
	}

	// What an administrator has stopped stays so.
	s.sh("systemctl stop whereby_exporter; dpkg --force-confold --install /new.deb")
	if got := s.property("ActiveState"); got != "inactive" {
		t.Errorf("an upgrade of a stopped service makes it %s", got)
	}
}

// TestAKilledServiceComesBack kills it as the kernel does where memory is short.
func TestAKilledServiceComesBack(t *testing.T) {
	t.Parallel()
	s := running(t)
	s.forget()
	pid := s.property("MainPID")
	s.sh("systemctl kill --signal=KILL whereby_exporter")
	programs.Eventually(t, patience, "it runs again", func() error {
		if now, state := s.property("MainPID"), s.property("ActiveState"); now == pid || now == "0" || state != "active" {
			return fmt.Errorf("process %s is %s", now, state)
		}
		return nil
	})
	s.remembers()
}
