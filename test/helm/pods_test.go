package helm

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// pod is one that Kubernetes makes from the StatefulSet.
type pod struct {
	name   string
	labels labels.Set
	args   []string // with variables in place
}

// flag returns the value of an argument, the last one if there are several.
func (p pod) flag(name string) string {
	value := ""
	for _, arg := range p.args {
		if v, ok := strings.CutPrefix(arg, name+"="); ok {
			value = v
		}
	}
	return value
}

// pods are all that Kubernetes makes from the StatefulSet. It also adds a label with a
// pod's number, but not before 1.28, and the chart is for older ones too.
func (i *install) pods() []pod {
	var pods []pod
	for n := range *i.stateful.Spec.Replicas {
		p := pod{name: fmt.Sprintf("%s-%d", i.stateful.Name, n)}
		p.labels = labels.Merge(i.pod().Labels, labels.Set{"statefulset.kubernetes.io/pod-name": p.name})
		variables := map[string]string{}
		for _, env := range i.exporter().Env {
			switch from := env.ValueFrom; {
			case from == nil:
				variables[env.Name] = expand(env.Value, variables)
			case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.name":
				variables[env.Name] = p.name
			case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.namespace":
				variables[env.Name] = "whereby"
			}
		}
		for _, arg := range i.exporter().Args {
			p.args = append(p.args, expand(arg, variables))
		}
		pods = append(pods, p)
	}
	return pods
}

var reference = regexp.MustCompile(`\$\$|\$\([A-Za-z_][A-Za-z0-9_]*\)`)

// expand puts variables into an argument as Kubernetes does: $(NAME) that is unknown
// stays, and $$ is a dollar.
func expand(text string, variables map[string]string) string {
	return reference.ReplaceAllStringFunc(text, func(ref string) string {
		if ref == "$$" {
			return "$"
		}
		if value, ok := variables[ref[2:len(ref)-1]]; ok {
			return value
		}
		return ref
	})
}

func TestExpand(t *testing.T) {
	variables := map[string]string{"POD_NAME": "whereby-exporter-1"}
	for text, want := range map[string]string{
		"--webhook.path=/webhook/$(POD_NAME)": "--webhook.path=/webhook/whereby-exporter-1",
		"$(POD_NAME)$(POD_NAME)":              "whereby-exporter-1whereby-exporter-1",
		"$(UNKNOWN)":                          "$(UNKNOWN)",
		"$$(POD_NAME)":                        "$(POD_NAME)",
		"$POD_NAME":                           "$POD_NAME",
	} {
		if got := expand(text, variables); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// behind returns the pods to which a Service leads.
func (i *install) behind(s *core.Service) []pod {
	selector := labels.SelectorFromSet(s.Spec.Selector)
	return slices.DeleteFunc(i.pods(), func(p pod) bool { return selector.Empty() || !selector.Matches(p.labels) })
}

// checkWebhooks follows each Service of a webhook to its pod: every pod has one, and
// shares it with no other.
func (i *install) checkWebhooks(p *problems) {
	services := map[string]int{}
	for _, s := range i.webhooks() {
		pods := i.behind(s)
		p.want(len(pods) == 1, "webhooks: Service %s leads to %d pods", s.Name, len(pods))
		for _, pod := range pods {
			services[pod.name]++
		}
		p.want(s.Spec.PublishNotReadyAddresses, "webhooks: Service %s leads to no pod before its first poll", s.Name)
	}
	for _, pod := range i.pods() {
		p.want(len(i.webhooks()) == 0 || services[pod.name] == 1, "webhooks: %d Services lead to %s", services[pod.name], pod.name)
	}
}

// checkIngress follows each path to its pod, as a controller does: by Service and port
// to the pods that the Service selects. Each pod's webhook is reached by itself.
func (i *install) checkIngress(p *problems) {
	if i.ingress == nil {
		return
	}
	p.want(i.ingress.Spec.DefaultBackend == nil, "ingress: it leads somewhere by default")
	p.want(len(i.ingress.Spec.Rules) == 1 && i.ingress.Spec.Rules[0].Host != "", "ingress: it has no host, or several")
	paths, reached := map[string]bool{}, map[string]int{}
	for _, rule := range i.ingress.Spec.Rules {
		for _, path := range rule.HTTP.Paths {
			p.want(!paths[path.Path], "ingress: %s is there twice", path.Path)
			paths[path.Path] = true
			p.want(is(path.PathType, networking.PathTypeExact), "ingress: %s leads to more than itself", path.Path)
			pods, port := i.backend(path.Backend.Service)
			p.want(port == webhookPort, "ingress: %s does not lead to the webhook", path.Path)
			p.want(len(pods) == 1, "ingress: %s leads to %d pods", path.Path, len(pods))
			for _, pod := range pods {
				reached[pod.name]++
				p.want(pod.flag("--webhook.path") == path.Path, "ingress: the exporter has no webhook at %s: %s has it at %s", path.Path, pod.name, pod.flag("--webhook.path"))
			}
		}
	}
	for _, pod := range i.pods() {
		p.want(reached[pod.name] == 1, "ingress: %d paths lead to %s", reached[pod.name], pod.name)
	}
}

// backend follows a backend to pods, and to a port of theirs, 0 if there is none.
func (i *install) backend(b *networking.IngressServiceBackend) (pods []pod, port int32) {
	for _, services := range i.services {
		for _, s := range services {
			if s.Name != b.Name {
				continue
			}
			for _, of := range s.Spec.Ports {
				if b.Port.Name != "" && of.Name == b.Port.Name || b.Port.Number != 0 && of.Port == b.Port.Number {
					port = i.containerPort(of.TargetPort)
				}
			}
			return i.behind(s), port
		}
	}
	return nil, 0
}

func (i *install) containerPort(target intstr.IntOrString) int32 {
	if target.Type == intstr.Int {
		return target.IntVal
	}
	for _, port := range i.exporter().Ports {
		if port.Name == target.StrVal {
			return port.ContainerPort
		}
	}
	return 0
}

// checkShare adds up what the pods may spend: never more than the share, and not less
// but for what is cut off.
func (i *install) checkShare(p *problems) {
	sum := 0.0
	for _, pod := range i.pods() {
		share, err := strconv.ParseFloat(pod.flag("--whereby.rate-limit-share"), 64)
		p.want(err == nil, "share: %s has none: %v", pod.name, err)
		sum += share
	}
	p.want(sum < i.share+1e-9 && sum > i.share-1e-4, "share: all pods together may spend %v, want %v", sum, i.share)
}

// checkSpread holds that several replicas are not on one node.
func (i *install) checkSpread(p *problems) {
	apart := slices.ContainsFunc(i.pod().Spec.TopologySpreadConstraints, func(c core.TopologySpreadConstraint) bool {
		return c.MaxSkew == 1 && c.WhenUnsatisfiable == core.DoNotSchedule
	})
	p.want(apart || len(i.pods()) == 1, "spread: the replicas may all be on one node")
}
