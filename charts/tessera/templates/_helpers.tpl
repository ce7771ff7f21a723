{{/* Names, labels and annotations that templates share. */}}

{{- define "tessera.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "tessera.operator" -}}
{{ include "tessera.fullname" . }}-operator
{{- end -}}

{{/* The Service, the Secret and the roles of the external metrics API. */}}
{{- define "tessera.externalMetrics" -}}
{{ include "tessera.operator" . }}-external-metrics
{{- end -}}

{{/* The page: Deployment, Service, ServiceAccount and roles. */}}
{{- define "tessera.frontend" -}}
{{ include "tessera.fullname" . }}-frontend
{{- end -}}

{{/* Whether there is a page: it works with the default pool, in its namespace. */}}
{{- define "tessera.hasFrontend" -}}
{{- if and .Values.frontend.enabled .Values.defaultPool.enabled }}yes{{ end -}}
{{- end -}}

{{- define "tessera.frontendSelector" -}}
{{ merge (dict "app.kubernetes.io/component" "frontend") (include "tessera.selector" . | fromYaml) | toYaml }}
{{- end -}}

{{- define "tessera.frontendLabels" -}}
{{ merge (dict "app.kubernetes.io/component" "frontend") (include "tessera.labels" . | fromYaml) | toYaml }}
{{- end -}}

{{/* As tessera.metadata, of an object of the page. */}}
{{- define "tessera.frontendMetadata" -}}
{{- $root := index . 0 -}}
labels:
  {{- include "tessera.frontendLabels" $root | nindent 2 }}
{{- with merge (dict) (index . 1) $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
What the default pool allows: the lists of the values, and what the page needs: (dict "context" $ "list" LIST "more" LIST).
What lies below a prefix that is listed is left out.
*/}}
{{- define "tessera.allowed" -}}
{{- $all := .list -}}
{{- if include "tessera.hasFrontend" .context -}}
{{- range $more := .more -}}
{{- $covered := false -}}
{{- range $all }}{{ $covered = or $covered (hasPrefix . $more) }}{{ end -}}
{{- if not $covered }}{{ $all = append $all $more }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{/* How the containers of the page reach the pool's store, as the S3 variables have it. */}}
{{- define "tessera.storeEnv" -}}
{{- with .Values.defaultPool.store -}}
{{- with .endpoint }}
- name: AWS_ENDPOINT_URL
  value: {{ . | quote }}
{{- end }}
- name: AWS_REGION
  value: {{ .region | quote }}
- name: TESSERA_S3_PATH_STYLE
  value: {{ .pathStyle | quote }}
- name: AWS_REQUEST_CHECKSUM_CALCULATION
  value: {{ snakecase .checksums }}
- name: AWS_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ .secretName | quote }}, key: accessKeyId}}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ .secretName | quote }}, key: secretAccessKey}}
- name: AWS_SESSION_TOKEN
  valueFrom: {secretKeyRef: {name: {{ .secretName | quote }}, key: sessionToken, optional: true}}
{{- end }}
{{- end -}}

{{- define "tessera.serviceAccount" -}}
{{- $made := ternary (include "tessera.operator" .) "default" .Values.serviceAccount.create -}}
{{- default $made .Values.serviceAccount.name -}}
{{- end -}}

{{/* What the Deployment and the Service select: it may never change. */}}
{{- define "tessera.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "tessera.labels" -}}
{{ include "tessera.selector" . }}
app.kubernetes.io/part-of: tessera
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels and annotations of an object: (list $ ANNOTATIONS), each later one beating the earlier. */}}
{{- define "tessera.metadata" -}}
{{- $root := index . 0 -}}
labels:
  {{- include "tessera.labels" $root | nindent 2 }}
{{- with merge (dict) (index . 1) $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "tessera.poolNamespace" -}}
{{- $namespace := default .Release.Namespace .Values.defaultPool.namespace -}}
{{- if and .Values.watchNamespaces (not (has $namespace .Values.watchNamespaces)) -}}
{{- fail (printf "defaultPool.namespace is %q, which watchNamespaces does not list: nobody would serve the pool" $namespace) -}}
{{- end -}}
{{- $namespace -}}
{{- end -}}

{{/*
The slots that the default pool is applied with; empty: none, so that they stay as they are. A new pool gets those of the
values, or none where an autoscaler decides. What has scaled a pool owns its slots, and they are left out. Until then they
are Helm's, which would remove what it leaves out: so the number that the pool has is applied again.
*/}}
{{- define "tessera.poolReplicas" -}}
{{- $found := dict -}}
{{- if .Capabilities.APIVersions.Has "tessera.dev/v1alpha1/WorkerPool" -}}
{{- $found = lookup "tessera.dev/v1alpha1" "WorkerPool" (include "tessera.poolNamespace" .) .Values.defaultPool.name -}}
{{- end -}}
{{- if $found -}}
{{- $owned := false -}}
{{- $scaled := false -}}
{{- range $found.metadata.managedFields -}}
{{- if hasKey (dig "f:spec" dict (default dict .fieldsV1)) "f:replicas" -}}
{{- $owned = true -}}
{{- $scaled = or $scaled (eq (default "" .subresource) "scale") -}}
{{- end -}}
{{- end -}}
{{- if and $owned (not $scaled) }}{{ $found.spec.replicas }}{{ end -}}
{{- else if and (eq .Values.autoscaling.mode "none") (not (kindIs "invalid" .Values.defaultPool.replicas)) -}}
{{ .Values.defaultPool.replicas }}
{{- end -}}
{{- end -}}
