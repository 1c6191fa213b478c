package helm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

func root(t *testing.T) string {
	t.Helper()
	dir, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.LoadDir(filepath.Join(root(t), chartDir))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sets returns the names of the files in testdata/values, without .yaml.
func sets(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no value sets: %v", err)
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".yaml")
	}
	return files
}

// set reads one of them.
func set(t *testing.T, name string) map[string]any {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "values", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return values(t, string(content))
}

func values(t *testing.T, text string) map[string]any {
	t.Helper()
	v := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// object is what every kind has.
type object interface {
	meta.Object
	runtime.Object
}

// install is what the chart puts into a cluster.
type install struct {
	objects  []object
	stateful *apps.StatefulSet
	policy   *networking.NetworkPolicy
	ingress  *networking.Ingress
	budget   *policy.PodDisruptionBudget
	monitor  *monitoring.ServiceMonitor
	rule     *monitoring.PrometheusRule
	account  *core.ServiceAccount
	services map[string][]*core.Service // by component
	config   *core.ConfigMap            // of the configuration file
	boards   map[string]*core.ConfigMap // by name
	notes    string
	share    float64 // of the values: of the organization's points
	// Of the values too: who may send webhooks, all if nil; and whether it is said what the
	// exporter may reach.
	webhookFrom []networking.NetworkPolicyPeer
	egress      bool
}

// pod is what the pods are made from, and exporter its one container.
func (i *install) pod() *core.PodTemplateSpec { return &i.stateful.Spec.Template }

func (i *install) exporter() *core.Container { return &i.pod().Spec.Containers[0] }

// metrics returns the Service that Prometheus scrapes, nil if there is not exactly one.
func (i *install) metrics() *core.Service {
	if all := i.services["metrics"]; len(all) == 1 {
		return all[0]
	}
	return nil
}

// webhooks returns the Services that Whereby's webhooks reach.
func (i *install) webhooks() []*core.Service { return i.services["webhook"] }

// decode makes typed objects of documents: a field that its type does not have, and
// one that is there twice, is an error.
func decode(documents []Document) (*install, error) {
	i := &install{services: map[string][]*core.Service{}, boards: map[string]*core.ConfigMap{}}
	for _, document := range documents {
		var kind meta.TypeMeta
		if err := yaml.Unmarshal([]byte(document.YAML), &kind); err != nil {
			return nil, fmt.Errorf("%s: %w", document.Template, err)
		}
		o, ok := map[string]object{
			"apps/v1 StatefulSet":                     &apps.StatefulSet{},
			"v1 Service":                              &core.Service{},
			"v1 ServiceAccount":                       &core.ServiceAccount{},
			"v1 ConfigMap":                            &core.ConfigMap{},
			"networking.k8s.io/v1 NetworkPolicy":      &networking.NetworkPolicy{},
			"networking.k8s.io/v1 Ingress":            &networking.Ingress{},
			"policy/v1 PodDisruptionBudget":           &policy.PodDisruptionBudget{},
			"monitoring.coreos.com/v1 ServiceMonitor": &monitoring.ServiceMonitor{},
			"monitoring.coreos.com/v1 PrometheusRule": &monitoring.PrometheusRule{},
		}[kind.APIVersion+" "+kind.Kind]
		if !ok {
			return nil, fmt.Errorf("%s: a %s of %s is no part of the chart", document.Template, kind.Kind, kind.APIVersion)
		}
		if err := strict(document.YAML, o); err != nil {
			return nil, fmt.Errorf("%s: %w", document.Template, err)
		}
		i.objects = append(i.objects, o)
		i.put(o, document.Template)
	}
	if i.stateful == nil || len(i.stateful.Spec.Template.Spec.Containers) != 1 {
		return nil, fmt.Errorf("no StatefulSet with one container among %d objects", len(i.objects))
	}
	return i, nil
}

// strict decodes as Kubernetes' API server does when it is asked to be strict: fields
// of another case are unknown to it too.
func strict(text string, o object) error {
	content, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		return err
	}
	unknown, err := json.UnmarshalStrict(content, o)
	return errors.Join(append(unknown, err)...)
}

func (i *install) put(o object, template string) {
	switch o := o.(type) {
	case *apps.StatefulSet:
		i.stateful = o
	case *core.Service:
		component := o.Labels["app.kubernetes.io/component"]
		i.services[component] = append(i.services[component], o)
	case *core.ServiceAccount:
		i.account = o
	case *core.ConfigMap:
		if template == "dashboards.yaml" {
			i.boards[o.Name] = o
		} else {
			i.config = o
		}
	case *networking.NetworkPolicy:
		i.policy = o
	case *networking.Ingress:
		i.ingress = o
	case *policy.PodDisruptionBudget:
		i.budget = o
	case *monitoring.ServiceMonitor:
		i.monitor = o
	case *monitoring.PrometheusRule:
		i.rule = o
	}
}

// render renders a chart and decodes what comes of it.
func render(c *chart.Chart, release string, values map[string]any) (*install, error) {
	documents, notes, err := Render(c, release, values)
	if err != nil {
		return nil, err
	}
	i, err := decode(documents)
	if err != nil {
		return nil, err
	}
	i.notes = notes
	all, err := chartutil.CoalesceValues(c, values)
	if err != nil {
		return nil, err
	}
	i.share, _ = all["rateLimitShare"].(float64)
	var of struct {
		NetworkPolicy struct {
			WebhookFrom []networking.NetworkPolicyPeer
			Egress      []any
		}
	}
	content, err := yaml.Marshal(all)
	if err == nil {
		err = yaml.Unmarshal(content, &of)
	}
	if err != nil {
		return nil, err
	}
	i.webhookFrom, i.egress = of.NetworkPolicy.WebhookFrom, len(of.NetworkPolicy.Egress) > 0
	return i, nil
}

func mustRender(t *testing.T, values map[string]any) *install {
	t.Helper()
	i, err := render(loadChart(t), Release, values)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestObjectsOfEachValueSet(t *testing.T) {
	all := []string{"ConfigMap", "Ingress", "NetworkPolicy", "PodDisruptionBudget", "PrometheusRule", "Service", "ServiceAccount", "ServiceMonitor", "StatefulSet"}
	without := func(kinds ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(kind string) bool { return slices.Contains(kinds, kind) })
	}
	want := map[string][]string{
		"default":     without("Ingress", "PodDisruptionBudget"),
		"everything":  all,
		"tls":         without("Ingress", "PodDisruptionBudget"),
		"balancer":    without("Ingress", "PodDisruptionBudget"),
		"pair":        all,
		"three":       without("Ingress"),
		"existing":    without("Ingress", "PodDisruptionBudget", "ServiceAccount"),
		"memory":      without("Ingress", "PodDisruptionBudget"),
		"no-operator": without("Ingress", "PodDisruptionBudget", "ServiceMonitor", "PrometheusRule", "ConfigMap"),
	}
	for _, name := range sets(t) {
		var kinds []string
		for _, o := range mustRender(t, set(t, name)).objects {
			kinds = append(kinds, o.GetObjectKind().GroupVersionKind().Kind)
		}
		slices.Sort(kinds)
		if kinds = slices.Compact(kinds); !slices.Equal(kinds, want[name]) {
			t.Errorf("%s: kinds %v, want %v", name, kinds, want[name])
		}
	}
}
