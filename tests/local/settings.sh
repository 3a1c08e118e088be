# shellcheck shell=bash
# Sourced by the scripts beside it: the variables of one environment.
#
# .env (dev), .env.stage or .env.prod in the checkout win, but for tier and ports. What makes it an environment of its own (database, prefix,
# key) is made here otherwise. For everything else the terminal's variables count, and then what `make dev` starts.

settings_file() { if [ "$1" = dev ]; then echo "$root/.env"; else echo "$root/.env.$1"; fi; }
# Prints the NAME=value lines of the tier's file, without quotes around values.
own_settings() {
  [ -e "$(settings_file "$1")" ] || return 0
  sed -nE "s/^[[:space:]]*(export[[:space:]]+)?([A-Z][A-Z0-9_]*)=(.*)$/\2=\3/p" "$(settings_file "$1")" |
    sed -E "s/^([^=]*)=\"(.*)\"[[:space:]]*$/\1=\2/; s/^([^=]*)='(.*)'[[:space:]]*$/\1=\2/; s/[[:space:]]+$//"
}

# Sets the array `variables` to NAME=value of everything that a process of tier $1 is told.
variables_of() {
  local tier=$1 own line name role=${1}_chatbot
  declare -A value=()
  own=$(own_settings "$tier")
  while read -r line; do [ -z "$line" ] || value[${line%%=*}]=${line#*=}; done < <(model_settings "$own"; shared_settings)
  for name in "${!value[@]}"; do value[$name]=${!name:-${value[$name]}}; done
  value[RESOURCE_PREFIX]=${tier}_ value[SECRET_KEY]=$(secret "$tier-secret-key") value[HOST]=127.0.0.1
  value[DATABASE_URL]="postgresql://$role:$(secret "$tier-database")@127.0.0.1:${port[postgresql]}/$role?sslmode=require"
  while read -r line; do [ -z "$line" ] || value[${line%%=*}]=${line#*=}; done <<<"$own"
  value[ENVIRONMENT]=$tier value[PORT]=${port[$tier]} value[MONITOR_PORT]=${port[$tier-monitor]}
  variables=()
  for name in "${!value[@]}"; do variables+=("$name=${value[$name]}"); done
}
# A key or an address of one's own means a model of one's own.
model_settings() {
  ! grep -qE '^(OPENROUTER_API_KEY|LLM_BASE_URL)=.' <<<"$1" || return 0
  [ -z "${OPENROUTER_API_KEY:-}${LLM_BASE_URL:-}" ] || { echo "OPENROUTER_API_KEY=${OPENROUTER_API_KEY:-none}"; return 0; }
  printf '%s\n' OPENROUTER_API_KEY=none "LLM_BASE_URL=$(url model)/v1" "LLM_MODEL=$(model_name)"
  # It is small: short answers keep it to the point.
  printf '%s\n' LLM_MAX_TOKENS=160 LLM_FREQUENCY_PENALTY=0.5
}
shared_settings() {
  local embedding=$cache/models/all-minilm-l6-v2
  printf '%s\n' "REDIS_URL=redis://127.0.0.1:${port[redis]}/0" "QDRANT_URL=$(url qdrant)" \
    "MINIO_URL=$(url s3)" MINIO_ROOT_USER=local "MINIO_ROOT_PASSWORD=$(secret s3)" LOG_FORMAT=text DRAIN_TIMEOUT=10
  if [ -e "$embedding/model.safetensors" ]; then printf '%s\n' "EMBEDDING_MODEL_DIR=$embedding"; else echo EMBEDDING_PROVIDER=none; fi
}

# Runs a command as a process of the tier in `variables`.
as_environment() { env "${variables[@]}" "$@"; }
administrator() { echo "ADMIN_DATABASE_URL=postgresql://postgres:$(secret postgresql)@127.0.0.1:${port[postgresql]}/postgres?sslmode=require"; }

names_database() { own_settings "$1" | grep -q '^DATABASE_URL=.'; }
# Database, role, bucket and collections, and the schema of this program. A database of the user's own is there already.
prepare_environment() {
  local log=$state/$1/prepare.log
  mkdir -p "$state/$1"
  { { names_database "$1" || as_environment "$(administrator)" "$program" provision; } && as_environment "$program" migrate up; } >"$log" 2>&1 || {
    grep -h '^error:' "$log" >&2 || tail -n 5 "$log" >&2
    return 1
  }
}
