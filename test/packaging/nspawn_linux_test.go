package packaging

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"whereby_exporter/collector/logtest"
)

// nspawn returns the command that runs a copy of a Debian, in memory, which only it sees.
// It ends with this process, however that ends, and whatever it mounts is gone with it:
// systemd-nspawn is in namespaces of its own for mounts, with a /run that it may write
// to, and for processes, whose first one is a shell that waits for it.
func nspawn(ctx context.Context, t *testing.T, system string, args ...string) *exec.Cmd {
	t.Helper()
	enter := strings.Join([]string{
		`while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit; shift; done; shift`,
		`mount -t proc proc /proc`,
		`mount -t tmpfs tmpfs /run`,
		// systemd-nspawn locks the system by its path: containers run next to each other.
		`mkdir /run/system && mount --bind "$1" /run/system && shift`,
		`{ systemd-nspawn "$@"; exit; }`, // not the last command, in whose place the shell would be
	}, " && ")
	command := append([]string{"-c", enter, "sh"}, newCgroups(t)...)
	command = append(command, "--", system, "--quiet", "--directory=/run/system", "--volatile=overlay",
		"--machine=whereby-packaging", "--register=no", "--keep-unit", "--link-journal=no",
		"--private-network", "--resolv-conf=off", "--timezone=off", "--console=pipe",
		"--bind-ro="+packages.dir+":"+shelf, "--bind-ro="+filepath.Join(repository(t), "deploy")+":"+source+"/deploy")
	cmd := exec.CommandContext(ctx, "sh", append(command, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWPID,
		Unshareflags: syscall.CLONE_NEWNS,
		Pdeathsig:    syscall.SIGKILL,
	}
	cmd.WaitDelay = patience
	return cmd
}

// start boots a container, waits until it is up, and gives its first process.
func start(t *testing.T, system string, args ...string) (int, error) {
	t.Helper()
	address := &net.UnixAddr{Name: fmt.Sprintf("@whereby-packaging-%d-%d", os.Getpid(), time.Now().UnixNano()), Net: "unixgram"}
	notify, err := net.ListenUnixgram("unixgram", address)
	if err != nil {
		return 0, err
	}
	defer notify.Close()
	cmd := nspawn(context.Background(), t, system, args...)
	out := &logtest.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+address.Name)

	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		// The shell dies with the thread that has started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			notify.Close() // so that nobody waits for it any more
		}
	}()
	if err := <-started; err != nil {
		return 0, err
	}
	stop := sync.OnceFunc(func() {
		// It takes all others with it.
		_ = cmd.Process.Kill()
		<-ended
	})
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("the console of the container:\n%s", out)
		}
	})
	leader, err := 0, awaitBoot(notify)
	if err == nil {
		leader, err = leaderOf(cmd.Process.Pid)
	}
	if err != nil {
		stop()
		return 0, fmt.Errorf("the container does not boot: %w\n%s", err, out)
	}
	return leader, nil
}

// awaitBoot reads what systemd-nspawn says until the container is up.
func awaitBoot(notify *net.UnixConn) error {
	if err := notify.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	message := make([]byte, 4096)
	for {
		n, err := notify.Read(message)
		if err != nil {
			return err
		}
		if slices.Contains(strings.Fields(string(message[:n])), "READY=1") {
			return nil
		}
	}
}

// leaderOf finds the first process of the container below a shell: a grandchild that
// is number 1 in a namespace of its own.
func leaderOf(shell int) (int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		return 0, err
	}
	parents, first := map[int]int{}, []int{}
	for _, file := range files {
		status, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		var pid, parent int
		for line := range strings.Lines(string(status)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
			switch key {
			case "Pid":
				pid, _ = strconv.Atoi(value)
			case "PPid":
				parent, _ = strconv.Atoi(value)
			case "NSpid":
				if strings.HasSuffix(value, "\t1") {
					first = append(first, pid)
				}
			}
		}
		parents[pid] = parent
	}
	for _, pid := range first {
		if parents[parents[pid]] == shell {
			return pid, nil
		}
	}
	return 0, errors.New("it has no first process")
}
