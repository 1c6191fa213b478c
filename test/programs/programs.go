// Package programs builds the programs that the tests run: this exporter, and the real
// Prometheus, promtool, Alertmanager and amtool from the modules pinned in go.mod.
package programs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
	Exporter   = Program{Name: "whereby_exporter", Module: ".", Package: ".", Flags: []string{"-trimpath"}}
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

// BuiltVariable is the environment variable that is set if the exporter is up to date: even
// a build that does nothing takes a second, and every package of tests would wait for one.
const BuiltVariable = "EXPORTER_IS_BUILT"

// Build builds a program, unless it is there already and up to date, and returns
// its path. It says on w what it is doing.
func (p Program) Build(ctx context.Context, w io.Writer) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	file, err := p.file(root)
	if err != nil {
		return "", err
	}
	target := file
	if p.Module == "." {
		if os.Getenv(BuiltVariable) != "" {
			return file, nil
		}
	} else {
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
		// Another checkout that looks for it finds all of it or nothing.
		target = fmt.Sprintf("%s.%d", file, os.Getpid())
	}
	start := time.Now()
	fmt.Fprintf(w, "building %s (minutes the first time for a large program, seconds from then on)\n", p.Name)
	args := append([]string{"build", "-o", target}, p.Flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, p.Package)...)
	cmd.Dir = filepath.Join(root, p.Module)
	cmd.Env = append(os.Environ(), "GOFLAGS=") // or .ci/run would build all of a large program twice
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build %s: %w", p.Name, err)
	}
	if err := os.Rename(target, file); err != nil {
		return "", fmt.Errorf("build %s: %w", p.Name, err)
	}
	fmt.Fprintf(w, "built %s in %v\n", p.Name, time.Since(start).Round(time.Second))
	return file, nil
}

// file is where a program lies. The exporter is of its checkout; the others, which take
// longest, are for all checkouts that pin the same.
func (p Program) file(root string) (string, error) {
	if p.Module == "." {
		return filepath.Join(root, ".cache", "bin", p.Name), nil
	}
	pinned := sha256.New()
	fmt.Fprintf(pinned, "%s %s/%s %q\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, append(p.Flags, p.Package))
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(root, p.Module, name))
		if err != nil {
			return "", fmt.Errorf("find out which %s is pinned: %w", p.Name, err)
		}
		pinned.Write(content)
	}
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "bin", hex.EncodeToString(pinned.Sum(nil)[:8]), p.Name), nil
}

// Cache is the folder for what outlives a checkout.
func Cache() (string, error) {
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "whereby_exporter"), nil
	}
	root, err := Root() // without a home
	return filepath.Join(root, ".cache"), err
}
