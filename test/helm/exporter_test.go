package helm

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"whereby_exporter/alerts"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// build builds a program where the other tests have it too.
func build(t *testing.T, name, module string, args ...string) string {
	t.Helper()
	file := filepath.Join(root(t), ".cache", "bin", name)
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"build", "-o", file}, args...)...)
	cmd.Dir = filepath.Join(root(t), module)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return file
}

func buildExporter(t *testing.T) string {
	return build(t, "whereby_exporter", ".", "-trimpath", ".")
}

func buildPromtool(t *testing.T) string {
	return build(t, "promtool", "test", "-tags", "remove_all_sd", "github.com/prometheus/prometheus/cmd/promtool")
}

func writeFile(t *testing.T, file, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestVariablesAndPortsAreTheExporters(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), buildExporter(t), "run", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	help := strings.Join(strings.Fields(string(out)), " ")
	for _, name := range sets(t) {
		for _, env := range mustRender(t, set(t, name)).exporter().Env {
			if strings.HasPrefix(env.Name, "WHEREBY_EXPORTER_") && !strings.Contains(help, "($"+env.Name+")") {
				t.Errorf("%s: no flag of the exporter reads %s", name, env.Name)
			}
		}
	}
	for _, text := range []string{
		fmt.Sprintf("Address to serve metrics on (:%d).", metricsPort), fmt.Sprintf(":%d if a secret is set", webhookPort),
		"Path of the metrics (/metrics)", "Path of the webhook (/webhook)",
	} {
		if !strings.Contains(help, text) {
			t.Errorf("the exporter's help does not have %q", text)
		}
	}
}

// freeAddress returns a loopback address whose port is free now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

const (
	plantedKey    = "planted-key-51c0"
	plantedSecret = "planted-secret-51c0"
)

// The real exporter runs with the arguments of each pod, on files where the chart mounts
// them, and answers the probes and the webhook of that pod.
func TestTheExporterRunsAsTheChartHasIt(t *testing.T) {
	program := buildExporter(t)
	for _, name := range sets(t) {
		i := mustRender(t, set(t, name))
		for _, pod := range i.pods() {
			t.Run(name+"/"+pod.name, func(t *testing.T) { runPod(t, program, i, pod) })
		}
	}
}

func runPod(t *testing.T, program string, i *install, p pod) {
	api := httptest.NewServer(wherebytest.New(wherebytest.Config{APIKey: plantedKey}))
	defer api.Close()
	dir := t.TempDir()
	for file, content := range secretContents(i) {
		writeFile(t, filepath.Join(dir, "etc/whereby_exporter/secrets", file), content)
	}
	file := "billing: {anchor_day: 1}\n"
	if i.config != nil {
		file = i.config.Data["whereby.yml"]
	}
	writeFile(t, filepath.Join(dir, "etc/whereby_exporter/config/whereby.yml"), file)
	if i.behindPassword() {
		writeWebConfig(t, filepath.Join(dir, "etc/whereby_exporter/web"))
	}
	address := map[string]string{"metrics": freeAddress(t), "webhook": freeAddress(t)}
	args := []string{}
	for _, arg := range p.args {
		if !strings.HasPrefix(arg, "--webhook.path=") {
			arg = strings.Replace(arg, "=/", "="+dir+"/", 1)
		}
		args = append(args, strings.Replace(arg, "=:10037", "="+address["webhook"], 1))
	}
	args = append(args, "--whereby.url="+api.URL+"/v1", "--web.listen-address="+address["metrics"])

	// The context is done once the exporter has ended.
	ctx, ended := context.WithCancel(t.Context())
	var out bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &out, []string{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		ended()
	}()
	defer func() {
		_ = cmd.Process.Kill()
		<-ctx.Done()
		if strings.Contains(out.String(), "planted") {
			t.Error("the exporter prints a secret")
		}
		if t.Failed() {
			t.Logf("the exporter printed:\n%s", out.String())
		}
	}()
	for _, probe := range []*core.Probe{i.exporter().StartupProbe, i.exporter().LivenessProbe, i.exporter().ReadinessProbe} {
		if probe.Exec != nil {
			succeeds(ctx, t, program, probe.Exec.Command[1:], address["metrics"])
			continue
		}
		get := probe.HTTPGet
		answers(ctx, t, http.MethodGet, address[get.Port.StrVal], get.Path, http.StatusOK)
	}
	if i.behindPassword() {
		answers(ctx, t, http.MethodGet, address["metrics"], "/metrics", http.StatusBadRequest) // it has TLS
		return
	}
	answers(ctx, t, http.MethodGet, address["metrics"], "/metrics", http.StatusOK)
	if len(i.webhooks()) == 0 {
		return
	}
	path := p.flag("--webhook.path")
	answers(ctx, t, http.MethodPost, address["webhook"], path, http.StatusUnauthorized)
	answers(ctx, t, http.MethodPost, address["metrics"], path, http.StatusNotFound)
	answers(ctx, t, http.MethodGet, address["webhook"], "/metrics", http.StatusNotFound)
	separate := i.secretFiles()["webhook-secret"].Name == ""
	for _, other := range i.pods() {
		want := http.StatusNoContent
		if other.name != p.name {
			answers(ctx, t, http.MethodPost, address["webhook"], other.flag("--webhook.path"), http.StatusNotFound)
			if separate {
				want = http.StatusUnauthorized
			}
		}
		delivers(ctx, t, address["webhook"], path, plantedSecret+other.name, want)
	}
}

// writeWebConfig writes what is in the secret of the metrics' address: TLS with a
// certificate for another name, and a password.
func writeWebConfig(t *testing.T, dir string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	certificate := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "tls.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})))
	writeFile(t, filepath.Join(dir, "tls.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	writeFile(t, filepath.Join(dir, "web.yml"), `tls_server_config: {cert_file: tls.crt, key_file: tls.key}
basic_auth_users: {prometheus: $2a$04$EpTgsVBdBNP0pl4Ss00.D.hy3c7bym/Pg1E62p9woltDcQn5K0QiC}
`)
}

// succeeds waits until a probe's command does.
func succeeds(ctx context.Context, t *testing.T, program string, args []string, address string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Env = []string{"WHEREBY_EXPORTER_WEB_LISTEN_ADDRESS=" + address}
		out, err := cmd.CombinedOutput()
		if err == nil {
			return
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// secretContents returns the files of the chart's secrets: the webhooks of all pods have
// secrets of their own, in one file or in one each.
func secretContents(i *install) map[string]string {
	contents := map[string]string{}
	for file := range i.secretFiles() {
		switch pod, one := strings.CutPrefix(file, "webhook-secret-"); {
		case file == "api-key":
			contents[file] = plantedKey + "\n"
		case one:
			contents[file] = plantedSecret + pod + "\n"
		default:
			for _, pod := range i.pods() {
				contents[file] += plantedSecret + pod.name + "\n"
			}
		}
	}
	return contents
}

// delivers posts a signed event, and holds the answer to a status.
func delivers(ctx context.Context, t *testing.T, address, path, secret string, want int) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		now := time.Now()
		body := fmt.Sprintf(`{"id":"test-1","apiVersion":"1.0","createdAt":%q,"type":"assistant.requested","data":{}}`, now.UTC().Format(time.RFC3339))
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(whereby.SignatureHeader, whereby.Sign(secret, []byte(body), now))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusServiceUnavailable && now.Before(deadline) {
			continue // one sync can take longer than an answer may; Whereby sends an event again
		}
		if resp.StatusCode != want {
			t.Errorf("an event at %s: %s, want %d", path, resp.Status, want)
		}
		return
	}
}

// answers waits until a request is answered with a status.
func answers(ctx context.Context, t *testing.T, method, address, path string, want int) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		var got string
		req, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == want {
				return
			}
			got = resp.Status
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			t.Fatalf("%s %s: %s %v, want %d", method, path, got, err, want)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestRulesAreThoseOfTheConfiguration compares the PrometheusRule with what the
// exporter's command alerts makes of the same configuration file.
func TestRulesAreThoseOfTheConfiguration(t *testing.T) {
	program, promtool := buildExporter(t), buildPromtool(t)
	low, high := map[string]any{}, map[string]any{}
	for _, threshold := range alerts.Thresholds() {
		low[threshold.Name], high[threshold.Name] = threshold.Min, threshold.Max
	}
	critical := map[string]any{}
	for _, name := range alerts.Names() {
		critical[name] = "critical"
	}
	for name, settings := range map[string]map[string]any{
		"nothing set":         {},
		"empty sections":      {"thresholds": nil, "severities": nil, "disabled": nil},
		"lowest thresholds":   {"thresholds": low},
		"highest thresholds":  {"thresholds": high},
		"fractions":           {"thresholds": map[string]any{"quota_fast_burn_factor": 4.25, "quota_exceeded_for_seconds": 600.5, "poll_stale_seconds": 3600.5, "usage_anomaly_floor_minutes": 1000000}},
		"severities":          {"severities": critical},
		"one disabled":        {"disabled": alerts.Names()[:1]},
		"all disabled":        {"disabled": alerts.Names()},
		"other addresses":     {"runbook_url": "https://example.com/r/", "dashboard_url": "http://grafana.example.com:3000"},
		"disabled but severe": {"disabled": alerts.Names()[2:3], "severities": map[string]any{alerts.Names()[2]: "info", alerts.Names()[3]: "info"}},
	} {
		t.Run(name, func(t *testing.T) {
			i := mustRender(t, map[string]any{"config": map[string]any{"billing": map[string]any{"anchor_day": 1}, "alerts": settings}})
			dir := t.TempDir()
			file := writeFile(t, filepath.Join(dir, "whereby.yml"), i.config.Data["whereby.yml"])
			cmd := exec.CommandContext(t.Context(), program, "alerts", "--config.file="+file)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("alerts: %v\n%s", err, stderr.String())
			}
			var want monitoring.PrometheusRuleSpec
			if err := yaml.UnmarshalStrict(out, &want); err != nil {
				t.Fatal(err)
			}
			byName := func(a, b monitoring.RuleGroup) int { return cmp.Compare(a.Name, b.Name) }
			slices.SortFunc(want.Groups, byName)
			slices.SortFunc(i.rule.Spec.Groups, byName)
			got, err := yaml.Marshal(i.rule.Spec)
			if err != nil {
				t.Fatal(err)
			}
			wanted, err := yaml.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			if len(want.Groups) == 0 || !bytes.Equal(got, wanted) {
				t.Errorf("the rules differ%s", firstDifference(string(got), string(wanted)))
			}
			rules := writeFile(t, filepath.Join(dir, "rules.yml"), string(got))
			if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", "--lint=all", "--lint-fatal", rules).CombinedOutput(); err != nil {
				t.Errorf("promtool: %v\n%s", err, out)
			}
		})
	}
}

const objective = "quality_objective_ratio"

func TestTheObjectiveOfQualityIsThatOfTheConfiguration(t *testing.T) {
	i := mustRender(t, values(t, "config: {alerts: {thresholds: {"+objective+": 0.875}}}"))
	found := 0
	for _, group := range i.rule.Spec.Groups {
		for _, rule := range group.Rules {
			found += strings.Count(rule.Expr.StrVal, "0.875 # "+objective)
		}
	}
	if found != 1 {
		t.Errorf("the objective is set %d times, want once", found)
	}
}

func TestAnEmptySectionOfAlertsChangesNoRule(t *testing.T) {
	i := mustRender(t, values(t, "config: {billing: {anchor_day: 1}, alerts: null}"))
	if want := mustRender(t, nil); !reflect.DeepEqual(i.rule, want.rule) {
		t.Error("the rules differ from the defaults")
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf(" at line %d: %q, want %q", i+1, a[i], b[i])
		}
	}
	return " in length"
}

// The dashboards go through templates, and must come out as they went in.
func TestDashboardsAreThoseOfTheExporter(t *testing.T) {
	program := buildExporter(t)
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), program, "dashboards", "--output-dir="+dir).CombinedOutput(); err != nil {
		t.Fatalf("dashboards: %v\n%s", err, out)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	i := mustRender(t, nil)
	boards := map[string]string{}
	for name, board := range i.boards {
		if board.Labels["grafana_dashboard"] != "1" || board.Annotations["grafana_folder"] != "Whereby" {
			t.Errorf("%s has not what Grafana's sidecar looks for", name)
		}
		for file, content := range board.Data {
			boards[file] = content
		}
	}
	if len(boards) != len(files) {
		t.Errorf("%d dashboards, want %d", len(boards), len(files))
	}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if boards[file.Name()] != string(content) {
			t.Errorf("%s is not what the exporter writes", file.Name())
		}
	}
}
