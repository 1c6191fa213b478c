package e2e

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
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
	PullPolicy  string `yaml:"pull_policy"`
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
	demo, account, pair := readCompose(t, "compose.yml"), readCompose(t, "account.yml"), readCompose(t, "pair.yml")
	for _, file := range []composeFile{demo, account, pair} {
		for name, service := range file.Services {
			merged := merge(demo.Services[name], service)
			if merged.Image == "" {
				t.Errorf("%s is in no image", name)
			}
			// What is built here is pulled from nowhere.
			built := merged.Build.Context != "" || merged.PullPolicy == "never" && merged.Image == demo.Services["exporter"].Image
			if _, version, _ := strings.Cut(merged.Image, ":"); !built && (version == "" || version == "latest") {
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
				if local := strings.HasPrefix(port, "127.0.0.1:"); local == strings.HasSuffix(port, ":10037") {
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
			if merged.Image != demo.Services["exporter"].Image {
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

// merge puts a service of a second file over that of the first, as Compose does, in what
// the files use: lists grow, volumes by where they are mounted, and the rest is replaced.
func merge(base, over composeService) composeService {
	over.Image, over.Restart = cmp.Or(over.Image, base.Image), cmp.Or(over.Restart, base.Restart)
	if over.Build.Context == "" {
		over.Build = base.Build
	}
	if over.Command == nil {
		over.Command = base.Command
	}
	if over.Healthcheck.Test == nil {
		over.Healthcheck = base.Healthcheck
	}
	over.ReadOnly = over.ReadOnly || base.ReadOnly
	for _, list := range []struct{ of, with *[]string }{
		{&over.CapDrop, &base.CapDrop}, {&over.SecurityOpt, &base.SecurityOpt}, {&over.Ports, &base.Ports},
	} {
		for _, item := range *list.with {
			if !slices.Contains(*list.of, item) {
				*list.of = append(*list.of, item)
			}
		}
	}
	for _, volume := range base.Volumes {
		if !slices.ContainsFunc(over.Volumes, func(v string) bool { return mountedAt(v) == mountedAt(volume) }) {
			over.Volumes = append(over.Volumes, volume)
		}
	}
	return over
}

// mountedAt is where a volume is in the container.
func mountedAt(volume string) string {
	parts := strings.Split(volume, ":")
	return parts[min(1, len(parts)-1)]
}

// TestThePairOfComposeSharesNothing holds the two exporters apart, in all but the account.
func TestThePairOfComposeSharesNothing(t *testing.T) {
	t.Parallel()
	demo, pair := readCompose(t, "compose.yml"), readCompose(t, "pair.yml")
	var exporters []composeService
	var targets []string
	for _, name := range []string{"exporter", "exporter-b"} {
		exporters = append(exporters, merge(demo.Services[name], pair.Services[name]))
		targets = append(targets, name+":10036")
	}
	a, b := exporters[0], exporters[1]
	if a.Image != b.Image || a.Restart != b.Restart {
		t.Errorf("the images are %s and %s, restarted %s and %s", a.Image, b.Image, a.Restart, b.Restart)
	}
	value := func(s composeService, flag string) string {
		for _, argument := range s.Command {
			if v, ok := strings.CutPrefix(argument, flag+"="); ok {
				return v
			}
		}
		return ""
	}
	volume := func(s composeService) string {
		for _, v := range s.Volumes {
			if mountedAt(v) == "/data" {
				return v
			}
		}
		return ""
	}
	for what, of := range map[string]func(composeService) string{
		"store":  volume,
		"path":   func(s composeService) string { return cmp.Or(value(s, "--webhook.path"), "/webhook") },
		"secret": func(s composeService) string { return pair.Secrets[path.Base(value(s, "--webhook.secret-file"))].File },
	} {
		if of(a) == of(b) || of(a) == "" || of(b) == "" {
			t.Errorf("the %s is %q for one and %q for the other", what, of(a), of(b))
		}
	}
	for _, flag := range []string{"--whereby.api-key-file", "--config.file", "--whereby.rate-limit-share"} {
		if value(a, flag) != value(b, flag) || value(a, flag) == "" {
			t.Errorf("%s is %q for one and %q for the other", flag, value(a, flag), value(b, flag))
		}
	}
	share, err := strconv.ParseFloat(value(a, "--whereby.rate-limit-share"), 64)
	if err != nil || 2*share != 0.25 {
		t.Errorf("each spends %v, %v; want half of the default", share, err)
	}
	published := map[string]bool{}
	for _, s := range exporters {
		for _, port := range s.Ports {
			host := strings.TrimPrefix(port[:strings.LastIndex(port, ":")], "127.0.0.1:")
			if published[host] {
				t.Errorf("port %s is published twice", host)
			}
			published[host] = true
		}
		if len(s.Ports) != 2 {
			t.Errorf("an exporter publishes %v", s.Ports)
		}
	}
	prometheus := merge(demo.Services["prometheus"], pair.Services["prometheus"])
	if !slices.Contains(prometheus.Volumes, "./prometheus.pair.yml:/etc/prometheus/prometheus.yml:ro") || len(prometheus.Volumes) != len(demo.Services["prometheus"].Volumes) {
		t.Errorf("Prometheus has the volumes %v", prometheus.Volumes)
	}
	// One job, or rules and dashboards would count the account twice.
	want := strings.Replace(readDeploy(t, "compose", "prometheus.yml"), "[exporter:10036]", "["+strings.Join(targets, ", ")+"]", 1)
	if readDeploy(t, "compose", "prometheus.pair.yml") != want {
		t.Error("prometheus.pair.yml differs from prometheus.yml in more than that it scrapes both exporters")
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
