{{- /* Labels of everything that belongs to one service: call with (dict "root" $ "name" "ingest"). */ -}}
{{- define "homeward.selector" -}}
app.kubernetes.io/name: homeward
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "homeward.labels" -}}
{{ include "homeward.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{- define "homeward.fullname" -}}
{{ .root.Release.Name }}-{{ .name }}
{{- end -}}

{{- define "homeward.image" -}}
{{ .root.Values.image.registry }}/{{ .name }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end -}}

{{- define "homeward.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "homeward.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- /* Settings of one service that are no secret. */ -}}
{{- define "homeward.settings" -}}
{{- $values := .root.Values -}}
HOMEWARD_KAFKA__BOOTSTRAP_SERVERS: {{ $values.kafka.bootstrapServers | quote }}
HOMEWARD_KAFKA__SECURITY_PROTOCOL: {{ $values.kafka.securityProtocol | quote }}
{{- if ne .name "prepare" }}
HOMEWARD_OPERATIONS__HOST: "0.0.0.0"
HOMEWARD_OPERATIONS__PORT: {{ $values.operations.port | quote }}
{{- end }}
HOMEWARD_LOG__LEVEL: {{ $values.log.level | quote }}
{{- if ne .name "matching" }}
HOMEWARD_OBJECT_STORE__ENDPOINT: {{ $values.objectStore.endpoint | quote }}
HOMEWARD_OBJECT_STORE__SECURE: {{ $values.objectStore.secure | quote }}
HOMEWARD_OBJECT_STORE__REGION: {{ $values.objectStore.region | quote }}
{{- end }}
{{- if has .name (list "detection" "embedding") }}
HOMEWARD_MODELS_FOLDER: "/models"
{{- end }}
{{- if has .name (list "embedding" "matching" "retention") }}
HOMEWARD_AUTHORISATION_KEYS: "/keys/keys.json"
{{- end }}
{{- if has .name (list "embedding" "matching" "retention") }}
HOMEWARD_GRPC_TLS__CA_FILE: "/tls/ca.crt"
HOMEWARD_GRPC_TLS__CERTIFICATE_FILE: "/tls/tls.crt"
HOMEWARD_GRPC_TLS__KEY_FILE: "/tls/tls.key"
{{- end }}
{{- if has .name (list "embedding" "matching") }}
HOMEWARD_GRPC_LISTEN: "0.0.0.0:50051"
{{- end }}
{{- if eq .name "ingest" }}
HOMEWARD_SPOOL_FOLDER: "/spool"
HOMEWARD_SPOOL_MAX_BYTES: {{ $values.services.ingest.spoolMaxBytes | int64 | quote }}
{{- if $values.services.ingest.credentialsSecret }}
HOMEWARD_CREDENTIALS_FOLDER: "/credentials"
{{- end }}
{{- if $values.services.ingest.camerasCaSecret }}
HOMEWARD_SOURCE_TLS_CA_FILE: "/cameras-ca/ca.crt"
{{- end }}
{{- end }}
{{- if eq .name "matching" }}
HOMEWARD_EMBEDDING_TARGET: {{ printf "%s-embedding:50051" .root.Release.Name | quote }}
HOMEWARD_QDRANT_URL: {{ $values.qdrant.url | quote }}
{{- end }}
{{- if eq .name "retention" }}
HOMEWARD_MATCHING_TARGET: {{ printf "%s-matching:50051" .root.Release.Name | quote }}
{{- end }}
{{- end -}}

{{- /* Settings of one service that are secret. */ -}}
{{- define "homeward.secrets" -}}
{{- if ne .name "matching" }}
- name: HOMEWARD_OBJECT_STORE__ACCESS_KEY
  valueFrom: { secretKeyRef: { name: {{ .root.Values.objectStore.existingSecret }}, key: accessKey } }
- name: HOMEWARD_OBJECT_STORE__SECRET_KEY
  valueFrom: { secretKeyRef: { name: {{ .root.Values.objectStore.existingSecret }}, key: secretKey } }
{{- else if .root.Values.qdrant.existingSecret }}
- name: HOMEWARD_QDRANT_API_KEY
  valueFrom: { secretKeyRef: { name: {{ .root.Values.qdrant.existingSecret }}, key: apiKey } }
{{- else }}
[]
{{- end }}
{{- end -}}
