package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"whereby_exporter/test/programs"
)

func repository(t *testing.T) string {
	t.Helper()
	root, err := programs.Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func write(t *testing.T, content string, mode os.FileMode, parts ...string) {
	t.Helper()
	file := filepath.Join(parts...)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

// dropIns are the examples for the service.
var dropIns = []string{"webhooks.conf", "encrypted-credentials.conf", "socket-activation.conf"}

// TestSystemdFindsNoFaultWithTheUnits has systemd read the units, alone and with each
// drop-in.
func TestSystemdFindsNoFaultWithTheUnits(t *testing.T) {
	programs.Need(t, "systemd-analyze")
	units := filepath.Join(repository(t), "deploy/systemd")
	service := read(t, units, "whereby_exporter.service")
	// It must be an executable that is there.
	runnable := strings.Replace(service, "ExecStart=/usr/bin/whereby_exporter ", "ExecStart=/bin/true ", 1)
	if runnable == service {
		t.Fatal("the service does not run /usr/bin/whereby_exporter")
	}
	for _, dropIn := range append([]string{""}, dropIns...) {
		t.Run("with "+dropIn, func(t *testing.T) {
			dir := t.TempDir()
			write(t, runnable, 0o644, dir, "whereby_exporter.service")
			write(t, read(t, units, "whereby_exporter.socket"), 0o644, dir, "whereby_exporter.socket")
			if dropIn != "" {
				write(t, read(t, units, dropIn), 0o644, dir, "whereby_exporter.service.d", dropIn)
			}
			cmd := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
				filepath.Join(dir, "whereby_exporter.service"), filepath.Join(dir, "whereby_exporter.socket"))
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Contains(string(out), "whereby_exporter") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestTheServiceIsHardened holds the exposure that systemd computes, from 0 to 10,
// to 1.5.
func TestTheServiceIsHardened(t *testing.T) {
	programs.Need(t, "systemd-analyze")
	cmd := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15",
		filepath.Join(repository(t), "deploy/systemd/whereby_exporter.service"))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Overall exposure level") {
		t.Errorf("%v\n%s", err, out)
	}
}
