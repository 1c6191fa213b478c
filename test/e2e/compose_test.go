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
	Entrypoint  []string
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
	help := map[string]string{}
	for _, command := range []string{"run", "demo"} {
		out, err := exec.CommandContext(t.Context(), build(t, programs.Exporter), command, "--help").Output()
		if err != nil {
			t.Fatal(err)
		}
		help[command] = string(out)
	}
	dir := composeDir(t)
	demo := readCompose(t, "compose.yml")
	for _, file := range []composeFile{demo, readCompose(t, "account.yml"), readCompose(t, "pair.yml"), readCompose(t, "accounts.yml")} {
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
			once := merged.Restart == "no"
			if name != "grafana" && (!merged.ReadOnly || len(merged.Healthcheck.Test) == 0 && !once) {
				t.Errorf("%s can write to its image, or nobody asks whether it is healthy", name)
			}
			for on, d := range service.DependsOn {
				other := demo.Services[on]
				if ends := other.Restart == "no"; d.Condition != "service_healthy" && d.Condition != "service_completed_successfully" ||
					ends != (d.Condition == "service_completed_successfully") || !ends && len(other.Healthcheck.Test) == 0 {
					t.Errorf("%s waits for %s, which is not there, has no health or does not end", name, on)
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
				if !strings.Contains(help[service.Command[0]], flag+"=") {
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
	for _, name := range []string{"whereby.yml", "whereby.staging.yml"} {
		out, err := exec.CommandContext(t.Context(), build(t, programs.Exporter), "check", "--config.file="+filepath.Join(dir, name), "--whereby.api-key-file="+keyFile(t)).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
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
	if over.Entrypoint == nil {
		over.Entrypoint = base.Entrypoint
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

// value is that of a flag in the service's command.
func (s composeService) value(flag string) string {
	for _, argument := range s.Command {
		if v, ok := strings.CutPrefix(argument, flag+"="); ok {
			return v
		}
	}
	return ""
}

// mounted is what is mounted at a path.
func (s composeService) mounted(path string) string {
	for _, v := range s.Volumes {
		if mountedAt(v) == path {
			return strings.TrimSuffix(strings.TrimSuffix(v, ":ro"), ":"+path)
		}
	}
	return ""
}

// secret returns the file of the secret that a flag reads.
func (f composeFile) secret(s composeService, flag string) string {
	return f.Secrets[path.Base(s.value(flag))].File
}

// twoExporters are those of a file that goes over the demo's, with what holds whatever
// they are for: they run alike, and keep, receive and publish apart.
func twoExporters(t *testing.T, demo, over composeFile, second string) (a, b composeService) {
	t.Helper()
	a, b = merge(demo.Services["exporter"], over.Services["exporter"]), merge(demo.Services[second], over.Services[second])
	if a.Image != b.Image || a.Restart != b.Restart {
		t.Errorf("the images are %s and %s, restarted %s and %s", a.Image, b.Image, a.Restart, b.Restart)
	}
	for what, of := range map[string]func(composeService) string{
		"store":  func(s composeService) string { return s.mounted("/data") },
		"path":   func(s composeService) string { return cmp.Or(s.value("--webhook.path"), "/webhook") },
		"secret": func(s composeService) string { return over.secret(s, "--webhook.secret-file") },
	} {
		if of(a) == of(b) || of(a) == "" || of(b) == "" {
			t.Errorf("the %s is %q for one and %q for the other", what, of(a), of(b))
		}
	}
	published := map[string]bool{}
	for _, s := range []composeService{a, b} {
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
	return a, b
}

// scrapesWith fails unless Prometheus has another configuration that differs from the
// demo's in a replacement alone.
func scrapesWith(t *testing.T, demo, over composeFile, name, from, to string) {
	t.Helper()
	prometheus := merge(demo.Services["prometheus"], over.Services["prometheus"])
	if prometheus.mounted("/etc/prometheus/prometheus.yml") != "./"+name || len(prometheus.Volumes) != len(demo.Services["prometheus"].Volumes) {
		t.Errorf("Prometheus has the volumes %v", prometheus.Volumes)
	}
	if got, want := readDeploy(t, "compose", name), strings.Replace(readDeploy(t, "compose", "prometheus.yml"), from, to, 1); got != want {
		t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
	}
}

// TestThePairOfComposeSharesNothing holds the two exporters apart, in all but the account.
func TestThePairOfComposeSharesNothing(t *testing.T) {
	t.Parallel()
	demo, pair := readCompose(t, "compose.yml"), readCompose(t, "pair.yml")
	a, b := twoExporters(t, demo, pair, "exporter-b")
	for _, flag := range []string{"--whereby.api-key-file", "--config.file", "--whereby.rate-limit-share"} {
		if a.value(flag) != b.value(flag) || a.value(flag) == "" {
			t.Errorf("%s is %q for one and %q for the other", flag, a.value(flag), b.value(flag))
		}
	}
	share, err := strconv.ParseFloat(a.value("--whereby.rate-limit-share"), 64)
	if err != nil || 2*share != 0.25 {
		t.Errorf("each spends %v, %v; want half of the default", share, err)
	}
	// One job, or rules and dashboards would count the account twice.
	scrapesWith(t, demo, pair, "prometheus.pair.yml", "[exporter:10036]", "[exporter:10036, exporter-b:10036]")
}

// TestTheAccountsOfComposeAreApart holds two accounts apart: keys, customers and jobs too.
func TestTheAccountsOfComposeAreApart(t *testing.T) {
	t.Parallel()
	demo, accounts := readCompose(t, "compose.yml"), readCompose(t, "accounts.yml")
	a, b := twoExporters(t, demo, accounts, "exporter-staging")
	for what, of := range map[string]func(composeService) string{
		"API key":       func(s composeService) string { return accounts.secret(s, "--whereby.api-key-file") },
		"configuration": func(s composeService) string { return s.mounted(s.value("--config.file")) },
	} {
		if of(a) == of(b) || of(a) == "" || of(b) == "" {
			t.Errorf("the %s is %q for one and %q for the other", what, of(a), of(b))
		}
	}
	if share := a.value("--whereby.rate-limit-share") + b.value("--whereby.rate-limit-share"); share != "" {
		t.Errorf("the accounts have points of their own, and share %s", share)
	}
	// Two jobs, or rules and dashboards would take the accounts for a pair of one.
	scrapesWith(t, demo, accounts, "prometheus.accounts.yml", "[exporter:10036]\n",
		"[exporter:10036]\n  - job_name: whereby-staging\n    static_configs:\n      - targets: [exporter-staging:10036]\n")
}

func keyFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	writeFile(t, file, apiKey)
	return file
}

// TestWhatComposeRunsRuns starts the programs with the configurations of the files, on
// loopback, and waits for the customer over its quota. Grafana's are read by nothing here,
// and history has a test of its own.
func TestWhatComposeRunsRuns(t *testing.T) {
	t.Parallel()
	c := newComposed(t)
	e := c.startExporter(func(flag string) bool { return !strings.HasPrefix(flag, "--history.") })
	alertmanager := c.startAlertmanager()
	c.startPrometheus()

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

// composed are the services of compose.yml as programs on loopback, with the directories of
// one place for their volumes.
type composed struct {
	t    *testing.T
	dir  string
	file composeFile
	// replace has what is in the files, and what stands for it here.
	replace map[string]string
}

func newComposed(t *testing.T) *composed {
	t.Helper()
	c := &composed{t: t, dir: t.TempDir(), file: readCompose(t, "compose.yml")}
	c.replace = map[string]string{
		"/etc/prometheus/rules": filepath.Join(c.dir, "rules"), "/etc/prometheus/prometheus.yml": filepath.Join(c.dir, "prometheus.yml"),
		"=/prometheus": "=" + filepath.Join(c.dir, "prometheus"), "=/data/": "=" + filepath.Join(c.dir, "history") + "/",
		"exporter:10036": programs.FreeAddress(t), "alertmanager:9093": programs.FreeAddress(t),
	}
	for _, name := range []string{"rules", "history", "prometheus"} {
		if err := os.Mkdir(filepath.Join(c.dir, name), 0o750); err != nil {
			t.Fatal(err)
		}
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
		writeFile(t, filepath.Join(c.dir, "rules", filepath.Base(source)), string(content))
	}
	return c
}

// here returns a text of the files with what stands for it here.
func (c *composed) here(text string) string {
	for from, to := range c.replace {
		text = strings.ReplaceAll(text, from, to)
	}
	return text
}

// startExporter starts it with those flags that are wanted.
func (c *composed) startExporter(wanted func(flag string) bool) exporter {
	c.t.Helper()
	address := c.replace["exporter:10036"]
	args := []string{}
	for _, flag := range c.file.Services["exporter"].Command {
		if wanted(flag) {
			args = append(args, c.here(flag))
		}
	}
	return exporter{base: "http://" + address, process: start(c.t, nil, build(c.t, programs.Exporter), append(args, "--web.listen-address="+address)...)}
}

func (c *composed) startAlertmanager() (address string) {
	c.t.Helper()
	config := filepath.Join(c.dir, "alertmanager.yml")
	writeFile(c.t, config, readDeploy(c.t, "compose", "alertmanager.yml"))
	start(c.t, nil, build(c.t, programs.Alertmanager), "--config.file="+config,
		"--storage.path="+filepath.Join(c.dir, "alertmanager"), "--web.listen-address="+c.replace["alertmanager:9093"], "--cluster.listen-address=")
	return c.replace["alertmanager:9093"]
}

// startPrometheus starts it, with rules that are evaluated and fire sooner.
func (c *composed) startPrometheus() prometheus {
	c.t.Helper()
	rules, err := filepath.Glob(filepath.Join(c.dir, "rules", "*.yml"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, file := range rules {
		content, err := os.ReadFile(file)
		if err != nil {
			c.t.Fatal(err)
		}
		writeFile(c.t, file, quick(c.t, string(content)))
	}
	config := quick(c.t, readDeploy(c.t, "compose", "prometheus.yml"))
	for _, from := range []string{"/etc/prometheus/rules", "exporter:10036", "alertmanager:9093"} {
		if !strings.Contains(config, from) {
			c.t.Errorf("Prometheus's configuration does not have %s", from)
		}
	}
	writeFile(c.t, c.replace["/etc/prometheus/prometheus.yml"], c.here(config))
	address := programs.FreeAddress(c.t)
	args := []string{"--web.listen-address=" + address}
	for _, flag := range c.file.Services["prometheus"].Command {
		args = append(args, c.here(flag))
	}
	p := prometheus{base: "http://" + address, process: start(c.t, nil, build(c.t, programs.Prometheus), args...)}
	programs.Eventually(c.t, patience, "Prometheus is ready", func() error {
		status, _, err := get(c.t.Context(), p.base+"/-/ready")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
	return p
}
