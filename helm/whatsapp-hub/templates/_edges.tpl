{{/*
Who may talk to whom: the one table that the network policies are made of.
  from, to: keys of components; or `anyone`, `ingress`, `callers`, `monitoring` (peers from the values), `postgres`, `redis`,
  `twilio`, `simulator`, `test`, `migrate`
  port: number. An edge with `when: false` is left out.
*/}}
{{- define "whatsapp-hub.edges" -}}
{{- $simulated := .Values.simulator.enabled }}
edges:
  - {from: ingress, to: gateway, port: 8080}
  - {from: ingress, to: webhook-ingest, port: 8081}
  - {from: callers, to: dispatch, port: 50051, when: {{ not (empty .Values.networkPolicy.grpcFrom) }}}
  - {from: callers, to: status-query, port: 50052, when: {{ not (empty .Values.networkPolicy.grpcFrom) }}}
  - {from: gateway, to: dispatch, port: 50051}
  - {from: gateway, to: status-query, port: 50052}
  {{- range $key, $c := fromYaml (include "whatsapp-hub.components" .) }}
  - {from: monitoring, to: {{ $c.name }}, port: {{ $c.admin }}}
  - {from: {{ $c.name }}, to: postgres, port: {{ $.Values.networkPolicy.postgresPort }}, when: {{ $c.database }}}
  - {from: {{ $c.name }}, to: redis, port: {{ $.Values.networkPolicy.redisPort }}, when: {{ $c.redis }}}
  - {from: {{ $c.name }}, to: twilio, port: 443, when: {{ and $c.internet (not $simulated) }}}
  - {from: {{ $c.name }}, to: simulator, port: 8090, when: {{ and $c.internet $simulated }}}
  {{- end }}
  - {from: migrate, to: postgres, port: {{ .Values.networkPolicy.postgresPort }}}
  - {from: simulator, to: webhook-ingest, port: 8081, when: {{ $simulated }}}
  - {from: test, to: gateway, port: 8080}
  - {from: test, to: dispatch, port: 50051}
  - {from: test, to: status-query, port: 50052}
{{- end }}

{{/* Peers of an edge's end, as a list under `peers`; an empty list means everybody. (dict "root" $ "name" end) */}}
{{- define "whatsapp-hub.peers" -}}
{{- $np := .root.Values.networkPolicy }}
{{- $own := dict "podSelector" (dict "matchLabels" (fromYaml (include "whatsapp-hub.selector" (dict "root" .root "component" .name)))) }}
{{- $peers := list $own }}
{{- if eq .name "ingress" }}{{ $peers = $np.ingressFrom }}{{ end }}
{{- if eq .name "callers" }}{{ $peers = $np.grpcFrom }}{{ end }}
{{- if eq .name "monitoring" }}{{ $peers = $np.metricsFrom }}{{ end }}
{{- if eq .name "twilio" }}{{ $peers = list }}{{ end }}
{{- if and (eq .name "postgres") (not .root.Values.postgres.bundled) }}{{ $peers = $np.postgresTo }}{{ end }}
{{- if and (eq .name "redis") (not .root.Values.redis.bundled) }}{{ $peers = $np.redisTo }}{{ end }}
{{- toYaml (dict "peers" $peers) }}
{{- end }}
