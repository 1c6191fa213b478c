package helm

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8slabels "k8s.io/apimachinery/pkg/labels"
)

// example reads one of the values that deploy/helm/examples has.
func example(t *testing.T, name string) map[string]any {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root(t), "deploy", "helm", "examples", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return values(t, string(content))
}

// accounts returns the releases of the examples, in one namespace.
func accounts(t *testing.T) map[string]*install {
	t.Helper()
	c := loadChart(t)
	installs := map[string]*install{}
	for release, name := range map[string]string{Release: "production", Release + "-staging": "staging"} {
		i, err := render(c, release, example(t, name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, problem := range i.problems() {
			t.Errorf("%s: %s", name, problem)
		}
		installs[release] = i
	}
	return installs
}

// own are what may be of one release alone.
func (i *install) own() map[string]bool {
	own := map[string]bool{"job " + i.metrics().Name: true}
	for _, o := range i.objects {
		own[o.GetObjectKind().GroupVersionKind().Kind+" "+o.GetName()] = true
	}
	for _, v := range i.pod().Spec.Volumes {
		if v.Secret != nil {
			own["secret "+v.Secret.SecretName] = true
		}
		if v.Projected != nil {
			for _, source := range v.Projected.Sources {
				if source.Secret != nil {
					own["secret "+source.Secret.Name] = true
				}
			}
		}
	}
	for _, rule := range i.ingress.Spec.Rules {
		for _, path := range rule.HTTP.Paths {
			own["URL "+rule.Host+path.Path] = true
		}
	}
	return own
}

// selectors are what the objects of a release select pods and Services by.
func (i *install) selectors(t *testing.T) map[string]k8slabels.Selector {
	t.Helper()
	selectors := map[string]k8slabels.Selector{}
	add := func(what string, s *meta.LabelSelector) {
		selector, err := meta.LabelSelectorAsSelector(s)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		selectors[what] = selector
	}
	add("StatefulSet", i.stateful.Spec.Selector)
	add("NetworkPolicy", &i.policy.Spec.PodSelector)
	add("PodDisruptionBudget", i.budget.Spec.Selector)
	add("ServiceMonitor", &i.monitor.Spec.Selector)
	for component, services := range i.services {
		for _, s := range services {
			selectors[component+" Service "+s.Name] = k8slabels.SelectorFromSet(s.Spec.Selector)
		}
	}
	return selectors
}

func TestTwoReleasesAreTwoAccounts(t *testing.T) {
	installs := accounts(t)
	releases := slices.Sorted(maps.Keys(installs))
	rules, boards := 0, 0
	owner := map[string]string{}
	for _, release := range releases {
		i := installs[release]
		if i.rule != nil {
			rules++
		}
		if len(i.boards) > 0 {
			boards++
		}
		for what := range i.own() {
			if other, taken := owner[what]; taken {
				t.Errorf("%s is of %s and of %s", what, other, release)
			}
			owner[what] = release
		}
		for _, other := range releases {
			labels := map[string]k8slabels.Set{"pods": installs[other].pod().Labels, "the metrics Service": installs[other].metrics().Labels}
			for what, selector := range i.selectors(t) {
				of := "pods"
				if what == "ServiceMonitor" {
					of = "the metrics Service"
				}
				// A Service of one pod names it, and no template of pods has its name.
				if other != release && selector.Matches(labels[of]) {
					t.Errorf("%s of %s selects %s of %s", what, release, of, other)
				}
			}
		}
	}
	// Each alert would be evaluated twice, and a dashboard be there twice.
	if rules != 1 || boards != 1 {
		t.Errorf("%d releases have rules, and %d dashboards", rules, boards)
	}
}
