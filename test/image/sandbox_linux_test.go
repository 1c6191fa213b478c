package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"whereby_exporter/test/exhaustive"
	"whereby_exporter/test/programs"
)

// The tests run in a process, mount and network name space of their own. So whatever
// podman starts and mounts ends with them, even where they are killed, the ports that
// the image uses are free, and no cgroup or file of this machine's own containers is
// touched. This program starts itself again for that:
//
//	go test → probe: a container of busybox, to see whether any runs here
//	go test → first: process 1 of the name spaces → tests
const (
	stageVariable = "WHEREBY_IMAGE_TEST_STAGE"
	stageProbe    = "probe"
	stageFirst    = "first"
	stageTests    = "tests"
)

// needed are the programs, by Debian's packages buildah, podman, crun and busybox-static.
var needed = []string{"buildah", "podman", "crun", "busybox"}

// refused is why no container runs here, through no fault of this project; "" if one
// does.
var refused string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	switch os.Getenv(stageVariable) {
	case stageProbe:
		if err := probe(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	case stageFirst:
		return first()
	case stageTests:
		return m.Run()
	case "":
	default:
		fmt.Fprintln(os.Stderr, stageVariable+" is for these tests alone")
		return 1
	}
	if os.Getenv(exhaustive.Variable) == "" {
		return m.Run() // which skips
	}
	for _, name := range needed {
		if _, err := exec.LookPath(name); err != nil {
			return m.Run() // which skips or fails
		}
	}
	if err := os.Mkdir(blobCache, 0o700); err == nil {
		defer os.Remove(blobCache)
	}
	runtime.LockOSThread() // what is started ends with its thread
	if out, err := startedAnew(stageProbe).CombinedOutput(); err != nil {
		refused = fmt.Sprintf("no container runs here: %v\n%s", err, out)
		return m.Run()
	}
	if err := downloadModules(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cmd := startedAnew(stageFirst)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// startedAnew is this program as process 1 of new name spaces.
func startedAnew(stage string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), "/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), stageVariable+"="+stage)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	return cmd
}

// requireContainers is the first line of every test.
func requireContainers(t *testing.T) {
	t.Helper()
	exhaustive.Only(t, append(exhaustive.Exporter(t), "Dockerfile", ".dockerignore")...)
	programs.Need(t, needed...)
	if refused != "" {
		t.Skip(refused)
	}
}

// downloadModules fetches what the Dockerfile's go mod download wants, for there is no
// network inside.
func downloadModules() error {
	root, err := programs.Root()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.Background(), "go", "mod", "download")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go mod download: %w\n%s", err, out)
	}
	return nil
}

// probe runs a container that does nothing.
func probe() error {
	if err := enter(); err != nil {
		return err
	}
	ctx := context.Background()
	if err := makeBase(ctx, "probe", nil, nil); err != nil {
		return err
	}
	_, err := command(ctx, "podman", append(runFlags(), "probe", "/bin/true")...)
	return err
}

// first is process 1: it takes in the processes whose parents have ended, and ends with
// the tests, whereupon the kernel kills what is left.
func first() int {
	if err := enter(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	err := errors.Join(os.Setenv(stageVariable, stageTests), os.Setenv("TMPDIR", temporary))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	tests, err := syscall.ForkExec("/proc/self/exe", os.Args, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for {
		var status syscall.WaitStatus
		ended, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			fmt.Fprintln(os.Stderr, err)
			return 1
		case ended == tests && status.Exited():
			return status.ExitStatus()
		case ended == tests:
			fmt.Fprintln(os.Stderr, "the tests were ended by", status.Signal())
			return 1
		}
	}
}

const (
	// state is where all is kept, in memory.
	state     = "/run/image"
	temporary = state + "/tmp"
	// blobCache is the one place outside of that which podman writes to.
	blobCache = "/var/lib/containers"
)

// enter makes the new name spaces ready.
func enter() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make all mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	// No cgroup is used, and crun wants to see none where versions 1 and 2 are mixed.
	for _, dir := range []string{"/run", "/sys/fs/cgroup", blobCache} {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("mount a tmpfs at %s: %w", dir, err)
		}
	}
	if err := os.MkdirAll(temporary, 0o755); err != nil {
		return err
	}
	for name, content := range configuration {
		if err := os.WriteFile(filepath.Join(state, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	_, err := command(context.Background(), "busybox", "ip", "link", "set", "lo", "up")
	return err
}

// configuration is buildah's and podman's. The limits are ones that need no right to
// raise them.
var configuration = map[string]string{
	"containers.conf": `[containers]
cgroups = "disabled"
netns = "host"
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "crun"
`,
	"storage.conf": `[storage]
driver = "vfs"
graphroot = "` + state + `/storage"
runroot = "` + state + `/run"
`,
	"registries.conf": "unqualified-search-registries = []\n",
}
