# shellcheck shell=bash
# Sourced by the scripts beside it: how a figure is shown, and environments that are made for a measurement.

namespace=chatbot-dev services=chatbot-platform
figure() { printf '  %-58s %s\n' "$1" "$2"; }
kube() { kubectl --namespace $namespace "$@"; }
now() { date +%s%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN{printf "%.1f s", (b-a)/1e9}'; }

environment() {   # name, image, settings as YAML flow, Secret
  cat <<YAML
apiVersion: chatbot.platform/v1alpha1
kind: ChatbotEnvironment
metadata: {name: $1, namespace: $namespace}
spec:
  tier: dev
  image: $2
  resourcePrefix: ${1//-/_}_
  secretRef: {name: $4}
  provision: {adminSecretRef: {name: platform-admin}}
  settings: {LLM_BASE_URL: "http://model.$services.svc:8080/v1", LLM_MODEL: smollm2$3}
YAML
}
