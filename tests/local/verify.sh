# shellcheck shell=bash
# Sourced by `verify-build`: one function for each of its checks. What it prints is its log; what it returns decides.

check_format() { cargo fmt --all --check; }
check_clippy() { cargo clippy --locked --workspace --all-targets -- -D warnings; }
check_scripts() {
  local scripts; mapfile -t scripts < <(git ls-files -co --exclude-standard -- tests .githooks .ci charts | while read -r file; do
    [ ! -f "$file" ] || ! head -n 1 "$file" | grep -qE '^#!/usr/bin/env bash|^# shellcheck shell=bash' || echo "$file"; done)
  "$("$root/tests/local/tool" shellcheck)" --severity=warning "${scripts[@]}" && echo "${#scripts[@]} scripts"
}
check_hooks() {
  local folder; folder=$(git config core.hooksPath || true)
  [ "$folder" = .githooks ] || { echo "git looks for hooks in ${folder:-.git/hooks}, not in .githooks"; return 1; }
  [ -x .githooks/pre-commit ] || { echo ".githooks/pre-commit is no program"; return 1; }
}
# One selection of packages in all of these: another would build the large crates once more.
check_variables() { tests_pass --lib config::documented; }
check_migrations() { tests_pass --test database migrations::; }
# A filter that matches nothing passes too: that is no pass here.
tests_pass() {
  cargo test --locked --workspace "${@:1:$#-1}" -- "${@: -1}" | tee "$logs/verify-$name.tests" || return 1
  grep -qE '^test result: ok\. [1-9][0-9]* passed' "$logs/verify-$name.tests" || { echo "no test has this name: ${*: -1}"; return 1; }
}
check_deny() { "$("$root/tests/local/tool" cargo-deny)" --locked check licenses bans sources; }
check_audit() {
  local copy said
  # A copy of the list beside the checkout serves where it cannot be fetched.
  for copy in ../advisory-db ../*/advisory-db; do [ -n "${ADVISORY_DB:-}" ] || [ ! -d "$copy/crates" ] || ADVISORY_DB=$(realpath "$copy"); done
  export ADVISORY_DB=${ADVISORY_DB:-} PATH=$PATH
  PATH=$(dirname "$("$root/tests/local/tool" cargo-audit)"):$PATH
  said=$("$root/tests/trial/advisories" 2>&1) || { echo "$said"; return 1; }
  echo "$said"
  # Not looked at is not passed.
  ! grep -q '^SKIPPED' <<<"$said"
}

# In a folder of its own, for instrumented code is another one. The end-to-end tests need a cluster, and are not counted.
check_coverage() {
  local LLVM_COV LLVM_PROFDATA
  LLVM_COV=$("$root/tests/local/tool" llvm-cov); LLVM_PROFDATA=$("$root/tests/local/tool" llvm-profdata)
  PATH=$(dirname "$("$root/tests/local/tool" cargo-llvm-cov)"):$PATH
  export LLVM_COV LLVM_PROFDATA PATH EMBEDDING_MODEL_DIR; EMBEDDING_MODEL_DIR=$("$root/tests/images/embedding-model")
  # Tools from PyPI are built without zlib.
  CARGO_TARGET_DIR=$cache/coverage RUSTFLAGS="-Cllvm-args=-enable-name-compression=false" \
    cargo llvm-cov --locked --workspace --exclude e2e --exclude bench --ignore-filename-regex "$not_counted" --summary-only --fail-under-lines "$COVERAGE"
}
# Tests themselves, and the stand-ins that only tests use.
not_counted='(^|/)tests(/|\.rs$)'

# Sets `running_url`: that of VERIFY_URL, of the dev environment that runs in this checkout, or of one that is started for it.
find_environment() {
  [ -z "${running_url:-}" ] || return 0
  if [ -n "${VERIFY_URL:-}" ]; then running_url=$VERIFY_URL
  elif running dev >/dev/null; then running_url=$(url dev)
  else start_environment; fi
}
start_environment() {
  own_data=$(mktemp -d); export own_data
  local own_offset deadline=$((SECONDS + 900)); own_offset=$(free_offset)
  MODEL=scripted LOCAL_DATA=$own_data PORT_OFFSET=$own_offset setsid "$root/tests/local/environment" dev >"$logs/verify-environment.log" 2>&1 </dev/null & own_environment=$!
  # Building may be part of it.
  until grep -q '^dev is ready' "$logs/verify-environment.log"; do
    kill -0 $own_environment 2>/dev/null && [ $SECONDS -lt $deadline ] || { tail -n 20 "$logs/verify-environment.log"; own_environment=''; return 1; }
    sleep 0.2
  done
  running_url=http://localhost:$((8000 + own_offset))
}
end_of_checks() {
  [ -z "${own_environment:-}" ] || { kill "$own_environment" 2>/dev/null || true; wait "$own_environment" 2>/dev/null || true; }
  [ -z "${own_data:-}" ] || rm -rf "$own_data"
}
# The worst of its services counts.
check_health() {
  [ -n "${running_url:-}" ] || return 1
  curl -fsS -m 10 "$running_url/health" | tee /dev/stderr | jq -e '.status == "ok" and all(.services[]; .healthy)' >/dev/null
}
check_swagger() {
  [ -n "${running_url:-}" ] || return 1
  curl -fsSL -m 10 "$running_url/docs" | grep -qi swagger || { echo "$running_url/docs is no Swagger UI"; return 1; }
  curl -fsS -m 10 "$running_url/openapi.json" | jq -e '.openapi and (.paths | length > 0)' || { echo "$running_url/openapi.json describes nothing"; return 1; }
}

# Makes one check and says how it went.
look() {
  local name=$1 began status=0 log; began=$(date +%s%N) log=$logs/verify-$1.log
  [ ! -t 1 ] || printf '    … %s' "${title[$name]}"
  : >"$log"
  case $name in health | swagger) find_environment >>"$log" 2>&1 || true ;; esac
  # In a subshell, and outside of `if`: inside of one bash would go on after a command that fails.
  set +e; (set -e; "check_$name") >>"$log" 2>&1 </dev/null; status=$?; set -e
  [ ! -t 1 ] || printf '\r\e[K'
  if [ $status = 0 ]; then printf '  ✓ %-58s %6s s\n' "${title[$name]}" "$(elapsed "$began")"
  else printf '  %s✗ %-58s%s %6s s\n' "$red" "${title[$name]}" "$plain" "$(elapsed "$began")"; failed+=("$name"); fi
}
