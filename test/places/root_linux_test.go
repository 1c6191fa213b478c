package places

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"whereby_exporter/collector/logtest"
	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

const (
	// apiKey and webhookSecret are planted, and looked for in what is printed.
	apiKey        = "planted-key-3d10"
	webhookSecret = "planted-webhook-secret-3d10"

	patience = 4 * time.Minute
)

// emptyRoot is a directory with the exporter and the libraries that it is linked with: no
// time zones, no names of hosts or users, no certificates, no shell, nowhere to write.
type emptyRoot struct {
	*testing.T
	dir string
	env []string
}

func newEmptyRoot(t *testing.T) *emptyRoot {
	t.Helper()
	program, err := programs.Exporter.Build(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	r := &emptyRoot{T: t, dir: t.TempDir()}
	r.copy(program, "/whereby_exporter")
	// A binary that is linked statically, as it is released, has none.
	libraries, _ := exec.CommandContext(t.Context(), "ldd", program).Output()
	for _, library := range regexp.MustCompile(`/\S+`).FindAllString(string(libraries), -1) {
		r.copy(library, library)
	}
	// Data may be written, as in the image.
	if err := os.Mkdir(filepath.Join(r.dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := r.command("--version").CombinedOutput()
	if err != nil && os.Getenv("CI") != "true" {
		t.Skipf("no program runs in another root here: %v\n%s", err, out)
	} else if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return r
}

func (r *emptyRoot) copy(from, to string) {
	r.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		r.Fatal(err)
	}
	to = filepath.Join(r.dir, to)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o755); err != nil {
		r.Fatal(err)
	}
}

func (r *emptyRoot) write(file, content string) {
	r.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, file), []byte(content), 0o600); err != nil {
		r.Fatal(err)
	}
}

// command returns the exporter in that root, with the environment of the image.
func (r *emptyRoot) command(args ...string) *exec.Cmd {
	cmd := exec.Command("/whereby_exporter", args...)
	cmd.Dir, cmd.Env = "/", append([]string{"WHEREBY_EXPORTER_STORAGE_PATH=/data"}, r.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: r.dir}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return cmd
}

// run runs it to its end, and compares its status and what it prints, in part.
func (r *emptyRoot) run(status int, want string, args ...string) {
	r.Helper()
	cmd := r.command(args...)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != status || !strings.Contains(string(out), want) {
		r.Errorf("%v ended with %d (%v) and printed\n%swant %d and %q", args, got, err, out, status, want)
	}
	if bytes.Contains(out, []byte("planted-")) {
		r.Errorf("%v printed a secret", args)
	}
}

// start runs it until the test ends, or until stop is called, which wants an orderly end.
func (r *emptyRoot) start(args ...string) (log *logtest.Buffer, stop func()) {
	r.Helper()
	log = &logtest.Buffer{}
	cmd := r.command(args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			r.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			r.Errorf("%v ended with %v", args, err)
		}
		if strings.Contains(log.String(), "planted-") {
			r.Error("a secret was printed")
		}
	}
	r.Cleanup(func() {
		stop()
		if r.Failed() {
			r.Logf("%v printed:\n%s", args, log)
		}
	})
	return log, stop
}

// waitFor waits until an address answers with 200.
func waitFor(t *testing.T, url string) {
	t.Helper()
	programs.Eventually(t, patience, url+" answers", func() error {
		resp, err := http.Get(url)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("with %s", resp.Status)
		}
		return nil
	})
}

// TestEveryCommandWorksInAnEmptyRoot runs them all with the variables of the image.
func TestEveryCommandWorksInAnEmptyRoot(t *testing.T) {
	account := wherebytest.New(wherebytest.Config{APIKey: apiKey})
	const room = "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd"
	begin := time.Now().Add(-30 * 24 * time.Hour)
	account.AddRoom(wherebytest.Room{Name: room, CreatedAt: begin})
	account.Schedule(room, wherebytest.Session{Start: begin, End: begin.Add(time.Hour), Participants: []wherebytest.Participant{
		{Role: "member", Joined: begin}, {Role: "member", Joined: begin},
	}})
	api := httptest.NewServer(account)
	defer api.Close()
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()

	r := newEmptyRoot(t)
	r.write("whereby.yml", "billing: {time_zone: Europe/Oslo}\ncustomers: [{room_prefix: acme-, name: 'شرکت نرم\u200cافزاری'}]\n")
	r.write("bad.yml", "billing: {time_zone: Europe/Osl}\n")

	r.run(0, "configuration: ok\n", "check", "--config.file=/whereby.yml")
	r.run(1, "/bad.yml:1:22: billing.time_zone: must be the name of an IANA time zone", "check", "--config.file=/bad.yml")
	r.run(1, "no API key", "check", "--online")
	r.run(0, "points a minute", "check", "--plan=build")
	r.run(0, "groups:", "alerts", "--config.file=/whereby.yml")
	r.run(0, "", "dashboards", "--output-dir=/data/dashboards")

	metrics, hooks := programs.FreeAddress(t), programs.FreeAddress(t)
	r.env = []string{
		"WHEREBY_API_KEY=" + apiKey, "WHEREBY_WEBHOOK_SECRET=" + webhookSecret,
		"WHEREBY_EXPORTER_WHEREBY_URL=" + api.URL + "/v1",
		"WHEREBY_EXPORTER_CONFIG_FILE=/whereby.yml",
		"WHEREBY_EXPORTER_WEB_LISTEN_ADDRESS=" + metrics,
		"WHEREBY_EXPORTER_WEBHOOK_LISTEN_ADDRESS=" + hooks,
		"WHEREBY_EXPORTER_WEB_ENABLE_ADMIN_API=true",
		"WHEREBY_EXPORTER_POLL_FULL_SCAN_INTERVAL=1d",
		"WHEREBY_EXPORTER_LOG_LEVEL=INFO",
		"WHEREBY_EXPORTER_WEB_TELEMETRY_PATH=", // as a Compose file sets what it leaves out
	}
	r.run(0, "accepts the API key", "check", "--online")
	r.run(1, "not healthy: ", "healthcheck")
	_, stop := r.start("run")
	waitFor(t, "http://"+metrics+"/-/ready")
	waitFor(t, "http://"+hooks+"/-/healthy")
	r.run(0, "", "healthcheck")
	r.run(0, "", "healthcheck", "--ready")
	r.run(0, "bytes", "backup", "--output=/data/backup.tar", "--url=http://"+metrics)
	stop()
	r.run(1, "not healthy: ", "healthcheck")
	r.run(0, "", "backfill", "--output=/data/history.om", "--start="+begin.Add(-time.Hour).UTC().Format(time.RFC3339))

	_, stop = r.start("demo")
	waitFor(t, "http://"+metrics+"/-/ready")
	stop()
}
