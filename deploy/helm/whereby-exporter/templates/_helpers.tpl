{{- define "whereby-exporter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- /* At most 40 characters, so that what is added to it fits a label of 63. */}}
{{- define "whereby-exporter.fullname" -}}
{{- $name := include "whereby-exporter.name" . }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- .Values.fullnameOverride | default $full | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "whereby-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "whereby-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "whereby-exporter.labels" -}}
{{ include "whereby-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "whereby-exporter.serviceAccountName" -}}
{{- $default := ternary (include "whereby-exporter.fullname" .) "default" .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default $default }}
{{- end }}

{{- define "whereby-exporter.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{- /* The ConfigMap that holds the configuration file; empty where there is none. */}}
{{- define "whereby-exporter.configMap" -}}
{{- if .Values.existingConfigMap }}
{{- .Values.existingConfigMap }}
{{- else if .Values.config }}
{{- include "whereby-exporter.fullname" . }}
{{- end }}
{{- end }}

{{- /*
Each replica's part of rateLimitShare. It is cut off and not rounded, or all parts
together could be more than the share.
*/}}
{{- define "whereby-exporter.share" -}}
{{- divf (floor (divf (mulf .Values.rateLimitShare 1000000) (int .Values.replicas))) 1000000 | toJson }}
{{- end }}

{{- /*
The path of a pod's webhook, from the chart and the pod's name. The name, and not the
number: Kubernetes has no label of the number before 1.28.
*/}}
{{- define "whereby-exporter.webhookPath" -}}
{{- $values := (index . 0).Values }}
{{- ternary (printf "%s/%s" $values.webhook.path (index . 1)) $values.webhook.path (gt (int $values.replicas) 1) }}
{{- end }}

{{- /* The name of the Service of a pod's webhook, from the chart and the pod's number. */}}
{{- define "whereby-exporter.webhookService" -}}
{{- $chart := index . 0 }}
{{- $name := printf "%s-webhook" (include "whereby-exporter.fullname" $chart) }}
{{- ternary (printf "%s-%d" $name (index . 1)) $name (gt (int $chart.Values.replicas) 1) }}
{{- end }}

{{- /* What the schema can't say, or not in words. */}}
{{- define "whereby-exporter.validate" -}}
{{- with .Values }}
{{- if and .webhook.replicaKeys (ne (len .webhook.replicaKeys) (int .replicas)) }}
{{- fail (printf "webhook.replicaKeys: %d keys for %d replicas; name one for each, or none" (len .webhook.replicaKeys) (int .replicas)) }}
{{- end }}
{{- if and .webhook.replicaKeys (eq (int .replicas) 1) }}
{{- fail "webhook.replicaKeys: is for several replicas; for one, set webhook.key" }}
{{- end }}
{{- if and (gt (int .replicas) 1) .persistence.enabled .persistence.existingClaim }}
{{- fail "persistence.existingClaim: one claim can't serve several replicas; leave it empty, and each gets its own" }}
{{- end }}
{{- if and .ingress.enabled (not .webhook.enabled) }}
{{- fail "ingress.enabled: the ingress leads to the webhook, and webhook.enabled is false" }}
{{- end }}
{{- if and .ingress.enabled (not .ingress.host) }}
{{- fail "ingress.host: name the host at which Whereby reaches the webhook" }}
{{- end }}
{{- if and .config .existingConfigMap }}
{{- fail "config, existingConfigMap: set one of them" }}
{{- end }}
{{- with .webhook.service }}
{{- if and (ne .type "LoadBalancer") (or .loadBalancerClass .loadBalancerSourceRanges) }}
{{- fail "webhook.service: loadBalancerClass and loadBalancerSourceRanges are for type LoadBalancer" }}
{{- end }}
{{- if and (eq .type "ClusterIP") .externalTrafficPolicy }}
{{- fail "webhook.service.externalTrafficPolicy: is for types NodePort and LoadBalancer" }}
{{- end }}
{{- end }}
{{- range .extraArgs }}
{{- if eq "--web.config.file" (regexFind "^[^=]*" .) }}
{{- fail "extraArgs: the probes have to know of --web.config.file; set web.existingSecret instead" }}
{{- end }}
{{- end }}
{{- $env := .extraEnv }}
{{- $args := .extraArgs }}
{{- range $flag, $value := dict "--whereby.rate-limit-share" "rateLimitShare" "--webhook.path" "webhook.path" }}
{{- range $args }}
{{- if eq $flag (regexFind "^[^=]*" .) }}
{{- fail (printf "extraArgs: %s differs with the number of replicas; set %s instead" $flag $value) }}
{{- end }}
{{- end }}
{{- $variable := printf "WHEREBY_EXPORTER_%s" (trimPrefix "--" $flag | upper | replace "." "_" | replace "-" "_") }}
{{- range $env }}
{{- if eq .name $variable }}
{{- fail (printf "extraEnv: the chart sets %s, which %s does not change; set %s instead" $flag $variable $value) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $env }}
{{- if and (has .name (list "WHEREBY_API_KEY" "WHEREBY_WEBHOOK_SECRET")) (hasKey . "value") }}
{{- fail (printf "extraEnv: %s is a secret; take it from one with valueFrom.secretKeyRef" .name) }}
{{- end }}
{{- if eq .name "WHEREBY_EXPORTER_WEB_CONFIG_FILE" }}
{{- fail "extraEnv: the probes have to know of --web.config.file; set web.existingSecret instead" }}
{{- end }}
{{- if eq .name "POD_NAME" }}
{{- fail "extraEnv: POD_NAME is the chart's, for the path of each replica's webhook" }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /*
The groups of rules, with what config.alerts changes in them: the same as the command
alerts makes of the same settings. A threshold is the number before its name.
*/}}
{{- define "whereby-exporter.ruleGroups" -}}
{{- $settings := dig "alerts" dict .Values.config | default dict }}
{{- $disabled := dig "disabled" list $settings | default list }}
{{- $severities := dig "severities" dict $settings | default dict }}
{{- $groups := list }}
{{- range $path, $content := .Files.Glob "files/rules/*.yml" }}
  {{- $text := toString $content }}
  {{- range $name, $value := dig "thresholds" dict $settings }}
    {{- $text = regexReplaceAll (printf "[0-9.]+s # %s\n" $name) $text (printf "%ss # %s\n" (round $value 0 | toJson) $name) }}
    {{- $text = regexReplaceAll (printf "[0-9.]+ # %s\n" $name) $text (printf "%s # %s\n" (toJson $value) $name) }}
  {{- end }}
  {{- with dig "runbook_url" "" $settings }}
    {{- $text = replace " https://example.com/whereby/runbooks/" (printf " %s/" (trimSuffix "/" .)) $text }}
  {{- end }}
  {{- with dig "dashboard_url" "" $settings }}
    {{- $text = replace " https://example.com/grafana/" (printf " %s/" (trimSuffix "/" .)) $text }}
  {{- end }}
  {{- range $group := get (fromYaml $text) "groups" }}
    {{- $rules := list }}
    {{- range $rule := $group.rules }}
      {{- $alert := get $rule "alert" }}
      {{- if hasKey $severities $alert }}
        {{- $_ := set $rule.labels "severity" (get $severities $alert) }}
      {{- end }}
      {{- if not (has $alert $disabled) }}
        {{- $rules = append $rules $rule }}
      {{- end }}
    {{- end }}
    {{- if $rules }}
      {{- $groups = append $groups (set $group "rules" $rules) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- toYaml $groups }}
{{- end }}
