package packaging

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"whereby_exporter/test/exhaustive"
	"whereby_exporter/test/programs"
)

// requireDebian skips a test that takes a Debian and a container unless the second tier
// is asked for: it needs root, downloads packages, and takes a while.
func requireDebian(t *testing.T) {
	t.Helper()
	exhaustive.Only(t, append(exhaustive.Exporter(t), "deploy", "test/programs/nfpm")...)
	if os.Geteuid() != 0 || runtime.GOARCH != "amd64" {
		t.Skip("a container of this architecture, or without root, is not to be had here")
	}
	programs.Need(t, "systemd-nspawn", "mmdebstrap", "nsenter")
}

// system is a minimal Debian with systemd, which containers change a copy of.
var system struct {
	once sync.Once
	dir  string
	err  error
}

// debianSystem makes the system, unless it is there from an earlier run.
func debianSystem(t *testing.T) string {
	t.Helper()
	system.once.Do(func() { system.dir, system.err = makeDebian(t) })
	if system.err != nil {
		t.Skipf("there is no Debian to install the package in: %v", system.err)
	}
	return system.dir
}

func makeDebian(t *testing.T) (string, error) {
	suite, sources, err := debianSources(t.Context())
	if err != nil {
		return "", err
	}
	cache, err := programs.Cache()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	lock, err := os.Create(filepath.Join(cache, "debian.lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	args := sha256.Sum256(fmt.Append(nil, bootstrapOptions, sources))
	dir := filepath.Join(cache, "debian-"+suite+"-"+hex.EncodeToString(args[:4]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	partial := dir + ".partial"
	for range 2 { // a mirror may fail
		if err = errors.Join(os.RemoveAll(partial), bootstrap(t, suite, partial, sources)); err == nil {
			return dir, os.Rename(partial, dir)
		}
		t.Log(err)
	}
	return "", errors.Join(err, os.RemoveAll(partial))
}

// bootstrapOptions have mmdebstrap install what Debian cannot do without, and systemd. Nobody
// minds how old the mirror's index is, and a system for tests need not survive a power cut.
var bootstrapOptions = []string{
	"--variant=minbase", "--include=systemd,systemd-sysv", "--format=directory",
	"--dpkgopt=force-unsafe-io", `--aptopt=Acquire::Languages "none"`, `--aptopt=Acquire::Retries "3"`,
	`--aptopt=Acquire::Check-Valid-Until "false"`, `--aptopt=Acquire::Check-Date "false"`,
}

func bootstrap(t *testing.T, suite, dir string, sources []string) error {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	args := append(append(slices.Clone(bootstrapOptions), suite, dir), sources...)
	began := time.Now()
	cmd := exec.CommandContext(ctx, "mmdebstrap", args...)
	// What it mounts is gone with it, however it ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM, Unshareflags: syscall.CLONE_NEWNS}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	runtime.LockOSThread() // with which it would end
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("mmdebstrap: %w\n%s", err, out)
	}
	t.Logf("made a Debian in %v", time.Since(began).Round(time.Second))
	return nil
}

// debianSources are this machine's release of Debian, and where its apt has that from.
func debianSources(ctx context.Context) (suite string, sources []string, err error) {
	release, err := os.Open("/etc/os-release")
	if err != nil {
		return "", nil, err
	}
	defer release.Close()
	for line := bufio.NewScanner(release); line.Scan(); {
		if name, ok := strings.CutPrefix(line.Text(), "VERSION_CODENAME="); ok {
			suite = strings.Trim(name, `"`)
		}
	}
	out, err := run(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
	if err != nil {
		return "", nil, err
	}
	for line := range strings.Lines(string(out)) {
		field := strings.Fields(line)
		if len(field) == 3 && field[1] == suite && field[2] == "main" && !slices.Contains(sources, "deb "+strings.TrimSpace(line)) {
			sources = append(sources, "deb "+strings.TrimSpace(line))
		}
	}
	if len(sources) == 0 {
		return "", nil, fmt.Errorf("apt knows no source of Debian %q", suite)
	}
	return suite, sources, nil
}
