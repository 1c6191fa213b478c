package packaging

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// patience is for what takes seconds on an idle machine.
	patience = 5 * time.Minute
	// shelf is where containers see the packages and binaries, source where they see
	// the repository's deploy.
	shelf  = "/shelf"
	source = "/source"
)

// container is a Debian that has been booted.
type container struct {
	t *testing.T
	// leader is its first process, as the host numbers it.
	leader  int
	network network
}

// booted remembers whether this machine can boot a container at all: what it can do
// once is asserted from then on.
var booted struct {
	sync.Mutex
	asked bool
	err   error
}

// bootable returns the Debian to boot, and puts packages on the shelf. It skips the test
// where this machine can boot no container.
func bootable(t *testing.T, versions ...string) string {
	t.Helper()
	requireDebian(t)
	system := debianSystem(t)
	for _, version := range versions {
		debian(t, version)
	}
	booted.Lock()
	defer booted.Unlock()
	if !booted.asked {
		booted.asked = true
		for range 2 {
			if _, booted.err = start(t, system, "--boot", "--notify-ready=yes"); booted.err == nil {
				break
			}
		}
	}
	if booted.err != nil {
		t.Skipf("no container boots on this machine: %v", booted.err)
	}
	return system
}

// boot starts a Debian with packages on the shelf. Nothing of it is left after the
// test. Its network is a loopback of its own.
func boot(t *testing.T, versions ...string) *container {
	t.Helper()
	system := bootable(t, versions...)
	for try := 1; ; try++ {
		leader, err := start(t, system, "--boot", "--notify-ready=yes")
		if err == nil {
			return &container{t: t, leader: leader, network: enter(t, leader)}
		}
		if try == 3 {
			t.Fatal(err)
		}
		t.Log(err)
	}
}

// environment is that of a root shell without a terminal.
var environment = []string{
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8",
	"TERM=dumb", "DEBIAN_FRONTEND=noninteractive",
}

// try runs a script in the container as root.
func (c *container) try(stdin, script string) (string, error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nsenter", "--target", strconv.Itoa(c.leader),
		"--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd", "--", "sh", "-ec", script)
	cmd.Env = environment
	cmd.Stdin = strings.NewReader(stdin)
	cmd.WaitDelay = patience
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = &commandError{command: script, err: err, output: string(out)}
	}
	return string(out), err
}

// sh runs a script that must succeed, and gives what it prints without the last line
// break.
func (c *container) sh(script string) string {
	c.t.Helper()
	return c.shWith("", script)
}

// shWith is sh for a script that reads something.
func (c *container) shWith(stdin, script string) string {
	c.t.Helper()
	out, err := c.try(stdin, script)
	if err != nil {
		var journal string
		if out, err := c.try("", "journalctl --no-pager --lines=40"); err == nil {
			journal = "\nthe journal:\n" + out
		}
		c.t.Fatalf("%v%s", err, journal)
	}
	return strings.TrimRight(out, "\n")
}

// write makes a file.
func (c *container) write(file, content string) {
	c.t.Helper()
	c.shWith(content, "cat > "+file)
}

// property is one of the service's as systemd shows it.
func (c *container) property(name string) string {
	c.t.Helper()
	return c.sh("systemctl show --value --property=" + name + " whereby_exporter.service")
}
