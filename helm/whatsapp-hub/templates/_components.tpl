{{/*
What the chart knows of each service, in one table. Keys are those of .Values.services.
  name: as in the image and in the names of objects    port: where callers come in    grpc/http: how they talk
  database, redis: what it uses    internet: talks to Twilio
*/}}
{{- define "whatsapp-hub.components" -}}
gateway:       {name: gateway,        protocol: http, port: 8080,  admin: 9101, database: false, redis: false, internet: false}
dispatch:      {name: dispatch,       protocol: grpc, port: 50051, admin: 9102, database: true,  redis: true,  internet: false}
sender:        {name: sender,         protocol: none, port: 0,     admin: 9103, database: true,  redis: true,  internet: true}
webhookIngest: {name: webhook-ingest, protocol: http, port: 8081,  admin: 9104, database: true,  redis: true,  internet: true}
statusQuery:   {name: status-query,   protocol: grpc, port: 50052, admin: 9105, database: true,  redis: false, internet: false}
{{- end }}

{{/*
Settings of a service that are no secrets, by name. Called with (dict "root" $ "key" key "values" merged).
*/}}
{{- define "whatsapp-hub.settings" -}}
{{- $c := .root.Values.config -}}
{{- $own := dict -}}
{{- if eq .key "gateway" -}}
{{- $_ := set $own "DISPATCH_URL" (printf "dns:///%s-dispatch:50051" (include "whatsapp-hub.fullname" .root)) -}}
{{- $_ := set $own "STATUS_QUERY_URL" (printf "dns:///%s-status-query:50052" (include "whatsapp-hub.fullname" .root)) -}}
{{- end -}}
{{- if has .key (list "dispatch" "sender" "webhookIngest") -}}
{{- $_ := set $own "TWILIO_ACCOUNT_SID" $c.twilioAccountSid -}}
{{- $_ := set $own "REDIS_PREFIX" $c.redisPrefix -}}
{{- end -}}
{{- if eq .key "dispatch" -}}
{{- if $c.twilioWhatsappFrom -}}
{{- $_ := set $own "TWILIO_WHATSAPP_FROM" $c.twilioWhatsappFrom -}}
{{- $_ := set $own "SENDER_MESSAGES_PER_SECOND" (toString $c.senderMessagesPerSecond) -}}
{{- end -}}
{{- end -}}
{{- if has .key (list "sender" "webhookIngest") -}}
{{- $_ := set $own "PUBLIC_WEBHOOK_URL" $c.publicWebhookUrl -}}
{{- $api := include "whatsapp-hub.twilioApi" .root -}}
{{- if $api -}}{{- $_ := set $own "TWILIO_API_BASE_URL" $api -}}{{- end -}}
{{- $_ := set $own "TWILIO_TIMEOUT_MS" (toString (mul 1000 $c.twilioTimeoutSeconds)) -}}
{{- end -}}
{{- $_ := set $own "LOG_LEVEL" $c.logLevel -}}
{{- $_ := set $own "SHUTDOWN_TIMEOUT_MS" (toString (mul 1000 .values.shutdown.drainSeconds)) -}}
{{- range $name, $value := .values.env -}}{{- $_ := set $own $name (toString $value) -}}{{- end -}}
{{- toYaml $own -}}
{{- end }}

{{/*
Settings of a service that are secrets: name, and key of .Values.secrets.keys.
*/}}
{{- define "whatsapp-hub.secretSettings" -}}
{{- if has . (list "dispatch" "sender" "webhookIngest" "statusQuery") }}
DATABASE_URL: databaseUrl
{{- end }}
{{- if has . (list "dispatch" "sender" "webhookIngest") }}
REDIS_URL: redisUrl
{{- end }}
{{- if has . (list "sender" "webhookIngest") }}
TWILIO_AUTH_TOKEN: twilioAuthToken
{{- end }}
{{- if has . (list "dispatch" "statusQuery") }}
BOOTSTRAP_API_KEY: bootstrapApiKey
{{- end }}
{{- end }}
