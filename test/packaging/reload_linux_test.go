package packaging

import (
	"strings"
	"testing"
)

// TestReload reloads good configurations and a bad one, in a Debian without /bin/kill.
func TestReload(t *testing.T) {
	t.Parallel()
	s := running(t)
	s.sh("test ! -e /bin/kill")
	const (
		file       = "/etc/whereby_exporter/config.yml"
		successful = "whereby_exporter_config_last_reload_successful"
	)
	pid := s.property("MainPID")

	s.write(file, acmeQuota(50))
	s.sh("whereby_exporter check --config.file=" + file + " --whereby.api-key-file=/etc/whereby_exporter/api-key") // as config.yml says
	s.sh("systemctl reload whereby_exporter")
	s.expect(map[string]float64{acmeLimit: 50, successful: 1})

	s.write(file, "no_such_key: 1\n")
	s.sh("systemctl reload whereby_exporter")
	s.expect(map[string]float64{acmeLimit: 50, successful: 0, "whereby_up": 1})
	if journal := s.sh("journalctl --no-pager --unit=whereby_exporter"); !strings.Contains(journal, "no_such_key") {
		t.Errorf("the journal does not name the mistake:\n%s", journal)
	}

	s.write(file, acmeQuota(70))
	s.sh("systemctl reload whereby_exporter")
	s.expect(map[string]float64{acmeLimit: 70, successful: 1})
	if now := s.property("MainPID"); now != pid {
		t.Errorf("it was restarted: process %s, before %s", now, pid)
	}
	s.tellsNoSecret()
}
