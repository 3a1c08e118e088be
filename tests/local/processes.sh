# shellcheck shell=bash
# Sourced by `environment`: its processes, what they print, and when they begin anew. Uses its variables tier, program, variables, ending.

declare -A process=() output=() painter=() colour=([serve]=36 [worker]=33 [monitor]=35)
kinds=(serve worker)
say() { printf '%s%s%s\n' "$bold" "$*" "$plain"; }

# Gives a kind of process its place: each line with its name before it, in its colour, and all of them in a file. One for all its lives.
open_output() {
  local kind=$1 on='' off='' file=$logs/$tier-$1.log
  [ ! -t 1 ] || on=$'\e['${colour[$kind]}m off=$'\e[0m'
  : >"$file"
  exec {fd}> >(exec setsid sed -u -e "w $file" -e "s/^/$(printf '%s%-5s %-7s|%s ' "$on" "$tier" "$kind" "$off")/" 7>&- 9>&-)
  output[$kind]=$fd painter[$kind]=$!
}
# A process of its own session: Ctrl-C reaches it through us alone, in order. It ends when we are killed.
start_process() {
  local kind=$1 own=()
  [ "$kind" != worker ] || own=("PORT=${port[$tier-worker]}")
  [ -n "${output[$kind]:-}" ] || open_output "$kind"
  # `env` and the others become the program: the number stays that of the process.
  env "${variables[@]}" "${own[@]}" setsid setpriv --pdeathsig TERM "$program" "$kind" >&"${output[$kind]}" 2>&1 </dev/null 7>&- 9>&- &
  process[$kind]=$!
}
start_processes() {
  local kind
  kinds=(serve worker); ! has_command monitor || kinds+=(monitor)
  echo "${kinds[*]}" >"$state/$tier/kinds"
  stamp=$(program_stamp)
  for kind in "${kinds[@]}"; do start_process "$kind"; done
}
stop_processes() {
  local pid
  # One TERM each: a second one would cut their jobs short.
  for pid in "${process[@]}"; do kill "$pid" 2>/dev/null || true; done
  await_end 15 "${process[@]}"
  for pid in "${process[@]}"; do wait "$pid" 2>/dev/null || true; done
  process=()
}
# What they said last is shown before we go.
close_outputs() {
  local kind
  for kind in "${!output[@]}"; do eval "exec ${output[$kind]}>&-"; done
  for kind in "${!painter[@]}"; do wait "${painter[$kind]}" 2>/dev/null || true; done
}

ready() {
  case $1 in
    serve) answers "$(url "$tier")/health/ready" ;;
    worker) answers "$(url "$tier-worker")/health/ready" ;;
    monitor) answers "$(url "$tier-monitor")/healthcheck" ;;
  esac
}
# Waits until all of them answer.
await_processes() {
  local kind deadline=$((SECONDS + 60))
  for kind in "${kinds[@]}"; do
    until ready "$kind"; do
      [ -z "$ending" ] || return 0
      kill -0 "${process[$kind]}" 2>/dev/null || return 1
      [ $SECONDS -lt $deadline ] || { echo "$kind does not answer after 60 s" >&2; return 1; }
      sleep 0.1
    done
    # Another program that took the port in the meantime may have answered.
    kill -0 "${process[$kind]}" 2>/dev/null || return 1
  done
}
# Says once that a process has ended by itself; it begins anew with the next change.
note_ended() {
  local kind status
  for kind in "${!process[@]}"; do
    kill -0 "${process[$kind]}" 2>/dev/null && continue
    status=0; wait "${process[$kind]}" || status=$?
    unset "process[$kind]"
    say "$kind ended with status $status; it begins anew with the next change, or by make restart TIER=$tier"
  done
}
restart_processes() {
  local began; began=$(date +%s%N)
  stop_processes
  prepare_environment "$tier" || { say "the schema could not be brought up to date: see $state/$tier/prepare.log"; return 0; }
  start_processes
  if await_processes; then say "$tier answers again after $(elapsed "$began") s"; fi
}

# Which program this is: cargo puts another file in the old one's place.
program_stamp() { stat -c '%i %Y %s' "$program" 2>/dev/null || true; }
watched() { if [ -n "${CHATBOT_BINARY:-}" ]; then dirname "$program"; else printf '%s\n' "$root"/chatbot/{src,migrations,assets,Cargo.toml,build.rs} "$root"/Cargo.{toml,lock}; fi; }
# Anew before each build: an editor that puts another file in a file's place takes the watch away with the old one.
watch_sources() {
  local paths=() path
  stop_watching
  while read -r path; do [ ! -e "$path" ] || paths+=("$path"); done < <(watched)
  exec {changes}< <(exec setsid inotifywait -q -m -r -e close_write,moved_to,moved_from,create,delete --exclude '(\.sw.|~|\.snap\.new)$' --format '%w%f' "${paths[@]}" 7>&- 9>&- 2>/dev/null)
  watcher=$!
}
stop_watching() {
  [ -n "${watcher:-}" ] || return 0
  kill "$watcher" 2>/dev/null || true
  exec {changes}<&-
  watcher=''
}
# Waits up to $1 seconds for a change, and then until there is none for a moment: an editor writes more than one file.
changed() {
  # Where nothing can be watched (too many watches), time passes all the same.
  read -r -t "$1" -u "$changes" path || { [ $? -gt 128 ] || sleep "$1"; return 1; }
  while read -r -t 0.3 -u "$changes" _; do :; done
}
# What runs goes on until its successor is built, and longer where that does not compile.
renew() {
  [ -n "${CHATBOT_BINARY:-}" ] || say "${path#"$root/"} changed"
  watch_sources
  build_program || { say "it does not compile: $tier goes on as it was"; return 0; }
  [ "$(program_stamp)" != "$stamp" ] || return 0
  [ -x "$program" ] || return 0
  restart_processes
}

# A login for people and a key for commands, made once.
make_access() {
  local folder=$state/$tier log=$state/$tier/access.log
  : >"$log"
  if [ ! -e "$folder/login" ] && "$program" user create --help 2>/dev/null | grep -q -- --password-stdin; then
    make_login >>"$log" 2>&1 || die "no login could be made: see $log"
    touch "$folder/login"
  fi
  [ -s "$folder/api-key" ] || (umask 077; as_environment "$program" user key create --name local >"$folder/api-key" 2>>"$log") || die "no API key could be made: see $log"
}
# Data of an earlier version has the user already.
make_login() {
  secret "$tier-admin" | as_environment "$program" user create admin --role admin --password-stdin ||
    { secret "$tier-admin" | as_environment "$program" user password admin && as_environment "$program" user role admin admin; }
}
announce() {
  say "$tier is ready after $(elapsed "$started") s, of which building took $built s."
  printf '  %-10s %s\n' chatbot "$(url "$tier"), Swagger UI at $(url "$tier")/docs"
  [[ " ${kinds[*]} " != *" monitor "* ]] || printf '  %-10s %s\n' monitor "$(url "$tier-monitor")"
  [ ! -e "$state/$tier/login" ] || printf '  %-10s %s\n' login "admin, password in $state/secrets/$tier-admin"
  printf '  %-10s %s\n' Prometheus "$(url prometheus)" model "$(model)" "API key" "in $state/$tier/api-key" ask "make ask TIER=$tier QUESTION=\"…\""
}
