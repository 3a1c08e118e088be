# shellcheck shell=bash
# Sourced by scripts that check claims: each is one line, and what it printed is shown only when it does not hold.

work=$(mktemp -d)
failures=0

# Runs a check and says how it went. In a subshell and outside of `if`, since inside of one bash would go on after a failing command.
check() {
  local claim=$1 status=0; shift
  set +e; (set -e; "$@") >"$work/said" 2>&1; status=$?; set -e
  if [ "$status" = 0 ]; then printf '  ok    %s\n' "$claim"; return; fi
  printf '  FAIL  %s\n' "$claim"; sed 's/^/        /' "$work/said" | head -n 40; failures=$((failures + 1))
}
checks_end() { [ "$failures" = 0 ] || { echo "$failures checks failed" >&2; exit 1; }; }
