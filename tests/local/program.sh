# shellcheck shell=bash
# Sourced by the scripts beside it: what they need of the machine, and the program that they run.

# One line for each program that is missing. On Debian root has them installed.
need_machine() {
  local wanted=(curl jq openssl ss flock setpriv unshare pg_isready psql redis-server redis-cli prometheus inotifywait python3) program absent=()
  for program in "${wanted[@]}"; do type -P "$program" >/dev/null || absent+=("$program"); done
  [ -x "$postgresql_bin/initdb" ] || absent+=(initdb)
  [ -n "${CHATBOT_BINARY:-}" ] || type -P cargo >/dev/null || die "Rust 1.95 or newer is needed: install it with rustup"
  [ ${#absent[@]} != 0 ] || return 0
  if [ "$(id -u)" = 0 ] && type -P apt-get >/dev/null; then step "Debian packages" "$root/tests/trial/packages" local; return; fi
  die "${absent[*]}: not here. On Debian: sudo tests/trial/packages local; elsewhere install PostgreSQL, Redis, Prometheus and inotify-tools"
}

# Sets `program` to the chatbot, built where its sources changed. CHATBOT_BINARY names one that is built elsewhere. The first time the
# stand-ins and what comes from PyPI are made as well.
build_program() {
  program=${CHATBOT_BINARY:-$CARGO_TARGET_DIR/debug/chatbot}
  if [ -n "${CHATBOT_BINARY:-}" ]; then [ -x "$program" ] || die "CHATBOT_BINARY: $program cannot be run"; return 0; fi
  (cd "$root" && cargo build --locked --workspace --bin chatbot "$@")
}
build_services() {
  local packages=()
  [ -n "${CHATBOT_BINARY:-}" ] || { type -P qdrant >/dev/null || packages+=(--bin test-qdrant); packages+=(--bin test-upstream); }
  if [ ! -x "${CHATBOT_BINARY:-$CARGO_TARGET_DIR/debug/chatbot}" ]; then echo "The first build takes about seven minutes."; fi
  build_program "${packages[@]}" || die "it does not compile: the compiler's message stands above"
  [ -e "$cache/models/all-minilm-l6-v2/model.safetensors" ] || step "Embedding model" "$root/tests/images/embedding-model"
  compgen -G "$cache/cluster/parts/versitygw-*/versitygw" >/dev/null || step "Object store" "$root/tests/cluster/build" versitygw
}
has_command() { "$program" "$1" --help >/dev/null 2>&1; }
