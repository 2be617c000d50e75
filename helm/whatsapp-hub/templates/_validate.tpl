{{/* Everything that is wrong with the values, said at once and in words. */}}
{{- define "whatsapp-hub.validate" -}}
{{- $v := .Values }}
{{- $faults := list }}
{{- $production := eq $v.profile "production" }}
{{- if not $v.config.publicWebhookUrl }}
{{- $faults = append $faults "config.publicWebhookUrl is required: the URL under which Twilio reaches webhook-ingest" }}
{{- end }}
{{- if not $v.config.twilioAccountSid }}
{{- $faults = append $faults "config.twilioAccountSid is required" }}
{{- end }}
{{- if and $production (not $v.secrets.existingSecret) }}
{{- $faults = append $faults "secrets.existingSecret is required in production: name a secret of yours" }}
{{- end }}
{{- if and $production $v.secrets.create }}
{{- $faults = append $faults "secrets.create is for development only: secrets in values end up in the release's history" }}
{{- end }}
{{- if and (not $production) (not $v.secrets.existingSecret) (not $v.secrets.create) }}
{{- $faults = append $faults "secrets.existingSecret or secrets.create is required" }}
{{- end }}
{{- if and $v.secrets.existingSecret $v.secrets.create }}
{{- $faults = append $faults "secrets.existingSecret and secrets.create exclude each other" }}
{{- end }}
{{- if and $production (or $v.postgres.bundled $v.redis.bundled) }}
{{- $faults = append $faults "postgres.bundled and redis.bundled are for development only: they lose everything with their pod" }}
{{- end }}
{{- if and $production $v.simulator.enabled }}
{{- $faults = append $faults "simulator.enabled is for development only: nothing would reach anybody" }}
{{- end }}
{{- if and $production $v.sync.enabled }}
{{- $faults = append $faults "sync.enabled is for development only: containers could write to their own files" }}
{{- end }}
{{- if and $production (eq $v.image.tag "latest") }}
{{- $faults = append $faults "image.tag latest is nothing that an upgrade could go back to" }}
{{- end }}
{{- if and $v.migrations.enabled (eq $v.migrations.mode "hook") (or $v.postgres.bundled (not $v.secrets.existingSecret)) }}
{{- $faults = append $faults "migrations.mode hook runs before the chart's own database and secret are there: use job" }}
{{- end }}
{{- $sender := fromYaml (include "whatsapp-hub.service" (dict "root" . "key" "sender")) }}
{{- if and $v.keda.enabled $sender.autoscaling.enabled }}
{{- $faults = append $faults "keda.enabled and services.sender.autoscaling.enabled exclude each other" }}
{{- end }}
{{- if and $v.keda.enabled (eq $v.keda.trigger "prometheus") (not $v.keda.prometheus.serverAddress) }}
{{- $faults = append $faults "keda.prometheus.serverAddress is required with keda.trigger prometheus" }}
{{- end }}
{{- if and $v.keda.enabled (eq $v.keda.trigger "redis") (not $v.keda.redis.address) }}
{{- $faults = append $faults "keda.redis.address is required with keda.trigger redis" }}
{{- end }}
{{- if gt (int $v.keda.minReplicas) (int $v.keda.maxReplicas) }}
{{- $faults = append $faults "keda.minReplicas is more than keda.maxReplicas" }}
{{- end }}
{{- $ms := int (index $sender.env "TWILIO_TIMEOUT_MS" | default (mul 1000 $v.config.twilioTimeoutSeconds)) }}
{{- if le (mul 700 $sender.shutdown.drainSeconds) $ms }}
{{- $faults = append $faults (printf "services.sender.shutdown.drainSeconds is %v: 0.7 of it must be more than the longest request to Twilio, %v ms" $sender.shutdown.drainSeconds $ms) }}
{{- end }}
{{- range $key, $c := fromYaml (include "whatsapp-hub.components" .) }}
{{- $s := fromYaml (include "whatsapp-hub.service" (dict "root" $ "key" $key)) }}
{{- if hasKey $s.env "SHUTDOWN_TIMEOUT_MS" }}
{{- $faults = append $faults (printf "services.%s.env.SHUTDOWN_TIMEOUT_MS: use services.%s.shutdown.drainSeconds, from which the grace period follows" $key $key) }}
{{- end }}
{{- range $name := list "ADMIN_PORT" "HTTP_PORT" "GRPC_PORT" "HOST" }}
{{- if hasKey $s.env $name }}
{{- $faults = append $faults (printf "services.%s.env.%s: probes, services and policies go by the ports that the chart knows" $key $name) }}
{{- end }}
{{- end }}
{{- if and $s.autoscaling.enabled (gt (int $s.autoscaling.minReplicas) (int $s.autoscaling.maxReplicas)) }}
{{- $faults = append $faults (printf "services.%s.autoscaling: minReplicas is more than maxReplicas" $key) }}
{{- end }}
{{- if and $s.ingress.enabled (not (has $key (list "gateway" "webhookIngest"))) }}
{{- $faults = append $faults (printf "services.%s.ingress: only gateway and webhookIngest speak plain HTTP" $key) }}
{{- end }}
{{- if and $s.ingress.enabled (not $s.ingress.host) }}
{{- $faults = append $faults (printf "services.%s.ingress.host is required" $key) }}
{{- end }}
{{- end }}
{{- if $faults }}
{{- fail (printf "\n\nThese values cannot work:\n  - %s\n" (join "\n  - " $faults)) }}
{{- end }}
{{- end }}
