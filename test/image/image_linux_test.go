package image

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// TestTheImageHoldsOnlyWhatItMust lists all that is in it.
func TestTheImageHoldsOnlyWhatItMust(t *testing.T) {
	build(t)
	root := mounted(t)
	want := map[string]string{
		"data":                              "drwxrwx--- 65534:0",
		"etc":                               "drwxr-xr-x 0:0",
		"etc/ssl":                           "drwxr-xr-x 0:0",
		"etc/ssl/certs":                     "drwxr-xr-x 0:0",
		"etc/ssl/certs/ca-certificates.crt": "-rw-r--r-- 0:0",
		"whereby_exporter":                  "-rwxr-xr-x 0:0",
	}
	got := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		owner := info.Sys().(*syscall.Stat_t)
		if name == "." { // its rights are the builder's affair
			if owner.Uid != 0 || owner.Gid != 0 || info.Mode().Perm()&0o022 != 0 {
				t.Errorf("the root is of %d:%d, with %v", owner.Uid, owner.Gid, info.Mode())
			}
			return err
		}
		got[name] = fmt.Sprintf("%s %d:%d", info.Mode(), owner.Uid, owner.Gid)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("it holds\n%v\nwant\n%v", got, want)
	}
	info, err := os.Stat(filepath.Join(root, "whereby_exporter"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the image has %s bytes, of which %d are the exporter", do(t, "podman", "image", "inspect", "--format", "{{.Size}}", tag), info.Size())
}

// TestTheImageSaysHowItIsRun looks at what Docker and Kubernetes go by.
func TestTheImageSaysHowItIsRun(t *testing.T) {
	build(t)
	type config struct {
		User                   string
		ExposedPorts, Volumes  map[string]struct{}
		Env, Cmd, Entrypoint   []string
		Labels                 map[string]string
		WorkingDir, StopSignal string
	}
	type healthcheck struct {
		Test                           []string
		Interval, Timeout, StartPeriod time.Duration
	}
	var images []struct {
		Config      config
		HealthCheck healthcheck `json:"Healthcheck"`
	}
	if err := json.Unmarshal([]byte(do(t, "podman", "image", "inspect", tag)), &images); err != nil || len(images) != 1 {
		t.Fatalf("%d images, %v", len(images), err)
	}
	got := images[0]
	for name := range got.Config.Labels {
		if !strings.HasPrefix(name, "org.opencontainers.image.") {
			delete(got.Config.Labels, name) // buildah's own
		}
	}
	got.Config.Env = slices.DeleteFunc(got.Config.Env, func(variable string) bool { return strings.HasPrefix(variable, "PATH=") })
	want := config{
		User:         "65534:65534",
		ExposedPorts: map[string]struct{}{"10036/tcp": {}, "10037/tcp": {}},
		Volumes:      map[string]struct{}{"/data": {}},
		Env:          []string{"WHEREBY_EXPORTER_STORAGE_PATH=/data"},
		Entrypoint:   []string{"/whereby_exporter"},
		Labels: map[string]string{
			"org.opencontainers.image.title":       "whereby_exporter",
			"org.opencontainers.image.description": "Prometheus exporter for Whereby",
			"org.opencontainers.image.licenses":    "Apache-2.0",
			"org.opencontainers.image.version":     version,
			"org.opencontainers.image.revision":    revision,
		},
	}
	if !reflect.DeepEqual(got.Config, want) {
		t.Errorf("it says\n%+v\nwant\n%+v", got.Config, want)
	}
	if want := (healthcheck{[]string{"CMD", "/whereby_exporter", "healthcheck"}, 30 * time.Second, 5 * time.Second, 5 * time.Second}); !reflect.DeepEqual(got.HealthCheck, want) {
		t.Errorf("its health is asked for with %+v, want %+v", got.HealthCheck, want)
	}
	out := do(t, "podman", podmanRun([]string{"--rm"}, []string{"--version"})...)
	if !strings.Contains(out, version) || !strings.Contains(out, revision) {
		t.Errorf("the exporter says %s", out)
	}
}

// TestTheDemoNeedsNoRights runs it where all are taken from it.
func TestTheDemoNeedsNoRights(t *testing.T) {
	build(t)
	c := start(t, nil, "demo")
	c.waitFor(metricsAddress + "/-/ready")
	c.waitFor(metricsAddress + "/-/healthy")
	if minutes := sum(t, c.waitFor(metricsAddress+"/metrics"), "whereby_participant_minutes_total"); minutes <= 0 {
		t.Errorf("the account has used %v minutes", minutes)
	}
	do(t, "podman", "healthcheck", "run", c.id)

	status := c.status()
	for name, want := range map[string]string{
		"Uid": "65534 65534 65534 65534", "Gid": "65534 65534 65534 65534", "Groups": "65534", "NoNewPrivs": "1",
		"CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000",
		"CapBnd": "0000000000000000", "CapAmb": "0000000000000000",
	} {
		if got := status[name]; got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	// Not even root could write.
	for _, dir := range []string{"/", "/etc", "/etc/ssl/certs"} {
		if err := os.WriteFile(c.inside(dir+"/new"), nil, 0o600); !errors.Is(err, syscall.EROFS) {
			t.Errorf("writing to %s: %v", dir, err)
		}
	}
	if err := os.WriteFile(c.inside("/data/new"), nil, 0o600); err != nil {
		t.Error(err)
	}
	c.stop()

	// Without an exporter to ask, the same command says so.
	if line := fails(t, nil, "healthcheck"); !strings.HasPrefix(line, "whereby_exporter: not healthy: ") {
		t.Errorf("it says %s", line)
	}
}

// TestTheHealthcheckFollowsTheVariables has another port, TLS with a certificate for another
// name, and a time zone, of which the image has no database.
func TestTheHealthcheckFollowsTheVariables(t *testing.T) {
	build(t)
	dir := directory(t, 0o755, 0, 0)
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	certificate := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"whereby.yml": []byte("billing: {time_zone: Europe/Oslo}\n"),
		"web.yml":     []byte("tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n"),
		"tls.crt":     pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}),
		"tls.key":     pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := do(t, "podman", podmanRun([]string{"--rm", "--volume", dir + ":/etc/whereby:ro"}, []string{"check", "--config.file=/etc/whereby/whereby.yml"})...)
	if !strings.HasPrefix(out, "configuration: ok\n") {
		t.Errorf("check says %s", out)
	}
	c := start(t, []string{
		"--volume", dir + ":/etc/whereby:ro", "--env", "WHEREBY_API_KEY=" + apiKey,
		"--env", "WHEREBY_EXPORTER_CONFIG_FILE=/etc/whereby/whereby.yml",
		"--env", "WHEREBY_EXPORTER_WEB_CONFIG_FILE=/etc/whereby/web.yml",
		"--env", "WHEREBY_EXPORTER_WEB_LISTEN_ADDRESS=:10099",
	}, "run", "--whereby.url=http://127.0.0.1:1/v1")
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		out, err := command(t.Context(), "podman", "healthcheck", "run", c.id)
		if err == nil {
			break
		}
		if time.Now().After(deadline) || !c.running() {
			t.Fatalf("it is never healthy: %v %s", err, out)
		}
	}
	c.stop()
}

// TestTheStateOutlivesTheContainer reads an account over TLS, ends, and shows the same
// in a new container that gets no answer from the account.
func TestTheStateOutlivesTheContainer(t *testing.T) {
	build(t)
	for _, c := range []struct{ name, user, volume string }{
		{"the image's user, in a new volume", "65534:65534", "whereby"},
		{"the image's user, with the rights of the image", "65534:65534", likeTheImages(t)},
		{"a user of the cluster's, of group 0", "1000650000:0", likeTheImages(t)},
	} {
		t.Run(c.name, func(t *testing.T) {
			account := wherebytest.New(wherebytest.Config{APIKey: apiKey})
			for i := range 7 {
				used := time.Now().Add(-time.Duration(i+1) * time.Hour)
				account.AddRoom(wherebytest.Room{
					Name: fmt.Sprintf("/acme-%08d-0000-4000-8000-000000000000", i), CreatedAt: used, FirstSession: used, LastSession: used,
					Totals: wherebytest.Totals{Sessions: 1, ParticipantMinutes: 100},
				})
			}
			api := httptest.NewTLSServer(account)
			t.Cleanup(api.Close)
			t.Setenv("WHEREBY_API_KEY", apiKey)
			t.Setenv("WHEREBY_WEBHOOK_SECRET", webhookSecret)
			flags := []string{"--user", c.user, "--volume", c.volume + ":/data", "--env", "WHEREBY_API_KEY", "--env", "WHEREBY_WEBHOOK_SECRET"}
			args := []string{"run", "--whereby.url=" + api.URL + "/v1", "--poll.interval=1s"}

			first := start(t, flags, args...)
			first.waitFor(metricsAddress + "/-/ready")
			first.waitFor(webhookAddress + "/-/healthy")
			do(t, "podman", "healthcheck", "run", first.id)
			uid, gid, _ := strings.Cut(c.user, ":")
			if status := first.status(); !strings.HasPrefix(status["Uid"], uid+" ") || !strings.HasPrefix(status["Gid"], gid+" ") {
				t.Errorf("it runs as %s and %s, want %s", status["Uid"], status["Gid"], c.user)
			}
			first.stop()

			account.Inject(wherebytest.Drop())
			second := start(t, flags, args...)
			second.waitFor(metricsAddress + "/-/healthy")
			exposition := second.waitFor(metricsAddress + "/metrics")
			if minutes := sum(t, exposition, "whereby_participant_minutes_total"); minutes != 700 {
				t.Errorf("%v minutes are left of 700", minutes)
			}
			if up := sum(t, exposition, "whereby_up"); up != 0 {
				t.Error("the account was read again")
			}
			second.stop()
		})
	}
}

// mounted is where the files of the image are.
func mounted(t *testing.T) string {
	t.Helper()
	return do(t, "podman", "image", "mount", tag)
}

// likeTheImages returns a directory with the owner and rights of /data in the image, which
// Docker gives a new volume.
func likeTheImages(t *testing.T) string {
	t.Helper()
	info, err := os.Stat(filepath.Join(mounted(t), "data"))
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	return directory(t, info.Mode().Perm(), int(owner.Uid), int(owner.Gid))
}

// directory is one that can be mounted into a container.
func directory(t *testing.T, mode fs.FileMode, uid, gid int) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.Chown(dir, uid, gid), os.Chmod(dir, mode)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestAVolumeThatCannotBeWrittenIsExplained wants one line of each.
func TestAVolumeThatCannotBeWrittenIsExplained(t *testing.T) {
	build(t)
	kept := directory(t, 0o770, 65534, 0)
	t.Setenv("WHEREBY_API_KEY", apiKey)
	c := start(t, []string{"--volume", kept + ":/data", "--env", "WHEREBY_API_KEY"}, "run", "--whereby.url=http://127.0.0.1:1/v1")
	c.waitFor(metricsAddress + "/-/healthy")
	c.stop() // and leaves a store there
	const readOnly = ": read-only file system: mount it writable, or use a different --storage.path\n"
	for _, c := range []struct {
		name        string
		flags, args []string
		want        string
	}{
		{"of another owner", []string{"--volume", directory(t, 0o755, 0, 0) + ":/data"}, nil,
			"--storage.path=/data: make the store: open /data/whereby.db.new: permission denied: user 65534 needs write permission there\n"},
		{"of another owner, for another user", []string{"--user", "1000650000:0", "--volume", directory(t, 0o700, 65534, 65534) + ":/data"}, nil,
			"--storage.path=/data: look for the store: stat /data/whereby.db: permission denied: user 1000650000 needs write permission there\n"},
		{"read-only and empty", []string{"--volume", directory(t, 0o770, 65534, 0) + ":/data:ro"}, nil,
			"--storage.path=/data: make the store: open /data/whereby.db.new" + readOnly},
		{"read-only with a store", []string{"--volume", kept + ":/data:ro"}, nil,
			"--storage.path=/data: open the store: open /data/whereby.db" + readOnly},
		{"none", nil, []string{"run", "--storage.path=/state"},
			"--storage.path=/state: make the storage directory: mkdir /state" + readOnly},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := fails(t, append(c.flags, "--env", "WHEREBY_API_KEY"), c.args...); got != "whereby_exporter: "+c.want {
				t.Errorf("it says\n%swant\nwhereby_exporter: %s", got, c.want)
			}
		})
	}
}
