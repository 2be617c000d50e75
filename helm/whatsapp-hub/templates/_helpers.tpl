{{- define "whatsapp-hub.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* Short enough that the longest component still fits into a name of 63 characters. */}}
{{- define "whatsapp-hub.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* Called with (dict "root" $ "component" name). */}}
{{- define "whatsapp-hub.labels" -}}
{{ include "whatsapp-hub.selector" . }}
app.kubernetes.io/part-of: whatsapp-hub
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Never changes over the life of a release: Deployments are found by it. */}}
{{- define "whatsapp-hub.selector" -}}
app.kubernetes.io/name: {{ include "whatsapp-hub.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "whatsapp-hub.image" -}}
{{- $i := .Values.image }}
{{- if $i.digest }}{{ $i.repository }}@{{ $i.digest }}{{ else }}{{ $i.repository }}:{{ default .Chart.AppVersion $i.tag }}{{ end }}
{{- end }}

{{- define "whatsapp-hub.secretName" -}}
{{- default (printf "%s-secrets" (include "whatsapp-hub.fullname" .)) .Values.secrets.existingSecret }}
{{- end }}

{{/* The values of a service over the defaults. Called with (dict "root" $ "key" key). */}}
{{- define "whatsapp-hub.service" -}}
{{- toYaml (mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy (index .root.Values.services .key))) }}
{{- end }}

{{- define "whatsapp-hub.twilioApi" -}}
{{- if .Values.simulator.enabled }}http://{{ include "whatsapp-hub.fullname" . }}-simulator:8090{{ else }}{{ .Values.config.twilioApiBaseUrl }}{{ end }}
{{- end }}

{{- define "whatsapp-hub.migrationMode" -}}
{{- if ne .Values.migrations.mode "auto" }}{{ .Values.migrations.mode }}
{{- else if or .Values.postgres.bundled (not .Values.secrets.existingSecret) }}job
{{- else }}hook{{ end }}
{{- end }}

{{/* Pod Security `restricted`, and a bit more. */}}
{{- define "whatsapp-hub.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "whatsapp-hub.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: {{ not .Values.sync.enabled }}
capabilities: {drop: [ALL]}
{{- end }}

{{/*
Drain arithmetic, in one place. preStop + drain + margin is the grace period; of the drain, a service gives its work in
hand a share (drainShare in its app.ts). The sender's, 0.7, must be longer than the longest request to Twilio: _validate.tpl.
*/}}
{{- define "whatsapp-hub.gracePeriod" -}}
{{- add .shutdown.preStopSeconds .shutdown.drainSeconds 5 }}
{{- end }}

{{/* Start of the keys that BullMQ has in Redis: as the senders are told, or told for themselves. */}}
{{- define "whatsapp-hub.queuePrefix" -}}
{{- $sender := fromYaml (include "whatsapp-hub.service" (dict "root" . "key" "sender")) }}
{{- index $sender.env "REDIS_PREFIX" | default .Values.config.redisPrefix }}
{{- end }}
