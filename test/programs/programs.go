// Package programs builds the programs that the tests run: this exporter, and the real
// Prometheus, promtool, Alertmanager and amtool from the modules pinned in go.mod.
package programs

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Root returns the top of the repository, for tests and commands run in this module.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "main.go")); err == nil {
			if _, err := os.Stat(filepath.Join(dir, "collector")); err == nil {
				return dir, nil
			}
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("the repository is not above the working directory")
		}
	}
}

// Program is a command of a module.
type Program struct {
	// Name is the file's name.
	Name string
	// Module is the directory of the module that builds it, below the root.
	Module string
	// Package is its import path.
	Package string
	// Flags are of go build.
	Flags []string
}

// The programs. Prometheus leaves out its service discoveries, which are most of
// its code and take minutes to build.
var (
	Exporter   = Program{Name: "whereby_exporter", Module: ".", Package: "."}
	Prometheus = Program{Name: "prometheus", Module: "test", Package: "github.com/prometheus/prometheus/cmd/prometheus", Flags: []string{"-tags", "remove_all_sd"}}
	Promtool   = Program{Name: "promtool", Module: "test", Package: "github.com/prometheus/prometheus/cmd/promtool", Flags: []string{"-tags", "remove_all_sd"}}
	// The newest Alertmanager does not build from its module, and no one module holds
	// it next to Prometheus.
	Alertmanager = Program{Name: "alertmanager", Module: "test/programs/alertmanager", Package: "github.com/prometheus/alertmanager/cmd/alertmanager"}
	Amtool       = Program{Name: "amtool", Module: "test/programs/alertmanager", Package: "github.com/prometheus/alertmanager/cmd/amtool"}
	Nfpm         = Program{Name: "nfpm", Module: "test/programs/nfpm", Package: "github.com/goreleaser/nfpm/v2/cmd/nfpm"}
	// Kubernetes names versions in its go.mod that only its own tree has, so its module
	// replaces them.
	KubeAPIServer = Program{Name: "kube-apiserver", Module: "test/programs/kubernetes", Package: "k8s.io/kubernetes/cmd/kube-apiserver"}
	Etcd          = Program{Name: "etcd", Module: "test/programs/kubernetes", Package: "go.etcd.io/etcd/server/v3"}
	Linter        = Program{Name: "golangci-lint", Module: "test/lint", Package: "github.com/golangci/golangci-lint/v2/cmd/golangci-lint"}
)

// BuiltVariable is the environment variable that lists the names of the programs
// that are up to date, separated by commas. Even a build that does nothing takes
// seconds for a large program, and every package of tests would wait for one.
const BuiltVariable = "BUILT_PROGRAMS"

// Build builds a program, unless it is there already and up to date, and returns
// its path. It says on w what it is doing.
func (p Program) Build(ctx context.Context, w io.Writer) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	file := filepath.Join(root, ".cache", "bin", p.Name)
	if slices.Contains(strings.Split(os.Getenv(BuiltVariable), ","), p.Name) {
		return file, nil
	}
	start := time.Now()
	fmt.Fprintf(w, "building %s (minutes the first time for a large program, seconds from then on)\n", p.Name)
	args := append([]string{"build", "-o", file}, p.Flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, p.Package)...)
	cmd.Dir = filepath.Join(root, p.Module)
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build %s: %w", p.Name, err)
	}
	fmt.Fprintf(w, "built %s in %v\n", p.Name, time.Since(start).Round(time.Second))
	return file, nil
}
