package helm

import (
	"path"
	"strings"
	"testing"
)

// A promise that no change of the chart breaks promises nothing.
func TestPromisesBreakWhenTheChartIsChanged(t *testing.T) {
	for _, m := range []struct {
		template, from, to string
		set                string // default if empty
		want               string // a part of the problem or error
	}{
		{template: "statefulset.yaml", from: "runAsNonRoot: true", to: "runAsNonRoot: false", want: "may run as root"},
		{template: "statefulset.yaml", from: "          type: RuntimeDefault", to: "          type: Unconfined", want: "no seccomp profile"},
		{template: "statefulset.yaml", from: "drop: [ALL]", to: "drop: [NET_RAW]", want: "capabilities are left"},
		{template: "statefulset.yaml", from: "drop: [ALL]", to: "drop: [ALL]\n              add: [NET_BIND_SERVICE]", want: "capabilities are left"},
		{template: "statefulset.yaml", from: "readOnlyRootFilesystem: true", to: "readOnlyRootFilesystem: false", want: "can be written to"},
		{template: "statefulset.yaml", from: "allowPrivilegeEscalation: false", to: "privileged: true", want: "overrides the pod"},
		{template: "statefulset.yaml", from: "automountServiceAccountToken: false\n", to: "\n", want: "a token"},
		{template: "serviceaccount.yaml", from: "automountServiceAccountToken: false\n", to: "\n", want: "hands out a token"},
		{template: "statefulset.yaml", from: "enableServiceLinks: false", to: "enableServiceLinks: true", want: "service links"},
		{template: "statefulset.yaml", from: "mountPath: /data", to: "mountpath: /data", want: `unknown field "spec.template.spec.containers[0].volumeMounts[0].mountpath"`},
		{template: "statefulset.yaml", from: "enableServiceLinks", to: "enableServiceLink", want: `unknown field "spec.template.spec.enableServiceLink"`},
		{template: "statefulset.yaml", from: "name: data\n          emptyDir: {}", to: "name: data\n          hostPath: {path: /data}", set: "memory", want: "directory of the host"},
		{template: "statefulset.yaml", from: "- --storage.path=/data", to: "- --storage.path=/tmp", want: "the store is on none"},
		{template: "statefulset.yaml", from: "- name: data\n              mountPath: /data", to: "- name: state\n              mountPath: /data", want: "state is mounted and not there"},
		{template: "statefulset.yaml", from: "else if .Values.persistence.existingClaim", to: "else", want: "data is there twice"},
		{template: "statefulset.yaml", from: `"whereby-exporter.selectorLabels" $ | nindent 10`, to: `"whereby-exporter.labels" $ | nindent 10`, want: "helm.sh/chart of the claim may change"},
		{template: "statefulset.yaml", from: "- --config.file=/etc/whereby_exporter/config/", to: "- --config.file=/etc/whereby/", set: "existing", want: "names a file on none"},
		{template: "statefulset.yaml", from: "- name: POD_NAME\n              valueFrom:\n                fieldRef:\n                  fieldPath: metadata.name", to: "- {name: WHEREBY_API_KEY, value: a}", set: "pair", want: "WHEREBY_API_KEY comes from no secret"},
		{template: "statefulset.yaml", from: "fieldPath: metadata.name", to: "fieldPath: metadata.namespace", set: "pair", want: "the exporter has no webhook at /webhook/whereby-exporter-0"},
		{template: "statefulset.yaml", from: `"$(POD_NAME)"`, to: `"$(HOSTNAME)"`, set: "everything", want: "the exporter has no webhook at /hooks/whereby/acme-usage-0"},
		{template: "statefulset.yaml", from: "path: webhook-secret-{{ $fullname }}-{{ $pod }}", to: "path: webhook-secret-{{ $pod }}", set: "pair", want: "the webhook's is mounted false"},
		{template: "statefulset.yaml", from: "{{- if not .Values.persistence.enabled }}\n        - name: data\n          emptyDir: {}", to: "{{- if true }}\n        - name: data\n          persistentVolumeClaim: {claimName: store}", set: "pair", want: "the replicas share the store"},
		{template: "statefulset.yaml", from: "whenUnsatisfiable: DoNotSchedule", to: "whenUnsatisfiable: ScheduleAnyway", set: "pair", want: "the replicas may all be on one node"},
		{template: "statefulset.yaml", from: "- --whereby.rate-limit-share={{ include \"whereby-exporter.share\" . }}", to: "- --whereby.rate-limit-share={{ .Values.rateLimitShare }}", set: "pair", want: "all pods together may spend 0.5, want 0.25"},
		{template: "statefulset.yaml", from: "            - --whereby.rate-limit-share={{ include \"whereby-exporter.share\" . }}\n", to: "", want: "whereby-exporter-0 has none"},
		{template: "_helpers.tpl", from: "floor (divf", to: "ceil (divf", set: "three", want: "all pods together may spend"},
		{template: "_helpers.tpl", from: "$values.webhook.path (gt (int $values.replicas) 1)", to: "$values.webhook.path false", set: "pair", want: "ingress: /webhook is there twice"},
		{template: "_helpers.tpl", from: "ternary (printf \"%s-%d\" $name (index . 1)) $name", to: "ternary $name $name", set: "three", want: "Service whereby-exporter-webhook is there twice"},
		{template: "statefulset.yaml", from: "path: webhook-secret", to: "path: secret", want: "the webhook's is mounted false"},
		{template: "statefulset.yaml", from: "name: webhook\n              containerPort", to: "name: events\n              containerPort", want: "ports: the container has"},
		{template: "statefulset.yaml", from: "path: /-/ready", to: "path: /", want: "no probe asks /-/ready"},
		{template: "statefulset.yaml", from: "path: /-/healthy, port: metrics", to: "path: /-/healthy, port: webhook", want: "no probe asks /-/healthy"},
		{template: "statefulset.yaml", from: "serviceName: {{ $fullname }}", to: "serviceName: {{ $fullname }}-webhook", want: "the StatefulSet's Service is another"},
		{template: "statefulset.yaml", from: "              {{- include \"whereby-exporter.selectorLabels\" . | nindent 14 }}", to: "              app: other", set: "pair", want: "the topology spread does not match"},
		{template: "statefulset.yaml", from: "include \"whereby-exporter.selectorLabels\" . | nindent 8", to: "dict \"app\" \"whereby\" | toYaml | nindent 8", want: "does not match the pods"},
		{template: "service.yaml", from: "targetPort: metrics", to: "targetPort: webhook", want: "has other ports than that of metrics"},
		{template: "service.yaml", from: "port: 10036", to: "port: 80", want: "has other ports than that of metrics"},
		{template: "service.yaml", from: "publishNotReadyAddresses: true", to: "type: LoadBalancer", want: "outside of the cluster"},
		{template: "service.yaml", from: "component: metrics", to: "component: exporter", want: "no Service for the metrics"},
		{template: "service.yaml", from: "  {{- include \"whereby-exporter.selectorLabels\" . | nindent 4 }}", to: "  app: whereby", want: "that of Service whereby-exporter does not match"},
		{template: "service-webhook.yaml", from: "component: webhook", to: "component: metrics", want: "the webhook's is mounted true"},
		{template: "service-webhook.yaml", from: "    statefulset.kubernetes.io/pod-name: {{ include \"whereby-exporter.fullname\" $ }}-{{ $pod }}\n", to: "", set: "three", want: "Service whereby-exporter-webhook-2 leads to 3 pods"},
		{template: "service-webhook.yaml", from: "pod-name: {{ include \"whereby-exporter.fullname\" $ }}-{{ $pod }}", to: "pod-name: {{ include \"whereby-exporter.fullname\" $ }}-0", set: "pair", want: "0 Services lead to whereby-exporter-1"},
		{template: "service-webhook.yaml", from: "statefulset.kubernetes.io/pod-name: {{ include \"whereby-exporter.fullname\" $ }}-{{ $pod }}", to: "apps.kubernetes.io/pod-index: \"{{ $pod }}\"", set: "pair", want: "Service whereby-exporter-webhook-0 leads to 0 pods"},
		{template: "service-webhook.yaml", from: "publishNotReadyAddresses: true", to: "publishNotReadyAddresses: false", want: "leads to no pod before its first poll"},
		{template: "servicemonitor.yaml", from: "      app.kubernetes.io/component: metrics\n", to: "", want: "takes Service whereby-exporter-webhook: true"},
		{template: "servicemonitor.yaml", from: "component: metrics", to: "component: webhook", want: "takes Service whereby-exporter: false"},
		{template: "servicemonitor.yaml", from: "port: metrics", to: "port: webhook", want: "scrapes /metrics of port webhook"},
		{template: "servicemonitor.yaml", from: "regex: endpoint", to: "regex: pod", want: "endpoint of whereby_exporter_api_requests_total is displaced"},
		{template: "servicemonitor.yaml", from: "targetLabel: instance", to: "targetLabel: exporter", want: "scrape: instance is new with every pod"},
		{template: "servicemonitor.yaml", from: "__meta_kubernetes_pod_name", to: "__meta_kubernetes_pod_uid", want: "scrape: instance is new with every pod"},
		{template: "statefulset.yaml", from: "command: [/whereby_exporter, healthcheck, --ready]", to: "command: [/whereby_exporter, healthcheck]", set: "tls", want: "no probe asks /-/ready"},
		{template: "statefulset.yaml", from: "- name: web\n              mountPath: /etc/whereby_exporter/web", to: "- name: web\n              mountPath: /etc/web", set: "tls", want: "names a file on none"},
		{template: "networkpolicy.yaml", from: "with .Values.networkPolicy.webhookFrom", to: "with .Values.networkPolicy.metricsFrom", want: "the webhook is open to the internet: false"},
		{template: "networkpolicy.yaml", from: "with .Values.networkPolicy.egress", to: "with list", set: "balancer", want: "policy: the exporter may reach all"},
		{template: "servicemonitor.yaml", from: "scrapeTimeout:", to: "scrape_timeout:", set: "everything", want: `unknown field "spec.endpoints[0].scrape_timeout"`},
		{template: "prometheusrule.yaml", from: "groups:", to: "group:", want: `unknown field "spec.group"`},
		{template: "networkpolicy.yaml", from: "{{- with .Values.networkPolicy.metricsFrom }}", to: "{{- with .Values.networkPolicy }}", want: "cannot unmarshal object"},
		{template: "networkpolicy.yaml", from: "      from:\n        {{- toYaml . | nindent 8 }}\n", to: "", want: "the metrics are open to the internet"},
		{template: "networkpolicy.yaml", from: "- port: 10037\n          protocol: TCP", to: "- port: 10036\n          protocol: TCP", want: "the metrics are open to the internet"},
		{template: "networkpolicy.yaml", from: "    - ports:\n        - port: 10037\n          protocol: TCP", to: "    - {}", want: "another port is open to the internet"},
		{template: "networkpolicy.yaml", from: "    - ports:\n        - port: 10037\n          protocol: TCP", to: "    - from: [{podSelector: {}}]", want: "the webhook is open to the internet: false"},
		{template: "networkpolicy.yaml", from: "policyTypes: [Ingress]", to: "policyTypes: [Ingress, Egress]", want: "keep the exporter from Whereby's API"},
		{template: "networkpolicy.yaml", from: "matchLabels:\n      {{- include \"whereby-exporter.selectorLabels\" . | nindent 6 }}", to: "matchLabels:\n      app: whereby", want: "the NetworkPolicy does not match"},
		{template: "poddisruptionbudget.yaml", from: "{{- include \"whereby-exporter.selectorLabels\" . | nindent 6 }}", to: "app: whereby", set: "pair", want: "the PodDisruptionBudget does not match"},
		{template: "ingress.yaml", from: "include \"whereby-exporter.webhookService\" (list $ $pod)", to: "include \"whereby-exporter.fullname\" $", set: "everything", want: "does not lead to the webhook"},
		{template: "ingress.yaml", from: "include \"whereby-exporter.webhookService\" (list $ $pod)", to: "include \"whereby-exporter.webhookService\" (list $ 0)", set: "pair", want: "the exporter has no webhook at /webhook/whereby-exporter-1: whereby-exporter-0 has it"},
		{template: "ingress.yaml", from: "range $pod := until (int .Values.replicas)", to: "range $pod := until 1", set: "pair", want: "0 paths lead to whereby-exporter-1"},
		{template: "ingress.yaml", from: "pathType: Exact", to: "pathType: Prefix", set: "everything", want: "leads to more than itself"},
		{template: "ingress.yaml", from: "path: {{ include \"whereby-exporter.webhookPath\" (list $ (printf \"%s-%d\" (include \"whereby-exporter.fullname\" $) $pod)) }}", to: "path: /webhook", set: "everything", want: "the exporter has no webhook at /webhook"},
		{template: "dashboards.yaml", from: "-dashboard-{{ base $path | trimSuffix \".json\" }}", to: "-dashboard", want: "is there twice"},
		{template: "dashboards.yaml", from: "-dashboard-{{ base $path | trimSuffix \".json\" }}", to: "-{{ $path }}", want: "lower case alphanumeric"},
		{template: "_helpers.tpl", from: "app.kubernetes.io/instance: {{ .Release.Name }}\n", to: "", want: "has no label app.kubernetes.io/instance"},
		{template: "configmap.yaml", from: "whereby-exporter.labels", to: "whereby-exporter.name", set: "everything", want: "configmap.yaml"},
		{template: "serviceaccount.yaml", from: "kind: ServiceAccount", to: "kind: Secret", want: "is no part of the chart"},
	} {
		c := loadChart(t)
		changed := false
		for _, template := range c.Templates {
			if path.Base(template.Name) == m.template {
				text := strings.ReplaceAll(string(template.Data), m.from, m.to)
				changed = text != string(template.Data)
				template.Data = []byte(text)
			}
		}
		if !changed {
			t.Errorf("%s does not have %q", m.template, m.from)
			continue
		}
		name := m.set
		if name == "" {
			name = "default"
		}
		var found []string
		if i, err := render(c, Release, set(t, name)); err != nil {
			found = []string{err.Error()}
		} else {
			found = i.problems()
		}
		if !strings.Contains(strings.Join(found, "\n"), m.want) {
			t.Errorf("%s with %q instead of %q breaks no promise on %q, but %q", m.template, m.to, m.from, m.want, found)
		}
	}
}
