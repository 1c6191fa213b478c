package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// apiKey and webhookSecret are planted, and looked for in everything that is printed.
	apiKey        = "planted-key-91d4"
	webhookSecret = "planted-webhook-secret-55e0"

	metricsAddress = "http://127.0.0.1:10036"
	webhookAddress = "http://127.0.0.1:10037"

	// patience is how long to wait for what takes a second if nothing else runs.
	patience = 5 * time.Minute
)

// runFlags are those of podman run that take everything away from a container that the
// image says it needs not.
func runFlags() []string {
	return []string{
		"run", "--pull", "never", "--read-only", "--read-only-tmpfs=false", "--cap-drop", "all",
		"--security-opt", "no-new-privileges",
	}
}

// podmanRun returns the arguments of podman to run the image, with those of the exporter.
func podmanRun(flags, args []string) []string {
	return slices.Concat(runFlags(), flags, []string{tag}, args)
}

// container is a running one.
type container struct {
	t   *testing.T
	id  string
	pid int
}

// start runs the image with flags of podman's and arguments of the exporter's.
func start(t *testing.T, flags []string, args ...string) *container {
	t.Helper()
	c := &container{t: t}
	c.id = do(t, "podman", podmanRun(append([]string{"--detach"}, flags...), args)...)
	t.Cleanup(func() {
		log, err := logs(context.Background(), c.id)
		if strings.Contains(log, apiKey) || strings.Contains(log, webhookSecret) {
			t.Error("a secret was printed")
		}
		if t.Failed() {
			t.Logf("%v printed (%v):\n%s", args, err, log)
		}
		if _, err := command(context.Background(), "podman", "rm", "--force", "--volumes", c.id); err != nil {
			t.Log(err) // it ends with the tests anyhow
		}
	})
	pid, err := strconv.Atoi(do(t, "podman", "inspect", "--format", "{{.State.Pid}}", c.id))
	if err != nil || pid == 0 {
		log, _ := logs(t.Context(), c.id)
		t.Fatalf("it does not run (%v):\n%s", err, log)
	}
	c.pid = pid
	return c
}

// logs is what a container has printed, on both.
func logs(ctx context.Context, id string) (string, error) {
	cmd := exec.CommandContext(ctx, "podman", "logs", id)
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// running reports whether the exporter's process is there.
func (c *container) running() bool { return !errors.Is(syscall.Kill(c.pid, 0), syscall.ESRCH) }

// waitFor waits until the container answers with 200 at an address, and gives the body.
func (c *container) waitFor(url string) string {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		body, err := answers(c.t.Context(), url)
		switch {
		case err == nil:
			return body
		case !c.running():
			c.t.Fatal("the exporter has ended")
		case time.Now().After(deadline):
			c.t.Fatalf("no answer within %v: %v", patience, err)
		}
	}
}

// stop asks with SIGTERM: the exporter ends with 0 within 5 s.
func (c *container) stop() {
	c.t.Helper()
	began := time.Now()
	if err := syscall.Kill(c.pid, syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	for c.running() {
		if time.Since(began) > patience {
			c.t.Fatalf("the exporter was still there %v after SIGTERM", patience)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if took := time.Since(began); took > 5*time.Second {
		c.t.Errorf("after SIGTERM it took %v", took)
	}
	if status := do(c.t, "podman", "wait", c.id); status != "0" {
		c.t.Errorf("its status is %s", status)
	}
}

// inside is where a path of the container's is found from here, as the container sees it.
func (c *container) inside(path string) string { return fmt.Sprintf("/proc/%d/root%s", c.pid, path) }

// status is what the kernel says of the exporter's process.
func (c *container) status() map[string]string {
	c.t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.pid))
	if err != nil {
		c.t.Fatal(err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(content)) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.Join(strings.Fields(value), " ")
	}
	return fields
}

// fails runs the image to its end, which is an error, and gives what it says.
func fails(t *testing.T, flags []string, args ...string) string {
	t.Helper()
	// Podman keeps to itself what it misses, such as systemd.
	flags = append([]string{"--rm", "--no-healthcheck", "--log-level", "fatal", "--timeout", strconv.Itoa(int(patience.Seconds()))}, flags...)
	cmd := exec.CommandContext(t.Context(), "podman", podmanRun(flags, args)...)
	cmd.Env = environment()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v; want the status 1", err)
	}
	if stdout.Len() > 0 {
		t.Errorf("it printed %s", &stdout)
	}
	return stderr.String()
}

// answers returns the body of an answer with 200.
func answers(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return string(body), err
}

// sum adds up all samples of a metric.
func sum(t *testing.T, exposition, metric string) float64 {
	t.Helper()
	var total float64
	found := false
	for line := range strings.Lines(exposition) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if name, _, _ = strings.Cut(name, "{"); !ok || name != metric {
			continue
		}
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		total += number
		found = true
	}
	if !found {
		t.Errorf("%s is not exposed", metric)
	}
	return total
}
