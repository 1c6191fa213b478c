package helm

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestValuesAreRefusedWithAClearLine(t *testing.T) {
	loaded := loadChart(t)
	for name, c := range map[string]struct{ values, want string }{
		"several replicas on one claim":              {"{replicas: 3, persistence: {existingClaim: c}}", "persistence.existingClaim: one claim can't serve several replicas"},
		"more replicas than Whereby has webhooks":    {"replicas: 11", "/replicas"},
		"fewer keys than replicas":                   {"{replicas: 3, webhook: {replicaKeys: [a, b]}}", "webhook.replicaKeys: 2 keys for 3 replicas; name one for each, or none"},
		"more keys than replicas":                    {"{webhook: {replicaKeys: [a, b]}}", "webhook.replicaKeys: 2 keys for 1 replicas; name one for each, or none"},
		"keys of replicas for one":                   {"{webhook: {replicaKeys: [a]}}", "webhook.replicaKeys: is for several replicas; for one, set webhook.key"},
		"a key for two replicas":                     {"{replicas: 2, webhook: {replicaKeys: [a, a]}}", "/webhook/replicaKeys"},
		"a replica's key that is a path":             {"{replicas: 2, webhook: {replicaKeys: [a, b/c]}}", "/webhook/replicaKeys/1"},
		"a share of nothing":                         {"rateLimitShare: 0", "/rateLimitShare"},
		"a share of more than there is":              {"rateLimitShare: 1.5", "/rateLimitShare"},
		"a share as text":                            {"rateLimitShare: 25%", "/rateLimitShare"},
		"the share as an argument":                   {"extraArgs: [--whereby.rate-limit-share=0.5]", "extraArgs: --whereby.rate-limit-share differs with the number of replicas; set rateLimitShare instead"},
		"the share in the environment":               {"extraEnv: [{name: WHEREBY_EXPORTER_WHEREBY_RATE_LIMIT_SHARE, value: '0.5'}]", "extraEnv: the chart sets --whereby.rate-limit-share, which WHEREBY_EXPORTER_WHEREBY_RATE_LIMIT_SHARE does not change; set rateLimitShare instead"},
		"the webhook's path as an argument":          {"extraArgs: [--log.level=debug, --webhook.path=/hook]", "extraArgs: --webhook.path differs with the number of replicas; set webhook.path instead"},
		"the webhook's path in the environment":      {"extraEnv: [{name: WHEREBY_EXPORTER_WEBHOOK_PATH, value: /hook}]", "extraEnv: the chart sets --webhook.path, which WHEREBY_EXPORTER_WEBHOOK_PATH does not change; set webhook.path instead"},
		"another name of the pod":                    {"extraEnv: [{name: POD_NAME, value: a}]", "extraEnv: POD_NAME is the chart's, for the path of each replica's webhook"},
		"an ingress to nothing":                      {"{ingress: {enabled: true, host: a.example.com}, webhook: {enabled: false}}", "ingress.enabled: the ingress leads to the webhook, and webhook.enabled is false"},
		"an ingress for every host":                  {"ingress: {enabled: true}", "ingress.host: name the host"},
		"two configurations":                         {"{existingConfigMap: c, config: {billing: {anchor_day: 1}}}", "config, existingConfigMap: set one of them"},
		"an API key in the environment":              {"extraEnv: [{name: WHEREBY_API_KEY, value: abc}]", "extraEnv: WHEREBY_API_KEY is a secret"},
		"a webhook secret in the environment":        {"extraEnv: [{name: WHEREBY_WEBHOOK_SECRET, value: abc}]", "extraEnv: WHEREBY_WEBHOOK_SECRET is a secret"},
		"an API key as a value":                      {"apiKey: {value: abc}", "value"},
		"a webhook secret as a value":                {"webhook: {secret: abc}", "secret"},
		"a misspelt value":                           {"replica: 2", "replica"},
		"a misspelt value within another":            {"persistence: {enable: false}", "enable"},
		"no replica":                                 {"replicas: 0", "/replicas"},
		"half a replica":                             {"replicas: 1.5", "/replicas"},
		"replicas as text":                           {"replicas: two", "/replicas"},
		"no name of the API key's secret":            {"apiKey: {existingSecret: ''}", "/apiKey/existingSecret"},
		"a secret's name that Kubernetes has not":    {"webhook: {existingSecret: My_Secret}", "/webhook/existingSecret"},
		"a key that is a path":                       {"apiKey: {key: a/b}", "/apiKey/key"},
		"a webhook path that is none":                {"webhook: {path: webhook}", "/webhook/path"},
		"a webhook path that ends in a slash":        {"webhook: {path: /webhook/}", "/webhook/path"},
		"a webhook path with an argument":            {"webhook: {path: '/a --web.listen-address=:1'}", "/webhook/path"},
		"a Service of an unknown type":               {"webhook: {service: {type: Public}}", "/webhook/service/type"},
		"a Service of the metrics that faces others": {"service: {type: LoadBalancer}", "type"},
		"a host with a scheme":                       {"ingress: {host: 'https://a.example.com'}", "/ingress/host"},
		"root":                                       {"podSecurityContext: {runAsUser: 0}", "/podSecurityContext/runAsUser"},
		"no need of another user than root":          {"podSecurityContext: {runAsNonRoot: false}", "runAsNonRoot"},
		"privileges":                                 {"securityContext: {privileged: true}", "securityContext"},
		"everybody as a peer":                        {"networkPolicy: {metricsFrom: [{}]}", "/networkPolicy/metricsFrom/0"},
		"a peer of an unknown kind":                  {"networkPolicy: {metricsFrom: [{namespace: monitoring}]}", "namespace"},
		"a probe of another path":                    {"livenessProbe: {httpGet: {path: /}}", "httpGet"},
		"a volume of no size":                        {"persistence: {size: 0Gi}", "/persistence/size"},
		"a volume that several may only read":        {"persistence: {accessModes: [ReadOnlyMany]}", "/persistence/accessModes/0"},
		"an interval without a unit":                 {"serviceMonitor: {interval: '15'}", "/serviceMonitor/interval"},
		"a budget of none":                           {"podDisruptionBudget: {maxUnavailable: 0}", "/podDisruptionBudget/maxUnavailable"},
		"an argument that is no flag":                {"extraArgs: [demo]", "/extraArgs/0"},
		"a class of a load balancer that is none":    {"webhook: {service: {loadBalancerClass: a}}", "webhook.service: loadBalancerClass and loadBalancerSourceRanges are for type LoadBalancer"},
		"source ranges of a node's port":             {"webhook: {service: {type: NodePort, loadBalancerSourceRanges: [192.0.2.0/24]}}", "webhook.service: loadBalancerClass and loadBalancerSourceRanges are for type LoadBalancer"},
		"a source range without a length":            {"webhook: {service: {type: LoadBalancer, loadBalancerSourceRanges: [192.0.2.1]}}", "/webhook/service/loadBalancerSourceRanges/0"},
		"a traffic policy within the cluster":        {"webhook: {service: {externalTrafficPolicy: Local}}", "webhook.service.externalTrafficPolicy: is for types NodePort and LoadBalancer"},
		"a traffic policy that is none":              {"webhook: {service: {type: NodePort, externalTrafficPolicy: Near}}", "/webhook/service/externalTrafficPolicy"},
		"everybody as a sender of webhooks":          {"networkPolicy: {webhookFrom: [{}]}", "/networkPolicy/webhookFrom/0"},
		"a web config file as an argument":           {"extraArgs: [--web.config.file=/etc/web.yml]", "extraArgs: the probes have to know of --web.config.file; set web.existingSecret instead"},
		"a web config file in the environment":       {"extraEnv: [{name: WHEREBY_EXPORTER_WEB_CONFIG_FILE, value: /etc/web.yml}]", "extraEnv: the probes have to know of --web.config.file; set web.existingSecret instead"},
		"a password as a value":                      {"serviceMonitor: {basicAuth: {password: abc}}", "/serviceMonitor/basicAuth/password"},
		"a label that is a number":                   {"podLabels: {a: 1}", "/podLabels/a"},
		"a tag with a blank":                         {"image: {tag: 'a b'}", "/image/tag"},
		"a digest that is cut off":                   {"image: {digest: 'sha256:12'}", "/image/digest"},
		"a configuration as text":                    {"config: 'customers: []'", "/config"},
	} {
		_, err := render(loaded, Release, values(t, c.values))
		if err == nil {
			t.Errorf("%s is accepted", name)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q does not have %q", name, err, c.want)
		}
		if at := strings.Index(err.Error(), "execution error"); at >= 0 && strings.Contains(strings.TrimSpace(err.Error()), "\n") {
			t.Errorf("%s: more than a line: %q", name, err)
		}
	}
}

func TestTheImageIsTheChartsVersionUnlessItIsNamed(t *testing.T) {
	c := loadChart(t)
	c.Metadata.AppVersion = "7.8.9"
	for text, want := range map[string]string{
		"": "whereby_exporter:7.8.9",
		"image: {repository: registry.example.com/w}":                            "registry.example.com/w:7.8.9",
		"image: {tag: 1.2.3}":                                                    "whereby_exporter:1.2.3",
		"image: {tag: 1.2.3, digest: 'sha256:" + strings.Repeat("ab", 32) + "'}": "whereby_exporter@sha256:" + strings.Repeat("ab", 32),
		"image: {digest: 'sha256:" + strings.Repeat("ab", 32) + "', tag: ''}":    "whereby_exporter@sha256:" + strings.Repeat("ab", 32),
		"image: {repository: 'localhost:5000/w', tag: v1}":                       "localhost:5000/w:v1",
	} {
		i, err := render(c, Release, values(t, text))
		if err != nil {
			t.Fatal(err)
		}
		if got := i.exporter().Image; got != want {
			t.Errorf("%s: image %s, want %s", text, got, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	i := mustRender(t, set(t, "default"))
	if n := i.stateful.Spec.Replicas; n == nil || *n != 1 {
		t.Errorf("replicas %v, want 1", n)
	}
	files := i.secretFiles()
	if f := files["api-key"]; f.Name != "whereby-exporter" || f.Key != "api-key" {
		t.Errorf("the API key is %v", f)
	}
	if f := files["webhook-secret"]; f.Name != "whereby-exporter" || f.Key != "webhook-secret" {
		t.Errorf("the webhook's secret is %v", f)
	}
	claims := i.stateful.Spec.VolumeClaimTemplates
	if len(claims) != 1 || claims[0].Name != "data" || claims[0].Spec.StorageClassName != nil {
		t.Fatalf("claims %v", claims)
	}
	if got := claims[0].Spec.Resources.Requests[core.ResourceStorage]; got.Cmp(resource.MustParse("1Gi")) != 0 {
		t.Errorf("the claim is of %v", got)
	}
	if len(i.boards) == 0 || i.config != nil {
		t.Errorf("%d dashboards, configuration %v", len(i.boards), i.config)
	}
	if i.exporter().Resources.Limits.Memory().IsZero() || i.exporter().Resources.Requests.Cpu().IsZero() {
		t.Error("no limit of memory, or no request of CPU")
	}
}

func TestWhoMayScrape(t *testing.T) {
	for name, want := range map[string][]string{
		"default":    {"a pod next to the exporter", "Prometheus in monitoring"},
		"everything": {"an address in the office", "Prometheus of the SREs"},
		"memory":     nil,
	} {
		i := mustRender(t, set(t, name))
		var may []string
		for _, c := range callers {
			if allows(i.policy, c, metricsPort) {
				may = append(may, c.name)
			}
		}
		if !slices.Equal(may, want) {
			t.Errorf("%s: %v may scrape, want %v", name, may, want)
		}
	}
	if i := mustRender(t, values(t, "networkPolicy: {enabled: false}")); i.policy != nil {
		t.Error("a policy that was turned off")
	}
}

func TestEveryValueGetsWhereItBelongs(t *testing.T) {
	i := mustRender(t, set(t, "everything"))
	pod, c := i.pod().Spec, i.exporter()
	service, webhook := i.metrics(), i.webhooks()
	claim := i.stateful.Spec.VolumeClaimTemplates[0]
	endpoint := i.monitor.Spec.Endpoints[0]
	for name, ok := range map[string]bool{
		"replicas":            *i.stateful.Spec.Replicas == 2,
		"image":               c.Image == "registry.example.com/whereby_exporter:9.9.9" && c.ImagePullPolicy == core.PullAlways,
		"pull secrets":        len(pod.ImagePullSecrets) == 1 && pod.ImagePullSecrets[0].Name == "registry",
		"names":               i.stateful.Name == "acme-usage" && i.stateful.Labels["app.kubernetes.io/name"] == "usage",
		"share":               slices.Contains(c.Args, "--whereby.rate-limit-share=0.2"),
		"webhook path":        slices.Contains(c.Args, "--webhook.path=/hooks/whereby/$(POD_NAME)"),
		"webhook secret":      i.secretFiles()["webhook-secret"].Name == "acme-webhook" && i.secretFiles()["webhook-secret"].Key == "secrets.txt",
		"webhook Services":    len(webhook) == 2 && webhook[0].Name == "acme-usage-webhook-0" && webhook[1].Name == "acme-usage-webhook-1",
		"webhook balancer":    webhook[1].Spec.Type == core.ServiceTypeLoadBalancer && webhook[1].Annotations["example.com/balancer"] == "public",
		"service annotations": service.Annotations["example.com/internal"] == "true",
		"ingress":             *i.ingress.Spec.IngressClassName == "nginx" && i.ingress.Annotations["example.com/limit"] == "100",
		"ingress TLS":         i.ingress.Spec.TLS[0].SecretName == "webhooks-tls" && i.ingress.Spec.TLS[0].Hosts[0] == "webhooks.example.com",
		"arguments":           slices.Equal(c.Args[len(c.Args)-3:], []string{"--poll.interval=2m", "--log.format=json", "--web.enable-lifecycle"}),
		"environment":         c.Env[1].Name == "GOMEMLIMIT" && c.EnvFrom[0].ConfigMapRef.Name == "proxies",
		"volumes":             pod.Volumes[len(pod.Volumes)-1].ConfigMap.Name == "ca" && c.VolumeMounts[len(c.VolumeMounts)-1].MountPath == "/etc/ca",
		"claim":               *claim.Spec.StorageClassName == "fast" && claim.Spec.AccessModes[0] == core.ReadWriteOncePod && claim.Annotations["example.com/backup"] == "daily",
		"ServiceMonitor":      endpoint.Interval == "30s" && endpoint.ScrapeTimeout == "10s" && i.monitor.Labels["release"] == "kube-prometheus-stack",
		"relabelings":         endpoint.RelabelConfigs[2].Regex == "pod" && endpoint.MetricRelabelConfigs[0].Regex == "go_.*",
		"PrometheusRule":      i.rule.Labels["release"] == "kube-prometheus-stack",
		"dashboards":          i.boards["acme-usage-dashboard-overview"].Labels["dashboards"] == "yes" && i.boards["acme-usage-dashboard-overview"].Annotations["folder"] == "Calls",
		"budget":              i.budget.Spec.MaxUnavailable.IntValue() == 1,
		"account":             i.account.Name == "usage" && pod.ServiceAccountName == "usage" && i.account.Annotations["example.com/role"] == "none",
		"resources":           c.Resources.Limits.Cpu().Value() == 1 && c.Resources.Requests.Memory().String() == "128Mi",
		"user":                *pod.SecurityContext.RunAsUser == 1000 && *pod.SecurityContext.FSGroup == 1000,
		"probe":               c.LivenessProbe.InitialDelaySeconds == 5 && c.LivenessProbe.PeriodSeconds == 10,
		"pod labels":          i.pod().Labels["team"] == "sre" && i.pod().Annotations["example.com/owner"] == "sre",
		"node":                pod.NodeSelector["kubernetes.io/os"] == "linux" && pod.Tolerations[0].Key == "dedicated" && pod.PriorityClassName == "high",
		"affinity":            pod.Affinity.PodAntiAffinity != nil && pod.TopologySpreadConstraints[0].TopologyKey == "topology.kubernetes.io/zone",
		"notes":               strings.Contains(i.notes, "https://webhooks.example.com/hooks/whereby/acme-usage-1\n") && strings.Contains(i.notes, "a line of secrets.txt"),
	} {
		if !ok {
			t.Errorf("%s: not as the values have it", name)
		}
	}
}

func TestALoadBalancerIsAsTheValuesHaveIt(t *testing.T) {
	i := mustRender(t, set(t, "balancer"))
	s := i.webhooks()[0].Spec
	for name, ok := range map[string]bool{
		"type":           s.Type == core.ServiceTypeLoadBalancer,
		"class":          is(s.LoadBalancerClass, "example.com/nlb"),
		"source ranges":  slices.Equal(s.LoadBalancerSourceRanges, []string{"192.0.2.0/24", "2001:db8::/32"}),
		"traffic policy": s.ExternalTrafficPolicy == core.ServiceExternalTrafficPolicyLocal,
		"egress":         len(i.policy.Spec.Egress) == 2 && i.policy.Spec.Egress[1].Ports[0].Port.IntValue() == 443,
	} {
		if !ok {
			t.Errorf("%s: not as the values have it", name)
		}
	}
	if s := mustRender(t, nil).webhooks()[0].Spec; s.LoadBalancerClass != nil || s.LoadBalancerSourceRanges != nil || s.ExternalTrafficPolicy != "" {
		t.Errorf("the default is %+v", s)
	}
}

func TestTLSAndAPasswordReachPrometheus(t *testing.T) {
	i := mustRender(t, set(t, "tls"))
	endpoint, secret := i.monitor.Spec.Endpoints[0], ""
	for _, v := range i.pod().Spec.Volumes {
		if v.Name == "web" && v.Secret != nil {
			secret = v.Secret.SecretName
		}
	}
	for name, ok := range map[string]bool{
		"secret":   secret == "acme-web",
		"scheme":   endpoint.Scheme != nil && endpoint.Scheme.String() == "https",
		"TLS":      endpoint.TLSConfig != nil && endpoint.TLSConfig.CA.Secret.Key == "ca.crt" && is(endpoint.TLSConfig.ServerName, "whereby.example.com"),
		"password": endpoint.BasicAuth != nil && endpoint.BasicAuth.Username.Key == "user" && endpoint.BasicAuth.Password.Key == "password",
	} {
		if !ok {
			t.Errorf("%s: not as the values have it", name)
		}
	}
	if e := mustRender(t, nil).monitor.Spec.Endpoints[0]; e.Scheme != nil || e.TLSConfig != nil || e.BasicAuth != nil {
		t.Errorf("the default is %+v", e)
	}
}

func TestWhatIsThereAlreadyIsUsed(t *testing.T) {
	i := mustRender(t, set(t, "existing"))
	claimed, configured := false, false
	for _, v := range i.pod().Spec.Volumes {
		claimed = claimed || v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == "globex-data"
		configured = configured || v.ConfigMap != nil && v.ConfigMap.Name == "globex-whereby"
	}
	files := i.secretFiles()
	for name, ok := range map[string]bool{
		"API key":        files["api-key"].Name == "globex-api" && files["api-key"].Key == "token",
		"webhook secret": files["webhook-secret"].Name == "globex-webhook" && files["webhook-secret"].Key == "hook",
		"claim":          claimed && len(i.stateful.Spec.VolumeClaimTemplates) == 0,
		"configuration":  configured && i.config == nil,
		"account":        i.pod().Spec.ServiceAccountName == "default",
	} {
		if !ok {
			t.Errorf("%s: another one is used", name)
		}
	}
}

func TestNotesSayWhatIsLeftToDo(t *testing.T) {
	for _, c := range []struct {
		set, text string
		want      bool
	}{
		{"default", "  whereby-exporter: webhook-secret\n", true},
		{"default", "port 10037 of service/whereby-exporter-webhook at /webhook", true},
		{"default", "networkPolicy.metricsFrom", true},
		{"default", "Nothing outlives the pod", false},
		{"existing", "  globex-api: token\n  globex-webhook: hook\n", true},
		{"memory", "webhook", false},
		{"memory", "Nothing outlives the pod", true},
		{"default", "The pod is ready", true},
		{"default", "whereby-exporter-webhook-0", false},
		{"pair", "Each pod is ready", true},
		{"pair", "  whereby-exporter: webhook-secret-0\n  whereby-exporter: webhook-secret-1\n", true},
		{"pair", "  https://webhooks.example.com/webhook/whereby-exporter-0\n  https://webhooks.example.com/webhook/whereby-exporter-1\n", true},
		{"pair", "into the key of its pod", true},
		{"pair", "set ingress.enabled", false},
		{"three", "  /webhook/whereby-exporter-2, on port 10037 of service/whereby-exporter-webhook-2\n", true},
		{"three", "a line of webhook-secret.\nWhereby must reach these Services: set ingress.enabled", true},
		{"everything", "https://webhooks.example.com/hooks/whereby/acme-usage-0\n", true},
		{"everything", "https://webhooks.example.com/hooks/whereby\n", false},
	} {
		if got := strings.Contains(mustRender(t, set(t, c.set)).notes, c.text); got != c.want {
			t.Errorf("%s: the notes have %q: %v, want %v", c.set, c.text, got, c.want)
		}
	}
}

// A change of the configuration restarts the pods, and nothing else does.
func TestPodsRestartWithTheirConfiguration(t *testing.T) {
	annotations := func(text string) string { return mustRender(t, values(t, text)).pod().Annotations["checksum/config"] }
	one, two := annotations("config: {billing: {anchor_day: 1}}"), annotations("config: {billing: {anchor_day: 2}}")
	if one == "" || one == two {
		t.Errorf("checksums %q and %q", one, two)
	}
	if other := annotations("{config: {billing: {anchor_day: 1}}, serviceMonitor: {interval: 1m}}"); other != one {
		t.Error("the pods restart with the ServiceMonitor")
	}
}

// Kubernetes refuses changes of these fields of a StatefulSet, and Helm would fail.
func TestUpgradesChangeNothingThatIsFixed(t *testing.T) {
	c := loadChart(t)
	before, err := render(c, Release, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Metadata.Version, c.Metadata.AppVersion = "7.8.9", "7.8.9"
	after, err := render(c, Release, values(t, `
replicas: 2
podLabels: {team: sre}
podAnnotations: {team: sre}
webhook: {enabled: false}
config: {billing: {anchor_day: 2}}
image: {tag: "7"}
serviceAccount: {create: false}
`))
	if err != nil {
		t.Fatal(err)
	}
	a, b := before.stateful.Spec, after.stateful.Spec
	for field, equal := range map[string]bool{
		"selector":             reflect.DeepEqual(a.Selector, b.Selector),
		"serviceName":          a.ServiceName == b.ServiceName,
		"podManagementPolicy":  a.PodManagementPolicy == b.PodManagementPolicy,
		"volumeClaimTemplates": reflect.DeepEqual(a.VolumeClaimTemplates, b.VolumeClaimTemplates),
	} {
		if !equal {
			t.Errorf("%s changes", field)
		}
	}
}

func TestReplicasAreSpreadOverNodes(t *testing.T) {
	spread := mustRender(t, set(t, "pair")).pod().Spec.TopologySpreadConstraints
	if len(spread) != 1 || spread[0].TopologyKey != core.LabelHostname || spread[0].WhenUnsatisfiable != core.DoNotSchedule {
		t.Errorf("topology spread %v", spread)
	}
	// Without it, a node that takes no pods, such as one of the control plane, counts as
	// an empty one: where one node is left, the second replica would wait forever.
	if len(spread) == 1 && !is(spread[0].NodeTaintsPolicy, core.NodeInclusionPolicyHonor) {
		t.Error("nodes that take no pods count")
	}
	if spread := mustRender(t, nil).pod().Spec.TopologySpreadConstraints; len(spread) != 0 {
		t.Errorf("topology spread %v of one replica", spread)
	}
}

// One replica has the names and the path that do not differ by pod: who runs one had
// them before there were several.
func TestOneReplicaHasNoNumbers(t *testing.T) {
	i := mustRender(t, values(t, "ingress: {enabled: true, host: webhooks.example.com}"))
	if w := i.webhooks(); len(w) != 1 || w[0].Name != "whereby-exporter-webhook" || len(w[0].Spec.Selector) != 2 {
		t.Errorf("Services of webhooks: %v", w)
	}
	if path := i.pods()[0].flag("--webhook.path"); path != "/webhook" || i.ingress.Spec.Rules[0].HTTP.Paths[0].Path != path {
		t.Errorf("the path is %s", path)
	}
	if !slices.Contains(i.exporter().Args, "--whereby.rate-limit-share=0.25") || len(i.exporter().Env) != 0 || i.budget != nil {
		t.Errorf("arguments %v, environment %v, budget %v", i.exporter().Args, i.exporter().Env, i.budget)
	}
}

func TestTheShareIsDivided(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "0.25",
		"replicas: 2":                           "0.125",
		"replicas: 3":                           "0.083333",
		"replicas: 10":                          "0.025",
		"{rateLimitShare: 1}":                   "1",
		"{rateLimitShare: 1, replicas: 3}":      "0.333333",
		"{rateLimitShare: 0.1, replicas: 2}":    "0.05",
		"{rateLimitShare: 0.001, replicas: 10}": "0.0001",
		"{rateLimitShare: 0.001, replicas: 7}":  "0.000142",
	} {
		i := mustRender(t, values(t, text))
		for _, pod := range i.pods() {
			if got := pod.flag("--whereby.rate-limit-share"); got != want {
				t.Errorf("%s: %s has a share of %s, want %s", text, pod.name, got, want)
			}
		}
		for _, problem := range i.problems() {
			t.Errorf("%s: %s", text, problem)
		}
	}
}
