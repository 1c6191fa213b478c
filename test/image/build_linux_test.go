package image

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"whereby_exporter/test/programs"
)

const (
	tag = "whereby_exporter"
	// base is what the Dockerfile is built from. It can't be had from a registry here.
	base     = "docker.io/library/golang:1.26"
	version  = "1.2.3"
	revision = "abc1234"
)

// environment has buildah and podman use the configuration of the sandbox.
func environment() []string {
	return append(os.Environ(),
		"HOME="+state,
		"TMPDIR="+temporary,
		"CONTAINERS_CONF="+state+"/containers.conf",
		"CONTAINERS_STORAGE_CONF="+state+"/storage.conf",
		"CONTAINERS_REGISTRIES_CONF="+state+"/registries.conf")
}

// command runs a program and gives what it prints on standard output.
func command(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = environment()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, &stderr)
	}
	return stdout.String(), nil
}

// do is command where it must succeed.
func do(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := command(t.Context(), name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// makeBase makes an image that has a shell, certificates, and these variables.
func makeBase(ctx context.Context, name string, certificates []byte, environment []string) error {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(temporary, "base")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	content, err := os.ReadFile(busybox)
	if err != nil {
		return err
	}
	for _, sub := range []string{"bin", "etc/ssl/certs", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "bin/busybox"), content, 0o755),
		os.WriteFile(filepath.Join(dir, "etc/ssl/certs/ca-certificates.crt"), certificates, 0o644),
	); err != nil {
		return err
	}
	for _, applet := range []string{"sh", "mkdir", "true"} {
		if err := os.Symlink("busybox", filepath.Join(dir, "bin", applet)); err != nil {
			return err
		}
	}
	container, err := command(ctx, "buildah", "from", "scratch")
	if err != nil {
		return err
	}
	container = strings.TrimSpace(container)
	config := []string{"config"}
	for _, variable := range environment {
		config = append(config, "--env", variable)
	}
	for _, args := range [][]string{
		{"copy", "--quiet", container, dir, "/"},
		append(config, "--cmd", "/bin/sh", container),
		{"commit", "--quiet", "--rm", container, name},
	} {
		if _, err := command(ctx, "buildah", args...); err != nil {
			return err
		}
	}
	return nil
}

var built struct {
	sync.Once
	err error
}

// build makes the image, once for all tests.
func build(t *testing.T) {
	t.Helper()
	requireContainers(t)
	built.Do(func() { built.err = buildImage(t.Context()) })
	if built.err != nil {
		t.Fatal(built.err)
	}
}

// buildImage runs the Dockerfile as it is. In the place of the image golang it finds one
// with this machine's Go, modules and cache mounted into it.
func buildImage(ctx context.Context) error {
	root, err := programs.Root()
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT", "GOMODCACHE", "GOCACHE").Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	folders := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(folders) != 3 {
		return fmt.Errorf("go env says %q", out)
	}
	err = makeBase(ctx, base, certificates(), []string{
		"PATH=/usr/local/go/bin:/bin", "GOPATH=/go", "GOTOOLCHAIN=local", "GOPROXY=off", "GOCACHE=/cache",
	})
	if err != nil {
		return err
	}
	_, err = command(ctx, "buildah", "build", "--isolation", "chroot", "--pull-never", "--format", "docker",
		"--volume", folders[0]+":/usr/local/go:ro", "--volume", folders[1]+":/go/pkg/mod", "--volume", folders[2]+":/cache",
		"--build-arg", "VERSION="+version, "--build-arg", "REVISION="+revision, "--tag", tag, root)
	return err
}

// certificates are those that httptest's servers with TLS have.
func certificates() []byte {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}
