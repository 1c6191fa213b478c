// Command debpackage builds the Debian package.
//
//	go -C test run ./cmd/debpackage -version 1.2.3 [-arch amd64] [-dir ../dist]
//
// Times in it are SOURCE_DATE_EPOCH or, without that, the time of the last commit.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"whereby_exporter/test/packaging"
	"whereby_exporter/test/programs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "debpackage:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	version := flag.String("version", "", "version of the package, without a v")
	arch := flag.String("arch", runtime.GOARCH, "architecture, as Go names it")
	dir := flag.String("dir", "../dist", "directory to write to")
	flag.Parse()
	if *version == "" {
		return fmt.Errorf("-version is missing")
	}
	root, err := programs.Root()
	if err != nil {
		return err
	}
	revision, err := git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		if epoch, err = git(ctx, "log", "-1", "--format=%ct"); err != nil {
			return err
		}
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	target, err := filepath.Abs(*dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	release := packaging.Release{Version: *version, Revision: revision, Arch: *arch, Time: time.Unix(seconds, 0)}
	binary := filepath.Join(target, "whereby_exporter_linux_"+*arch)
	if err := release.Binary(ctx, os.Stderr, root, binary); err != nil {
		return err
	}
	file, err := release.Debian(ctx, os.Stderr, binary, target)
	if err != nil {
		return err
	}
	fmt.Println(file)
	return nil
}

func git(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", args...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}
