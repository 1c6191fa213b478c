package packaging

import (
	"slices"
	"strings"
	"testing"
)

// left returns the files of the container, but for those in which dpkg, apt and systemd
// remember what they have done.
func (c *container) left() []string {
	c.t.Helper()
	return strings.Split(c.sh(`find / -xdev \( -path /run -o -path /tmp -o -path /var/tmp -o -path /var/log -o -path /var/cache \
		-o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/lib/systemd -o -path /var/lib/private \) -prune -o -print | sort`), "\n")
}

func TestRemoveKeepsStateAndPurgeLeavesNothing(t *testing.T) {
	t.Parallel()
	c := boot(t, "1.2.3")
	before, users := c.left(), c.sh("cat /etc/passwd /etc/group")

	s := service{c, newAccount()}
	s.sh("cd " + shelf + "; " + documented(t, "Install")[0])
	s.configure()
	s.enable()
	for _, block := range documented(t, "Port held by systemd") {
		s.sh("cd /usr/share/doc/whereby-exporter/examples; " + block)
	}
	s.awaitHealthy()
	s.forget()

	commands := strings.Split(strings.TrimSpace(documented(t, "Remove")[0]), "\n")
	if len(commands) != 2 || !strings.HasPrefix(commands[0], "apt remove ") || !strings.HasPrefix(commands[1], "apt purge ") {
		t.Fatalf("the README removes it with %q", commands)
	}
	s.shWith("y\n", commands[0])
	if out, err := s.try("", "systemctl is-active whereby_exporter.service whereby_exporter.socket"); err == nil {
		t.Errorf("something is active without the package:\n%s", out)
	}
	if _, _, err := s.get(healthyURL); err == nil {
		t.Error("something still listens")
	}
	s.sh("test -e /var/lib/private/whereby_exporter/whereby.db; test -e /etc/whereby_exporter/config.yml")

	s.sh("cd " + shelf + "; " + documented(t, "Install")[0])
	s.sh("systemctl start whereby_exporter")
	s.remembers()

	s.shWith("y\n", commands[1])
	after := c.left()
	for _, file := range after {
		if !slices.Contains(before, file) {
			t.Errorf("left behind: %s", file)
		}
	}
	for _, file := range before {
		if !slices.Contains(after, file) {
			t.Errorf("taken away: %s", file)
		}
	}
	if got := s.sh("find / -xdev -name '*whereby*'"); got != "" {
		t.Errorf("left behind:\n%s", got)
	}
	if got := s.sh("cat /etc/passwd /etc/group"); got != users {
		t.Errorf("users were:\n%s\nand are:\n%s", users, got)
	}
	for _, list := range []string{"list-unit-files", "list-units --all"} {
		// It fails if there is none.
		if got, _ := s.try("", "systemctl "+list+" --no-legend 'whereby*'"); got != "" {
			t.Errorf("units left behind:\n%s", got)
		}
	}
}
