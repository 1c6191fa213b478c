package packaging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"whereby_exporter/test/programs"
)

var cgroupsMade atomic.Int64

// newCgroups makes a control group for a container in each hierarchy that systemd
// uses, below those of this process, and removes it after the test. Containers that
// share one would take each other's processes for their own.
func newCgroups(t *testing.T) []string {
	t.Helper()
	hierarchies, err := systemdHierarchies()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("whereby-packaging-%d-%d", os.Getpid(), cgroupsMade.Add(1))
	var dirs []string
	for _, dir := range hierarchies {
		dir = filepath.Join(dir, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Skipf("this machine lets nobody make a control group: %v", err)
		}
		t.Cleanup(func() { removeCgroup(t, dir) })
		dirs = append(dirs, dir)
	}
	return dirs
}

// systemdHierarchies returns the directories of this process in the hierarchy of version
// 2 and, where there is one, in systemd's own of version 1.
func systemdHierarchies() ([]string, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	var dirs []string
	for line := range strings.Lines(string(mounts)) {
		before, after, _ := strings.Cut(line, " - ")
		place, kind := strings.Fields(before), strings.Fields(after)
		if len(place) < 5 || len(kind) < 3 {
			continue
		}
		controller := ""
		switch {
		case kind[0] == "cgroup2":
		case kind[0] == "cgroup" && slices.Contains(strings.Split(kind[2], ","), "name=systemd"):
			controller = "name=systemd"
		default:
			continue
		}
		for line := range strings.Lines(string(own)) {
			field := strings.SplitN(strings.TrimSpace(line), ":", 3)
			if len(field) == 3 && field[1] == controller {
				below, err := filepath.Rel(place[3], field[2])
				if err != nil {
					return nil, err
				}
				dirs = append(dirs, filepath.Join(place[4], below))
			}
		}
	}
	return dirs, nil
}

// removeCgroup removes a control group and those below, once the last process in it
// is gone.
func removeCgroup(t *testing.T, top string) {
	t.Helper()
	programs.Eventually(t, time.Minute, "the control group is removed", func() error {
		var dirs []string
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case d.IsDir():
				dirs = append(dirs, path)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, dir := range slices.Backward(dirs) {
			if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
}
