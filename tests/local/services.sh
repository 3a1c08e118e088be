# shellcheck shell=bash
# Sourced by the scripts beside it: the services that local environments share, as processes of this machine.
#
# Whoever uses them holds a shared lock (file descriptor 9) and the last to leave stops them, unless `make local` keeps them. A lock ends
# with its process, however that ends. Another lock (8) lets one process at a time start or stop them.

postgresql_bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$postgresql_bin" ] || postgresql_bin=$(dirname "$(type -P initdb || echo /usr/bin/initdb)")
services=(postgresql redis qdrant s3 model prometheus)

# PostgreSQL refuses to run as root. In a user namespace root goes by the name of postgres, and the folder stays root's.
no_root=()
[ "$(id -u)" != 0 ] || no_root=(unshare --user --map-user=postgres --map-group=postgres)
initialise_postgresql() {
  local data=$state/postgresql
  [ ! -e "$data/complete" ] || return 0
  rm -rf "$data"
  "${no_root[@]}" "$postgresql_bin/initdb" -D "$data" -U postgres --pwfile=<(secret postgresql) --auth=scram-sha-256 -E UTF8 --locale=C.UTF-8 --no-sync >"$logs/initdb.log" 2>&1 ||
    { tail -n 5 "$logs/initdb.log" >&2; die "the database server's folder could not be made: run this as a user who is not root"; }
  # prod asks for an encrypted connection, here too.
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=localhost -keyout "$data/server.key" -out "$data/server.crt" 2>/dev/null
  chmod 600 "$data/server.key"
  touch "$data/complete"
}
run_postgresql() {
  initialise_postgresql
  detached postgresql "${no_root[@]}" "$postgresql_bin/postgres" -D "$state/postgresql" -c port="${port[postgresql]}" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c ssl=on -c max_connections=300
}
postgresql_ready() { pg_isready -q -t 2 -h 127.0.0.1 -p "${port[postgresql]}"; }

# Nothing in it must last (the contract of the chatbot), so nothing is written.
run_redis() { detached redis redis-server --port "${port[redis]}" --bind 127.0.0.1 --save '' --appendonly no; }
redis_ready() { [ "$(timeout 2 redis-cli -p "${port[redis]}" ping 2>/dev/null)" = PONG ]; }

# Qdrant's own server where it is installed, else the stand-in of tests/qdrant. They take the same variables.
run_qdrant() {
  export QDRANT__SERVICE__HOST=127.0.0.1 QDRANT__SERVICE__HTTP_PORT=${port[qdrant]} QDRANT__SERVICE__GRPC_PORT=$((${port[qdrant]} + 1)) \
    QDRANT__STORAGE__STORAGE_PATH=$state/qdrant QDRANT__STORAGE__SNAPSHOTS_PATH=$state/qdrant-snapshots
  mkdir -p "$QDRANT__STORAGE__STORAGE_PATH"
  detached qdrant "$(type -P qdrant || test_program test-qdrant)"
}
qdrant_ready() { answers "$(url qdrant)/healthz"; }

run_s3() {
  export ROOT_ACCESS_KEY=local ROOT_SECRET_KEY; ROOT_SECRET_KEY=$(secret s3)
  mkdir -p "$state/s3"
  detached s3 "$("$root/tests/cluster/build" versitygw)/versitygw" --port "127.0.0.1:${port[s3]}" posix "$state/s3"
}
s3_ready() { listens "${port[s3]}"; }

# Which model answers: `local` is the small one of `make up`, where that was built; `scripted` repeats the question, and takes scripts.
llama() { [ -e "$cache/models/smollm2/model.gguf" ] && compgen -G "$cache/llama/*/llama-server" | head -n 1; }
model() { if [ -n "${MODEL:-}" ]; then echo "$MODEL"; elif [ -n "$(llama)" ]; then echo local; else echo scripted; fi; }
model_name() { if [ "$(model)" = local ]; then echo smollm2; else echo scripted; fi; }
run_model() {
  case $(model) in
    local) [ -n "$(llama)" ] || die "the small model is not there: tests/images/build model makes it (ten minutes); MODEL=scripted does without" ;;&
    # Threads that spin while they wait would slow everything else down.
    local) OMP_WAIT_POLICY=passive detached model "$(llama)" --model "$cache/models/smollm2/model.gguf" --alias smollm2 --host 127.0.0.1 --port "${port[model]}" --ctx-size 4096 --parallel 2 --threads 2 ;;
    scripted) HOST=127.0.0.1 PORT=${port[model]} detached model "$(test_program test-upstream)" ;;
    *) die "MODEL is local or scripted, not '$MODEL'" ;;
  esac
}
model_ready() { answers "$(url model)/v1/models"; }

# Asks all three environments, whichever of them run.
run_prometheus() {
  local tier file=$state/prometheus.yml
  { echo 'global: {scrape_interval: 15s}'; echo 'scrape_configs:'
    for tier in "${tiers[@]}"; do echo "  - {job_name: $tier, static_configs: [{targets: ['127.0.0.1:${port[$tier]}', '127.0.0.1:${port[$tier-worker]}'], labels: {environment: $tier}}]}"; done; } >"$file"
  detached prometheus prometheus --config.file="$file" --storage.tsdb.path="$state/prometheus" --storage.tsdb.retention.time=15d --web.listen-address="127.0.0.1:${port[prometheus]}"
}
prometheus_ready() { answers "$(url prometheus)/-/ready"; }

test_program() { PREBUILT=1 rust_program dev "$1" "$1"; }

# Starts a service that outlives this script and its terminal, without this script's locks.
detached() {
  local name=$1; shift
  setsid "$@" >"$logs/$name.log" 2>&1 </dev/null 7>&- 8>&- 9>&- &
  remember "$name" $!
}

# Waits until service $1 answers.
await() {
  local name=$1 deadline=$((SECONDS + 60))
  until "${name}_ready"; do
    running "$name" >/dev/null || { tail -n 10 "$logs/$name.log" >&2; die "$name ended while it started: see $logs/$name.log"; }
    [ $SECONDS -lt $deadline ] || die "$name does not answer after 60 s: see $logs/$name.log"
    sleep 0.1
  done
}

start_services() {
  local name wanted=()
  for name in "${services[@]}"; do running "$name" >/dev/null || wanted+=("$name"); done
  [ ${#wanted[@]} = ${#services[@]} ] || [ "$offset" = "$(remembered_offset)" ] ||
    die "the services run with PORT_OFFSET=$(remembered_offset): leave PORT_OFFSET out, or end them first (make local-stop)"
  [ ${#wanted[@]} != 0 ] || return 0
  need_ports "${wanted[@]}"
  mkdir -p "$logs"; echo "$offset" >"$state/offset"
  for name in "${wanted[@]}"; do "run_$name"; done
  for name in "${wanted[@]}"; do await "$name"; done
}
stop_services() {
  local name pid signal asked=()
  for name in "${services[@]}"; do
    pid=$(running "$name") || continue
    # To PostgreSQL TERM means: when the last client has left. INT does not wait for them.
    signal=TERM; [ "$name" != postgresql ] || signal=INT
    kill -s $signal "$pid" 2>/dev/null || true
    asked+=("$pid")
  done
  await_end 15 "${asked[@]}"
  for name in "${services[@]}"; do rm -f "$state/run/$name.pid"; done
}

# From here on this script uses the services, until it ends or says services_leave.
services_enter() {
  mkdir -p "$state/run"
  exec 8>"$state/run/starting.lock" 9>"$state/run/users.lock"
  flock 8; flock -s 9
  start_services
  exec 8>&-
}
services_leave() {
  exec 9>&- 8>"$state/run/starting.lock"
  flock 8
  if [ ! -e "$state/run/keep" ] && flock -n "$state/run/users.lock" true; then stop_services; fi
  exec 8>&-
}
