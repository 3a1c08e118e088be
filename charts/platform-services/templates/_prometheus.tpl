{{/* The scope is .Values.prometheus. */}}
{{- define "platform-services.prometheusConfiguration" -}}
global:
  scrape_interval: {{ .scrapeInterval }}
  scrape_timeout: {{ .scrapeInterval }}
scrape_configs:
  - job_name: prometheus
    static_configs:
      - targets: [127.0.0.1:9090]
  {{- with .targets }}
  - job_name: static
    static_configs:
      - targets:
          {{- toYaml . | nindent 10 }}
  {{- end }}
  {{- if eq .discovery "kubernetes" }}
  # Pods of environments: whatever has a port named http.
  - job_name: chatbot
    kubernetes_sd_configs:
      - role: pod
        selectors:
          - {role: pod, label: app.kubernetes.io/managed-by=chatbot-operator}
    relabel_configs:
      {{- include "platform-services.scrapePods" . | nindent 6 }}
      - source_labels: [__meta_kubernetes_pod_label_chatbot_platform_environment]
        target_label: environment
      - source_labels: [__meta_kubernetes_pod_label_chatbot_platform_tier]
        target_label: tier
      - source_labels: [__meta_kubernetes_pod_label_chatbot_platform_colour]
        target_label: colour
      - source_labels: [__meta_kubernetes_pod_label_chatbot_platform_release]
        target_label: release
      - source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_component]
        target_label: component
  - job_name: chatbot-operator
    kubernetes_sd_configs:
      - role: pod
        selectors:
          - {role: pod, label: app.kubernetes.io/name=chatbot-operator}
    relabel_configs:
      {{- include "platform-services.scrapePods" . | nindent 6 }}
  {{- if .annotatedPods }}
  - job_name: annotated
    kubernetes_sd_configs:
      - role: pod
    relabel_configs:
      - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape]
        regex: "true"
        action: keep
      # The jobs above have these.
      - source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_managed_by]
        regex: chatbot-operator
        action: drop
      - source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_name]
        regex: chatbot-operator
        action: drop
      # Several declared ports become one target: the annotated one.
      - source_labels: [__address__, __meta_kubernetes_pod_annotation_prometheus_io_port]
        regex: '([^:]+)(?::\d+)?;(\d+)'
        replacement: $1:$2
        target_label: __address__
      - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path]
        regex: (.+)
        target_label: __metrics_path__
      - source_labels: [__meta_kubernetes_namespace]
        target_label: namespace
      - source_labels: [__meta_kubernetes_pod_name]
        target_label: pod
  {{- end }}
  {{- end }}
{{- end -}}

{{- define "platform-services.scrapePods" -}}
- source_labels: [__meta_kubernetes_pod_phase]
  regex: Running
  action: keep
- source_labels: [__meta_kubernetes_pod_container_port_name]
  regex: http
  action: keep
- source_labels: [__meta_kubernetes_namespace]
  target_label: namespace
- source_labels: [__meta_kubernetes_pod_name]
  target_label: pod
{{- end -}}
