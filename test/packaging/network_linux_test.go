package packaging

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

// network is a thread in the network of a container: a socket stays in the one that it
// was made in. There is one thread, as a new one each time costs more than a system has.
type network chan func()

// enter starts the thread. It ends with the test.
func enter(t *testing.T, leader int) network {
	t.Helper()
	n, entered := make(network), make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: it is of no use to others
		file, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", leader))
		if err == nil {
			err = unix.Setns(int(file.Fd()), unix.CLONE_NEWNET)
			_ = file.Close()
		}
		entered <- err
		for do := range n {
			do()
		}
	}()
	t.Cleanup(func() { close(n) })
	if err := <-entered; err != nil {
		t.Fatalf("enter the network of the container: %v", err)
	}
	return n
}

// do does something that makes a socket.
func (n network) do(open func() error) error {
	result := make(chan error, 1)
	n <- func() { result <- open() }
	return <-result
}

// client sends requests from within the container, each over a connection of its own.
func (c *container) client() *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, protocol, address string) (connection net.Conn, err error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			err = c.network.do(func() error {
				connection, err = new(net.Dialer).DialContext(ctx, protocol, net.JoinHostPort("127.0.0.1", port))
				return err
			})
			return connection, err
		},
	}}
}

// serveAPI serves a simulated account on the loopback of the container, and gives its
// address.
func (c *container) serveAPI(account *wherebytest.Account) string {
	c.t.Helper()
	server := httptest.NewUnstartedServer(account)
	server.Listener.Close() // of the host's network
	err := c.network.do(func() (err error) {
		server.Listener, err = net.Listen("tcp", "127.0.0.1:0")
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	server.Start()
	c.t.Cleanup(server.Close)
	return server.URL + "/v1"
}

// get asks the container.
func (c *container) get(address string) (int, string, error) {
	response, err := c.client().Get(address)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// healthyURL is what deploy/systemd/README.md has people ask.
const healthyURL = "http://localhost:10036/-/healthy"

// awaitHealthy waits until the exporter answers.
func (c *container) awaitHealthy() {
	c.t.Helper()
	programs.Eventually(c.t, patience, "the exporter is healthy", func() error {
		status, body, err := c.get(healthyURL)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%d %s", status, body)
		}
		return err
	})
}

// expect waits until series of the exporter have these values.
func (c *container) expect(want map[string]float64) {
	c.t.Helper()
	programs.Eventually(c.t, patience, "metrics", func() error {
		status, body, err := c.get("http://localhost:10036/metrics")
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("%d %s", status, body)
		}
		noSecret(c.t, "the metrics", body)
		got := map[string]float64{}
		for line := range strings.Lines(body) {
			// No label that is looked for holds a blank.
			if series, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(line, "#") {
				got[series], _ = strconv.ParseFloat(value, 64)
			}
		}
		for series, value := range want {
			if v, ok := got[series]; !ok || v != value {
				return fmt.Errorf("%s is %v (%v), want %v", series, v, ok, value)
			}
		}
		return nil
	})
}

// webhookSecret is planted too.
const webhookSecret = "planted-webhook-secret-51c1"

// noSecret looks for the planted secrets.
func noSecret(t *testing.T, what, text string) {
	t.Helper()
	for _, secret := range []string{apiKey, webhookSecret} {
		if strings.Contains(text, secret) {
			t.Errorf("%s: a secret is in it", what)
		}
	}
}
