package packaging

import (
	"context"
	"runtime"
	"strings"
	"testing"
)

func TestInstallingStartsNothing(t *testing.T) {
	t.Parallel()
	c := boot(t, "1.2.3")
	out := c.sh("cd " + shelf + "; " + documented(t, "Install")[0])
	if !strings.Contains(out, "/etc/whereby_exporter/api-key") || !strings.Contains(out, "systemctl enable --now whereby_exporter") {
		t.Errorf("it does not tell what to do next:\n%s", out)
	}
	for _, unit := range []string{"whereby_exporter.service", "whereby_exporter.socket"} {
		if got, _ := c.try("", "systemctl is-enabled "+unit); strings.TrimSpace(got) != "disabled" {
			t.Errorf("%s is %s after the installation", unit, got)
		}
		if got, _ := c.try("", "systemctl is-active "+unit); strings.TrimSpace(got) != "inactive" {
			t.Errorf("%s is %s after the installation", unit, got)
		}
	}
	// It names the documentation, which is there with the examples.
	const doc = "/usr/share/doc/whereby-exporter"
	if !strings.Contains(out, doc+"/README.systemd.md") {
		t.Errorf("it does not name the documentation:\n%s", out)
	}
	c.sh("test -s " + doc + "/README.systemd.md")
	for _, dropIn := range dropIns {
		c.sh("test -s " + doc + "/examples/" + dropIn)
	}
	if got := c.sh("systemctl list-units --state=failed --no-legend"); got != "" {
		t.Errorf("something failed:\n%s", got)
	}
}

// TestInstallingWithoutSystemd has the package come and go where systemd does not run,
// as in a chroot that an image is made of, and if it is not even installed.
func TestInstallingWithoutSystemd(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]string{
		"systemd does not run":     "test ! -e /run/systemd/system",
		"systemd is not installed": "rm /usr/bin/systemctl",
	} {
		t.Run(name, func(t *testing.T) {
			out := inChroot(t, strings.Join([]string{
				prepare,
				"cd " + shelf,
				"dpkg --install whereby-exporter_1.2.3_amd64.deb",
				"whereby_exporter --version",
				"dpkg --install whereby-exporter_1.2.4_amd64.deb", // an upgrade
				"whereby_exporter --version",
				"dpkg --remove whereby-exporter",
				"test -e /etc/whereby_exporter/config.yml",
				"dpkg --purge whereby-exporter",
				"echo left: $(find / -xdev -name '*whereby*')",
			}, "\n"), "1.2.3", "1.2.4")
			for _, want := range []string{"version 1.2.3", "version 1.2.4", "enable --now whereby_exporter", "\nleft:\n"} {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in:\n%s", want, out)
				}
			}
		})
	}
}

// inChroot runs a script in a copy of the Debian that nobody has booted.
func inChroot(t *testing.T, script string, versions ...string) string {
	t.Helper()
	system := bootable(t, versions...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	runtime.LockOSThread() // with which it would end
	defer runtime.UnlockOSThread()
	out, err := nspawn(ctx, t, system, "--as-pid2", "--", "sh", "-exc", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// TestInstallingByHand follows the README if there is no package.
func TestInstallingByHand(t *testing.T) {
	t.Parallel()
	s := service{boot(t, "1.2.3"), newAccount()}
	s.sh("mkdir /release; cd /release; ln -s " + source + "/deploy; cp " + shelf + "/whereby_exporter-1.2.3 whereby_exporter; " + documented(t, "Install")[1])
	s.configure()
	s.enable()
	s.sh(documented(t, "Remove")[1])
	if left := s.sh("find / -xdev -name '*whereby*' -not -path '/release/*'"); left != "/etc/default/whereby_exporter" { // the test's own
		t.Errorf("left behind:\n%s", left)
	}
}
