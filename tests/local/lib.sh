# shellcheck shell=bash
# Sourced by the scripts beside it: where the local environments keep their things, their ports, and who runs.
set -euo pipefail

# shellcheck source=tests/trial/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../trial/lib.sh"
state=${LOCAL_DATA:-$root/.dev}    # data, logs and secrets; kept between runs
logs=$state/logs
tiers=(dev stage prod)

# The ports that everybody knows, moved together by PORT_OFFSET. It is remembered, so that other commands find what runs.
remembered_offset() { cat "$state/offset" 2>/dev/null || echo 0; }
offset=${PORT_OFFSET:-$(remembered_offset)}
[[ $offset =~ ^[0-9]+$ && $offset -le 50000 ]] || die "PORT_OFFSET is a whole number from 0 to 50000, not '$offset'"
declare -A port=(
  [postgresql]=5433 [redis]=6379 [qdrant]=6333 [s3]=9000 [model]=8090 [prometheus]=9090
  [dev]=8000 [stage]=8001 [prod]=8002 [dev-monitor]=5555 [stage-monitor]=5556 [prod-monitor]=5557
  [dev-worker]=8010 [stage-worker]=8011 [prod-worker]=8012   # a worker's health and metrics
)
for name in "${!port[@]}"; do port[$name]=$((port[$name] + offset)); done
url() { echo "http://localhost:${port[$1]}"; }

known_tier() { [[ " ${tiers[*]} " == *" ${1:-} "* ]] || die "TIER is one of ${tiers[*]}, not '${1:-}': make ${2:-dev-env} TIER=stage"; }

# Prints a secret that is made when it is first asked for, and is kept.
secret() {
  local file=$state/secrets/$1
  [ -s "$file" ] || (umask 077; mkdir -p "$state/secrets"; openssl rand -hex 24 >"$file")
  cat "$file"
}

# A process is known by its number and by when it began: numbers are used again.
birth() { local fields; fields=$(cat "/proc/$1/stat" 2>/dev/null) && fields=${fields##*) } && cut -d ' ' -f 20 <<<"$fields"; }
remember() { mkdir -p "$state/run"; echo "$2 $(birth "$2") $(cat /proc/sys/kernel/random/boot_id)" >"$state/run/$1.pid"; } # name, process
# Prints the process called $1, if it runs.
running() {
  local pid born boot
  read -r pid born boot 2>/dev/null <"$state/run/$1.pid" || return 1
  [ "$boot" = "$(cat /proc/sys/kernel/random/boot_id)" ] && [ "$(birth "$pid")" = "$born" ] && echo "$pid"
}
# Waits for the end of processes that were asked to end; after $1 seconds it insists.
await_end() {
  local tenths=$(($1 * 10)) pid; shift
  for pid in "$@"; do
    while kill -0 "$pid" 2>/dev/null && [ "$(ps -o stat= -p "$pid")" != Z ]; do
      [ $((tenths -= 1)) -ge 0 ] || { kill -KILL "$pid" 2>/dev/null || true; break; }
      sleep 0.1
    done
  done
}

answers() { curl -fsS -m 2 -o /dev/null "$1" 2>/dev/null; }
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# Says who listens on port $1: "python3 (process 4711)".
holder() {
  local who
  who=$(ss -Hltnp "sport = :$1" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1 (process \2)/p' | head -n 1)
  echo "${who:-a program of another user}"
}
# Prints an offset by which every port is free, below those that the system gives to whoever calls out.
free_offset() {
  local name found
  while found=$((10000 + RANDOM % 12000)); do
    for name in "${!port[@]}"; do ! listens $((port[$name] - offset + found)) || continue 2; done
    echo "$found"; return
  done
}
# For each name: its port must be free.
need_ports() {
  local name taken=0
  for name in "$@"; do
    ! listens "${port[$name]}" || { missing "port ${port[$name]}, which $name needs: $(holder "${port[$name]}") has it."; taken=1; }
  done
  [ $taken = 0 ] || die "end what has these ports, or move all of them: PORT_OFFSET=100"
}

# Does the environment of tier $1 run here?
environment_runs() { [ -e "$state/$1/lock" ] && ! flock -n "$state/$1/lock" true; }
