// Package packaging builds the release: the binary and the Debian package. Its tests check
// what deploy/systemd and RELEASING.md promise.
package packaging

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"whereby_exporter/test/programs"
)

// Release is what is built.
type Release struct {
	// Version is without the v of its tag.
	Version string
	// Revision is the commit.
	Revision string
	// Arch is an architecture as Go names it.
	Arch string
	// Time is written wherever a file format wants one.
	Time time.Time
}

// module is where Prometheus's libraries look for the version.
const module = "github.com/prometheus/common/version"

// Binary builds the exporter for Linux from a directory. The same source gives the
// same bytes, wherever it lies.
func (r Release) Binary(ctx context.Context, w io.Writer, source, file string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X "+module+".Version="+r.Version+" -X "+module+".Revision="+r.Revision,
		"-o", file, ".")
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+r.Arch, "GOFLAGS=")
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the exporter for %s: %w", r.Arch, err)
	}
	return nil
}

// Debian makes the Debian package of a binary in a directory, and gives its path.
func (r Release) Debian(ctx context.Context, w io.Writer, binary, dir string) (string, error) {
	root, err := programs.Root()
	if err != nil {
		return "", err
	}
	nfpm, err := programs.Nfpm.Build(ctx, w)
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, fmt.Sprintf("whereby-exporter_%s_%s.deb", r.Version, r.Arch))
	cmd := exec.CommandContext(ctx, nfpm, "package", "--config", "deploy/debian/nfpm.yaml", "--packager", "deb", "--target", file)
	cmd.Dir = root
	cmd.Env = append(os.Environ(),
		"VERSION="+r.Version, "GOARCH="+r.Arch, "BINARY="+binary,
		fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.Time.Unix()))
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("make the Debian package: %w", err)
	}
	return file, nil
}
