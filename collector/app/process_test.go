package app_test

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"whereby_exporter/collector/app"
	"whereby_exporter/collector/logtest"
)

// apiKey is planted, and looked for in everything that is printed or served.
const apiKey = "planted-key-6b4f"

// process is the program, within this one.
type process struct {
	*testing.T
	stdout, stderr logtest.Buffer
	cancel         context.CancelFunc
	done           chan struct{}
	status         int
}

// start runs the program until the test ends, or until it is stopped.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{T: t, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.status = app.Main(ctx, args, &p.stdout, &p.stderr)
	}()
	t.Cleanup(func() {
		p.stop()
		// The program uses the default transport, whose idle connections have goroutines.
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if strings.Contains(p.stdout.String()+p.stderr.String(), apiKey) {
			t.Error("the API key was printed")
		}
		if t.Failed() {
			t.Logf("%v printed:\n%s%s", args, &p.stdout, &p.stderr)
		}
	})
	return p
}

// patience is for what takes no time at all, on a machine that has none to spare.
const patience = 3 * time.Minute

// wait waits until the program ends by itself, and gives its exit status.
func (p *process) wait() int {
	p.Helper()
	select {
	case <-p.done:
		return p.status
	case <-time.After(patience):
		p.Fatalf("the program was still there after %v:\n%s", patience, &p.stderr)
		return 0
	}
}

// stop does what SIGTERM does, and gives the exit status.
func (p *process) stop() int {
	p.Helper()
	p.cancel()
	return p.wait()
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// address is where the program listens, as its log says.
func (p *process) address() string {
	p.Helper()
	var match []string
	eventually(p.T, "the log says where the program listens", func() bool {
		match = listening.FindStringSubmatch(p.stderr.String())
		return match != nil
	})
	return match[1]
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), apiKey) {
		t.Errorf("%s shows the API key", url)
	}
	return resp.StatusCode, string(body)
}

func (p *process) get(path string) (int, string) {
	p.Helper()
	return get(p.T, "http://"+p.address()+path)
}

func (p *process) assertStatus(path string, want int) {
	p.Helper()
	if status, body := p.get(path); status != want {
		p.Errorf("%s answers %d %q; want %d", path, status, body, want)
	}
}

func (p *process) waitUntilReady() {
	p.Helper()
	eventually(p.T, "/-/ready answers 200", func() bool {
		status, _ := p.get("/-/ready")
		return status == http.StatusOK
	})
}
