# shellcheck shell=bash
# What the trial's scripts share: where things are, and how a step is shown. Sourced, never run.
set -euo pipefail

# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
cluster=${CLUSTER:-local}          # local, kind or existing
number=${CLUSTER_NUMBER:-0}        # which of the local clusters
profile=${PROFILE:-image}          # cargo profile of the binaries in the images: image (small, slow to build) or dev
started=$(date +%s%N)
logs=$cache/logs archives=$logs/archives
export PROFILE=$profile
release_namespace=chatbot-system services_namespace=chatbot-platform environment_namespace=chatbot-dev
definition=customresourcedefinition/chatbotenvironments.chatbot.platform
mark=chatbot.platform/trial        # the label of what a trial made on a cluster of the user's own, and may remove
kind_cluster=chatbot-trial kind_config=$cache/kind.conf

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'; else bold='' dim='' red='' plain=''; fi

elapsed() { awk -v a="$1" -v b="$(date +%s%N)" 'BEGIN{printf "%.1f", (b-a)/1e9}'; }

# Is the object $1 there, and was it made by a trial?
there() { kubectl get "$1" >/dev/null 2>&1; }
ours() { [ "$(kubectl get "$1" -o 'jsonpath={.metadata.labels.chatbot\.platform/trial}' 2>/dev/null)" = true ]; }
# The namespaces that bear a trial's names without having been made by one.
not_ours() {
  local namespace
  for namespace in $release_namespace $services_namespace $environment_namespace; do
    there "namespace/$namespace" && ! ours "namespace/$namespace" && printf '%s ' "$namespace"
  done
  return 0
}

# Writes the values file that puts image $1 in Qdrant's place, and prints the list for helm's --values: $2 (may be empty), then that.
qdrant_values() {
  mkdir -p "$cache"
  printf 'qdrant: {image: %s}\n' "$(image_json "$1")" >"$cache/qdrant-values.yaml"
  echo "${2:+$2,}$cache/qdrant-values.yaml"
}

# Builds the named images, and adds the archives to the list in the file $archives.
build_images() { "$root/tests/images/build" "$@" | tee -a "$archives"; }

# Runs a command as a named step: title, then what it prints in a log, then how long it took. On a terminal, and on
# others every half minute, it says that it is still going, with the log's last line.
step() {
  local title=$1 log began pid beat=0 tick=1 every=30 status=0; shift
  mkdir -p "$logs"
  log=$logs/$(printf '%s' "$title" | tr -c 'A-Za-z0-9' '-' | tr 'A-Z' 'a-z').log
  began=$(date +%s%N)
  [ -t 1 ] && every=1
  # cargo shows its progress in a log too: that is the line that is looked for.
  (export CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=80; "$@") >"$log" 2>&1 </dev/null & pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.1; tick=$((tick + 1))
    if [ $((tick % (every * 10))) = 0 ]; then
      beat=1
      if [ -t 1 ]; then printf '\r\e[K  %6ss  %s %s%.60s%s' "$(elapsed "$began")" "$title" "$dim" "$(last_line "$log")" "$plain"
      else printf '  %6ss  … %s: %.100s\n' "$(elapsed "$began")" "$title" "$(last_line "$log")"; fi
    fi
  done
  wait "$pid" || status=$?
  [ "$beat" = 1 ] && [ -t 1 ] && printf '\r\e[K'
  if [ "$status" != 0 ]; then
    printf '  %6ss  %s%s failed%s\n' "$(elapsed "$began")" "$red" "$title" "$plain"
    tr '\r' '\n' <"$log" | grep -v 'Building \[' | tail -n 15 | sed 's/^/           /' >&2 || true
    die "$title failed; the whole log is in $log"
  fi
  printf '  %6ss  %s\n' "$(elapsed "$began")" "$title"
}
last_line() { tail -c 400 "$1" 2>/dev/null | tr '\r' '\n' | sed 's/\x1b\[[0-9;]*[A-Za-z]//g' | grep -v '^\s*$' | tail -n 1 || true; }
