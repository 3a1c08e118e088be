# shellcheck shell=bash
# What the trial's scripts share: where things are, and how a step is shown. Sourced, never run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${CHATBOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/chatbot-platform}
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
cluster=${CLUSTER:-local}          # local, kind or existing
number=${CLUSTER_NUMBER:-0}        # which of the local clusters
profile=${PROFILE:-image}          # cargo profile of the binaries in the images: image (small, slow to build) or dev
started=$(date +%s%N)
logs=$cache/logs
export PROFILE=$profile
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
mkdir -p "$logs"

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'; else bold='' dim='' red='' plain=''; fi

elapsed() { awk -v a="$1" -v b="$(date +%s%N)" 'BEGIN{printf "%.1f", (b-a)/1e9}'; }

# One line on stderr that says what is missing and what to do, then the end.
die() { printf '%serror:%s %s\n' "$red" "$plain" "$1" >&2; exit 1; }

# Runs a command as a named step: title, then what it prints in a log, then how long it took. On a terminal, and on
# others every half minute, it says that it is still going, with the log's last line.
step() {
  local title=$1 log began pid beat=0 tick=1 every=30 status=0; shift
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
