package places

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"whereby_exporter/collector/logtest"
	"whereby_exporter/test/exhaustive"
	"whereby_exporter/test/programs"
)

// apiServer is a Kubernetes API server that nothing stands behind: it takes objects, and
// no pod ever runs.
type apiServer struct {
	base, token string
	client      *http.Client
}

// paths are where objects of a kind are, below the namespace.
var paths = map[string]struct{ version, plural string }{
	"ConfigMap":           {"/api/v1", "configmaps"},
	"Service":             {"/api/v1", "services"},
	"ServiceAccount":      {"/api/v1", "serviceaccounts"},
	"StatefulSet":         {"/apis/apps/v1", "statefulsets"},
	"Ingress":             {"/apis/networking.k8s.io/v1", "ingresses"},
	"NetworkPolicy":       {"/apis/networking.k8s.io/v1", "networkpolicies"},
	"PodDisruptionBudget": {"/apis/policy/v1", "poddisruptionbudgets"},
	"ServiceMonitor":      {"/apis/monitoring.coreos.com/v1", "servicemonitors"},
	"PrometheusRule":      {"/apis/monitoring.coreos.com/v1", "prometheusrules"},
}

// startProgram runs a program until the test ends. The channel is closed when it ends.
func startProgram(t *testing.T, p programs.Program, args ...string) <-chan struct{} {
	t.Helper()
	file, err := p.Build(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	log := &logtest.Buffer{}
	cmd := exec.Command(file, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		<-ended
		kill.Stop()
		if t.Failed() {
			text := log.String()
			t.Logf("%s printed:\n%s", p.Name, text[max(0, len(text)-4000):])
		}
	})
	return ended
}

func startAPIServer(t *testing.T) *apiServer {
	t.Helper()
	dir := t.TempDir()
	store, peers := "http://"+programs.FreeAddress(t), "http://"+programs.FreeAddress(t)
	startProgram(t, programs.Etcd, "--data-dir="+filepath.Join(dir, "etcd"), "--listen-client-urls="+store, "--advertise-client-urls="+store,
		"--listen-peer-urls="+peers, "--initial-advertise-peer-urls="+peers, "--initial-cluster=default="+peers, "--unsafe-no-fsync", "--log-level=warn")

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	accounts, tokens := filepath.Join(dir, "accounts.pem"), filepath.Join(dir, "tokens.csv")
	s := &apiServer{token: rand.Text()}
	for file, content := range map[string][]byte{
		accounts: pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded}),
		tokens:   []byte(s.token + ",admin,admin,system:masters\n"),
	} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address := programs.FreeAddress(t)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	ended := startProgram(t, programs.KubeAPIServer, "--etcd-servers="+store, "--bind-address="+host, "--secure-port="+port, "--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none",
		"--cert-dir="+filepath.Join(dir, "certificates"), "--token-auth-file="+tokens, "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24",
		"--service-account-issuer=https://kubernetes.example.com", "--service-account-key-file="+accounts, "--service-account-signing-key-file="+accounts)
	s.base = "https://" + address
	// The certificate is one that the server made for itself a moment ago, on loopback.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	s.client = &http.Client{Transport: transport, Timeout: time.Minute}
	programs.Eventually(t, patience, "the API server is ready", func() error {
		select {
		case <-ended:
			t.Fatal("the API server ended")
		default:
		}
		return s.send(t.Context(), http.MethodGet, "/readyz", nil)
	})
	return s
}

// send fails for every answer but one of success, and for a warning in it.
func (s *apiServer) send(ctx context.Context, method, path string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	if method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/apply-patch+yaml")
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", answer.Status, content)
	}
	if warnings := answer.Header.Values("Warning"); len(warnings) > 0 {
		return fmt.Errorf("it warns: %q", warnings)
	}
	return nil
}

// apply has the server take an object as kubectl apply --server-side --validate=strict does.
func (s *apiServer) apply(ctx context.Context, path string, object []byte) error {
	return s.send(ctx, http.MethodPatch, path+"?fieldManager=test&fieldValidation=Strict", object)
}

func (s *apiServer) makeNamespace(t *testing.T, name string) {
	t.Helper()
	object := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": %q}}`, name)
	if err := s.apply(t.Context(), "/api/v1/namespaces/"+name, []byte(object)); err != nil {
		t.Fatalf("namespace %s: %v", name, err)
	}
}

// defineOperator has the server know the kinds of the Prometheus operator, whatever is in
// their specs: the types of the operator are strict about that in the chart's tests.
func (s *apiServer) defineOperator(t *testing.T) {
	t.Helper()
	for kind, p := range paths {
		group, version, ok := strings.Cut(strings.TrimPrefix(p.version, "/apis/"), "/")
		if !ok || group != "monitoring.coreos.com" {
			continue
		}
		object := fmt.Sprintf(`{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": %q}, "spec": {
			"group": %q, "scope": "Namespaced", "names": {"kind": %q, "plural": %q, "singular": %q},
			"versions": [{"name": %q, "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}`,
			p.plural+"."+group, group, kind, p.plural, strings.ToLower(kind), version)
		if err := s.apply(t.Context(), "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"+p.plural+"."+group, []byte(object)); err != nil {
			t.Fatalf("define %s: %v", kind, err)
		}
		programs.Eventually(t, patience, kind+" is served", func() error {
			return s.send(t.Context(), http.MethodGet, p.version+"/"+p.plural, nil)
		})
	}
}

// install applies all objects of a release.
func (s *apiServer) install(t *testing.T, namespace string, objects []json.RawMessage) {
	t.Helper()
	for _, object := range objects {
		var head struct {
			Kind     string
			Metadata struct{ Name string }
		}
		if err := json.Unmarshal(object, &head); err != nil {
			t.Fatal(err)
		}
		p, ok := paths[head.Kind]
		if !ok {
			t.Errorf("where is a %s?", head.Kind)
			continue
		}
		if err := s.apply(t.Context(), p.version+"/namespaces/"+namespace+"/"+p.plural+"/"+head.Metadata.Name, object); err != nil {
			t.Errorf("%s %s: %v", head.Kind, head.Metadata.Name, err)
		}
	}
}

// release is the chart's, with a file of values named from the root.
type release struct{ name, values string }

// objects are what the chart renders for releases.
func objects(t *testing.T, root string, releases []release) map[release][]json.RawMessage {
	t.Helper()
	args := []string{"-C", filepath.Join(root, "test", "helm"), "run", "./cmd/objects"}
	for _, r := range releases {
		args = append(args, r.name+"="+filepath.Join(root, r.values))
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("render the chart: %v\n%s", err, problems.String())
	}
	var all [][]json.RawMessage
	if err := json.Unmarshal(out, &all); err != nil || len(all) != len(releases) {
		t.Fatalf("%d releases are rendered, want %d: %v", len(all), len(releases), err)
	}
	rendered := map[release][]json.RawMessage{}
	for i, r := range releases {
		rendered[r] = all[i]
	}
	return rendered
}

// TestAnAPIServerTakesTheChart installs and upgrades the chart with all examples of values
// on a real API server, which checks more than the types of objects do. To build the server
// takes many minutes.
func TestAnAPIServerTakesTheChart(t *testing.T) {
	exhaustive.Long(t)
	root, err := programs.Root()
	if err != nil {
		t.Fatal(err)
	}
	const name, dir = "whereby-exporter", "test/helm/testdata/values/"
	of := func(set string) release { return release{name, dir + set + ".yaml"} }
	// Each namespace sees one step after the other, as upgrades.
	namespaces := map[string][]release{
		"accounts": {{name, "deploy/helm/examples/production.yaml"}, {name + "-staging", "deploy/helm/examples/staging.yaml"}},
		"upgrades": {of("default"), of("pair"), of("three"), of("balancer"), of("tls"), of("default")},
	}
	files, err := filepath.Glob(filepath.Join(root, dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no values: %v", err)
	}
	for _, file := range files {
		set := strings.TrimSuffix(filepath.Base(file), ".yaml")
		namespaces[set] = []release{of(set), of(set)} // to apply the same again changes nothing
	}
	var releases []release
	for _, steps := range namespaces {
		releases = append(releases, steps...)
	}
	rendered := objects(t, root, releases)
	s := startAPIServer(t)
	s.defineOperator(t)
	unknown := `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "strict"}, "dta": {}}`
	if err := s.apply(t.Context(), "/api/v1/namespaces/default/configmaps/strict", []byte(unknown)); err == nil {
		t.Error("a field that no ConfigMap has is taken")
	}
	for namespace, steps := range namespaces {
		t.Run(namespace, func(t *testing.T) {
			s.makeNamespace(t, namespace)
			for _, step := range steps {
				s.install(t, namespace, rendered[step])
				if t.Failed() {
					t.Fatalf("with %s", step.values)
				}
			}
		})
	}
}
