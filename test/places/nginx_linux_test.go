package places

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"whereby_exporter/collector/logtest"
	"whereby_exporter/test/programs"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// nginxConfig has locations as people write them: a prefix that is taken off, addresses
// that are joined with a slash too many, and connections that are kept.
const nginxConfig = `
daemon off;
pid DIR/pid;
error_log stderr notice;
events { worker_connections 128; }
http {
  access_log off;
  client_body_temp_path DIR/body;
  proxy_temp_path DIR/proxy;
  fastcgi_temp_path DIR/fastcgi;
  uwsgi_temp_path DIR/uwsgi;
  scgi_temp_path DIR/scgi;
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto https;
  proxy_set_header X-Forwarded-Prefix /usage;
  upstream metrics { server METRICS; }
  upstream hooks { server HOOKS; }
  upstream kept {
    server HOOKS;
    keepalive 8;
  }
  server {
    listen PROXY;
    location /usage/ { proxy_pass http://metrics/; }
    location = /webhook { proxy_pass http://hooks; }
    location = /slash { proxy_pass http://hooks/webhook/; }
    location /joined/ { proxy_pass http://hooks//; }
    location = /streamed {
      proxy_request_buffering off;
      proxy_http_version 1.1;
      proxy_pass http://hooks/webhook;
    }
    location = /kept {
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass http://kept/webhook;
    }
    location = /astray { proxy_pass http://hooks/elsewhere; }
  }
}
`

// startNginx serves the configuration until the test ends.
func startNginx(t *testing.T, config string) {
	t.Helper()
	dir := t.TempDir()
	config = strings.ReplaceAll(config, "DIR", dir)
	if os.Getuid() == 0 {
		config = "user root;\n" + config // the directory is root's
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("nginx", "-e", "stderr", "-c", file)
	log := &logtest.Buffer{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("nginx printed:\n%s", log)
		}
	})
}

// TestBothPortsBehindNginx reaches the exporter through a proxy alone.
func TestBothPortsBehindNginx(t *testing.T) {
	programs.Need(t, "nginx")
	account := wherebytest.New(wherebytest.Config{APIKey: apiKey})
	account.AddRoom(wherebytest.Room{Name: "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd", CreatedAt: time.Now().Add(-time.Hour)})
	api := httptest.NewServer(account)
	defer api.Close()
	program, err := programs.Exporter.Build(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	metrics, hooks, proxy := programs.FreeAddress(t), programs.FreeAddress(t), programs.FreeAddress(t)
	log := &logtest.Buffer{}
	cmd := exec.Command(program, "run", "--storage.path="+t.TempDir(), "--whereby.url="+api.URL+"/v1",
		"--web.listen-address="+metrics, "--webhook.listen-address="+hooks)
	cmd.Env = []string{"WHEREBY_API_KEY=" + apiKey, "WHEREBY_WEBHOOK_SECRET=" + webhookSecret}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("the exporter ended with %v and printed:\n%s", err, log)
		}
	}()
	startNginx(t, strings.NewReplacer("METRICS", metrics, "HOOKS", hooks, "PROXY", proxy).Replace(nginxConfig))
	client := &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	base := "http://" + proxy
	waitFor(t, base+"/usage/-/ready")
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	get := func(url string) (int, string) {
		t.Helper()
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}

	// All that the status page links to is below the prefix.
	_, page := get(base + "/usage/")
	links := regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(page, -1)
	if len(links) < 10 {
		t.Errorf("the status page has %d links", len(links))
	}
	for _, link := range links {
		address := html.UnescapeString(link[1])
		if strings.HasPrefix(address, "#") {
			continue
		}
		if !strings.HasPrefix(address, "./") {
			t.Errorf("%s leads out of the prefix", address)
			continue
		}
		if status, _ := get(base + "/usage" + address[1:]); status != http.StatusOK {
			t.Errorf("%s is answered %d", address, status)
		}
	}

	events := 0
	deliver := func(path string, events int) (int, error) {
		body := fmt.Appendf(nil, `{"id":"e%d","createdAt":%q,"type":"assistant.requested","data":{}}`, events, time.Now().UTC().Format(time.RFC3339))
		request, err := http.NewRequest(http.MethodPost, base+path, bytes.NewReader(body))
		if err != nil {
			return 0, err
		}
		request.Header.Set(whereby.SignatureHeader, whereby.Sign(webhookSecret, body, time.Now()))
		resp, err := client.Do(request)
		if err != nil {
			return 0, err
		}
		resp.Body.Close()
		return resp.StatusCode, nil
	}
	// On a busy machine, one sync can take longer than an answer may; Whereby sends an event again.
	post := func(path string, events int) (status int, err error) {
		for began := time.Now(); time.Since(began) < time.Minute; {
			if status, err = deliver(path, events); status != http.StatusServiceUnavailable {
				break
			}
		}
		return status, err
	}
	for path, want := range map[string]int{
		"/webhook": http.StatusNoContent, "/slash": http.StatusNoContent, "/joined/webhook": http.StatusNoContent,
		"/streamed": http.StatusNoContent, "/kept": http.StatusNoContent, "/astray": http.StatusNotFound,
	} {
		events++
		if got, err := post(path, events); got != want {
			t.Errorf("an event at %s is answered %d, %v; want %d", path, got, err, want)
		}
	}
	accepted := events - 1
	var group sync.WaitGroup
	const senders, each = 4, 25
	for i := range senders {
		group.Go(func() {
			for j := range each {
				if status, err := post("/kept", 1000+i*each+j); status != http.StatusNoContent {
					t.Errorf("over kept connections, an event is answered %d, %v", status, err)
				}
			}
		})
	}
	group.Wait()
	accepted += senders * each
	_, exposition := get(base + "/usage/metrics")
	for _, want := range []string{
		fmt.Sprintf("\nwhereby_webhook_events_total{type=\"assistant.requested\"} %d\n", accepted),
		"\nwhereby_webhook_misdirected_total 1\n", "\nwhereby_webhook_rejected_total{reason=\"signature\"} 0\n",
		"\nwhereby_up 1\n",
	} {
		if !strings.Contains(exposition, want) {
			t.Errorf("the metrics do not hold %q", want)
		}
	}
}
