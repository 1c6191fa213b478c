package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"whereby_exporter/test/programs"
)

// composeFile is as much of Compose's format as the files use; anything else is an error.
type composeFile struct {
	Name     string
	Services map[string]composeService
	Volumes  map[string]struct{}
	Secrets  map[string]struct{ File string }
}

type composeService struct {
	Build       struct{ Context string }
	Image       string
	Command     []string
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	Restart     string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Environment map[string]string
	Ports       []string
	Volumes     []string
	Secrets     []string
	Healthcheck struct {
		Test        []string
		Interval    string
		Timeout     string
		StartPeriod string `yaml:"start_period"`
	}
}

func readCompose(t *testing.T, name string) composeFile {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(readDeploy(t, "compose", name)))
	decoder.KnownFields(true)
	var file composeFile
	if err := decoder.Decode(&file); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := decoder.Decode(&composeFile{}); !errors.Is(err, io.EOF) {
		t.Errorf("%s has more than one document", name)
	}
	return file
}

// composeDir is where the files are.
func composeDir(t *testing.T) string {
	t.Helper()
	root, err := programs.Root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "deploy", "compose")
}

// TestComposeFilesHoldTogether reads what Compose would: that itself, with images, does
// not run here.
func TestComposeFilesHoldTogether(t *testing.T) {
	t.Parallel()
	help, err := exec.CommandContext(t.Context(), build(t, programs.Exporter), "run", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := composeDir(t)
	demo, account := readCompose(t, "compose.yml"), readCompose(t, "account.yml")
	for _, file := range []composeFile{demo, account} {
		for name, service := range file.Services {
			merged := demo.Services[name]
			if merged.Image == "" {
				t.Errorf("%s is in no image", name)
			}
			if _, version, _ := strings.Cut(merged.Image, ":"); merged.Build.Context == "" && (version == "" || version == "latest") {
				t.Errorf("%s has no fixed version", merged.Image)
			}
			if !slices.Equal(merged.CapDrop, []string{"ALL"}) || !slices.Equal(merged.SecurityOpt, []string{"no-new-privileges:true"}) {
				t.Errorf("%s has rights that it needs not", name)
			}
			if name != "grafana" && (!merged.ReadOnly || len(merged.Healthcheck.Test) == 0) {
				t.Errorf("%s can write to its image, or nobody asks whether it is healthy", name)
			}
			for on, d := range service.DependsOn {
				if other, ok := demo.Services[on]; !ok || d.Condition != "service_healthy" || len(other.Healthcheck.Test) == 0 {
					t.Errorf("%s waits for %s, which is not there or has no health", name, on)
				}
			}
			for _, port := range service.Ports {
				if local := strings.HasPrefix(port, "127.0.0.1:"); local == (port == "10037:10037") {
					t.Errorf("%s publishes %s", name, port)
				}
			}
			for _, volume := range service.Volumes {
				source, _, _ := strings.Cut(volume, ":")
				if !strings.HasPrefix(source, ".") {
					if _, ok := file.Volumes[source]; !ok {
						t.Errorf("%s mounts %s, which is no volume", name, source)
					}
					continue
				}
				if _, err := os.Stat(filepath.Join(dir, source)); err != nil || !strings.HasSuffix(volume, ":ro") {
					t.Errorf("%s mounts %s: %v", name, volume, err)
				}
			}
			for _, secret := range service.Secrets {
				if file.Secrets[secret].File == "" {
					t.Errorf("%s has no file", secret)
				}
			}
			if name != "exporter" {
				continue
			}
			for _, argument := range service.Command[1:] {
				flag, value, _ := strings.Cut(argument, "=")
				if !strings.Contains(string(help), flag+"=") {
					t.Errorf("the exporter has no flag %s", flag)
				}
				if secret, ok := strings.CutPrefix(value, "/run/secrets/"); ok && !slices.Contains(service.Secrets, secret) {
					t.Errorf("%s reads a secret that the service has not", flag)
				}
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, demo.Services["exporter"].Build.Context, "Dockerfile")); err != nil {
		t.Errorf("the image is built from nothing: %v", err)
	}
	if ignored := readDeploy(t, "compose", ".gitignore"); !strings.Contains(ignored, "secrets/") {
		t.Error("secrets might be committed")
	}
	out, err := exec.CommandContext(t.Context(), build(t, programs.Exporter), "check", "--config.file="+filepath.Join(dir, "whereby.yml"), "--whereby.api-key-file="+keyFile(t)).CombinedOutput()
	if err != nil {
		t.Errorf("whereby.yml: %v\n%s", err, out)
	}
}

func keyFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	writeFile(t, file, apiKey)
	return file
}

// TestWhatComposeRunsRuns starts the programs with the configurations of the files, on
// loopback, and waits for the customer over its quota. Grafana's are read by nothing here.
func TestWhatComposeRunsRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	address, alertmanager, prometheus := freeAddress(t), freeAddress(t), freeAddress(t)
	demo := readCompose(t, "compose.yml")
	e := exporter{base: "http://" + address, process: start(t, nil, build(t, programs.Exporter), append(demo.Services["exporter"].Command, "--web.listen-address="+address)...)}

	writeFile(t, filepath.Join(dir, "alertmanager.yml"), readDeploy(t, "compose", "alertmanager.yml"))
	start(t, nil, build(t, programs.Alertmanager), "--config.file="+filepath.Join(dir, "alertmanager.yml"),
		"--storage.path="+filepath.Join(dir, "alertmanager"), "--web.listen-address="+alertmanager, "--cluster.listen-address=")

	rules := filepath.Join(dir, "rules")
	if err := os.Mkdir(rules, 0o750); err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob(filepath.Join(composeDir(t), "..", "..", "alerts", "rules", "*.yml"))
	if err != nil || len(sources) == 0 {
		t.Fatalf("rules are %v, %v", sources, err)
	}
	for _, source := range sources {
		content, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(rules, filepath.Base(source)), quick(t, string(content)))
	}
	config := quick(t, readDeploy(t, "compose", "prometheus.yml"))
	for from, to := range map[string]string{"/etc/prometheus/rules": rules, "exporter:10036": address, "alertmanager:9093": alertmanager} {
		if !strings.Contains(config, from) {
			t.Errorf("Prometheus's configuration does not have %s", from)
		}
		config = strings.ReplaceAll(config, from, to)
	}
	writeFile(t, filepath.Join(dir, "prometheus.yml"), config)
	var flags []string
	for _, flag := range demo.Services["prometheus"].Command {
		flag = strings.Replace(flag, "=/etc/prometheus/prometheus.yml", "="+filepath.Join(dir, "prometheus.yml"), 1)
		flags = append(flags, strings.Replace(flag, "=/prometheus", "="+filepath.Join(dir, "prometheus"), 1))
	}
	start(t, nil, build(t, programs.Prometheus), append(flags, "--web.listen-address="+prometheus)...)

	programs.Eventually(t, 3*time.Minute, "the customer over its quota is in Alertmanager", func() error {
		status, body, err := get(t.Context(), "http://"+alertmanager+`/api/v2/alerts?filter=alertname="WherebyQuotaExceeded"`)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("%d, %w", status, err)
		}
		var alerts []struct{ Labels map[string]string }
		if err := json.Unmarshal([]byte(body), &alerts); err != nil {
			return err
		}
		for _, a := range alerts {
			if a.Labels["room_prefix"] == "initech-trial-" {
				return nil
			}
		}
		return fmt.Errorf("%d alerts", len(alerts))
	})
	if err := e.ready(); err != nil {
		t.Error(err)
	}
}
