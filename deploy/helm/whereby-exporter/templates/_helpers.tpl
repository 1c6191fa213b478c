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

{{- /* What the schema can't say, or not in words. */}}
{{- define "whereby-exporter.validate" -}}
{{- with .Values }}
{{- if and (gt (int .replicas) 1) (not .redis.existingSecret) }}
{{- fail (printf "replicas: %d need a store that they share: set redis.existingSecret, or replicas to 1" (int .replicas)) }}
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
{{- range .extraArgs }}
{{- if hasPrefix "--storage.redis-url" . }}
{{- fail "extraArgs: the address of Redis holds a password; put it into a secret, and name that in redis.existingSecret" }}
{{- end }}
{{- end }}
{{- range .extraEnv }}
{{- if and (has .name (list "WHEREBY_API_KEY" "WHEREBY_WEBHOOK_SECRET" "WHEREBY_EXPORTER_STORAGE_REDIS_URL")) (hasKey . "value") }}
{{- fail (printf "extraEnv: %s is a secret; take it from one with valueFrom.secretKeyRef" .name) }}
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
