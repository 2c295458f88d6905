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
HOMEWARD_AUTHORISATION_KEYS: "/public-keys/keys.json"
{{- end }}
{{- if has .name (list "access" "embedding" "matching" "retention") }}
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
{{- if eq .name "access" }}
{{- with $values.services.access }}
HOMEWARD_WEB__HOST: "0.0.0.0"
HOMEWARD_WEB__PUBLIC_URL: {{ .publicUrl | quote }}
HOMEWARD_WEB__FORWARDED_HOPS: {{ .forwardedHops | quote }}
HOMEWARD_WEB__TIME_ZONE: {{ .timeZone | quote }}
HOMEWARD_WEB__LANGUAGE: {{ .language | quote }}
HOMEWARD_OIDC__ISSUER: {{ .oidc.issuer | quote }}
HOMEWARD_OIDC__CLIENT_ID: {{ .oidc.clientId | quote }}
HOMEWARD_OIDC__SCOPES: {{ .oidc.scopes | quote }}
HOMEWARD_OIDC__GROUPS_CLAIM: {{ .oidc.groupsClaim | quote }}
HOMEWARD_OIDC__API_AUDIENCE: {{ .oidc.apiAudience | quote }}
{{- end }}
HOMEWARD_POLICY: "/policy/policy.toml"
HOMEWARD_KEYS_FOLDER: "/signing-keys"
HOMEWARD_JWKS_FILE: "/public-keys/keys.json"
{{- end }}
{{- if has .name (list "access" "retention") }}
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
{{- if eq .name "access" }}
- name: HOMEWARD_DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ .root.Values.services.access.databaseSecret }}, key: url } }
{{- end }}
{{- else if .root.Values.qdrant.existingSecret }}
- name: HOMEWARD_QDRANT_API_KEY
  valueFrom: { secretKeyRef: { name: {{ .root.Values.qdrant.existingSecret }}, key: apiKey } }
{{- else }}
[]
{{- end }}
{{- end -}}

{{- /* What access mounts: its signing keys, the public ones, the policy, its certificates. */ -}}
{{- define "homeward.accessMounts" -}}
- { name: tmp, mountPath: /tmp }
- { name: tls, mountPath: /tls, readOnly: true }
- { name: policy, mountPath: /policy, readOnly: true }
- { name: signing-keys, mountPath: /signing-keys }
- { name: public-keys, mountPath: /public-keys }
{{- end -}}

{{- define "homeward.accessVolumes" -}}
# In memory: a reference photo on its way in must not come to lie on a node's disk.
- { name: tmp, emptyDir: { medium: Memory, sizeLimit: 128Mi } }
- { name: tls, secret: { secretName: {{ .Values.tls.secretPrefix }}-access } }
- { name: policy, configMap: { name: {{ .Release.Name }}-access-policy } }
- { name: signing-keys, persistentVolumeClaim: { claimName: {{ .Release.Name }}-signing-keys } }
- { name: public-keys, persistentVolumeClaim: { claimName: {{ .Release.Name }}-public-keys } }
{{- end -}}

{{- /* A claim that outlives the release: call with (dict "root" $ "name" "models" "component" "prepare" "volume" ...). */ -}}
{{- define "homeward.claim" -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .root.Release.Name }}-{{ .name }}
  labels: {{- include "homeward.labels" (dict "root" .root "name" .component) | nindent 4 }}
  annotations:
    # The job that fills it runs before the installation.
    helm.sh/hook: pre-install
    helm.sh/hook-weight: "-5"
    helm.sh/resource-policy: keep
spec:
  accessModes: [{{ .volume.accessMode }}]
  {{- with .volume.storageClassName }}
  storageClassName: {{ . }}
  {{- end }}
  resources: { requests: { storage: {{ .volume.size }} } }
{{- end -}}
