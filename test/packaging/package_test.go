package packaging

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"whereby_exporter/test/programs"
)

// releaseTime is a time that no clock shows now.
var releaseTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func release(version string) Release {
	return Release{Version: version, Revision: "abc1234", Arch: "amd64", Time: releaseTime}
}

var packages struct {
	sync.Mutex
	dir   string
	files map[string]string
}

func TestMain(m *testing.M) {
	status := m.Run()
	if packages.dir != "" {
		_ = os.RemoveAll(packages.dir)
	}
	os.Exit(status)
}

// debian builds the package of a version, once for all tests.
func debian(t *testing.T, version string) string {
	t.Helper()
	packages.Lock()
	defer packages.Unlock()
	if packages.dir == "" {
		dir, err := os.MkdirTemp("", "packaging")
		if err != nil {
			t.Fatal(err)
		}
		packages.dir, packages.files = dir, map[string]string{}
	}
	if file := packages.files[version]; file != "" {
		return file
	}
	binary := filepath.Join(packages.dir, "whereby_exporter-"+version)
	if err := release(version).Binary(t.Context(), t.Output(), repository(t), binary); err != nil {
		t.Fatal(err)
	}
	file, err := release(version).Debian(t.Context(), t.Output(), binary, packages.dir)
	if err != nil {
		t.Fatal(err)
	}
	packages.files[version] = file
	return file
}

// TestTheSameSourceGivesTheSamePackage builds again from a copy elsewhere, later.
func TestTheSameSourceGivesTheSamePackage(t *testing.T) {
	first := debian(t, "1.2.3")
	dir := t.TempDir()
	source := filepath.Join(dir, "elsewhere")
	copyGoSource(t, repository(t), source)
	binary := filepath.Join(dir, "whereby_exporter")
	if err := release("1.2.3").Binary(t.Context(), t.Output(), source, binary); err != nil {
		t.Fatal(err)
	}
	if sum(t, binary) != sum(t, filepath.Join(packages.dir, "whereby_exporter-1.2.3")) {
		t.Error("the binaries differ")
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(binary, later, later); err != nil {
		t.Fatal(err)
	}
	second, err := release("1.2.3").Debian(t.Context(), t.Output(), binary, dir)
	if err != nil {
		t.Fatal(err)
	}
	if sum(t, first) != sum(t, second) {
		t.Error("the packages differ")
	}
}

// copyGoSource copies what the exporter is built from.
func copyGoSource(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", ".cache", "test", "dist", "data"}, name) {
				return filepath.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() {
			write(t, read(t, path), 0o644, to, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func sum(t *testing.T, file string) [sha256.Size]byte {
	t.Helper()
	return sha256.Sum256([]byte(read(t, file)))
}

// contents is how nfpm and goreleaser list the files of a package.
type contents []struct {
	Src, Dst, Type string
	Expand         bool
	FileInfo       struct{ Mode int64 } `yaml:"file_info"`
}

func TestThePackageHoldsWhatItShould(t *testing.T) {
	programs.Need(t, "dpkg-deb")
	root := repository(t)
	var config struct{ Contents contents }
	if err := yaml.Unmarshal([]byte(read(t, root, "deploy/debian/nfpm.yaml")), &config); err != nil {
		t.Fatal(err)
	}
	file := debian(t, "1.2.3")
	unpacked := map[string]bool{}
	archive := tar.NewReader(bytes.NewReader(output(t, "dpkg-deb", "--fsys-tarfile", file)))
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(header.Name, ".")
		if header.Uid != 0 || header.Gid != 0 || header.Mode&0o7022 != 0 || !header.ModTime.Equal(releaseTime) {
			t.Errorf("%s: owner %d:%d, mode %o, time %v", name, header.Uid, header.Gid, header.Mode, header.ModTime)
		}
		if header.Typeflag == tar.TypeDir {
			continue
		}
		unpacked[name] = true
		got, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range config.Contents {
			if entry.Dst != name {
				continue
			}
			source := filepath.Join(root, entry.Src)
			if entry.Expand {
				source = filepath.Join(packages.dir, "whereby_exporter-1.2.3")
			}
			if string(got) != read(t, source) || header.Mode != entry.FileInfo.Mode {
				t.Errorf("%s is not %s with mode %o", name, entry.Src, entry.FileInfo.Mode)
			}
		}
	}
	if len(unpacked) != len(config.Contents) {
		t.Errorf("%d files, want %d", len(unpacked), len(config.Contents))
	}
	for _, must := range []string{
		"/usr/bin/whereby_exporter", "/usr/lib/systemd/system/whereby_exporter.service",
		"/usr/share/man/man1/whereby_exporter.1", "/usr/share/doc/whereby-exporter/copyright",
	} {
		if !unpacked[must] {
			t.Errorf("the package has no %s", must)
		}
	}
	conffiles := string(output(t, "dpkg-deb", "--info", file, "conffiles"))
	if want := "/etc/default/whereby_exporter\n/etc/whereby_exporter/config.yml\n"; sortedLines(conffiles) != want {
		t.Errorf("conffiles:\n%swant:\n%s", conffiles, want)
	}
}

func sortedLines(s string) string {
	lines := strings.Fields(s)
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// TestTheConfigurationThatIsShippedIsValid asks the exporter itself.
func TestTheConfigurationThatIsShippedIsValid(t *testing.T) {
	debian(t, "1.2.3")
	cmd := exec.CommandContext(t.Context(), filepath.Join(packages.dir, "whereby_exporter-1.2.3"), "check",
		"--config.file="+filepath.Join(repository(t), "deploy/debian/config.yml"))
	cmd.Env = []string{"WHEREBY_API_KEY=" + apiKey}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "configuration: ok") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestMaintainerScriptsParse has the shell that Debian runs them with read them.
func TestMaintainerScriptsParse(t *testing.T) {
	programs.Need(t, "dash")
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		output(t, "dash", "-n", filepath.Join(repository(t), "deploy/debian", script))
	}
}

func output(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, err := run(t.Context(), name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func run(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = &commandError{command: cmd.String(), err: err, output: string(out) + stderr.String()}
	}
	return out, err
}

// commandError says what a program printed before it failed.
type commandError struct {
	command string
	err     error
	output  string
}

func (e *commandError) Error() string { return e.command + ": " + e.err.Error() + "\n" + e.output }
func (e *commandError) Unwrap() error { return e.err }

// apiKey is planted, and looked for in everything that the exporter says.
const apiKey = "planted-key-51c0"
