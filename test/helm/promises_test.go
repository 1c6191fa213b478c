package helm

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"whereby_exporter/collector/metrics"
)

const (
	metricsPort = 10036
	webhookPort = 10037
)

// problems returns the promises that an install breaks, whatever its values. They are
// texts and no failures of a test, so that a test can see them broken.
func (i *install) problems() []string {
	var p problems
	i.checkPrivileges(&p)
	i.checkSecrets(&p)
	i.checkSelectors(&p)
	i.checkPorts(&p)
	i.checkScrape(&p)
	i.checkVolumes(&p)
	i.checkPolicy(&p)
	i.checkWebhooks(&p)
	i.checkIngress(&p)
	i.checkShare(&p)
	i.checkSpread(&p)
	i.checkNames(&p)
	return p
}

type problems []string

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

func (p *problems) want(ok bool, format string, args ...any) {
	if !ok {
		p.add(format, args...)
	}
}

func is[T comparable](p *T, want T) bool { return p != nil && *p == want }

// checkPrivileges holds the pod to the level "restricted" of Pod Security, and beyond:
// no file system but its volumes, and no account of the cluster.
func (i *install) checkPrivileges(p *problems) {
	spec := i.pod().Spec
	p.want(len(spec.InitContainers) == 0 && len(spec.EphemeralContainers) == 0, "privileges: there are other containers")
	p.want(!spec.HostNetwork && !spec.HostPID && !spec.HostIPC, "privileges: a namespace of the host")
	p.want(is(spec.AutomountServiceAccountToken, false), "privileges: a token of the service account")
	p.want(i.account == nil || is(i.account.AutomountServiceAccountToken, false), "privileges: the service account hands out a token")
	p.want(is(spec.EnableServiceLinks, false), "service links: Kubernetes sets variables with the prefix of the flags'")
	if s := spec.SecurityContext; s == nil {
		p.add("privileges: no security context of the pod")
	} else {
		p.want(is(s.RunAsNonRoot, true), "privileges: may run as root")
		p.want(s.RunAsUser == nil || *s.RunAsUser > 0, "privileges: runs as root")
		p.want(s.SeccompProfile != nil && s.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault, "privileges: no seccomp profile")
	}
	if s := i.exporter().SecurityContext; s == nil {
		p.add("privileges: no security context of the container")
	} else {
		p.want(is(s.AllowPrivilegeEscalation, false), "privileges: may gain more")
		p.want(is(s.ReadOnlyRootFilesystem, true), "privileges: the root file system can be written to")
		p.want(s.Privileged == nil && s.RunAsUser == nil && s.RunAsNonRoot == nil && s.SeccompProfile == nil, "privileges: the container overrides the pod")
		p.want(s.Capabilities != nil && len(s.Capabilities.Add) == 0 && slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}), "privileges: capabilities are left")
	}
	for _, v := range spec.Volumes {
		p.want(v.HostPath == nil, "privileges: volume %s is a directory of the host", v.Name)
	}
}

// secretVariables hold secrets: they are never set to a text.
var secretVariables = []string{"WHEREBY_API_KEY", "WHEREBY_WEBHOOK_SECRET"}

func (i *install) checkSecrets(p *problems) {
	for _, o := range i.objects {
		_, secret := any(o).(*core.Secret)
		p.want(!secret, "secrets: the chart renders one")
	}
	for _, env := range i.exporter().Env {
		if slices.Contains(secretVariables, env.Name) {
			p.want(env.Value == "" && env.ValueFrom != nil && env.ValueFrom.SecretKeyRef != nil, "secrets: %s comes from no secret", env.Name)
		}
	}
	files := i.secretFiles()
	p.want(files["api-key"].Name != "", "secrets: no API key is mounted")
	served := len(i.webhooks()) > 0
	for _, pod := range i.pods() {
		_, mounted := files[path.Base(pod.flag("--webhook.secret-file"))]
		p.want(mounted == served, "secrets: the webhook's is mounted %v, the webhook is served %v", mounted, served)
	}
	for file := range files {
		p.want(served || file == "api-key", "secrets: %s is mounted, and nothing reads it", file)
	}
}

// secretFiles returns the mounted keys of secrets, by file.
func (i *install) secretFiles() map[string]core.SecretKeySelector {
	files := map[string]core.SecretKeySelector{}
	for _, v := range i.pod().Spec.Volumes {
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			for _, item := range source.Secret.Items {
				files[item.Path] = core.SecretKeySelector{LocalObjectReference: source.Secret.LocalObjectReference, Key: item.Key}
			}
		}
	}
	return files
}

func (i *install) checkSelectors(p *problems) {
	pod := labels.Set(i.pod().Labels)
	match := func(what string, selector *meta.LabelSelector) {
		s, err := meta.LabelSelectorAsSelector(selector)
		p.want(err == nil && !s.Empty() && s.Matches(pod), "selectors: that of %s does not match the pods", what)
	}
	match("the StatefulSet", i.stateful.Spec.Selector)
	if s := i.metrics(); s != nil {
		match("Service "+s.Name, &meta.LabelSelector{MatchLabels: s.Spec.Selector})
	}
	if i.policy != nil {
		match("the NetworkPolicy", &i.policy.Spec.PodSelector)
	}
	if i.budget != nil {
		match("the PodDisruptionBudget", i.budget.Spec.Selector)
	}
	for _, c := range i.pod().Spec.TopologySpreadConstraints {
		if c.LabelSelector != nil {
			match("the topology spread", c.LabelSelector)
		}
	}
	if i.monitor != nil {
		s, err := meta.LabelSelectorAsSelector(&i.monitor.Spec.Selector)
		for component, services := range i.services {
			for _, service := range services {
				matches := err == nil && !s.Empty() && s.Matches(labels.Set(service.Labels))
				p.want(matches == (component == "metrics"), "selectors: the ServiceMonitor takes Service %s: %v", service.Name, matches)
			}
		}
	}
}

// checkPorts follows names of ports to where they lead.
func (i *install) checkPorts(p *problems) {
	ports := map[string]int32{}
	for _, port := range i.exporter().Ports {
		ports[port.Name] = port.ContainerPort
	}
	want := map[string]int32{"metrics": metricsPort}
	if len(i.webhooks()) > 0 {
		want["webhook"] = webhookPort
	}
	p.want(fmt.Sprint(ports) == fmt.Sprint(want), "ports: the container has %v, want %v", ports, want)
	p.want(len(i.services["metrics"]) > 0, "ports: no Service for the metrics")
	for component, services := range i.services {
		for _, s := range services {
			ok := len(s.Spec.Ports) == 1 && s.Spec.Ports[0].Port == want[component] &&
				s.Spec.Ports[0].Name == component && s.Spec.Ports[0].TargetPort == intstr.FromString(component)
			p.want(ok, "ports: Service %s has other ports than that of %s", s.Name, component)
		}
	}
	metrics := i.metrics()
	p.want(metrics == nil || metrics.Spec.Type == "" || metrics.Spec.Type == core.ServiceTypeClusterIP, "ports: the metrics are served outside of the cluster")
	p.want(metrics != nil && i.stateful.Spec.ServiceName == metrics.Name, "ports: the StatefulSet's Service is another")
	for name, probe := range map[string]*core.Probe{"/-/healthy": i.exporter().LivenessProbe, "/-/ready": i.exporter().ReadinessProbe, "/-/healthy ": i.exporter().StartupProbe} {
		if i.behindPassword() {
			command := []string{"/whereby_exporter", "healthcheck"}
			if name == "/-/ready" {
				command = append(command, "--ready")
			}
			ok := probe != nil && probe.Exec != nil && slices.Equal(probe.Exec.Command, command)
			p.want(ok, "ports: no probe asks %s by a command", name)
			continue
		}
		ok := probe != nil && probe.HTTPGet != nil && probe.HTTPGet.Path == strings.TrimSpace(name) && probe.HTTPGet.Port == intstr.FromString("metrics")
		p.want(ok, "ports: no probe asks %s of the metrics port", name)
	}
	if i.monitor != nil {
		for _, e := range i.monitor.Spec.Endpoints {
			p.want(e.Port == "metrics" && e.Path == "/metrics", "ports: the ServiceMonitor scrapes %s of port %s", e.Path, e.Port)
		}
		p.want(len(i.monitor.Spec.Endpoints) == 1, "ports: the ServiceMonitor has %d endpoints", len(i.monitor.Spec.Endpoints))
	}
}

// behindPassword reports whether the metrics' address may ask for a password or a
// certificate, which the kubelet has not.
func (i *install) behindPassword() bool {
	return slices.ContainsFunc(i.exporter().Args, func(arg string) bool { return strings.HasPrefix(arg, "--web.config.file=") })
}

// operatorLabels are what the Prometheus operator adds to the targets of a ServiceMonitor.
var operatorLabels = []string{"namespace", "service", "pod", "container", "node", "endpoint", "job", "instance"}

// checkScrape finds labels of the exporter's metrics that those of the target displace.
func (i *install) checkScrape(p *problems) {
	if i.monitor == nil {
		return
	}
	left := slices.Clone(operatorLabels)
	for _, r := range i.monitor.Spec.Endpoints[0].RelabelConfigs {
		if r.Action == "labeldrop" {
			left = slices.DeleteFunc(left, func(label string) bool { return label == r.Regex })
		}
	}
	// The address is another one after a restart, and so are all series.
	stays := slices.ContainsFunc(i.monitor.Spec.Endpoints[0].RelabelConfigs, func(r monitoring.RelabelConfig) bool {
		return r.TargetLabel == "instance" && slices.Equal(r.SourceLabels, []monitoring.LabelName{"__meta_kubernetes_pod_name"})
	})
	p.want(stays, "scrape: instance is new with every pod")
	for _, m := range metrics.All() {
		for _, label := range m.Labels {
			p.want(!slices.Contains(left, label), "scrape: label %s of %s is displaced by the operator's", label, m.Name)
		}
	}
}

// checkVolumes finds what is mounted but not there, and state that nothing keeps.
func (i *install) checkVolumes(p *problems) {
	there := map[string]bool{}
	for _, v := range i.pod().Spec.Volumes {
		p.want(!there[v.Name], "volumes: %s is there twice", v.Name)
		there[v.Name] = true
	}
	for _, c := range i.stateful.Spec.VolumeClaimTemplates {
		p.want(!there[c.Name], "volumes: %s is there twice", c.Name)
		there[c.Name] = true
		for label := range c.Labels {
			p.want(i.stateful.Spec.Selector.MatchLabels[label] != "", "volumes: label %s of the claim may change, and a claim template may not", label)
		}
	}
	mounted, store := map[string]bool{}, ""
	for _, m := range i.exporter().VolumeMounts {
		p.want(there[m.Name], "volumes: %s is mounted and not there", m.Name)
		p.want(m.SubPath == "", "volumes: %s is mounted by a subpath, which never changes", m.Name)
		mounted[m.MountPath] = true
		if m.MountPath == "/data" {
			store = m.Name
		}
	}
	for _, v := range i.pod().Spec.Volumes {
		shared := v.Name == store && v.PersistentVolumeClaim != nil && len(i.pods()) > 1
		p.want(!shared, "volumes: the replicas share the store")
	}
	p.want(mounted["/data"] && slices.Contains(i.exporter().Args, "--storage.path=/data"), "volumes: the store is on none")
	for _, arg := range i.exporter().Args {
		if _, file, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(file, "/etc/") {
			p.want(mounted[file[:strings.LastIndex(file, "/")]], "volumes: %s names a file on none", arg)
		}
	}
}

// caller is who opens a connection: a pod, or an address outside of the cluster.
type caller struct {
	name      string
	namespace labels.Set
	pod       labels.Set
	own       bool // in the exporter's namespace
	address   string
}

// allows says whether a policy lets a caller reach a port, as its specification has it.
func allows(t *networking.NetworkPolicy, c caller, port int) bool {
	for _, rule := range t.Spec.Ingress {
		open := len(rule.Ports) == 0 || slices.ContainsFunc(rule.Ports, func(p networking.NetworkPolicyPort) bool {
			return p.Port == nil || p.Port.Type == intstr.Int && p.Port.IntValue() == port
		})
		peer := len(rule.From) == 0 || slices.ContainsFunc(rule.From, c.is)
		if open && peer {
			return true
		}
	}
	return !slices.Contains(t.Spec.PolicyTypes, networking.PolicyTypeIngress)
}

func (c caller) is(peer networking.NetworkPolicyPeer) bool {
	if peer.IPBlock != nil {
		prefix, err := netip.ParsePrefix(peer.IPBlock.CIDR)
		return err == nil && c.address != "" && prefix.Contains(netip.MustParseAddr(c.address))
	}
	if c.pod == nil {
		return false
	}
	matches := func(selector *meta.LabelSelector, set labels.Set) bool {
		s, err := meta.LabelSelectorAsSelector(selector)
		return err == nil && s.Matches(set)
	}
	if peer.NamespaceSelector == nil && !c.own || peer.NamespaceSelector != nil && !matches(peer.NamespaceSelector, c.namespace) {
		return false
	}
	return peer.PodSelector == nil || matches(peer.PodSelector, c.pod)
}

// callers are of all kinds.
var callers = []caller{
	{name: "the internet", address: "198.51.100.7"},
	{name: "an address in the office", address: "192.0.2.9"},
	{name: "a pod next to the exporter", own: true, namespace: labels.Set{"kubernetes.io/metadata.name": "whereby"}, pod: labels.Set{"app": "other"}},
	{name: "Prometheus in monitoring", namespace: labels.Set{"kubernetes.io/metadata.name": "monitoring"}, pod: labels.Set{"app.kubernetes.io/name": "prometheus"}},
	{name: "Prometheus of the SREs", namespace: labels.Set{"team": "sre"}, pod: labels.Set{"app.kubernetes.io/name": "prometheus"}},
	{name: "another pod of the SREs", namespace: labels.Set{"team": "sre"}, pod: labels.Set{"app": "other"}},
	{name: "a pod elsewhere", namespace: labels.Set{"kubernetes.io/metadata.name": "shop"}, pod: labels.Set{"app": "shop"}},
}

// checkPolicy holds for every policy: the webhook is open to all or to those that the
// values name, nothing but it to the internet, and no third port to anybody.
func (i *install) checkPolicy(p *problems) {
	if i.policy == nil {
		return
	}
	for _, c := range callers {
		served := len(i.webhooks()) > 0 && (len(i.webhookFrom) == 0 || slices.ContainsFunc(i.webhookFrom, c.is))
		p.want(allows(i.policy, c, webhookPort) == served, "policy: the webhook is open to %s: %v", c.name, allows(i.policy, c, webhookPort))
		p.want(!allows(i.policy, c, 10038), "policy: another port is open to %s", c.name)
	}
	p.want(!allows(i.policy, callers[0], metricsPort), "policy: the metrics are open to the internet")
	limited := slices.Contains(i.policy.Spec.PolicyTypes, networking.PolicyTypeEgress)
	p.want(!limited || i.egress, "policy: it would keep the exporter from Whereby's API")
	p.want(limited == (len(i.policy.Spec.Egress) > 0), "policy: rules for what it reaches, and none of them counts")
	p.want(limited || !i.egress, "policy: the exporter may reach all")
}

// lastApplied is the size of the annotation in which kubectl apply keeps an object.
const lastApplied = 256 << 10

func (i *install) checkNames(p *problems) {
	seen := map[string]bool{}
	for _, o := range i.objects {
		what := o.GetObjectKind().GroupVersionKind().Kind + " " + o.GetName()
		p.want(!seen[what], "names: %s is there twice", what)
		seen[what] = true
		for _, text := range validation.IsDNS1123Label(o.GetName()) {
			p.add("names: %s: %s", what, text)
		}
		content, err := json.Marshal(o)
		p.want(err == nil && len(content) < lastApplied, "names: %s has %d bytes, too many for kubectl apply", what, len(content))
		i.checkLabels(p, what, o.GetLabels())
	}
	i.checkLabels(p, "the pods", i.pod().Labels)
}

func (i *install) checkLabels(p *problems, what string, set map[string]string) {
	for _, label := range []string{"app.kubernetes.io/name", "app.kubernetes.io/instance"} {
		p.want(set[label] != "", "names: %s has no label %s", what, label)
	}
	for name, value := range set {
		for _, text := range append(validation.IsQualifiedName(name), validation.IsValidLabelValue(value)...) {
			p.add("names: label %s of %s: %s", name, what, text)
		}
	}
}

func TestEveryValueSetKeepsThePromises(t *testing.T) {
	c := loadChart(t)
	for _, name := range sets(t) {
		for _, release := range []string{Release, "w", "a-release-whose-name-is-as-long-as-helm-allows-any-1"} {
			i, err := render(c, release, set(t, name))
			if err != nil {
				t.Errorf("%s as %s: %v", name, release, err)
				continue
			}
			for _, problem := range i.problems() {
				t.Errorf("%s as %s: %s", name, release, problem)
			}
		}
	}
}
