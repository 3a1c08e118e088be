{{/* Every partial takes a dict: root (the chart's scope) and name (the service). */}}

{{- define "platform-services.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{/* Of pods: nothing in it changes with the chart's version, so that an upgrade restarts only what it changes. */}}
{{- define "platform-services.podLabels" -}}
{{ include "platform-services.selector" . }}
app.kubernetes.io/component: service
app.kubernetes.io/part-of: chatbot-platform
{{- end -}}

{{- define "platform-services.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{ include "platform-services.podLabels" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{- define "platform-services.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "platform-services.labels" . | nindent 2 }}
{{- end -}}

{{- define "platform-services.image" -}}
{{- $image := (index .root.Values .name).image -}}
image: {{ printf "%s%s%s" $image.repository (ternary (printf ":%s" $image.tag) "" (ne $image.tag "")) (ternary (printf "@%s" $image.digest) "" (ne $image.digest "")) | quote }}
imagePullPolicy: {{ .root.Values.imagePullPolicy }}
{{- end -}}

{{/* What all pods share: no token, no service variables, Pod Security "restricted". */}}
{{- define "platform-services.pod" -}}
automountServiceAccountToken: {{ .token | default false }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ (index .root.Values .name).user }}
  runAsGroup: {{ (index .root.Values .name).user }}
  fsGroup: {{ (index .root.Values .name).user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "platform-services.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "platform-services.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "platform-services.metadata" . | nindent 2 }}
spec:
  selector:
    {{- include "platform-services.selector" . | nindent 4 }}
  ports:
    {{- range .ports }}
    - {name: {{ .name }}, port: {{ .port }}, targetPort: {{ .name }}}
    {{- end }}
{{- end -}}

{{/* A claim of its own instead of a claim template: it goes with the release, as the passwords do. */}}
{{- define "platform-services.claim" -}}
{{- $persistence := (index .root.Values .name).persistence -}}
{{- if $persistence.enabled }}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  {{- include "platform-services.metadata" . | nindent 2 }}
  {{- if .root.Values.keepOnUninstall }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
spec:
  accessModes: [ReadWriteOnce]
  {{- with $persistence.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests: {storage: {{ $persistence.size }}}
{{- end }}
{{- end -}}

{{- define "platform-services.volume" -}}
{{- if (index .root.Values .name).persistence.enabled -}}
persistentVolumeClaim: {claimName: {{ .name }}}
{{- else -}}
emptyDir: {}
{{- end -}}
{{- end -}}

{{- define "platform-services.adminSecret" -}}
{{- .Values.auth.existingSecret | default "platform-admin" -}}
{{- end -}}

{{- define "platform-services.secretEnv" -}}
- name: {{ .env }}
  valueFrom: {secretKeyRef: {name: {{ include "platform-services.adminSecret" .root }}, key: {{ .key }}}}
{{- end -}}
